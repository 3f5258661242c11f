// Checks whether the certificates of integrations are revoked, and writes down the findings.
//
// It has a queue of its own, because a check takes as long as the network does. The integration's decision chooses the
// certificates to check and the consequences of a finding; see onboarding/revocation.h.
#pragma once

#include "cluster/caches.h"
#include "effects/revocation_checker.h"
#include "onboarding/revocation.h"
#include "runtime/controller.h"
#include "runtime/events.h"

namespace mpay::controllers {

// The number of integrations that are checked at once, in the environments of one stage.
inline constexpr unsigned kRevocationWorkers = 4;

class RevocationController final : public runtime::Reconciler {
 public:
  // Serves the environments of one stage: a slow responder of testing must not keep production waiting.
  RevocationController(api::Stage stage, const Clock& clock, cluster::Caches& caches, runtime::EventRecorder& events)
      : stage_(stage), clock_(clock), caches_(caches), events_(events), checker_(clock) {}

  // The key is the integration's, whether the integration still exists or not. Its published certificates are checked
  // until publication ends, and revoked ones until they expire.
  Result<runtime::Outcome> reconcile(const api::ObjectKey& key, std::stop_token stop) override;

 private:
  Result<runtime::Outcome> check(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                 cluster::Outputs& outputs, const std::stop_token& stop);
  // The certificates to check, with what is known of each.
  ledger::RevocationRecord due(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                               const cluster::Outputs& outputs, const std::optional<ledger::RevocationRecord>& known,
                               bool isChecked);
  Result<void> dropRevoked(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                           cluster::Outputs& outputs, const ledger::RevocationRecord& known,
                           const std::stop_token& stop);
  // Records an Event on the environment for each certificate that became revoked. The integration's own Event tells its
  // Ready.
  void tell(const api::ObjectKey& key, const api::MPayEnvironment& environment, const ledger::RevocationRecord& before,
            const ledger::RevocationRecord& after);

  const api::Stage stage_;
  const Clock& clock_;
  cluster::Caches& caches_;
  runtime::EventRecorder& events_;
  effects::RevocationChecker checker_;
};

}  // namespace mpay::controllers
