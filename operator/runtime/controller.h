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
  std::optional<Duration> requeueAfter{};  // when to look again although nothing changed
};

// Brings the world closer to what an object asks for. Called with a key only: what is to be done
// follows from the state it reads, never from the event. Called for one key by one worker at a time.
class Reconciler {
 public:
  virtual ~Reconciler() = default;
  virtual Result<Outcome> reconcile(const ObjectKey& key, std::stop_token stop) = 0;
};

// As many as an API server beside it keeps busy: more gain nothing (docs/performance.md).
inline constexpr unsigned kDefaultWorkers = 16;

// Failures are tried again with backoff, and not before a Retry-After (30 s at most); terminal ones are not, conflicts
// soon. An exception is a bug of the reconciler: it is logged with the key and counts as a failure.
class Controller {
 public:
  Controller(std::string name, Reconciler& reconciler, unsigned workers);
  ~Controller();

  // Any thread, at any time; keys added before start wait for it.
  void enqueue(const ObjectKey& key) { queue_.add(key); }
  void enqueueAll(const std::vector<ObjectKey>& keys) { queue_.addAll(keys); }
  void enqueueAfter(const ObjectKey& key, Duration delay) { queue_.addAfter(key, delay); }

  void start();
  // Asks the workers to stop and waits for them; a reconcile under way sees its stop_token.
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
