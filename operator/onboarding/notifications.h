// Which notifications are written down, and what becomes of those that were. Pure.
#pragma once

#include "api/integration.h"
#include "base/clock.h"
#include "ledger/memory.h"
#include "ledger/notifications.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// How many notifications of one integration an environment remembers: what is to be told, and the newest of what was.
inline constexpr std::size_t kNotificationsKept = 24;

// A notification to whom the form names, in its language; what it is about is still to be filled in.
Notification draftOf(const api::MPayIntegrationSpec& spec);

// Whether both tell the same of the same: nobody is told that twice.
bool tellTheSame(const Notification& a, const Notification& b);

// The record of that notification: `wanted` as it is where nothing is known of it; where it was not sent yet, with its
// recipients corrected; where it was, as it was sent, but for what was edited by hand since.
Notification continued(const Notifications& known, Notification wanted, WallTime now);

// What is remembered from now on: `wanted`, which is the outcome of continued(), and of the others what was sent, and
// what is still worth sending. What is not: warnings that nobody wants any more, and the activation of any revision but
// `liveRevision`.
Notifications merged(const Notifications& known, std::vector<Notification> wanted, std::int64_t liveRevision);

}  // namespace mpay::onboarding
