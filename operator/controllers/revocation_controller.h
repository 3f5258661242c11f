// Checks whether the certificates of integrations are revoked, and writes down what it finds.
//
// On a queue of its own, since a check takes as long as the network does. What is to be checked, and what follows from
// what was found, the integration's decision says; see onboarding/revocation.h.
#pragma once

#include "cluster/caches.h"
#include "effects/revocation_checker.h"
#include "onboarding/revocation.h"
#include "runtime/controller.h"
#include "runtime/events.h"

namespace mpay::controllers {

// How many integrations are checked at once, in the environments of one stage.
inline constexpr unsigned kRevocationWorkers = 4;

class RevocationController final : public runtime::Reconciler {
 public:
  // Looks at the environments of one stage: a responder of testing's that drips must not keep production waiting.
  RevocationController(api::Stage stage, const Clock& clock, cluster::Caches& caches, runtime::EventRecorder& events)
      : stage_(stage), clock_(clock), caches_(caches), events_(events), checker_(clock) {}

  // The key is the integration's, whether it still exists or not: what is published of it is checked until it ends, and
  // what is revoked until it expires.
  Result<runtime::Outcome> reconcile(const api::ObjectKey& key, std::stop_token stop) override;

 private:
  Result<runtime::Outcome> check(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                 cluster::Outputs& outputs, const std::stop_token& stop);
  // What is to be checked, and what is known of it.
  ledger::RevocationRecord due(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                               const cluster::Outputs& outputs, const std::optional<ledger::RevocationRecord>& known,
                               bool isChecked);
  Result<void> dropRevoked(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                           cluster::Outputs& outputs, const ledger::RevocationRecord& known,
                           const std::stop_token& stop);
  // An Event on the environment for what is revoked now and was not before; the integration's own tells its Ready.
  void tell(const api::ObjectKey& key, const api::MPayEnvironment& environment, const ledger::RevocationRecord& before,
            const ledger::RevocationRecord& after);

  const api::Stage stage_;
  const Clock& clock_;
  cluster::Caches& caches_;
  runtime::EventRecorder& events_;
  effects::RevocationChecker checker_;
};

}  // namespace mpay::controllers
