// A process that no longer leads writes nothing.
#include "controllers/integration_controller.h"
#include "controllers/notification_controller.h"
#include "integration/world.h"
#include "ledger/memory.h"
#include "ledger/notifications.h"

namespace mpay::test {
namespace {

class Leadership : public World {
 protected:
  bool fill() {
    std::stop_source never;
    if (!caches.start(never.get_token())) return false;
    return waitFor(10s, [&] {
      const auto all = caches.environments().list();
      return std::all_of(all.begin(), all.end(), [&](const auto& e) { return caches.outputs(*e)->synced(); });
    });
  }

  // Runs as the operator's ServiceAccount, so that its roles must suffice.
  kube::Client client{
      kube::Config::fromFile(cluster.plane.kubeconfigForServiceAccount("mpay-system", "mpay-operator").string())
          .value()};
  std::atomic<bool> leads{false};
  const std::function<bool()> mayWrite = [this] { return leads.load(); };
  cluster::Caches caches{
      client, "mpay-system", mayWrite, {[](const auto&) {}, [](const auto&) {}, [](const auto&) {}}, {}};
};

TEST_F(Leadership, EndsBeforeAFinalizerIsTakenAway) {
  auto integration = form();
  integration.metadata.finalizers = {std::string(ledger::kFinalizer)};
  create(integration);
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(fill());
  cluster::Claims claims([](const api::ObjectKey&) {});
  runtime::EventRecorder events(client, systemClock(), "mpay-operator");
  controllers::IntegrationController controller(client, systemClock(), caches, claims, events, mayWrite);
  const auto refused = controller.reconcile({tenant, "certificates"}, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Cancelled) << refused.error().message;
  EXPECT_TRUE(integrations().get({tenant, "certificates"}));
  leads = true;
  const auto done = controller.reconcile({tenant, "certificates"}, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(integrations().get({tenant, "certificates"}));
}

TEST_F(Leadership, EndsBeforeAMailIsSent) {
  ledger::Notification effect;
  effect.language = "ro";
  effect.recipients = {beneficiary};
  effect.serviceID = "AM-1";
  effect.serviceName = "Certificate";
  effect.intendedAt = formatTime(systemClock().now());
  const api::ObjectKey key{tenant, "certificates"};
  effect.messageID = ledger::messageIDOf(key, effect, "suport.mpay@gov.md");
  ASSERT_TRUE(configMaps().create(
      ledger::remember(ledger::ownedMeta(productionOut, ledger::memoryName(ledger::kNotifications, key),
                                         ledger::kNotifications, production, key),
                       effect)));
  ASSERT_TRUE(fill());
  const api::ObjectKey login{"mpay-system", "smtp-credentials"};
  caches.refer("environment " + production, {}, {}, "", {login});
  ASSERT_TRUE(waitFor(10s, [&] { return caches.credentials(login).object != nullptr; })) << "its login";
  controllers::NotificationController controller(systemClock(), caches, mayWrite);
  const auto refused = controller.reconcile(key, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Cancelled) << refused.error().message;
  EXPECT_TRUE(mail.messages().empty());
  leads = true;
  const auto done = controller.reconcile(key, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(mail.messages().size(), 1u);
}

}  // namespace
}  // namespace mpay::test
