// Reconciles one MPayIntegration, from the form to production, and out again.
#pragma once

#include "cluster/key_secret.h"
#include "controllers/departures.h"
#include "onboarding/decide.h"
#include "runtime/controller.h"
#include "runtime/events.h"

namespace mpay::controllers {

class IntegrationController final : public runtime::Reconciler {
 public:
  IntegrationController(kube::Client& client, const Clock& clock, cluster::Caches& caches, cluster::Claims& claims,
                        runtime::EventRecorder& events, std::function<bool()> mayWrite);

  // Reads, decides and writes until nothing is left to write, then writes the status once.
  Result<runtime::Outcome> reconcile(const api::ObjectKey& key, std::stop_token stop) override;

 private:
  struct Round {
    onboarding::Snapshot snapshot;
    onboarding::Examination examination;
    onboarding::Conflicts testing, production;
    onboarding::Plan plan;
  };

  // Reads everything that a decision needs, from the caches. Reading has effects: it watches the objects that the form
  // refers to, loads the claims of an environment that was never looked at, and has the integration woken when a name
  // that it needs becomes free. Errors: Pending while a cache is not filled yet.
  Result<onboarding::Snapshot> gather(const std::shared_ptr<const api::MPayIntegration>& integration);
  onboarding::GatheredEnvironment gatherEnvironment(const std::string& name, const api::ObjectKey& key);
  // Reads the objects that the form refers to; none before the namespace is admitted somewhere.
  Result<void> readContent(onboarding::Snapshot& snapshot);
  // Recalls the keys that the operator made among those that the form shows.
  Result<void> recallKeys(onboarding::Snapshot& snapshot);
  // Notes a key in both environments of the form, as far as they can be written. Errors: those of the API.
  Result<void> note(const ledger::MadeKey& made, const onboarding::Snapshot& snapshot, const std::stop_token& stop);
  // Notes all recalled keys: a missing note is written again.
  Result<void> noteShownKeys(const Round& round, const std::stop_token& stop);
  // `keyProblem`: why the Secret of a request could not be written in this reconcile.
  Result<Round> decide(const std::shared_ptr<const api::MPayIntegration>& integration,
                       const std::optional<Error>& keyProblem);
  Result<bool> write(const Round& round, const std::stop_token& stop);
  Result<void> writeKeys(const Round& round, const std::stop_token& stop);
  Result<void> writeStatus(const Round& round, const std::stop_token& stop);
  Result<runtime::Outcome> leaveEnvironments(const Round& round, const std::stop_token& stop);
  void tell(const Round& round);
  void tellExpiry(const api::MPayIntegration& integration, const std::optional<api::CertificateStatus>& before,
                  const std::optional<api::CertificateStatus>& now, std::string_view whose);
  void tellWhatDeletionWaitsFor(const api::MPayIntegration& integration, const Error& error);

  std::shared_ptr<cluster::Outputs> outputsOf(const std::string& environment);

  kube::Client& client_;
  const Clock& clock_;
  cluster::Caches& caches_;
  cluster::Claims& claims_;
  runtime::EventRecorder& events_;
  Departures departures_;
  cluster::KeySecretWriter keySecrets_;
  const std::function<bool()> mayWrite_;
  Synchronized<ledger::MadeKeys> noted_;                         // keys that this process made, or saw a note of
  Synchronized<std::map<api::ObjectKey, std::string>> waiting_;  // deletions, and the reported reason of each
};

}  // namespace mpay::controllers
