// What follows the deletion of an MPayIntegration: testing ends at once, production by a withdrawal record,
// and when that is due.
#pragma once

#include "controllers/caches.h"
#include "controllers/claims.h"
#include "runtime/controller.h"

namespace mpay::controllers {

class Withdrawal {
 public:
  Withdrawal(const Clock& clock, Caches& caches, Claims& claims) : clock_(clock), caches_(caches), claims_(claims) {}

  // In every environment. Once it succeeded nothing depends on the integration's object any more. Production that is
  // retained has a record that is never due. `named` (null: its object is gone already) are the environments whose
  // output namespaces must have been read; what others hold tells of itself once they are. Errors: Timeout while one of
  // those is not read, after all others were dealt with; those of the API.
  Result<runtime::Outcome> withdraw(const ObjectKey& key, bool retain, const api::EnvironmentNames* named,
                                    const std::stop_token& stop);

  // In the environments that an integration does not name any more: testing ends where `testingToo`, production by a
  // withdrawal record as after a deletion. Nothing where nothing was.
  Result<runtime::Outcome> leave(const ObjectKey& key, const api::EnvironmentNames& named, bool testingToo,
                                 const std::stop_token& stop);

  // In production alone, whose output namespace must have been read: records it, or carries it out when due.
  Result<runtime::Outcome> withdrawProduction(const ObjectKey& key, const api::MPayEnvironment& environment,
                                              bool retain, const std::stop_token& stop);

  // In one testing environment, whose output namespace must have been read.
  Result<void> endTesting(const ObjectKey& key, const api::MPayEnvironment& environment, const std::stop_token& stop);

 private:
  // A damaged fragment that no integration restores: one that was deleted, and is still published.
  Result<void> restore(const ObjectKey& key, const api::MPayEnvironment& environment, const std::stop_token& stop);

  const Clock& clock_;
  Caches& caches_;
  Claims& claims_;
};

// The earlier of two looks.
runtime::Outcome soonest(const runtime::Outcome& a, const runtime::Outcome& b);

// At that instant, or a day from now where it is further away.
Result<runtime::Outcome> lookAgain(const Clock& clock, const std::optional<WallTime>& at);

}  // namespace mpay::controllers
