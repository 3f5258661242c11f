// The time until the gateway's files follow a withdrawal, for each cause.
#include "integration/world.h"
#include "onboarding/revocation.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;
using Instant = std::chrono::steady_clock::time_point;

// Two seconds are promised. Measured: 0.7 from rest, and 1.1 if the files were written less than a second before. The
// bound allows for a machine with other work.
constexpr std::chrono::milliseconds kWithin{5500};

class SoonWithdrawal : public World {
 protected:
  std::string files(const std::string& outputNamespace) {
    return published(outputNamespace, "mpay-clients", "clients.conf") +
           published(outputNamespace, "mpay-allowlist", "allowlist.conf");
  }
  // The service must disappear soon after `since` from the files of that namespace.
  void expectSoonGone(const std::string& outputNamespace, const std::string& serviceID, Instant since,
                      const std::string& cause) {
    ASSERT_TRUE(waitFor(20s, [&] {
      return published(outputNamespace, "mpay-clients", "clients.conf").find(serviceID) == std::string::npos;
    })) << cause;
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - since);
    std::cout << cause << ": " << took.count() << " ms\n";
    EXPECT_LE(took, kWithin) << cause;
  }
};

TEST_F(SoonWithdrawal, ReachesTheGatewayWhateverTheCause) {
  editEnvironment(production, [](auto& spec) { spec.withdrawal.delay = "1s"; });
  editEnvironment(testing, [](auto& spec) {
    spec.trust.revocation.mode = api::RevocationMode::CRL;
    spec.trust.revocation.onFailure = api::FailureMode::Soft;
  });
  startOperator();
  const std::string outcast = anotherTenant("1010600034203");
  const auto one = [&](const std::string& name, const std::string& namespace_) {
    auto integration = form(name, "ID-" + name + suffix);
    integration.metadata.namespace_ = namespace_;
    integration.spec.targetStage = api::Stage::Testing;
    integration.spec.endpoints.testing->addresses.clear();
    integration.spec.certificate = api::ContentSource{authority.issue({}).certificate, std::nullopt, std::nullopt};
    if (namespace_ != tenant) integration.spec.beneficiary.idno = "1010600034203";
    create(integration);
  };
  one("deleted", tenant);
  one("outcast", outcast);
  one("revoked", tenant);
  create(form());
  promote();
  for (const auto* name : {"deleted", "revoked"}) await("TestEnvironmentReady", ConditionStatus::True, "", name);
  await("TestEnvironmentReady", ConditionStatus::True, "", outcast + "/outcast");
  for (const auto* name : {"deleted", "outcast", "revoked"})
    ASSERT_NE(files(testingOut).find(fmt::format("ID-{}{}", name, suffix)), std::string::npos) << name;

  const auto now = [] { return std::chrono::steady_clock::now(); };
  auto begin = now();
  ASSERT_TRUE(integrations().remove({tenant, "deleted"}, {}));
  expectSoonGone(testingOut, "ID-deleted" + suffix, begin, "deletion");

  begin = now();
  ASSERT_EQ(cluster.plane.kubectl({"label", "namespace", outcast, "mpay.gov.md/tenant-"}).code, 0);
  expectSoonGone(testingOut, "ID-outcast" + suffix, begin, "namespace permitted no more");

  // Writes the finding as a revocation check does.
  ASSERT_TRUE(waitFor(10s, [&] {
    auto object = configMaps().get({testingOut, ledger::memoryName(ledger::kRevocation, {tenant, "revoked"})});
    if (!object) return false;
    auto record = ledger::remembered<ledger::RevocationRecord>(*object).value();
    for (auto& check : record.certificates) check.verdict = ledger::RevocationVerdict::Revoked;
    object->data = ledger::remember({}, record).data;
    begin = now();
    return configMaps().replace(*object).has_value();
  }));
  expectSoonGone(testingOut, "ID-revoked" + suffix, begin, "revocation");

  begin = now();
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  expectSoonGone(productionOut, "AM-" + suffix, begin + 1s, "deletion from production, after its delay");
  expectSoonGone(testingOut, "AM-" + suffix, begin, "deletion of the last one");
  // Nobody is admitted any more.
  EXPECT_EQ(published(productionOut, "mpay-clients", "clients.conf"),
            "map $ssl_client_fingerprint $mpay_client_service {\n    default \"\";\n}\n");
  for (const auto& namespace_ : {testingOut, productionOut})
    EXPECT_EQ(files(namespace_).find("/32"), std::string::npos) << files(namespace_);
}

}  // namespace
}  // namespace mpay::test
