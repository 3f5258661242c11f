// Stopping: a wait that a stop ends, and the signals that request a stop.
#pragma once

#include <signal.h>

#include <stop_token>
#include <thread>

#include "base/clock.h"

namespace mpay {

// Waits for `delay` by the monotonic clock. Returns false at once when `stop` is requested.
bool sleepUnlessStopped(Duration delay, const std::stop_token& stop);

// Turns SIGINT and SIGTERM into a stop. Construct it before any other thread starts, because threads inherit the
// blocked signals. From then on SIGPIPE is ignored.
class StopOnSignal {
 public:
  StopOnSignal();
  // Waits for the object's thread; the signals stay blocked.
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
