#include "faults/exchange.h"

#include <utility>

namespace mpay::test {

void Exchange::start(ProxiedResponse head) {
  {
    const std::lock_guard lock(mutex_);
    head_ = std::move(head);
  }
  wake_();
}

void Exchange::send(std::string_view bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (gone_) return;
    body_ += bytes;
  }
  wake_();
}

void Exchange::finish(End end) {
  {
    const std::lock_guard lock(mutex_);
    end_ = end;
  }
  wake_();
}

bool Exchange::gone() const {
  const std::lock_guard lock(mutex_);
  return gone_;
}

void Exchange::awaitGone() {
  std::unique_lock lock(mutex_);
  left_.wait(lock, [this] { return gone_; });
}

void Exchange::onGone(std::function<void()> call) {
  const std::lock_guard lock(mutex_);
  onGone_ = std::move(call);
  if (gone_ && onGone_) onGone_();
}

std::optional<ProxiedResponse> Exchange::takeHead() {
  const std::lock_guard lock(mutex_);
  return std::exchange(head_, std::nullopt);
}

std::string Exchange::takeBody(std::size_t most) {
  const std::lock_guard lock(mutex_);
  if (head_) return "";
  std::string piece = body_.substr(taken_, most);
  taken_ += piece.size();
  if (taken_ == body_.size()) {
    body_.clear();
    taken_ = 0;
  }
  return piece;
}

Exchange::End Exchange::end() const {
  const std::lock_guard lock(mutex_);
  return head_ || !body_.empty() ? End::Open : end_;
}

void Exchange::leave() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(gone_, true)) return;
  left_.notify_all();
  if (onGone_) onGone_();
}

}  // namespace mpay::test
