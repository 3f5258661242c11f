// Chooses the notifications to write down, and continues those that were. Pure.
#pragma once

#include "api/integration.h"
#include "base/clock.h"
#include "ledger/memory.h"
#include "ledger/notifications.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// The number of notifications of one integration that an environment remembers: those to be sent, and the newest sent
// ones.
inline constexpr std::size_t kNotificationsKept = 24;

// A notification in the form's language to the recipients that the form names; its subject is still to be filled in.
Notification draftOf(const api::MPayIntegrationSpec& spec);

// True when both tell the same fact about the same subject: nobody is told twice.
bool tellTheSame(const Notification& a, const Notification& b);

// The record of that notification. If none is known: `wanted`. If it was not sent yet: with its recipients corrected.
// If it was sent: as it was sent, with digest and Message-ID corrected after an edit by hand.
Notification continued(const Notifications& known, Notification wanted, WallTime now);

// The notifications to remember from now on: `wanted`, the outcome of continued(); of the others, the sent ones and
// those still worth sending. Not worth sending are warnings that nobody wants any more, and the activation of any
// revision but `liveRevision`.
Notifications merged(const Notifications& known, std::vector<Notification> wanted, std::int64_t liveRevision);

}  // namespace mpay::onboarding
