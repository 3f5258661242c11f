// What the API server holds of one kind, as last seen or last written by us.
//
// Fed by one Watcher; read by everybody. A write of ours is remembered at once (`remember`,
// `forget`), so that the next reconcile reads its own writes and neither repeats them nor meets a
// conflict. Older events for an object never undo a newer state.
#pragma once

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "api/meta.h"
#include "base/log.h"

namespace mpay::runtime {

using api::ObjectKey;

// Whether resourceVersion a is older than b. Versions are compared as the numbers they are
// (KEP-5504); where one is no number nothing is known, and a is not called older.
inline bool isOlder(std::string_view a, std::string_view b) {
  std::uint64_t left = 0, right = 0;
  const auto [x, badA] = std::from_chars(a.data(), a.data() + a.size(), left);
  const auto [y, badB] = std::from_chars(b.data(), b.data() + b.size(), right);
  if (badA != std::errc() || badB != std::errc() || x != a.data() + a.size() || y != b.data() + b.size()) return false;
  return left < right;
}

// Whether a is newer than b, or may be: nothing is known where one is no number and they differ.
inline bool isNewer(std::string_view a, std::string_view b) { return a != b && !isOlder(a, b); }

// Thread-safe. K has `metadata`, an api::ObjectMeta, LeanMeta or PackedMeta.
template <class K>
class Store {
 public:
  using Ptr = std::shared_ptr<const K>;
  // Both null never; before null: new; after null: gone. Called without a lock held, on whichever
  // thread made the change; two changes at once may be told in either order, so a listener only
  // takes the key and looks again. What it throws is logged; the others are called all the same.
  using Listener = std::function<void(const Ptr& before, const Ptr& after)>;
  // The values under which an object is found by indexed().
  using Indexer = std::function<std::vector<std::string>(const K&)>;

  Store() = default;
  explicit Store(Indexer indexer) : indexer_(std::move(indexer)) {}

  // Only before the watcher starts.
  void onChange(Listener listener) { listeners_.push_back(std::move(listener)); }

  Ptr get(const ObjectKey& key) const {
    std::shared_lock lock(mutex_);
    const auto found = objects_.find(api::viewOf(key));
    return found == objects_.end() ? nullptr : found->object;
  }

  // Whether the object of that key is held, at that version of that UID.
  bool holds(const ObjectKey& key, std::string_view uid, std::string_view version) const {
    std::shared_lock lock(mutex_);
    const auto found = objects_.find(api::viewOf(key));
    return found != objects_.end() && uidOf(*found->object) == uid && versionOf(*found->object) == version;
  }

  // In the order of their keys.
  std::vector<Ptr> list() const {
    std::vector<Ptr> all;
    {
      std::shared_lock lock(mutex_);
      all.reserve(objects_.size());
      for (const auto& slot : objects_) all.push_back(slot.object);
    }
    std::sort(all.begin(), all.end(),
              [](const Ptr& a, const Ptr& b) { return api::keyOf(a->metadata) < api::keyOf(b->metadata); });
    return all;
  }

  // In no order.
  std::vector<ObjectKey> keys() const {
    std::shared_lock lock(mutex_);
    std::vector<ObjectKey> all;
    all.reserve(objects_.size());
    for (const auto& slot : objects_) all.push_back(slot.object->metadata.key());
    return all;
  }

  std::vector<Ptr> indexed(const std::string& value) const {
    std::shared_lock lock(mutex_);
    std::vector<Ptr> found;
    if (const auto keys = index_.find(value); keys != index_.end()) {
      for (const auto& key : keys->second) found.push_back(objects_.find(api::viewOf(key))->object);
    }
    return found;
  }

  std::size_t size() const {
    std::shared_lock lock(mutex_);
    return objects_.size();
  }

  // Whether a list was seen to its end once.
  bool synced() const {
    std::shared_lock lock(mutex_);
    return synced_;
  }

  // Waits for that; false when `stop` came first.
  bool waitUntilSynced(const std::stop_token& stop) const {
    std::shared_lock lock(mutex_);
    return listedOnce_.wait(lock, stop, [this] { return synced_; });
  }

  // ---- our own writes ----

  // The server's answer to our create or update. Without effect when the object went, or changed again,
  // before the answer was read.
  void remember(K written) { put(std::make_shared<const K>(std::move(written)), Source::Write); }

  // Our delete was accepted: the object of that UID is gone, whatever events from before the delete say. One that bears
  // a deletionTimestamp comes from after it: the object stays, for a finalizer that we had not seen or a grace period,
  // and is held again.
  void forget(const ObjectKey& key, const std::string& uid) {
    Ptr before;
    {
      std::unique_lock lock(mutex_);
      const auto found = objects_.find(api::viewOf(key));
      if (found == objects_.end() || uidOf(*found->object) != uid) return;
      // With finalizers it stays for a while; the watch will tell.
      if (api::hasFinalizers(found->object->metadata)) return;
      entombLocked(uid, "");
      before = eraseLocked(found);
    }
    tell(before, nullptr);
  }

  // ---- the watcher's side ----

  void beginList() {
    std::unique_lock lock(mutex_);
    ++list_;
  }

  // The list under way holds the object of that UID.
  void listed(const ObjectKey& key, std::string_view uid) {
    std::unique_lock lock(mutex_);
    const auto found = objects_.find(api::viewOf(key));
    if (found != objects_.end() && uidOf(*found->object) == uid) found->list = list_;
  }

  // The object of that key is of that UID now, which cannot be read: one of another UID that was held is gone.
  void superseded(const ObjectKey& key, std::string_view uid, std::string_view version) {
    Ptr before;
    {
      std::unique_lock lock(mutex_);
      const auto found = objects_.find(api::viewOf(key));
      if (found == objects_.end() || uidOf(*found->object) == uid) return;
      if (isOlder(version, versionOf(*found->object))) return;
      entombLocked(uidOf(*found->object), version);
      before = eraseLocked(found);
    }
    tell(before, nullptr);
  }

  // What was not listed is gone, unless it is newer than the list.
  void endList(const std::string& resourceVersion) {
    std::vector<Ptr> gone;
    {
      std::unique_lock lock(mutex_);
      for (auto at = objects_.begin(); at != objects_.end();) {
        const auto next = std::next(at);
        const Ptr& object = at->object;
        if (at->list != list_ && !isOlder(resourceVersion, versionOf(*object))) {
          entombLocked(uidOf(*object), resourceVersion);
          gone.push_back(eraseLocked(at));
        }
        at = next;
      }
      listedAt_ = resourceVersion;
      synced_ = true;
    }
    listedOnce_.notify_all();
    for (const auto& object : gone) tell(object, nullptr);
  }

  // As an event of a watch says, or an item of a list.
  void apply(K object) { put(std::make_shared<const K>(std::move(object)), Source::Watch); }

  // The object of that UID went, or left the selection, at that version.
  void remove(const ObjectKey& key, std::string_view uid, std::string_view version) {
    Ptr before;
    {
      std::unique_lock lock(mutex_);
      const auto found = objects_.find(api::viewOf(key));
      const bool known = found != objects_.end() && uidOf(*found->object) == uid;
      if (known && isOlder(version, versionOf(*found->object))) return;
      if (!version.empty()) entombLocked(uid, version);
      if (!known) return;
      before = eraseLocked(found);
    }
    tell(before, nullptr);
  }

 private:
  // Found by the object's own key, which is kept nowhere else: another object takes its place only under the same.
  // Hashed rather than ordered: each step down a tree reads another object's key, which no cache of the processor has.
  struct Slot {
    mutable Ptr object;
    mutable std::uint64_t list = 0;  // the last list that held it
  };
  struct KeyOf {
    using is_transparent = void;
    static api::KeyView keyOf(const Slot& slot) { return api::keyOf(slot.object->metadata); }
    static api::KeyView keyOf(const api::KeyView& key) { return key; }
  };
  struct Hash : KeyOf {
    std::size_t operator()(const auto& at) const { return api::hashOf(KeyOf::keyOf(at)); }
  };
  struct SameKey : KeyOf {
    bool operator()(const auto& a, const auto& b) const { return KeyOf::keyOf(a) == KeyOf::keyOf(b); }
  };
  using Objects = std::unordered_set<Slot, Hash, SameKey>;
  enum class Source { Watch, Write };

  static std::string_view uidOf(const K& object) { return api::uidOf(object.metadata); }
  static std::string_view versionOf(const K& object) { return api::versionOf(object.metadata); }

  void put(const Ptr& object, Source source) {
    Ptr before;
    {
      std::unique_lock lock(mutex_);
      if (isGoneLocked(*object)) return;
      const auto found = objects_.find(api::keyOf(object->metadata));
      if (found == objects_.end()) {
        // The last list would have held it, had it not gone before the answer was read.
        if (source == Source::Write && !isNewer(versionOf(*object), listedAt_)) return;
        objects_.insert({object});
      } else {
        const auto had = versionOf(*found->object), has = versionOf(*object);
        if (had == has || isOlder(has, had)) return;
        unindexLocked(*found->object);
        before = std::exchange(found->object, object);
      }
      if (indexer_) {
        for (auto& value : indexer_(*object)) index_[value].insert(object->metadata.key());
      }
    }
    tell(before, object);
  }

  // From now on nothing is believed of that UID up to that version; empty: nothing without a deletionTimestamp.
  void entombLocked(std::string_view uid, std::string_view version) {
    const auto [tombstone, fresh] = tombstones_.try_emplace(std::string(uid), version);
    if (!fresh) {
      if (tombstone->second.empty() || version.empty() || isOlder(tombstone->second, version))
        tombstone->second = version;
      return;
    }
    entombed_.emplace_back(uid);
    if (entombed_.size() <= kTombstones) return;
    tombstones_.erase(entombed_.front());
    entombed_.pop_front();
  }

  bool isGoneLocked(const K& object) const {
    if (tombstones_.empty()) return false;
    const auto tombstone = tombstones_.find(std::string(uidOf(object)));
    if (tombstone == tombstones_.end()) return false;
    if (tombstone->second.empty()) return !api::isBeingDeleted(object.metadata);
    return !isNewer(versionOf(object), tombstone->second);
  }

  Ptr eraseLocked(typename Objects::iterator at) {
    Ptr before = at->object;
    unindexLocked(*before);
    objects_.erase(at);
    return before;
  }

  void unindexLocked(const K& object) {
    if (!indexer_) return;
    for (const auto& value : indexer_(object)) {
      const auto keys = index_.find(value);
      if (keys == index_.end()) continue;
      keys->second.erase(object.metadata.key());
      if (keys->second.empty()) index_.erase(keys);
    }
  }

  void tell(const Ptr& before, const Ptr& after) const {
    for (const auto& listener : listeners_) guarded("a store's listener", [&] { listener(before, after); });
  }

  // As many as can go while one late event or answer is under way.
  static constexpr std::size_t kTombstones = 4096;

  const Indexer indexer_{};
  std::vector<Listener> listeners_;

  mutable std::shared_mutex mutex_;  // protects all below
  Objects objects_;
  std::map<std::string, std::set<ObjectKey>> index_;
  std::uint64_t list_ = 0;                                   // the number of the list under way, or of the last one
  std::string listedAt_;                                     // the version of the last one that was read to its end
  std::unordered_map<std::string, std::string> tombstones_;  // UID to version, of what went lately
  std::deque<std::string> entombed_;                         // their order
  bool synced_ = false;
  mutable std::condition_variable_any listedOnce_;
};

}  // namespace mpay::runtime
