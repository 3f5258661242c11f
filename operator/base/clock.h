// Time, injected.
//
// Wall time is for what people and certificates say (timestamps, validity); monotonic time is for
// deadlines, so that a step of the system's clock neither fires nor loses one.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace mpay {

using WallTime = std::chrono::sys_seconds;
using MonoTime = std::chrono::steady_clock::time_point;
using Duration = std::chrono::milliseconds;

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual MonoTime monotonic() const = 0;
};

// The machine's clocks; lives for ever.
const Clock& systemClock();

// For tests: stands still until told.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime start) : now_(start) {}
  WallTime now() const override;
  MonoTime monotonic() const override;
  void advance(std::chrono::seconds by);

 private:
  mutable std::mutex mutex_;
  WallTime now_;
  MonoTime monotonic_{};
};

// "2026-11-20T09:30:00Z" (RFC 3339, UTC, whole seconds, as Kubernetes writes metav1.Time).
std::string formatTime(WallTime time);

// "2026-11-20T09:30:00.000000Z", as Kubernetes writes metav1.MicroTime.
std::string formatMicroTime(WallTime time);

// The inverse; accepts a fraction of a second and drops it. Nothing where it is not such a time.
std::optional<WallTime> parseTime(std::string_view text);

// "15m", "1h30m", "45s", "500ms": Go's durations with whole numbers, as Kubernetes writes them.
std::optional<Duration> parseDuration(std::string_view text);

// The same in whole seconds, rounded up. Nothing where it is longer than `most`.
std::optional<std::chrono::seconds> parseDurationUpTo(std::string_view text, Duration most);

// Moves `instant` to `candidate`, where that is still to come and comes first.
void noteInstant(std::optional<WallTime>& instant, WallTime candidate, WallTime now);

// "5s", "2m 10s", "3d 4h": for people.
std::string humanDuration(std::chrono::seconds duration);

}  // namespace mpay
