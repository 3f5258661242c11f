// Keys waiting for a worker.
//
// A key is queued once, however often it is added; one that is added while a worker has it is
// queued again when the worker gives it back. Failures of a key are counted and waited for.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>

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
  // Of several waits for a key the earliest counts.
  void addAfter(const ObjectKey& key, Duration delay);
  // After a failure: waits as the key's count of failures says.
  void addFailed(const ObjectKey& key);
  // After a conflict: a fresh look soon, with a wait that is capped at a second and counts on its own, since
  // nothing is broken.
  void addConflicted(const ObjectKey& key);
  // The key succeeded: its failures are forgotten.
  void succeeded(const ObjectKey& key);

  // Waits for a key; nothing after shutDown.
  std::optional<Lease> take();
  void shutDown();

  // Queued and held keys, for tests and metrics; waiting ones are not counted.
  std::size_t size() const;

 private:
  void addLocked(const ObjectKey& key);
  void addAfterLocked(const ObjectKey& key, Duration delay);
  void done(const ObjectKey& key);

  const Backoff backoff_;
  mutable std::mutex mutex_;  // protects all below
  std::condition_variable changed_;
  std::deque<ObjectKey> ready_;
  std::set<ObjectKey> queued_;  // in ready_, or to be queued once given back
  std::set<ObjectKey> held_;
  std::map<ObjectKey, MonoTime> waiting_;
  std::multimap<MonoTime, ObjectKey> due_;  // waiting_, by time
  std::map<ObjectKey, unsigned> failures_;
  std::map<ObjectKey, unsigned> conflicts_;
  bool shutDown_ = false;
};

}  // namespace mpay::runtime
