// One request under way, between the thread that serves it and that of the connection it came by.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "faults/proxy.h"

namespace mpay::test {

// Safe to call from any thread. Nothing but awaitGone() blocks; what is not yet sent is kept, however much it is.
class Exchange {
 public:
  enum class End { Open, Complete, Cut };

  // `wake` is called when there is something new for the connection.
  explicit Exchange(std::function<void()> wake) : wake_(std::move(wake)) {}

  // For who serves: start() once, send() as often as wanted, finish() once. finish(Cut) needs no start().
  void start(ProxiedResponse head);  // the body is not looked at
  void send(std::string_view bytes);
  void finish(End end);
  // Whether nobody waits for the answer any more.
  bool gone() const;
  void awaitGone();
  // Has `call` called once the client goes, now if it has. An empty one revokes: it is not called from then on.
  void onGone(std::function<void()> call);

  // For the connection. What has come and was not yet taken; no body before the head is taken.
  std::optional<ProxiedResponse> takeHead();
  std::string takeBody(std::size_t most);
  // Open as long as there is something to take.
  End end() const;
  void leave();

 private:
  const std::function<void()> wake_;

  mutable std::mutex mutex_;  // protects all below
  std::condition_variable left_;
  bool gone_ = false;
  std::function<void()> onGone_;
  std::optional<ProxiedResponse> head_;
  std::string body_;
  std::size_t taken_ = 0;  // of body_
  End end_ = End::Open;
};

}  // namespace mpay::test
