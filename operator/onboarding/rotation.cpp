#include "onboarding/rotation.h"

#include <algorithm>

namespace mpay::onboarding {
namespace {

bool holds(const std::vector<Fingerprints>& all, const Fingerprints& wanted) {
  return std::any_of(all.begin(), all.end(),
                     [&](const auto& entry) { return entry.sha256 == wanted.sha256 && !isEarlier(entry); });
}

bool hasExpired(const Fingerprints& entry, WallTime now) {
  const auto notAfter = parseTime(entry.notAfter);
  return notAfter && now > *notAfter;
}

bool hasEnded(const Fingerprints& entry, WallTime now) {
  const auto until = entry.until ? parseTime(*entry.until) : std::nullopt;
  return (until && *until <= now) || hasExpired(entry, now);
}

WallTime warnedAt(WallTime notAfter, std::int64_t days) { return notAfter - std::chrono::hours(24 * days); }

}  // namespace

std::chrono::seconds overlapOf(const api::MPayEnvironmentSpec& spec) {
  return parseDurationUpTo(spec.trust.overlap, kLongestOverlap).value_or(std::chrono::hours(24));
}

Fragment overlapped(Fragment next, const std::optional<Fragment>& published, bool isLive, std::chrono::seconds overlap,
                    WallTime now) {
  if (!published || next.certificates.empty() || published->serviceID != next.serviceID ||
      published->holder.idno != next.holder.idno) {
    return next;
  }
  const auto& before = published->certificates;
  const bool isInForce = isLive && std::all_of(next.certificates.begin(), next.certificates.end(),
                                               [&](const auto& entry) { return holds(before, entry); });
  std::vector<Fingerprints> earlier;
  for (auto entry : before) {
    if (holds(next.certificates, entry)) continue;
    if (!entry.replacedAt) entry.replacedAt = formatTime(now);
    if (isInForce || entry.until) {
      // A shorter overlap applies at once, a longer one to certificates replaced from then on.
      const auto known = entry.until ? parseTime(*entry.until) : std::nullopt;
      entry.until = formatTime(std::min(known.value_or(now + overlap), now + overlap));
    }
    if (!hasEnded(entry, now)) earlier.push_back(std::move(entry));
  }
  std::sort(earlier.begin(), earlier.end(), [](const auto& a, const auto& b) {
    return std::tie(*a.replacedAt, a.sha256) > std::tie(*b.replacedAt, b.sha256);
  });
  if (earlier.size() > kEarlierKept) earlier.resize(kEarlierKept);
  next.certificates.insert(next.certificates.end(), earlier.begin(), earlier.end());
  return next;
}

Fragment withoutEnded(Fragment published, WallTime now) {
  std::erase_if(published.certificates, [&](const auto& entry) { return isEarlier(entry) && hasEnded(entry, now); });
  return published;
}

std::optional<std::int64_t> dueWarning(WallTime notAfter, std::span<const std::int64_t> days, WallTime now) {
  if (now > notAfter) return 0;
  std::optional<std::int64_t> due;
  for (const auto each : days) {
    if (each > 0 && warnedAt(notAfter, each) <= now && (!due || each < *due)) due = each;
  }
  return due;
}

void noteWarnings(std::optional<WallTime>& instant, WallTime notAfter, std::span<const std::int64_t> days,
                  WallTime now) {
  for (const auto each : days) noteInstant(instant, warnedAt(notAfter, each), now);
  noteInstant(instant, notAfter + std::chrono::seconds(1), now);
}

void noteEnds(std::optional<WallTime>& instant, const Fragment& fragment, WallTime now) {
  for (const auto& entry : fragment.certificates) {
    if (!isEarlier(entry)) continue;
    if (const auto until = entry.until ? parseTime(*entry.until) : std::nullopt) noteInstant(instant, *until, now);
    if (const auto end = parseTime(entry.notAfter)) noteInstant(instant, *end + std::chrono::seconds(1), now);
  }
}

}  // namespace mpay::onboarding
