// One request under way, between the thread that serves it and the thread of its connection.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "faults/proxy.h"

namespace mpay::test {

// Callable on any thread. Only awaitGone() blocks. Unsent bytes are kept without a bound.
class Exchange {
 public:
  enum class End { Open, Complete, Cut };

  // `wake` is called when there is something new for the connection.
  explicit Exchange(std::function<void()> wake) : wake_(std::move(wake)) {}

  // For the serving thread: start() once, send() any number of times, finish() once. finish(Cut) needs no start().
  void start(ProxiedResponse head);  // the body is ignored
  void send(std::string_view bytes);
  void finish(End end);
  // True if the client no longer waits for the answer.
  bool gone() const;
  void awaitGone();
  // Sets a function to call when the client goes; it is called at once if the client has gone. An empty one revokes:
  // the old one is not called from then on.
  void onGone(std::function<void()> call);

  // For the connection: takes what has come since the last call. The head is taken before any body.
  std::optional<ProxiedResponse> takeHead();
  std::string takeBody(std::size_t most);
  // Open while there is something to take.
  End end() const;
  void leave();

 private:
  const std::function<void()> wake_;

  mutable std::mutex mutex_;  // protects all members below
  std::condition_variable left_;
  bool gone_ = false;
  std::function<void()> onGone_;
  std::optional<ProxiedResponse> head_;
  std::string body_;
  std::size_t taken_ = 0;  // bytes of body_
  End end_ = End::Open;
};

}  // namespace mpay::test
