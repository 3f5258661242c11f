#include "app/operator.h"

#include "base/log.h"
#include "base/stop.h"
#include "controllers/environment_controller.h"
#include "controllers/functional_test_controller.h"
#include "controllers/integration_controller.h"
#include "controllers/notification_controller.h"
#include "controllers/revocation_controller.h"
#include "runtime/lease.h"

namespace mpay::app {

Result<void> runOperator(const Options& options, const std::stop_token& stop) {
  auto config = TRY(kube::Config::find(options.kubeconfig));
  spdlog::info("mpay-operator {} on {}", version(), config.server);
  kube::Client client(std::move(config));
  const Clock& clock = systemClock();

  // Stops with the caller's stop, or when the lease is lost.
  std::stop_source ending;
  const std::stop_callback forward(stop, [&] { ending.request_stop(); });
  std::optional<runtime::LeaderElection> election;
  std::atomic<bool> leaseLost{false};
  if (options.leaderElection) {
    const api::ObjectKey lease{options.resourceNamespace, "mpay-operator"};
    election.emplace(client, clock, lease, runtime::uniqueIdentity(), [&] {
      leaseLost = true;
      ending.request_stop();
    });
  }
  const auto mayWrite = [&] { return !election || election->holds(); };

  runtime::EventRecorder events(client, clock, "mpay-operator");
  // The listeners are called by watches, which start after the controllers exist.
  std::unique_ptr<runtime::Controller> integrations, environments, notifications, tests;
  std::unique_ptr<controllers::FunctionalTestController> testReconciler;
  std::vector<std::unique_ptr<runtime::Controller>> revocations;
  cluster::Claims claims([&](const api::ObjectKey& key) { integrations->enqueue(key); });
  cluster::Caches caches(client, options.resourceNamespace, mayWrite,
                         {[&](const api::ObjectKey& key) {
                            integrations->enqueue(key);
                            for (const auto& stage : revocations) stage->enqueue(key);
                            testReconciler->reconsider(key);
                            tests->enqueue(key);
                          },
                          [&](const api::ObjectKey& key) { environments->enqueue(key); },
                          [&](const api::ObjectKey& key) { notifications->enqueue(key); }},
                         events.ofUnread());
  controllers::IntegrationController integrationReconciler(client, clock, caches, claims, events, mayWrite);
  controllers::EnvironmentController environmentReconciler(client, clock, caches, claims, events, mayWrite);
  controllers::NotificationController notificationReconciler(clock, caches, mayWrite);
  controllers::RevocationController revocationInTesting(api::Stage::Testing, clock, caches, events);
  controllers::RevocationController revocationInProduction(api::Stage::Production, clock, caches, events);
  testReconciler = std::make_unique<controllers::FunctionalTestController>(
      client, clock, caches, events, mayWrite, [&](const api::ObjectKey& key) { tests->enqueue(key); });
  tests = std::make_unique<runtime::Controller>("functional tests", *testReconciler, options.testWorkers);
  integrations = std::make_unique<runtime::Controller>("integration", integrationReconciler, options.workers);
  environments = std::make_unique<runtime::Controller>("environment", environmentReconciler, 1);
  notifications = std::make_unique<runtime::Controller>("notification", notificationReconciler, 1);
  for (auto* reconciler : {&revocationInTesting, &revocationInProduction})
    revocations.push_back(
        std::make_unique<runtime::Controller>("revocation", *reconciler, controllers::kRevocationWorkers));

  if (caches.start(ending.get_token()) && (!election || election->acquire(ending.get_token()))) {
    spdlog::info("caches are filled{}", election ? ", this process leads" : "");
    environments->start();
    integrations->start();
    notifications->start();
    tests->start();
    for (const auto& stage : revocations) stage->start();
    while (sleepUnlessStopped(options.resync, ending.get_token())) caches.resync();
  }
  spdlog::info("stopping");
  for (const auto& stage : revocations) stage->stop();
  tests->stop();
  notifications->stop();
  integrations->stop();
  environments->stop();
  caches.stop();
  events.stop();
  if (election) election->release();
  if (leaseLost) return fail(ErrorKind::Api, "the lease was lost");
  return {};
}

}  // namespace mpay::app
