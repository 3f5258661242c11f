#include "app/operator.h"

#include "app/components.h"
#include "base/log.h"
#include "base/stop.h"
#include "controllers/environment_controller.h"
#include "controllers/functional_test_controller.h"
#include "controllers/integration_controller.h"
#include "controllers/notification_controller.h"
#include "controllers/revocation_controller.h"
#include "runtime/lease.h"

namespace mpay::app {
namespace {

constexpr std::string_view kIntegrations = "integration", kFunctionalTests = "functional tests";

// The parts that several components share.
struct Shared {
  kube::Client& client;
  const Clock& clock;
  cluster::Caches& caches;
  cluster::Claims& claims;
  runtime::EventRecorder& events;
  std::function<bool()> mayWrite;
};

// A new worker is a new entry here.
std::vector<Component> listOf(const Shared& s, const Options& options,
                              const std::function<void(const api::ObjectKey&)>& wakeTests) {
  auto tests = std::make_unique<controllers::FunctionalTestController>(s.client, s.clock, s.caches, s.events,
                                                                       s.mayWrite, wakeTests);
  const auto reconsider = [&tests = *tests](const api::ObjectKey& key) { tests.reconsider(key); };
  const auto revocation = [&](api::Stage stage) {
    return std::make_unique<controllers::RevocationController>(stage, s.clock, s.caches, s.events);
  };
  std::vector<Component> list;
  list.push_back({"environment", Change::Environment, 1,
                  std::make_unique<controllers::EnvironmentController>(s.client, s.clock, s.caches, s.claims, s.events,
                                                                       s.mayWrite)});
  list.push_back({std::string(kIntegrations), Change::Integration, options.workers,
                  std::make_unique<controllers::IntegrationController>(s.client, s.clock, s.caches, s.claims, s.events,
                                                                       s.mayWrite)});
  list.push_back({"notification", Change::Notifications, 1,
                  std::make_unique<controllers::NotificationController>(s.clock, s.caches, s.mayWrite)});
  list.push_back(
      {std::string(kFunctionalTests), Change::Integration, options.testWorkers, std::move(tests), reconsider});
  for (const auto stage : {api::Stage::Testing, api::Stage::Production})
    list.push_back({"revocation", Change::Integration, controllers::kRevocationWorkers, revocation(stage)});
  return list;
}

}  // namespace

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
  // Listeners are called by watches, which start after the components exist.
  std::unique_ptr<Components> components;
  const auto changed = [&](Change change) {
    return [&components, change](const api::ObjectKey& key) { components->changed(change, key); };
  };
  const auto wakes = [&](std::string_view name) {
    return [&components, name](const api::ObjectKey& key) { components->enqueue(name, key); };
  };
  cluster::Claims claims(wakes(kIntegrations));
  cluster::Caches caches(client, options.resourceNamespace, mayWrite,
                         {changed(Change::Integration), changed(Change::Environment), changed(Change::Notifications)},
                         events.ofUnread());
  components = std::make_unique<Components>(
      listOf({client, clock, caches, claims, events, mayWrite}, options, wakes(kFunctionalTests)));

  if (caches.start(ending.get_token()) && (!election || election->acquire(ending.get_token()))) {
    spdlog::info("caches are filled{}", election ? ", this process leads" : "");
    components->start();
    while (sleepUnlessStopped(options.resync, ending.get_token())) caches.resync();
  }
  spdlog::info("stopping");
  components->stop();
  caches.stop();
  components.reset();  // before the parts that it uses
  events.stop();
  if (election) election->release();
  if (leaseLost) return fail(ErrorKind::Api, "the lease was lost");
  return {};
}

}  // namespace mpay::app
