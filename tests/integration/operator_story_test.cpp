// The main job: from the form to production and out again, and its interruptions.
#include <signal.h>

#include "integration/world.h"
#include "ledger/memory.h"
#include "ledger/revision.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;
using api::Decision;
using api::Milestone;
using api::Role;

class Story : public World {};

TEST_F(Story, GoesFromTheFormToProductionAndTellsTheBeneficiaryOnce) {
  startOperator();
  auto integration = form();
  integration.spec.service.id.reset();
  create(integration);
  await("PrerequisitesMet", ConditionStatus::True);
  await("CertificateTrusted", ConditionStatus::True);
  await("Submitted", ConditionStatus::False, "AwaitingServiceID");
  await("Ready", ConditionStatus::False, "AwaitingServiceID");
  const std::string denies = "geo $mpay_address_service {\n    default \"\";\n}\n";
  EXPECT_TRUE(waitFor(10s, [&] { return published(testingOut, "mpay-allowlist", "allowlist.conf") == denies; }));

  edit([&](auto& spec) { spec.service.id = "AM-" + suffix; });
  await("TestEnvironmentReady", ConditionStatus::True, "Provisioned");
  EXPECT_EQ(published(testingOut, "mpay-allowlist", "allowlist.conf"),
            "geo $mpay_address_service {\n    default \"\";\n    203.0.113.10/32 \"AM-" + suffix +
                "\";\n    203.0.113.16/29 \"AM-" + suffix + "\";\n}\n");
  EXPECT_NE(published(testingOut, "mpay-clients", "clients.conf").find("\"AM-" + suffix + "\""), std::string::npos);
  EXPECT_EQ(published(testingOut, "mpay-authorities", "authorities.pem"), authority.certificate());
  await("FunctionalTestsPassed", ConditionStatus::False, "AwaitingFunctionalTesting");
  EXPECT_EQ(published(productionOut, "mpay-clients", "clients.conf").find("AM-"), std::string::npos)
      << "production admits before promotion";

  promote();
  await("Notified", ConditionStatus::True, "Sent");
  const auto status = *current().status;
  EXPECT_EQ(status.stage, "Production");
  EXPECT_EQ(status.production->revision, 1);
  EXPECT_EQ(status.production->digest, status.digest);
  EXPECT_NE(published(productionOut, "mpay-allowlist", "allowlist.conf").find("203.0.113.40/32 \"AM-" + suffix + "\""),
            std::string::npos);
  ASSERT_EQ(mail.messages().size(), 1u);
  EXPECT_EQ(mail.messages()[0].recipients, std::vector<std::string>{beneficiary});
}

TEST_F(Story, SendsNothingOnceNothingChanges) {
  startOperator({"--no-leader-election", "--resync", "1"});
  create(form());
  promote();
  await("Notified", ConditionStatus::True);
  // Waits for a second without a request; then three resyncs must not cause one.
  awaitRest();
  const auto from = readFile(cluster.plane.auditLog()).size();
  EXPECT_FALSE(waitFor(4s, [&] { return !requestsOfOperator(cluster, from).empty(); }))
      << requestsOfOperator(cluster, from).front();
}

TEST_F(Story, KeepsProductionAsValidatedUntilTheChangeIsValidatedToo) {
  startOperator();
  create(form());
  promote();
  const auto served = outputs(productionOut);
  const auto first = *current().status->digest;

  edit([](auto& spec) { spec.endpoints.production->addresses = {"203.0.113.41"}; });
  await("Promoted", ConditionStatus::False, "AwaitingValidation");
  await("Ready", ConditionStatus::False);
  EXPECT_EQ(current().status->production->digest, first);
  auto meanwhile = outputs(productionOut);
  for (const auto& [name, data] : served) {
    if (name.starts_with("mpay-claim")) continue;  // the new address is claimed already
    EXPECT_EQ(meanwhile[name], data) << name;
  }

  promote();
  EXPECT_EQ(current().status->production->revision, 2);
  EXPECT_NE(published(productionOut, "mpay-allowlist", "allowlist.conf").find("203.0.113.41/32"), std::string::npos);

  // Back to the first content: its records were used up.
  edit([](auto& spec) { spec.endpoints.production->addresses = {"203.0.113.40"}; });
  await("FunctionalTestsPassed", ConditionStatus::False, "EvidenceStale");
  EXPECT_EQ(*current().status->digest, first);
  promote();
  EXPECT_EQ(current().status->production->revision, 3);
}

TEST_F(Story, WithdrawsTestingAtOnceAndProductionAfterTheDelay) {
  startOperator();
  create(form());
  promote();
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(
      10s, [&] { return published(testingOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos; }));
  ASSERT_TRUE(waitFor(10s, [&] { return current().metadata.uid == std::nullopt; })) << "the finalizer holds";
  ASSERT_TRUE(waitFor(
      15s, [&] { return published(productionOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos; }));
  // The last beneficiary of a target left: the files deny everybody and contain nothing of the beneficiary.
  EXPECT_EQ(published(productionOut, "mpay-allowlist", "allowlist.conf"),
            "geo $mpay_address_service {\n    default \"\";\n}\n");
  EXPECT_TRUE(waitFor(10s, [&] { return outputs(productionOut).size() == 3; })) << outputs(productionOut).size();
  EXPECT_TRUE(kube::Api<api::ControllerRevision>(cluster.admin).list({productionOut, "", ""})->empty());
  const auto policy = kube::Api<api::NetworkPolicy>(cluster.admin).get({testingOut, "mpay-network"});
  ASSERT_TRUE(policy);
  EXPECT_FALSE(policy->spec.as_object().contains("ingress")) << "no rule admits nobody";
}

TEST_F(Story, GoesOnServingWhenItIsRecreatedBeforeTheDelay) {
  startOperator();
  editEnvironment(production, [](auto& spec) { spec.withdrawal.delay = "1h"; });
  create(form());
  promote();
  const auto served = published(productionOut, "mpay-clients", "clients.conf");
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(10s, [&] { return current().metadata.uid == std::nullopt; }));
  EXPECT_EQ(published(productionOut, "mpay-clients", "clients.conf"), served);
  create(form());
  await("Ready", ConditionStatus::True, "Production");
  EXPECT_EQ(current().status->production->revision, 1);
  const auto all = outputs(productionOut);
  EXPECT_TRUE(std::none_of(all.begin(), all.end(),
                           [](const auto& entry) { return entry.first.starts_with("mpay-withdrawal"); }));
}

TEST_F(Story, LetsItsNamespaceGo) {
  startOperator();
  create(form());
  promote();
  ASSERT_EQ(cluster.plane.kubectl({"delete", "namespace", tenant, "--wait=false"}).code, 0);
  EXPECT_TRUE(waitFor(90s, [&] {
    return kube::Api<api::Namespace>(cluster.admin).get({"", tenant}).has_value() == false;
  }));
  EXPECT_TRUE(waitFor(
      60s, [&] { return published(productionOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos; }));
}

TEST_F(Story, WithdrawsAlsoWhenItWasNotRunningAtTheDeletion) {
  startOperator();
  create(form());
  promote();
  killOperator();
  // Somebody with the right to do so removes the finalizer.
  ASSERT_EQ(cluster.plane
                .kubectl({"patch", "mpi", "certificates", "-n", tenant, "--type=merge", "-p",
                          R"({"metadata":{"finalizers":null}})"})
                .code,
            0);
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  startOperator();
  EXPECT_TRUE(waitFor(
      20s, [&] { return published(productionOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos; }));
  EXPECT_TRUE(waitFor(
      20s, [&] { return published(testingOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos; }));
}

TEST_F(Story, EndsWithinThreeSecondsOfSigterm) {
  startOperator({"--leader-election"});
  ASSERT_TRUE(
      waitFor(60s, [&] { return readFile(folder / "operator.log").find("this process leads") != std::string::npos; }));
  create(form());
  await("Submitted", ConditionStatus::True);
  op.signal(SIGTERM);
  EXPECT_EQ(op.wait(3s), 0);
}

TEST_F(Story, GoesOnAfterARestartOfTheApiServer) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  for (int i = 0; i < 2; ++i) {
    cluster.plane.restartApiServer();
    edit([&](auto& spec) { spec.endpoints.testing->addresses = {fmt::format("203.0.113.{}", 50 + i)}; });
    await("TestEnvironmentReady", ConditionStatus::True);
    EXPECT_NE(published(testingOut, "mpay-allowlist", "allowlist.conf").find(fmt::format("203.0.113.{}/32", 50 + i)),
              std::string::npos);
  }
  EXPECT_TRUE(waitFor(60s, [&] {
    const auto environment = environments().get({"", testing});
    const auto* ready =
        environment && environment->status ? api::findCondition(environment->status->conditions, "Ready") : nullptr;
    return ready && ready->status == ConditionStatus::True;
  }));
  promote();
}

TEST_F(Story, StopsAtTestingWhereThatIsTheTarget) {
  startOperator();
  auto integration = form();
  integration.spec.targetStage = api::Stage::Testing;
  integration.spec.service.modes = {api::Mode::ExistingOrder, api::Mode::PosTerminal, api::Mode::InvoiceApi};
  integration.spec.service.posTerminals = {{"T-001", "Parcare Model SRL", "1010600034203", "str. Modelului 12",
                                            std::nullopt, std::nullopt, "ACME POS", "198.51.100.20"}};
  create(integration);
  await("Ready", ConditionStatus::True, "Testing");
  EXPECT_EQ(current().status->stage, "Testing");
  EXPECT_NE(published(testingOut, "mpay-allowlist", "pos-allowlist.conf").find("198.51.100.20/32"), std::string::npos);
  EXPECT_EQ(published(testingOut, "mpay-allowlist", "allowlist.conf").find("198.51.100.20"), std::string::npos)
      << "a terminal may not call the API";
  EXPECT_EQ(published(productionOut, "mpay-clients", "clients.conf").find("AM-"), std::string::npos);
  edit([](auto& spec) { spec.targetStage = api::Stage::Production; });
  promote();
}

TEST_F(Story, KeepsPromotionWhileMailCannotBeSent) {
  mail.answer(MailSink::Answer::TryLater);
  startOperator();
  create(form());
  promote();
  await("Notified", ConditionStatus::False, "NotificationPending");
  mail.answer(MailSink::Answer::Accept);
  await("Notified", ConditionStatus::True, "Sent");
  EXPECT_EQ(mail.messages().size(), 1u);
}

TEST_F(Story, LetsAnEnvironmentGoOnlyWhenNobodyUsesIt) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  ASSERT_TRUE(environments().remove({"", testing}, {}));
  EXPECT_TRUE(waitFor(10s, [&] {
    const auto environment = environments().get({"", testing});
    const auto* ready =
        environment && environment->status ? api::findCondition(environment->status->conditions, "Ready") : nullptr;
    return ready && ready->reason == "InUse";
  }));
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  EXPECT_TRUE(waitFor(10s, [&] { return !environments().get({"", testing}).has_value(); }));
  EXPECT_NE(published(testingOut, "mpay-allowlist", "allowlist.conf"), "") << "its aggregates stay";
}

TEST_F(Story, SaysWhenItCannotPublish) {
  startOperator();
  awaitEnvironment(testing, "Published");
  letOnlyRead(testingOut);
  editEnvironment(testing, [](auto& spec) { spec.allowlist.targets[0].configMap->name = "renamed"; });
  awaitEnvironment(testing, "PublishFailed");
  const auto status = environments().get({"", testing})->status;
  EXPECT_EQ(api::findCondition(status->conditions, "Reconciling")->status, ConditionStatus::True);
}

TEST_F(Story, StopsPublishingUnderATargetThatIsGone) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  const kube::Api<api::NetworkPolicy> policies(cluster.admin);
  ASSERT_TRUE(policies.get({testingOut, "mpay-network"}));
  // The operator publishes neither of these as an aggregate.
  ASSERT_EQ(cluster.plane.kubectl({"create", "configmap", "somebodys", "-n", testingOut}).code, 0);
  const auto before = outputs(testingOut);
  editEnvironment(testing, [](auto& spec) {
    spec.allowlist.targets[0].configMap->name = "renamed-allowlist";
    spec.allowlist.targets.pop_back();
    spec.trust.bundles.pop_back();
  });
  EXPECT_TRUE(waitFor(10s, [&] {
    return !policies.get({testingOut, "mpay-network"});
  })) << "a NetworkPolicy goes on admitting";
  EXPECT_TRUE(waitFor(10s, [&] { return !configMaps().get({testingOut, "mpay-allowlist"}); }));
  EXPECT_TRUE(waitFor(10s, [&] { return !configMaps().get({testingOut, "mpay-clients"}); }));
  EXPECT_NE(published(testingOut, "renamed-allowlist", "allowlist.conf").find("203.0.113.10"), std::string::npos);
  EXPECT_TRUE(configMaps().get({testingOut, "somebodys"}));
  EXPECT_EQ(outputs(testingOut).size(), before.size() - 1) << "claims, fragments and services stay";
}

TEST_F(Story, TakesItsAggregatesAlongWhereAskedTo) {
  startOperator();
  editEnvironment(testing, [](auto& spec) { spec.deletionPolicy = api::EnvironmentDeletionPolicy::Delete; });
  editEnvironment(production, [](auto& spec) { spec.deletionPolicy = api::EnvironmentDeletionPolicy::Delete; });
  auto integration = form();
  integration.spec.deletionPolicy = api::DeletionPolicy::Retain;
  create(integration);
  promote();
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(10s, [&] { return current().metadata.uid == std::nullopt; }));
  const auto remembered = outputs(productionOut);
  for (const auto& name : {testing, production}) {
    ASSERT_TRUE(environments().remove({"", name}, {}));
    ASSERT_TRUE(waitFor(10s, [&] { return !environments().get({"", name}).has_value(); })) << name;
  }
  EXPECT_TRUE(outputs(testingOut).empty());
  EXPECT_FALSE(kube::Api<api::NetworkPolicy>(cluster.admin).get({testingOut, "mpay-network"}));
  EXPECT_EQ(outputs(productionOut).size(), remembered.size() - 3) << "the operator's memory stays";
  EXPECT_EQ(kube::Api<api::ControllerRevision>(cluster.admin).list({productionOut, "", ""})->size(), 1u);
}

TEST_F(Story, LetsAnEnvironmentGoOnceTheLastOneNamesAnother) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  const auto next = anotherLike(testing);
  ASSERT_TRUE(environments().remove({"", testing}, {}));
  awaitEnvironment(testing, "InUse");
  edit([&](auto& spec) { spec.environments.testing = next; });
  await("TestEnvironmentReady", ConditionStatus::True);
  EXPECT_TRUE(waitFor(10s, [&] { return !environments().get({"", testing}).has_value(); }));
  EXPECT_EQ(published(testingOut, "mpay-clients", "clients.conf").find("AM-"), std::string::npos)
      << "what stays admits";
}

TEST_F(Story, IsDeletedAlsoWhileAnotherEnvironmentCannotBeRead) {
  const auto unreadable = anotherLike(testing);
  ASSERT_EQ(cluster.plane.kubectl({"delete", "rolebinding", "mpay-operator", "-n", "another-" + testingOut}).code, 0);
  startOperator();
  awaitEnvironment(unreadable, "OutputNamespaceUnavailable");
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  EXPECT_TRUE(waitFor(10s, [&] { return current().metadata.uid == std::nullopt; })) << "the finalizer holds";
  EXPECT_TRUE(waitFor(
      10s, [&] { return published(testingOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos; }));
}

// The output namespace's ConfigMaps can be read, its NetworkPolicies cannot.
TEST_F(Story, SaysThatAnOutputNamespaceCannotBeReadInPart) {
  const auto unreadable = anotherLike(testing);
  const auto namespace_ = "another-" + testingOut;
  const auto letRead = [&](const std::string& resources) {
    const auto patched = cluster.plane.kubectl(
        {"patch", "role", "reader", "-n", namespace_, "--type=json", "-p",
         fmt::format(R"([{{"op": "replace", "path": "/rules/0/resources", "value": {}}}])", resources)});
    ASSERT_EQ(patched.code, 0) << patched.output;
  };
  letOnlyRead(namespace_);
  ASSERT_NO_FATAL_FAILURE(letRead(R"(["configmaps", "controllerrevisions"])"));
  startOperator();
  awaitEnvironment(unreadable, "OutputNamespaceUnavailable");
  const auto ready = api::findCondition(environments().get({"", unreadable})->status->conditions, "Ready")->message;
  EXPECT_NE(ready.find("networkpolicies"), std::string::npos) << ready;
  ASSERT_NO_FATAL_FAILURE(letRead(R"(["configmaps", "networkpolicies"])"));
  killOperator();
  startOperator();
  EXPECT_TRUE(waitFor(20s, [&] {
    const auto environment = environments().get({"", unreadable});
    return api::findCondition(environment->status->conditions, "Ready")->message.find("controllerrevisions") !=
           std::string::npos;
  }));
}

TEST_F(Story, WithdrawsBeforeTheEnvironmentGoes) {
  startOperator();
  create(form());
  promote();
  // Long enough to see the environment wait for the withdrawal.
  editEnvironment(production, [](auto& spec) { spec.withdrawal.delay = "15s"; });
  awaitEnvironment(production, "Published");
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(environments().remove({"", production}, {}));
  ASSERT_TRUE(waitFor(10s, [&] { return current().metadata.uid == std::nullopt; }));
  awaitEnvironment(production, "InUse");
  EXPECT_TRUE(waitFor(60s, [&] { return !environments().get({"", production}).has_value(); }));
  EXPECT_EQ(published(productionOut, "mpay-allowlist", "allowlist.conf"),
            "geo $mpay_address_service {\n    default \"\";\n}\n")
      << "what stays denies";
  EXPECT_EQ(outputs(productionOut).size(), 3u);
}

TEST_F(Story, CarriesAWithdrawalOutAlsoWhileProductionIsUnusable) {
  startOperator();
  create(form());
  promote();
  editEnvironment(production, [](auto& spec) {
    spec.withdrawal.delay = "4s";
    spec.trust.authorities.inline_ = "nonsense";
  });
  awaitEnvironment(production, "MalformedAuthorities");
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(10s, [&] { return current().metadata.uid == std::nullopt; }));
  // Another integration of that name, which has nothing to do with production.
  auto other = form("certificates", "AM-OTHER-" + suffix);
  other.spec.targetStage = api::Stage::Testing;
  create(other);
  await("TestEnvironmentReady", ConditionStatus::True);
  EXPECT_TRUE(waitFor(20s, [&] {
    return kube::Api<api::ControllerRevision>(cluster.admin).list({productionOut, "", ""})->empty();
  }));
  EXPECT_TRUE(waitFor(10s, [&] {
    return published(productionOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos &&
           published(productionOut, "mpay-allowlist", "allowlist.conf").find("AM-") == std::string::npos;
  })) << "the gateway goes on admitting who was withdrawn";
  EXPECT_EQ(published(productionOut, "mpay-authorities", "authorities.pem"), authority.certificate());
}

TEST_F(Story, LeavesAnEnvironmentThatItNamesNoMore) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  const auto next = anotherLike(testing), later = anotherLike(production);
  edit([&](auto& spec) { spec.environments = {"missing", production}; });
  await("Submitted", ConditionStatus::False);
  EXPECT_NE(published(testingOut, "mpay-clients", "clients.conf").find("AM-"), std::string::npos)
      << "a mistake ends nothing";
  edit([&](auto& spec) { spec.environments = {next, later}; });
  await("TestEnvironmentReady", ConditionStatus::True);
  EXPECT_TRUE(waitFor(10s, [&] {
    return published(testingOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos &&
           outputs(testingOut).size() == 3;
  })) << "the earlier environment goes on admitting";
  EXPECT_TRUE(waitFor(10s, [&] { return outputs(productionOut).size() == 3; })) << "the claim stays in production";
  EXPECT_NE(published("another-" + testingOut, "mpay-clients", "clients.conf").find("AM-"), std::string::npos);
}

TEST_F(Story, MovesItsDocumentWithTheRegistrar) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  editEnvironment(testing, [](auto& spec) { spec.registrar.configMap->name = "renamed-services"; });
  EXPECT_TRUE(waitFor(10s, [&] {
    const auto all = outputs(testingOut);
    const auto named = [&](std::string_view prefix) {
      return std::count_if(all.begin(), all.end(), [&](const auto& entry) { return entry.first.starts_with(prefix); });
    };
    return named("renamed-services-") == 1 && named("mpay-services-") == 0;
  }));
  await("TestEnvironmentReady", ConditionStatus::True);
}

TEST_F(Story, WithdrawsAlsoWhoseRevisionWasDeletedByHand) {
  startOperator();
  create(form());
  promote();
  const auto withdraw = [&] {
    ASSERT_EQ(cluster.plane.kubectl({"delete", "controllerrevisions", "--all", "-n", productionOut}).code, 0);
    ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  };
  killOperator();
  withdraw();
  startOperator();
  EXPECT_TRUE(waitFor(
      20s, [&] { return published(productionOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos; }));
  EXPECT_TRUE(waitFor(10s, [&] { return outputs(productionOut).size() == 3; }));
}

TEST_F(Story, NeverGoesBackToAnEarlierRevisionByItself) {
  startOperator();
  create(form());
  promote();
  edit([](auto& spec) { spec.endpoints.production->addresses = {"203.0.113.41"}; });
  promote();
  ASSERT_EQ(current().status->production->revision, 2);
  const auto newest = current().status->production->revisionName;
  ASSERT_EQ(cluster.plane.kubectl({"delete", "controllerrevision", newest, "-n", productionOut}).code, 0);
  await("Promoted", ConditionStatus::False, "RevisionCorrupt");
  EXPECT_NE(published(productionOut, "mpay-allowlist", "allowlist.conf").find("203.0.113.41/32"), std::string::npos);
  killOperator();
  startOperator();
  await("Promoted", ConditionStatus::False, "RevisionCorrupt");
  EXPECT_NE(published(productionOut, "mpay-allowlist", "allowlist.conf").find("203.0.113.41/32"), std::string::npos);
}

// The new environment has another output namespace and ignores the retained service in the old one.
TEST_F(Story, KnowsNothingOfAnEarlierEnvironmentOfThatName) {
  auto first = form();
  first.spec.deletionPolicy = api::DeletionPolicy::Retain;
  startOperator();
  create(first);
  promote();
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(10s, [&] { return !integrations().get({tenant, "certificates"}); }));
  // Two environments are deleted: a spare one, which provides only its output namespace, and the old one.
  auto again = environments().get({"", production}).value();
  const std::string spare = anotherLike(production), emptyOut = "another-" + productionOut;
  for (const auto& name : {spare, production}) {
    ASSERT_TRUE(environments().remove({"", name}, {}));
    ASSERT_TRUE(waitFor(20s, [&] { return !environments().get({"", name}); })) << name;
  }
  again.metadata = {};
  again.metadata.name = production;
  again.spec.outputNamespace = emptyOut;
  again.status.reset();
  createEnvironment(again);
  const std::string other = anotherTenant("1010600034203");
  auto second = form("second");
  second.metadata.namespace_ = other;
  second.spec.beneficiary.idno = "1010600034203";
  second.spec.certificate = api::ContentSource{certificate.certificate, std::nullopt, std::nullopt};
  create(second);
  await("Submitted", ConditionStatus::True, "", other + "/second");
  EXPECT_TRUE(waitFor(10s, [&] {
    return configMaps().get({emptyOut, ledger::memoryName("claim", {other, "second"})}).has_value();
  }));
}

TEST_F(Story, ShowsAnEarlierOwnersPromotionToNobody) {
  startOperator();
  auto first = form();
  first.spec.deletionPolicy = api::DeletionPolicy::Retain;
  create(first);
  promote();
  const auto digest = *current().status->digest;
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(10s, [&] { return current().metadata.uid == std::nullopt; }));
  // The namespace belongs to another beneficiary now.
  ASSERT_EQ(cluster.plane.kubectl({"label", "namespace", tenant, "--overwrite", "mpay.gov.md/idno=1010600034203"}).code,
            0);
  const auto served = outputs(productionOut);
  auto second = form("certificates", "OTHER-" + suffix);
  second.spec.beneficiary.idno = "1010600034203";
  create(second);
  await("Submitted", ConditionStatus::False, "ServiceIDConflict");
  const auto status = *current().status;
  EXPECT_FALSE(status.production);
  EXPECT_NE(status.stage, "Production");
  for (const auto& condition : status.conditions)
    EXPECT_EQ(condition.message.find(digest), std::string::npos) << condition.type << ": " << condition.message;
  EXPECT_EQ(outputs(productionOut), served) << "what is retained goes on";
  // The platform ends a retained service in this way.
  editEnvironment(production, [](auto& spec) { spec.withdrawal.delay = "1s"; });
  ASSERT_TRUE(configMaps().remove({productionOut, ledger::memoryName("withdrawal", {tenant, "certificates"})}, {}));
  await("Submitted", ConditionStatus::True);
  EXPECT_TRUE(waitFor(
      20s, [&] { return published(productionOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos; }));
}

TEST_F(Story, SaysNothingNewAfterARestart) {
  startOperator();
  create(form());
  promote();
  await("Notified", ConditionStatus::True);
  const auto version = [&] { return current().metadata.resourceVersion; };
  const auto before = version();
  for (int i = 0; i < 3; ++i) {
    killOperator();
    const auto from = readFile(cluster.plane.auditLog()).size();
    startOperator({"--no-leader-election", "--resync", "1"});
    std::vector<std::string> requests;
    EXPECT_FALSE(waitFor(3s, [&] {
      requests = requestsOfOperator(cluster, from);
      std::erase_if(requests, [](const auto& request) { return request.starts_with("list "); });
      return !requests.empty();
    })) << requests.front();
  }
  EXPECT_EQ(version(), before);
}

TEST_F(Story, SaysWhyAnOutputCannotBeWritten) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  letOnlyRead(testingOut);
  edit([](auto& spec) { spec.endpoints.testing->addresses = {"203.0.113.12"}; });
  await("TestEnvironmentReady", ConditionStatus::False, "Provisioning");
  EXPECT_TRUE(waitFor(10s, [&] {
    return api::findCondition(current().status->conditions, "Ready")->message.find("403") != std::string::npos;
  })) << api::findCondition(current().status->conditions, "Ready")->message;
}

TEST_F(Story, SaysWhatADeletionWaitsFor) {
  startOperator();
  create(form());
  promote();
  killOperator();
  api::ConfigMap foreign;
  foreign.metadata.name = ledger::memoryName("withdrawal", {tenant, "certificates"});
  foreign.metadata.namespace_ = productionOut;
  ASSERT_TRUE(configMaps().create(foreign));
  startOperator();
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  const auto told = [&] {
    const auto all = events(tenant, "certificates");
    return std::count_if(all.begin(), all.end(), [](const auto& e) { return e.reason == "NameConflict"; });
  };
  EXPECT_TRUE(waitFor(10s, [&] { return told() > 0; }));
  EXPECT_EQ(current().metadata.deletionTimestamp.has_value(), true) << "production would never be withdrawn";
  EXPECT_EQ(told(), 1);
  ASSERT_TRUE(configMaps().remove(foreign.metadata.key(), {}));
  EXPECT_TRUE(waitFor(90s, [&] { return current().metadata.uid == std::nullopt; }));
}

TEST_F(Story, TellsOnceThereIsAChannelAgain) {
  mail.answer(MailSink::Answer::TryLater);
  startOperator();
  create(form());
  promote();
  await("Notified", ConditionStatus::False, "NotificationPending");
  std::vector<api::NotificationChannel> channels;
  editEnvironment(production, [&](auto& spec) { channels.swap(spec.notifications.channels); });
  awaitReason("Notified", "NotConfigured");
  mail.answer(MailSink::Answer::Accept);
  editEnvironment(production, [&](auto& spec) { spec.notifications.channels = channels; });
  await("Notified", ConditionStatus::True);
  EXPECT_EQ(mail.messages().size(), 1u);
}

TEST_F(Story, TellsOfAnEnvironmentThatCannotBeUsed) {
  startOperator();
  awaitEnvironment(testing, "Published");
  editEnvironment(testing, [](auto& spec) { spec.trust.authorities.inline_ = "nonsense"; });
  awaitEnvironment(testing, "MalformedAuthorities");
  const auto told = [&] {
    const auto all = events("default", testing);
    return std::count_if(all.begin(), all.end(),
                         [](const auto& e) { return e.reason == "MalformedAuthorities" && e.type == "Warning"; });
  };
  EXPECT_TRUE(waitFor(10s, [&] { return told() == 1; })) << told();
}

TEST_F(Story, ReplacesWhatSomebodyMadeImmutable) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  for (const auto& name : {std::string("mpay-clients"), ledger::memoryName("fragment", {tenant, "certificates"})}) {
    ASSERT_EQ(cluster.plane
                  .kubectl({"patch", "configmap", name, "-n", testingOut, "--type=merge", "-p",
                            R"({"immutable":true,"data":{"more":"x"}})"})
                  .code,
              0);
    EXPECT_TRUE(waitFor(10s, [&] {
      const auto found = configMaps().get({testingOut, name});
      return found && found->immutable != true && !found->data.contains("more");
    })) << name;
  }
}

TEST_F(Story, SendsOneMailAlsoWhereItCannotBeRecorded) {
  startOperator();
  mail.answer(MailSink::Answer::Refuse);
  create(form());
  promote();
  await("Notified", ConditionStatus::False, "NotificationPending");
  EXPECT_TRUE(waitFor(10s, [&] {
    return api::findCondition(current().status->conditions, "Notified")->message.find("tried again:") !=
           std::string::npos;
  })) << "why it is pending";
  letOnlyRead(productionOut);
  mail.answer(MailSink::Answer::Accept);
  ASSERT_TRUE(waitFor(30s, [&] { return !mail.messages().empty(); }));
  EXPECT_FALSE(waitFor(5s, [&] { return mail.messages().size() > 1; })) << "sent again";
  letWrite(productionOut);
  await("Notified", ConditionStatus::True, "Sent");
  EXPECT_EQ(mail.messages().size(), 1u);
}

TEST_F(Story, WithdrawsWhoIsRecreatedInANamespaceThatIsNoTenants) {
  startOperator();
  create(form());
  promote();
  editEnvironment(production, [](auto& spec) { spec.withdrawal.delay = "3s"; });
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(10s, [&] { return current().metadata.uid == std::nullopt; }));
  ASSERT_EQ(cluster.plane.kubectl({"label", "namespace", tenant, "mpay.gov.md/tenant-"}).code, 0);
  create(form());
  await("Submitted", ConditionStatus::False, "NamespaceNotPermitted");
  EXPECT_TRUE(waitFor(
      20s, [&] { return published(productionOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos; }));
}

TEST_F(Story, WithdrawsWhoseNamespaceIsPermittedNoMoreAndTakesItBack) {
  startOperator();
  create(form());
  promote();
  const auto withdrawAfter = [&](const std::string& delay) {
    editEnvironment(production, [&](auto& spec) { spec.withdrawal.delay = delay; });
    awaitEnvironment(production, "Published");
  };
  withdrawAfter("1h");
  const auto isIn = [&](const std::string& namespace_) {
    return published(namespace_, "mpay-clients", "clients.conf").find("AM-") != std::string::npos &&
           published(namespace_, "mpay-allowlist", "allowlist.conf").find("AM-") != std::string::npos;
  };
  const auto isOut = [&](const std::string& namespace_) {
    return published(namespace_, "mpay-clients", "clients.conf").find("AM-") == std::string::npos &&
           published(namespace_, "mpay-allowlist", "allowlist.conf").find("AM-") == std::string::npos;
  };
  const auto permit = [&](const std::string& value) {
    ASSERT_EQ(cluster.plane.kubectl({"label", "--overwrite", "namespace", tenant, "mpay.gov.md/tenant=" + value}).code,
              0);
  };
  // Testing ends at once, production after the delay. A namespace that is permitted again before that keeps production.
  const auto begin = std::chrono::steady_clock::now();
  permit("false");
  ASSERT_TRUE(waitFor(10s, [&] { return isOut(testingOut); }));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::cout << "testing's files had lost it " << took.count() << " s after the label changed\n";
  EXPECT_TRUE(isIn(productionOut));
  await("Submitted", ConditionStatus::False, "NamespaceNotPermitted");
  const api::ObjectKey withdrawal{productionOut, ledger::memoryName("withdrawal", {tenant, "certificates"})};
  EXPECT_TRUE(waitFor(10s, [&] { return configMaps().get(withdrawal).has_value(); }));
  permit("true");
  EXPECT_TRUE(waitFor(20s, [&] { return isIn(testingOut); }));
  await("Ready", ConditionStatus::True, "Production");
  EXPECT_TRUE(waitFor(10s, [&] {
    const auto record = configMaps().get(withdrawal);
    return !record && record.error().isNotFound();
  })) << "the withdrawal is forgotten";
  EXPECT_TRUE(isIn(productionOut));
  withdrawAfter("4s");
  permit("false");
  EXPECT_TRUE(waitFor(20s, [&] { return isOut(productionOut) && isOut(testingOut); }));
  EXPECT_EQ(published(productionOut, "mpay-allowlist", "allowlist.conf"),
            "geo $mpay_address_service {\n    default \"\";\n}\n");
}

}  // namespace
}  // namespace mpay::test
