// Keys that wait for a worker.
//
// A key is queued once, however often it is added. A key that is added while a worker has it is queued again when the
// worker gives it back. A key's failures are counted, and the count sets its wait.
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

  // A key that a worker holds. The destructor gives it back.
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
  // The earliest of several waits for a key counts; addFailed and addConflicted replace the wait.
  void addAfter(const ObjectKey& key, Duration delay);
  // After a failure: waits by the key's count of failures and at least `atLeast`, even if an earlier look was planned.
  void addFailed(const ObjectKey& key, Duration atLeast = Duration(0));
  // After a conflict: looks again soon. The wait is at most a second and has a count of its own, since nothing is
  // broken.
  void addConflicted(const ObjectKey& key);
  // The key succeeded: its failures and conflicts are forgotten.
  void succeeded(const ObjectKey& key);

  // Waits for a key; nothing after shutDown().
  std::optional<Lease> take();
  void shutDown();

  // For tests and metrics: queued and held keys, without waiting ones.
  std::size_t size() const;
  // All keys with any state, including those that wait and those that failed.
  std::size_t known() const;

 private:
  // The state of a key; absent while there is nothing to know.
  struct State {
    bool queued = false;  // in ready_, or to be queued when it is given back
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

  // Null after shutDown().
  Entry* entryLocked(const ObjectKey& key);
  void addLocked(Entry& entry);
  void addAfterLocked(Entry& entry, Duration delay);
  void retryAfterLocked(Entry& entry, Duration delay);
  void addDueLocked();
  void dropIfIdleLocked(Keys::iterator entry);
  void done(const ObjectKey& key);

  const Backoff backoff_;
  mutable std::mutex mutex_;  // protects all members below
  std::condition_variable changed_;
  Keys keys_;
  std::deque<Entry*> ready_;
  std::set<std::pair<MonoTime, Entry*>> due_;
  std::size_t held_ = 0;
  bool watched_ = false;  // one worker waits for the first of due_; the others wait for keys only
  bool shutDown_ = false;
};

}  // namespace mpay::runtime
