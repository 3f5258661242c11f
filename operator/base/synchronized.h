// Data that lives inside its lock, so that it cannot be touched without it.
#pragma once

#include <mutex>
#include <utility>

namespace mpay {

// with(f) runs f(T&) under the lock and returns f's result. f must not call back into the same object.
template <class T>
class Synchronized {
 public:
  Synchronized() = default;
  explicit Synchronized(T value) : value_(std::move(value)) {}

  template <class F>
  decltype(auto) with(F&& f) {
    std::lock_guard lock(mutex_);
    return std::forward<F>(f)(value_);
  }
  template <class F>
  decltype(auto) with(F&& f) const {
    std::lock_guard lock(mutex_);
    return std::forward<F>(f)(std::as_const(value_));
  }
  T copy() const {
    return with([](const T& value) { return value; });
  }

 private:
  mutable std::mutex mutex_;
  T value_{};
};

}  // namespace mpay
