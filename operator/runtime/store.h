// What the API server holds of one kind, as last seen or last written by us.
//
// Fed by one Watcher; read by everybody. A write of ours is remembered at once (`remember`,
// `forget`), so that the next reconcile reads its own writes and neither repeats them nor meets a
// conflict. Older events for an object never undo a newer state.
#pragma once

#include <charconv>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "api/meta.h"

namespace mpay::runtime {

using api::ObjectKey;

// Whether resourceVersion a is older than b. Versions are compared as the numbers they are
// (KEP-5504); where one is no number nothing is known, and a is not called older.
inline bool isOlder(const std::string& a, const std::string& b) {
  std::uint64_t left = 0, right = 0;
  const auto [x, badA] = std::from_chars(a.data(), a.data() + a.size(), left);
  const auto [y, badB] = std::from_chars(b.data(), b.data() + b.size(), right);
  if (badA != std::errc() || badB != std::errc() || x != a.data() + a.size() || y != b.data() + b.size()) return false;
  return left < right;
}

// Thread-safe. K has `ObjectMeta metadata`.
template <class K>
class Store {
 public:
  using Ptr = std::shared_ptr<const K>;
  // Both null never; before null: new; after null: gone. Called without a lock held, on whichever
  // thread made the change; two changes at once may be told in either order, so a listener only
  // takes the key and looks again.
  using Listener = std::function<void(const Ptr& before, const Ptr& after)>;
  // The values under which an object is found by indexed().
  using Indexer = std::function<std::vector<std::string>(const K&)>;

  Store() = default;
  explicit Store(Indexer indexer) : indexer_(std::move(indexer)) {}

  // Only before the watcher starts.
  void onChange(Listener listener) { listeners_.push_back(std::move(listener)); }

  Ptr get(const ObjectKey& key) const {
    std::shared_lock lock(mutex_);
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }

  std::vector<Ptr> list() const {
    std::shared_lock lock(mutex_);
    std::vector<Ptr> all;
    all.reserve(objects_.size());
    for (const auto& [key, object] : objects_) all.push_back(object);
    return all;
  }

  std::vector<Ptr> indexed(const std::string& value) const {
    std::shared_lock lock(mutex_);
    std::vector<Ptr> found;
    if (const auto keys = index_.find(value); keys != index_.end()) {
      for (const auto& key : keys->second) found.push_back(objects_.at(key));
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

  // ---- our own writes ----

  // The server's answer to our create or update. Without effect when the object went, or changed again,
  // before the answer was read.
  void remember(K written) { put(std::make_shared<const K>(std::move(written))); }

  // Our delete was accepted: the object of that UID is gone, whatever older events say.
  void forget(const ObjectKey& key, const std::string& uid) {
    Ptr before;
    {
      std::unique_lock lock(mutex_);
      const auto found = objects_.find(key);
      if (found == objects_.end() || found->second->metadata.uid != uid) return;
      // With finalizers it stays for a while; the watch will tell.
      if (!found->second->metadata.finalizers.empty()) return;
      buryLocked(uid, "");
      before = eraseLocked(found);
    }
    tell(before, nullptr);
  }

  // ---- the watcher's side ----

  void beginList() {
    std::unique_lock lock(mutex_);
    listed_.clear();
  }

  void listItem(K item) {
    {
      std::unique_lock lock(mutex_);
      listed_.insert(item.metadata.key());
    }
    put(std::make_shared<const K>(std::move(item)));
  }

  // The list holds this object, but it could not be read: what was known of it stays.
  void listUnread(const ObjectKey& key) {
    std::unique_lock lock(mutex_);
    listed_.insert(key);
  }

  // What was not listed is gone, unless it is newer than the list.
  void endList(const std::string& resourceVersion) {
    std::vector<Ptr> gone;
    {
      std::unique_lock lock(mutex_);
      for (auto at = objects_.begin(); at != objects_.end();) {
        const auto next = std::next(at);
        if (!listed_.contains(at->first) &&
            !isOlder(resourceVersion, at->second->metadata.resourceVersion.value_or(""))) {
          buryLocked(at->second->metadata.uid.value_or(""), resourceVersion);
          gone.push_back(eraseLocked(at));
        }
        at = next;
      }
      listed_.clear();
      synced_ = true;
    }
    for (const auto& object : gone) tell(object, nullptr);
  }

  void apply(K object) { put(std::make_shared<const K>(std::move(object))); }

  // An object went, or left the selection; `last` is its metadata at that version.
  template <class Meta>
  void remove(const Meta& last) {
    Ptr before;
    {
      std::unique_lock lock(mutex_);
      const std::string version = last.resourceVersion.value_or("");
      const auto found = objects_.find(last.key());
      const bool known = found != objects_.end() && found->second->metadata.uid == last.uid;
      if (known && isOlder(version, found->second->metadata.resourceVersion.value_or(""))) return;
      if (!version.empty()) buryLocked(last.uid.value_or(""), version);
      if (!known) return;
      before = eraseLocked(found);
    }
    tell(before, nullptr);
  }

 private:
  using Objects = std::map<ObjectKey, Ptr>;

  void put(const Ptr& object) {
    Ptr before;
    {
      std::unique_lock lock(mutex_);
      if (isBuriedLocked(object->metadata)) return;
      auto& slot = objects_[object->metadata.key()];
      if (slot) {
        const auto& had = slot->metadata.resourceVersion;
        const auto& has = object->metadata.resourceVersion;
        if (had == has || isOlder(has.value_or(""), had.value_or(""))) return;
        unindexLocked(*slot);
      }
      before = slot;
      slot = object;
      if (indexer_) {
        for (auto& value : indexer_(*object)) index_[value].insert(object->metadata.key());
      }
    }
    tell(before, object);
  }

  // From now on nothing is believed of that UID up to that version; empty: of any version.
  void buryLocked(const std::string& uid, const std::string& version) {
    const auto [grave, fresh] = buried_.try_emplace(uid, version);
    if (!fresh) {
      if (version.empty() || isOlder(grave->second, version)) grave->second = version;
      return;
    }
    burials_.push_back(uid);
    if (burials_.size() <= kGraves) return;
    buried_.erase(burials_.front());
    burials_.pop_front();
  }

  template <class Meta>
  bool isBuriedLocked(const Meta& meta) const {
    if (buried_.empty()) return false;
    const auto grave = buried_.find(meta.uid.value_or(""));
    if (grave == buried_.end()) return false;
    const std::string version = meta.resourceVersion.value_or("");
    return grave->second.empty() || version == grave->second || isOlder(version, grave->second);
  }

  Ptr eraseLocked(typename Objects::iterator at) {
    Ptr before = at->second;
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
    for (const auto& listener : listeners_) listener(before, after);
  }

  // As many as can go while one late event or answer is under way.
  static constexpr std::size_t kGraves = 4096;

  const Indexer indexer_{};
  std::vector<Listener> listeners_;

  mutable std::shared_mutex mutex_;  // protects all below
  Objects objects_;
  std::map<std::string, std::set<ObjectKey>> index_;
  std::set<ObjectKey> listed_;                           // of the list under way
  std::unordered_map<std::string, std::string> buried_;  // UID to version, of what went lately
  std::deque<std::string> burials_;                      // their order
  bool synced_ = false;
};

}  // namespace mpay::runtime
