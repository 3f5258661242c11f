// Workers that bring keys to a Reconciler.
#pragma once

#include <atomic>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "runtime/work_queue.h"

namespace mpay::runtime {

struct Outcome {
  std::optional<Duration> requeueAfter{};  // time until the next reconcile if nothing changes
};

// Brings the world closer to an object's spec. It is called with a key only: what is to be done follows from the state
// that it reads, never from the event. One key is reconciled by one worker at a time.
class Reconciler {
 public:
  virtual ~Reconciler() = default;
  virtual Result<Outcome> reconcile(const ObjectKey& key, std::stop_token stop) = 0;
};

// These workers keep an API server on the same machine busy; more gain nothing (docs/performance.md).
inline constexpr unsigned kDefaultWorkers = 16;

// Retries: failures after a backoff, and not before a Retry-After (30 s at most); conflicts soon; terminal failures
// only if they carry a Retry-After. An exception is a bug of the reconciler: it is logged with the key and counts as a
// failure.
class Controller {
 public:
  Controller(std::string name, Reconciler& reconciler, unsigned workers);
  ~Controller();

  // Callable on any thread at any time. Keys added before start() wait for it.
  void enqueue(const ObjectKey& key) { queue_.add(key); }
  void enqueueAll(const std::vector<ObjectKey>& keys) { queue_.addAll(keys); }
  void enqueueAfter(const ObjectKey& key, Duration delay) { queue_.addAfter(key, delay); }

  void start();
  // Stops the workers and waits for them. A reconcile under way sees its stop_token.
  void stop();

  const std::string& name() const { return name_; }
  bool idle() const { return queue_.size() == 0; }

 private:
  void work(const std::stop_token& stop);

  const std::string name_;
  Reconciler& reconciler_;
  const unsigned workers_;
  WorkQueue queue_;
  std::stop_source stopping_;
  std::vector<std::thread> threads_;
};

}  // namespace mpay::runtime
