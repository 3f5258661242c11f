// Carries out the intended functional tests (onboarding/functional_testing.h) by effects/functional_test_run.h, and
// writes down the results.
//
// It has a queue and workers of its own, because a run takes as long as the web service does. An interrupted run is
// carried out again as it was intended, with the same PaymentIDs.
#pragma once

#include <map>

#include "cluster/caches.h"
#include "effects/functional_test_run.h"
#include "effects/host_slots.h"
#include "onboarding/functional_testing.h"
#include "runtime/controller.h"
#include "runtime/events.h"

namespace mpay::controllers {

// The number of web services that are tested at once, unless the command line sets another.
inline constexpr unsigned kDefaultTestWorkers = 4;

class FunctionalTestController final : public runtime::Reconciler {
 public:
  // `wake` receives the integrations to reconcile again, once a host is free.
  FunctionalTestController(kube::Client& client, const Clock& clock, cluster::Caches& caches,
                           runtime::EventRecorder& events, std::function<bool()> mayWrite,
                           std::function<void(const api::ObjectKey&)> wake);

  // The key is the integration's.
  Result<runtime::Outcome> reconcile(const api::ObjectKey& key, std::stop_token stop) override;

  // To call when something about the integration changed: a run under way ends where it is no longer intended. From any
  // thread.
  void reconsider(const api::ObjectKey& key);

 private:
  // A run that is not completely written down yet.
  struct Finished {
    std::string id;
    ledger::TestResult result;
    std::optional<api::ConfigMap> report;  // still to be written
  };
  struct Active {
    std::string id;
    std::stop_source stop{};
  };
  struct Place {
    std::shared_ptr<const api::MPayIntegration> integration;
    std::shared_ptr<const api::MPayEnvironment> environment;
    std::shared_ptr<cluster::Outputs> outputs;
    ledger::TestRecord record;
  };

  // Nothing where no tests are remembered, or none may run.
  std::optional<Place> placeOf(const api::ObjectKey& key);
  Result<runtime::Outcome> carryOut(const Place& place, const std::stop_token& stop);
  // Carries out the intended run, to its end.
  Result<runtime::Outcome> begin(const Place& place, const std::stop_token& stop);
  // Errors: those of runFunctionalTests(); Cancelled while the environment is being read.
  Result<effects::FinishedRun> run(const Place& place, const std::stop_token& stop);
  Result<void> recordAmount(const Place& place, const ledger::PayableAmount& amount, const std::stop_token& stop);
  Result<void> finish(const Place& place, Finished finished, const std::stop_token& stop);
  Result<void> noteProblem(const Place& place, const std::optional<std::string>& problem, const std::stop_token& stop);
  Result<void> write(const Place& place, const std::function<void(ledger::TestRecord&)>& change,
                     const std::stop_token& stop);
  // Removes requests that were answered, and those that nobody will answer because there is no such integration or no
  // tester.
  Result<void> removeRequests(const api::ObjectKey& key, const std::optional<Place>& place,
                              const std::stop_token& stop);

  kube::Client& client_;
  const Clock& clock_;
  cluster::Caches& caches_;
  runtime::EventRecorder& events_;
  const std::function<bool()> mayWrite_;
  const std::function<void(const api::ObjectKey&)> wake_;
  effects::HostSlots hosts_;
  Synchronized<std::map<api::ObjectKey, Active>> active_;
  Synchronized<std::map<api::ObjectKey, Finished>> finished_;
};

}  // namespace mpay::controllers
