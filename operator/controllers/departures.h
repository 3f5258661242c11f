// Carries out what leaves an environment, as onboarding/departure.h decides it.
#pragma once

#include "cluster/caches.h"
#include "cluster/claims.h"
#include "onboarding/departure.h"
#include "runtime/controller.h"

namespace mpay::controllers {

class Departures {
 public:
  Departures(const Clock& clock, cluster::Caches& caches, cluster::Claims& claims)
      : clock_(clock), caches_(caches), claims_(claims) {}

  // A deleted integration leaves every environment. Once that succeeded nothing depends on its object any more. `named`
  // (null: the object is gone already) are the environments whose output namespaces must have been read; the others
  // wake the integration when they are. Errors: Timeout while one of those is not read, after all others were dealt
  // with; those of the API.
  Result<runtime::Outcome> withdraw(const api::ObjectKey& key, bool retain, const api::EnvironmentNames* named,
                                    const std::stop_token& stop);

  // An integration leaves the environments that it names no more: production by a withdrawal record as after a
  // deletion, testing only where `testingToo`. Errors: those of leave().
  Result<runtime::Outcome> leaveFormer(const api::ObjectKey& key, const api::EnvironmentNames& named, bool testingToo,
                                       const std::stop_token& stop);

  // One environment that the integration names, whose output namespace must have been read. Errors: those of the API;
  // Timeout, after everything else, where a damaged fragment waits for the records of what is revoked.
  Result<runtime::Outcome> leave(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                 onboarding::Cause cause, const std::stop_token& stop);

  // Items that the platform assigned to others leave the fragment of this integration, in every environment, then its
  // claim, whatever else is true of the integration. Only the worker that reconciles the key may call it: nobody else
  // writes these fragments. Errors: those of the API.
  Result<void> handOver(const api::ObjectKey& key, const std::stop_token& stop);

 private:
  onboarding::Departing gather(const api::ObjectKey& key, const api::MPayEnvironment& environment) const;
  Result<void> carryOut(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                        const onboarding::Departing& from, const onboarding::Departure& departure,
                        const std::stop_token& stop);
  // Removes everything. False where an object is not gone yet; a watch tells when it is.
  Result<bool> end(const api::ObjectKey& key, const api::MPayEnvironment& environment, const std::stop_token& stop);

  const Clock& clock_;
  cluster::Caches& caches_;
  cluster::Claims& claims_;
};

// The earlier of two looks.
runtime::Outcome soonest(const runtime::Outcome& a, const runtime::Outcome& b);

// At that instant, or a day from now where it is further away.
runtime::Outcome lookAgain(const Clock& clock, const std::optional<WallTime>& at);

}  // namespace mpay::controllers
