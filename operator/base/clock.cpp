#include "base/clock.h"

#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>

namespace mpay {
namespace {

class SystemClock final : public Clock {
 public:
  WallTime now() const override { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }
  MonoTime monotonic() const override { return std::chrono::steady_clock::now(); }
};

// Parses exactly `width` digits at `at`.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return std::nullopt;
  int value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

}  // namespace

const Clock& systemClock() {
  static const SystemClock clock;
  return clock;
}

WallTime ManualClock::now() const {
  std::lock_guard lock(mutex_);
  return now_;
}

MonoTime ManualClock::monotonic() const {
  std::lock_guard lock(mutex_);
  return monotonic_;
}

void ManualClock::advance(std::chrono::seconds by) {
  std::lock_guard lock(mutex_);
  now_ += by;
  monotonic_ += by;
}

std::string formatTime(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", int(date.year()), unsigned(date.month()),
                     unsigned(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count());
}

std::string formatMicroTime(WallTime time) {
  std::string text = formatTime(time);
  text.insert(text.size() - 1, ".000000");
  return text;
}

std::optional<WallTime> parseTime(std::string_view text) {
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    do ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9');
  }
  if (text.substr(at) != "Z") return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(unsigned(*month)),
                                         std::chrono::day(unsigned(*day))};
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

std::optional<Duration> parseDuration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  Duration total{0};
  while (!text.empty()) {
    std::int64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || count < 0 || count > 1'000'000'000) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with("ms")) {
      total += std::chrono::milliseconds(count);
      text.remove_prefix(2);
      continue;
    }
    if (text.empty()) return std::nullopt;
    switch (text.front()) {
      case 'h': total += std::chrono::hours(count); break;
      case 'm': total += std::chrono::minutes(count); break;
      case 's': total += std::chrono::seconds(count); break;
      default: return std::nullopt;
    }
    text.remove_prefix(1);
  }
  return total;
}

std::optional<std::chrono::seconds> parseDurationUpTo(std::string_view text, Duration most) {
  const auto duration = parseDuration(text);
  if (!duration || *duration > most) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(*duration);
}

void noteInstant(std::optional<WallTime>& instant, WallTime candidate, WallTime now) {
  if (candidate > now && (!instant || candidate < *instant)) instant = candidate;
}

std::string humanDuration(std::chrono::seconds duration) {
  const auto total = duration.count();
  const auto days = total / 86400, hours = total % 86400 / 3600, minutes = total % 3600 / 60, seconds = total % 60;
  if (days > 0) return hours > 0 ? fmt::format("{}d {}h", days, hours) : fmt::format("{}d", days);
  if (hours > 0) return minutes > 0 ? fmt::format("{}h {}m", hours, minutes) : fmt::format("{}h", hours);
  if (minutes > 0) return seconds > 0 ? fmt::format("{}m {}s", minutes, seconds) : fmt::format("{}m", minutes);
  return fmt::format("{}s", seconds);
}

}  // namespace mpay
