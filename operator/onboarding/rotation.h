// Certificates that change and certificates that end. Pure. Source of the rules: docs/certificates.md.
#pragma once

#include <span>

#include "api/environment.h"
#include "ledger/fragment.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

inline constexpr std::chrono::hours kLongestOverlap{24 * 90};

// How many earlier certificates an environment admits beside an integration's current one; of more, those that were
// replaced first go.
inline constexpr std::size_t kEarlierKept = 8;

// trust.overlap; the default where what is declared is no duration, or longer than kLongestOverlap.
std::chrono::seconds overlapOf(const api::MPayEnvironmentSpec& spec);

// What is to be published where `published` is, with what that still owes to earlier certificates: each stays until
// the new one is live, which `isLive` says of what is published, and `overlap` has passed since, or until it expires.
// Where `next` has no certificate at all, or is another service's, nothing is owed.
Fragment overlapped(Fragment next, const std::optional<Fragment>& published, bool isLive, std::chrono::seconds overlap,
                    WallTime now);

// What is published without the earlier certificates whose time has come, where nothing else can be published.
Fragment withoutEnded(Fragment published, WallTime now);

// Which of these warnings (days before the end) has come, the most urgent one; 0 once it has ended.
std::optional<std::int64_t> dueWarning(WallTime notAfter, std::span<const std::int64_t> days, WallTime now);

// When dueWarning() will say something else.
void noteWarnings(std::optional<WallTime>& instant, WallTime notAfter, std::span<const std::int64_t> days,
                  WallTime now);

// When overlapped() or withoutEnded() will say something else of a fragment, by time alone.
void noteEnds(std::optional<WallTime>& instant, const Fragment& fragment, WallTime now);

}  // namespace mpay::onboarding
