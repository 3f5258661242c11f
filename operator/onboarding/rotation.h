// Certificates that change and certificates that end. Pure. Source of the rules: docs/certificates.md.
#pragma once

#include <span>

#include "api/environment.h"
#include "ledger/fragment.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

inline constexpr std::chrono::hours kLongestOverlap{24 * 90};

// The number of earlier certificates that an environment admits beside an integration's current one. If there are more,
// those that were replaced first are removed.
inline constexpr std::size_t kEarlierKept = 8;

// trust.overlap. The default applies where the declared value is no duration, or longer than kLongestOverlap.
std::chrono::seconds overlapOf(const api::MPayEnvironmentSpec& spec);

// The fragment to publish in place of `published`: `next`, and the earlier certificates in their overlap. Each stays
// until it expires, or until the new one is live (`isLive` tells it of the published fragment) and `overlap` has passed
// since then. If `next` has no certificate at all, or is another service's, no earlier certificate stays.
Fragment overlapped(Fragment next, const std::optional<Fragment>& published, bool isLive, std::chrono::seconds overlap,
                    WallTime now);

// The published fragment without the earlier certificates whose time has ended, for when nothing else can be published.
Fragment withoutEnded(Fragment published, WallTime now);

// The most urgent of these warnings (days before the end) that is due; 0 once the certificate has expired.
std::optional<std::int64_t> dueWarning(WallTime notAfter, std::span<const std::int64_t> days, WallTime now);

// Notes when dueWarning() will change.
void noteWarnings(std::optional<WallTime>& instant, WallTime notAfter, std::span<const std::int64_t> days,
                  WallTime now);

// Notes when overlapped() or withoutEnded() will change for a fragment by time alone.
void noteEnds(std::optional<WallTime>& instant, const Fragment& fragment, WallTime now);

}  // namespace mpay::onboarding
