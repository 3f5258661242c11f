// Stopping: a wait that a stop ends, and the signals that ask for one.
#pragma once

#include <signal.h>

#include <stop_token>
#include <thread>

#include "base/clock.h"

namespace mpay {

// Waits that long, by the monotonic clock; false, at once, when `stop` is asked for.
bool sleepUnlessStopped(Duration delay, const std::stop_token& stop);

// SIGINT and SIGTERM become a stop. Made before any other thread is started, because threads inherit that
// the signals are blocked; SIGPIPE is ignored from then on.
class StopOnSignal {
 public:
  StopOnSignal();
  // Waits for its thread; the signals stay blocked.
  ~StopOnSignal();
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;
  std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_;
  std::stop_source source_;
  std::thread waiting_;
};

}  // namespace mpay
