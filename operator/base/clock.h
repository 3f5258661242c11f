// Time, injected.
//
// Wall time is for timestamps and validity periods. Monotonic time is for deadlines: a step of the system's clock
// neither fires nor delays one.
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

// The machine's clocks; never destroyed.
const Clock& systemClock();

// For tests: time stands still until the test moves it.
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

// The inverse of both; a fraction of a second is dropped. Nothing if the text is no such time.
std::optional<WallTime> parseTime(std::string_view text);

// "15m", "1h30m", "45s", "500ms": Go's durations in whole numbers, as Kubernetes writes them.
std::optional<Duration> parseDuration(std::string_view text);

// The same in whole seconds, rounded up. Nothing if the duration is longer than `most`.
std::optional<std::chrono::seconds> parseDurationUpTo(std::string_view text, Duration most);

// Moves `instant` to `candidate` if `candidate` is still to come and is the earlier of the two.
void noteInstant(std::optional<WallTime>& instant, WallTime candidate, WallTime now);

// "5s", "2m 10s", "3d 4h": for people.
std::string humanDuration(std::chrono::seconds duration);

}  // namespace mpay
