#include "base/stop.h"

#include <condition_variable>
#include <mutex>

namespace mpay {

bool sleepUnlessStopped(Duration delay, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, delay, [] { return false; });
  return !stop.stop_requested();
}

StopOnSignal::StopOnSignal() {
  sigemptyset(&signals_);
  for (const int number : {SIGINT, SIGTERM}) sigaddset(&signals_, number);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  signal(SIGPIPE, SIG_IGN);
  waiting_ = std::thread([this] {
    int number = 0;
    sigwait(&signals_, &number);
    source_.request_stop();
  });
}

StopOnSignal::~StopOnSignal() {
  if (!source_.stop_requested()) pthread_kill(waiting_.native_handle(), SIGTERM);
  waiting_.join();
}

}  // namespace mpay
