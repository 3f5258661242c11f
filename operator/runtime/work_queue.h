// Keys waiting for a worker.
//
// A key is queued once, however often it is added; one that is added while a worker has it is
// queued again when the worker gives it back. Failures of a key are counted and waited for.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "api/meta.h"
#include "base/backoff.h"

namespace mpay::runtime {

using api::ObjectKey;

// Thread-safe.
class WorkQueue {
 public:
  explicit WorkQueue(Backoff backoff = {Duration(100), std::chrono::seconds(20)}) : backoff_(backoff) {}

  // A key that a worker holds; gives it back when it goes.
  class Lease {
   public:
    Lease(WorkQueue& queue, ObjectKey key) : queue_(&queue), key_(std::move(key)) {}
    Lease(Lease&& other) noexcept : queue_(std::exchange(other.queue_, nullptr)), key_(std::move(other.key_)) {}
    Lease& operator=(Lease&&) = delete;
    ~Lease() {
      if (queue_) queue_->done(key_);
    }
    const ObjectKey& key() const { return key_; }

   private:
    WorkQueue* queue_;
    ObjectKey key_;
  };

  void add(const ObjectKey& key);
  void addAll(const std::vector<ObjectKey>& keys);
  // Of several waits for a key the earliest counts; addFailed and addConflicted replace the one there was.
  void addAfter(const ObjectKey& key, Duration delay);
  // After a failure: waits as the key's count of failures says, and not less than `atLeast`, also where it was to be
  // looked at sooner.
  void addFailed(const ObjectKey& key, Duration atLeast = Duration(0));
  // After a conflict: a fresh look soon, with a wait that is capped at a second and counts on its own, since
  // nothing is broken.
  void addConflicted(const ObjectKey& key);
  // The key succeeded: its failures are forgotten.
  void succeeded(const ObjectKey& key);

  // Waits for a key; nothing after shutDown.
  std::optional<Lease> take();
  void shutDown();

  // For tests and metrics. Queued and held keys; waiting ones are not counted.
  std::size_t size() const;
  // Keys of which anything is known: also those that wait, and those that failed.
  std::size_t known() const;

 private:
  // What is known of a key while anything is.
  struct State {
    bool queued = false;  // in ready_, or to be queued once given back
    bool held = false;
    std::optional<MonoTime> due{};
    unsigned failures = 0;
    unsigned conflicts = 0;
  };
  struct Hash {
    std::size_t operator()(const ObjectKey& key) const { return api::hashOf(api::viewOf(key)); }
  };
  using Keys = std::unordered_map<ObjectKey, State, Hash>;
  using Entry = Keys::value_type;  // its address does not change

  // Null after shutDown.
  Entry* entryLocked(const ObjectKey& key);
  void addLocked(Entry& entry);
  void addAfterLocked(Entry& entry, Duration delay);
  void retryAfterLocked(Entry& entry, Duration delay);
  void addDueLocked();
  void dropIfIdleLocked(Keys::iterator entry);
  void done(const ObjectKey& key);

  const Backoff backoff_;
  mutable std::mutex mutex_;  // protects all below
  std::condition_variable changed_;
  Keys keys_;
  std::deque<Entry*> ready_;
  std::set<std::pair<MonoTime, Entry*>> due_;
  std::size_t held_ = 0;
  bool watched_ = false;  // a worker waits for the first of due_; the others wait for keys only
  bool shutDown_ = false;
};

}  // namespace mpay::runtime
