// The objects of one kind, as last seen on the API server or last written by us.
//
// One Watcher fills it; everybody reads it. Our own writes are stored at once (`remember`, `forget`), so that the next
// reconcile sees them: it neither repeats them nor meets a conflict. An older event for an object never replaces a
// newer state.
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

// True if resourceVersion a is older than b. Versions are compared as numbers (KEP-5504). If one is no number, their
// order is unknown, and the result is false.
inline bool isOlder(std::string_view a, std::string_view b) {
  std::uint64_t left = 0, right = 0;
  const auto [x, badA] = std::from_chars(a.data(), a.data() + a.size(), left);
  const auto [y, badB] = std::from_chars(b.data(), b.data() + b.size(), right);
  if (badA != std::errc() || badB != std::errc() || x != a.data() + a.size() || y != b.data() + b.size()) return false;
  return left < right;
}

// True if a is newer than b or may be: if one is no number and they differ, the order is unknown.
inline bool isNewer(std::string_view a, std::string_view b) { return a != b && !isOlder(a, b); }

// Thread-safe. K has `metadata`, an api::ObjectMeta, LeanMeta or PackedMeta.
template <class K>
class Store {
 public:
  using Ptr = std::shared_ptr<const K>;
  // before null: new; after null: gone; never both. Called without a lock, on the thread that made the change. Two
  // changes at once may be told in either order, so a listener takes only the key and looks again. An exception is
  // logged, and the other listeners are still called.
  using Listener = std::function<void(const Ptr& before, const Ptr& after)>;
  // The values under which indexed() finds an object.
  using Indexer = std::function<std::vector<std::string>(const K&)>;

  Store() = default;
  explicit Store(Indexer indexer) : indexer_(std::move(indexer)) {}

  // Call it only before the watcher starts.
  void onChange(Listener listener) { listeners_.push_back(std::move(listener)); }

  Ptr get(const ObjectKey& key) const {
    std::shared_lock lock(mutex_);
    const auto found = objects_.find(api::viewOf(key));
    return found == objects_.end() ? nullptr : found->object;
  }

  // True if the store holds the object of that key with that UID and version.
  bool holds(const ObjectKey& key, std::string_view uid, std::string_view version) const {
    std::shared_lock lock(mutex_);
    const auto found = objects_.find(api::viewOf(key));
    return found != objects_.end() && uidOf(*found->object) == uid && versionOf(*found->object) == version;
  }

  // Ordered by key.
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

  // Unordered.
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

  // True once a whole list was read.
  bool synced() const {
    std::shared_lock lock(mutex_);
    return synced_;
  }

  // Waits until synced(). False if `stop` came first.
  bool waitUntilSynced(const std::stop_token& stop) const {
    std::shared_lock lock(mutex_);
    return listedOnce_.wait(lock, stop, [this] { return synced_; });
  }

  // ---- our own writes ----

  // Stores the server's answer to our create or update. Does nothing if the object was deleted or changed again before
  // the answer was read.
  void remember(K written) { put(std::make_shared<const K>(std::move(written)), Source::Write); }

  // Our delete was accepted: the object of that UID is gone, and events from before the delete are ignored. An event
  // with a deletionTimestamp comes from after the delete: the object stays for a grace period or for a finalizer that
  // we had not seen, and is stored again.
  void forget(const ObjectKey& key, const std::string& uid) {
    Ptr before;
    {
      std::unique_lock lock(mutex_);
      const auto found = objects_.find(api::viewOf(key));
      if (found == objects_.end() || uidOf(*found->object) != uid) return;
      // An object with finalizers stays for a while; the watch will tell.
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

  // The list under way contains the object of that UID.
  void listed(const ObjectKey& key, std::string_view uid) {
    std::unique_lock lock(mutex_);
    const auto found = objects_.find(api::viewOf(key));
    if (found != objects_.end() && uidOf(*found->object) == uid) found->list = list_;
  }

  // The key belongs now to an object of that UID, which cannot be read. A stored object of another UID is gone.
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

  // Removes the objects that the list did not contain, unless they are newer than the list.
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

  // Stores an object from an event of a watch or from a list.
  void apply(K object) { put(std::make_shared<const K>(std::move(object)), Source::Watch); }

  // The object of that UID was deleted, or left the selection, at that version.
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
  // An object is found by its own key, which is stored nowhere else: only an object of the same key replaces it. The
  // set is hashed rather than ordered: each step down a tree would read another object's key, which is in no cache of
  // the processor.
  struct Slot {
    mutable Ptr object;
    mutable std::uint64_t list = 0;  // the last list that contained it
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
        // The last list would have contained the object, so it was deleted before the answer was read.
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

  // From now on states of that UID up to that version are ignored. An empty version: all states without a
  // deletionTimestamp.
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

  // Enough for the deletions during one late event or answer.
  static constexpr std::size_t kTombstones = 4096;

  const Indexer indexer_{};
  std::vector<Listener> listeners_;

  mutable std::shared_mutex mutex_;  // protects all members below
  Objects objects_;
  std::map<std::string, std::set<ObjectKey>> index_;
  std::uint64_t list_ = 0;                                   // number of the list under way, or of the last one
  std::string listedAt_;                                     // version of the last complete list
  std::unordered_map<std::string, std::string> tombstones_;  // UID to version, of objects deleted lately
  std::deque<std::string> entombed_;                         // the same UIDs, oldest first
  bool synced_ = false;
  mutable std::condition_variable_any listedOnce_;
};

}  // namespace mpay::runtime
