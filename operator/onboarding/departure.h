// The decision about whatever leaves an environment: deletion, withdrawal and reassignment. It says what decide() says
// for an integration that stays. controllers/departures.h carries it out. Pure. Source of the rules:
// docs/withdrawal.md.
#pragma once

#include <memory>
#include <optional>

#include "api/environment.h"
#include "ledger/claim.h"
#include "ledger/fragment.h"
#include "ledger/withdrawal.h"
#include "onboarding/admissible.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

enum class Cause {
  Deleted,     // the integration is deleted, or its object is gone
  Retained,    // the same, and its deletionPolicy keeps production
  NotNamed,    // it names another environment now, is not permitted any more, or its name is another's now
  Reassigned,  // the platform assigned some of it to others
  Revoked,     // some of its certificates were revoked, and it makes no decisions here any more
};

// The records of the integration in one environment. Every write is bound to the versions that they have here.
struct Departing {
  const api::MPayEnvironmentSpec& environment;
  Kept<Fragment> fragment{};
  bool isDamaged = false;  // the fragment is there, nobody can read it, and this process never saw it whole
  Kept<Claim> claim{};
  Kept<WithdrawalRecord> withdrawal{};
  std::optional<Fragment> promoted{};  // by its last revision
  bool isPublished = false;            // a fragment or a service document is there, readable or not
  bool hasRevisions = false;
  Barred barred{};  // what must not be published any more
  // Why that is not known yet, where a damaged fragment would have to be restored: then it stays damaged, and
  // everything else is decided.
  std::optional<Error> barredUnknown{};
};

enum class FragmentFate {
  Stays,
  IsReplaced,  // by Departure::fragment
  Goes,        // with the service documents
};

struct Departure {
  std::optional<WithdrawalRecord> withdrawal{};  // to be written, before anything goes
  FragmentFate fate = FragmentFate::Stays;
  std::optional<Fragment> fragment{};
  std::optional<Claim> claim{};  // to be written in place of the one that is there, after the fragment
  // Everything goes that is published or remembered here of the integration, but for what is known to be revoked. The
  // record of its functional tests goes only with the integration (`forgetsTests`): while it exists its payments keep
  // their PaymentIDs.
  bool ends = false;
  bool forgetsTests = false;
  bool isRestored = false;            // `fragment` is what the last revision says
  bool hasServed = false;             // something that ends was promoted or published
  std::optional<Error> unrestored{};  // of a damaged fragment: it is to be tried again
  std::optional<WallTime> looksAgainAt{};
};

Departure decideDeparture(const Departing& departing, Cause cause, const Holder& holder, WallTime now);

}  // namespace mpay::onboarding
