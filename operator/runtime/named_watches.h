// Watches of single objects by name, for callers that may read nothing else of the kind.
//
// Each owner (the key of an object that refers to others) declares the objects that it refers to now. One watch with
// fieldSelector metadata.name runs for each object that has an owner.
#pragma once

#include <set>

#include "base/synchronized.h"
#include "runtime/watcher.h"

namespace mpay::runtime {

// Thread-safe.
template <class K>
class NamedWatches {
 public:
  struct Seen {
    bool pending = true;                // no answer yet
    std::shared_ptr<const K> object{};  // null: the object does not exist, or cannot be read
    std::optional<Error> error{};       // the reason why it cannot be read
  };
  using OnChange = std::function<void(const std::string& owner)>;

  NamedWatches(kube::Client& client, OnChange onChange) : client_(client), onChange_(std::move(onChange)) {}
  ~NamedWatches() { stop(); }

  // From now on `owner` refers to these objects and to no others.
  void refer(const std::string& owner, const std::set<ObjectKey>& keys) {
    std::vector<std::shared_ptr<Entry>> ended;
    std::vector<std::shared_ptr<Entry>> begun;  // started and stopped without the lock: a stop waits for the loop
    state_.with([&](State& state) {
      if (state.stopped) return;
      for (const auto& key : keys) {
        auto& entry = state.entries[key];
        if (!entry) {
          begun.push_back(entry = std::make_shared<Entry>());
          prepare(key, *entry);
        }
        entry->owners.insert(owner);
      }
      auto& had = state.referred[owner];
      for (const auto& key : had) {
        if (keys.contains(key)) continue;
        const auto entry = state.entries.find(key);
        entry->second->owners.erase(owner);
        if (entry->second->owners.empty()) {
          ended.push_back(entry->second);
          state.entries.erase(entry);
        }
      }
      had = keys;
      if (keys.empty()) state.referred.erase(owner);
    });
    for (const auto& entry : begun) entry->watcher->start();
    for (const auto& entry : ended) entry->watcher->stop();
  }

  Seen get(const ObjectKey& key) const {
    return state_.with([&](const State& state) {
      const auto found = state.entries.find(key);
      if (found == state.entries.end()) return Seen{};
      const Entry& entry = *found->second;
      Seen seen;
      seen.error = entry.error->copy();
      seen.pending = !entry.store->synced() && !seen.error;
      seen.object = entry.store->get(key);
      return seen;
    });
  }

  void stop() {
    std::map<ObjectKey, std::shared_ptr<Entry>> entries;
    state_.with([&](State& state) {
      state.stopped = true;
      entries.swap(state.entries);
      state.referred.clear();
    });
    for (const auto& [key, entry] : entries) entry->watcher->stop();
  }

 private:
  struct Entry {
    std::set<std::string> owners;
    std::shared_ptr<Synchronized<std::optional<Error>>> error = std::make_shared<Synchronized<std::optional<Error>>>();
    std::shared_ptr<Store<K>> store = std::make_shared<Store<K>>();
    std::unique_ptr<Watcher<K>> watcher;  // after the store that it fills
  };
  struct State {
    std::map<ObjectKey, std::shared_ptr<Entry>> entries;
    std::map<std::string, std::set<ObjectKey>> referred;
    bool stopped = false;
  };

  void prepare(const ObjectKey& key, Entry& entry) {
    entry.store->onChange([this, key](const auto&, const auto&) { tell(key); });
    kube::Selectors selectors{key.namespace_, "", "metadata.name=" + key.name};
    const auto problem = [this, key, error = entry.error](const std::optional<Error>& now) {
      // Only a refusal says something about the object; a broken connection does not.
      if (now && !now->isForbidden()) return;
      error->with([&](std::optional<Error>& known) { known = now; });
      tell(key);
    };
    entry.watcher = std::make_unique<Watcher<K>>(client_, std::move(selectors), *entry.store,
                                                 typename Watcher<K>::Hooks{.problem = problem});
  }

  void tell(const ObjectKey& key) {
    const auto owners = state_.with([&](const State& state) {
      const auto found = state.entries.find(key);
      return found == state.entries.end() ? std::set<std::string>{} : found->second->owners;
    });
    for (const auto& owner : owners) onChange_(owner);
  }

  kube::Client& client_;
  const OnChange onChange_;
  Synchronized<State> state_;
};

}  // namespace mpay::runtime
