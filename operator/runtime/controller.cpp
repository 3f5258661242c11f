#include "runtime/controller.h"

#include <algorithm>

#include "base/log.h"

namespace mpay::runtime {
namespace {

// A longer Retry-After is cut to this.
constexpr Duration kLongestRetryAfter = std::chrono::seconds(30);

}  // namespace

Controller::Controller(std::string name, Reconciler& reconciler, unsigned workers)
    : name_(std::move(name)), reconciler_(reconciler), workers_(workers) {}

Controller::~Controller() { stop(); }

void Controller::start() {
  for (unsigned i = 0; i < workers_; ++i) {
    threads_.emplace_back([this] { work(stopping_.get_token()); });
  }
}

void Controller::stop() {
  stopping_.request_stop();
  queue_.shutDown();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

void Controller::work(const std::stop_token& stop) {
  while (auto lease = queue_.take()) {
    const ObjectKey& key = lease->key();
    Result<Outcome> result;
    try {
      result = reconciler_.reconcile(key, stop);
    } catch (const std::exception& bug) {
      result = fail(ErrorKind::Invalid, std::string("internal error: ") + bug.what());
    } catch (...) {
      result = fail(ErrorKind::Invalid, "internal error of an unknown kind");
    }
    if (stop.stop_requested()) return;
    if (result) {
      queue_.succeeded(key);
      if (result->requeueAfter) queue_.addAfter(key, *result->requeueAfter);
      continue;
    }
    const Error& error = result.error();
    if (error.isConflict()) {
      spdlog::debug("{} {}: {}", name_, key.text(), error.message);
      queue_.addConflicted(key);
    } else {
      spdlog::warn("{} {}: {}", name_, key.text(), error.message);
      const Duration asked = std::min<Duration>(error.retryAfter.value_or(Duration(0)), kLongestRetryAfter);
      if (error.retryAfter || !error.terminal) queue_.addFailed(key, asked);
    }
  }
}

}  // namespace mpay::runtime
