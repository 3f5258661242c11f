// The functional tests of a web service, run by the operator: from the intent to the report and to production.
#include <sstream>

#include "api/test_request.h"
#include "integration/world.h"
#include "onboarding/functional_testing.h"
#include "support/beneficiary.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;

class FunctionalTests : public World {
 protected:
  FunctionalTests() {
    writeFile(folder / "defects", "");
    // Readers of reports need the right to read ConfigMaps, which Kubernetes' ClusterRole view has.
    cluster.apply(fmt::format(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: reports, namespace: {0}}}, rules: "
        "[{{apiGroups: [''], resources: [configmaps], verbs: [get]}}]}}\n---\n{{apiVersion: "
        "rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: reports, namespace: {0}}}, roleRef: "
        "{{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reports}}, subjects: [{{apiGroup: "
        "rbac.authorization.k8s.io, kind: User, name: {1}}}]}}\n",
        tenant, beneficiary));
    cluster.apply(secret("mpay-tester", "mpay"));
    setFile("certificate", "certificate.cer", beneficiary_.signing().certificate);
    editEnvironment(testing, [&](auto& spec) {
      spec.trust.authorities.inline_ = beneficiary_.authority();
      api::Tester tester;
      tester.signingKeySecretRef.name = "mpay-tester";
      tester.timeout = "5s";
      tester.permitted = {"127.0.0.0/8", "::1/128"};
      tester.authorities = api::ContentSource{beneficiary_.authority(), std::nullopt, std::nullopt};
      spec.tester = tester;
    });
    editEnvironment(production, [&](auto& spec) { spec.trust.authorities.inline_ = beneficiary_.authority(); });
  }

  std::string secret(const std::string& name, const std::string& file) {
    return fmt::format(
        "{{apiVersion: v1, kind: Secret, type: kubernetes.io/tls, metadata: {{name: {}, namespace: mpay-system}}, "
        "stringData: {{tls.crt: {}, tls.key: {}}}}}\n",
        name, boost::json::serialize(readFile(beneficiary_.file(file + ".pem"))),
        boost::json::serialize(readFile(beneficiary_.file(file + ".key"))));
  }

  // Sets the defects of the web service for every path, from now on.
  void mend(const std::string& defects = "") { writeFile(folder / "defects", defects); }

  api::MPayIntegration tested(const std::string& payable = "PAYABLE-1") {
    auto integration = form("certificates", "MODEL-01");
    auto& spec = integration.spec;
    spec.endpoints.testing->url = beneficiary_.url();
    spec.functionalTests = api::FunctionalTestData{api::KnownOrder{"KNOWN-1", "234.50", "MDL"},
                                                   api::OrderKeyOnly{"UNKNOWN-1"}, std::nullopt};
    if (!payable.empty()) spec.functionalTests->payable = api::OrderKeyOnly{payable};
    return integration;
  }

  void automatic() {
    editEnvironment(testing,
                    [](auto& spec) { spec.validation.functionalTesting = api::FunctionalTestingPolicy::Automatic; });
  }

  std::string message(const std::string& type = "FunctionalTestsPassed") {
    const auto integration = current();
    const auto* condition = integration.status ? api::findCondition(integration.status->conditions, type) : nullptr;
    return condition ? condition->message : "";
  }

  std::optional<api::FunctionalTestStatus> lastRun() {
    const auto integration = current();
    return integration.status ? integration.status->functionalTests : std::nullopt;
  }
  // Waits for a run other than `earlier`.
  api::FunctionalTestStatus awaitRunAfter(const std::string& earlier) {
    std::optional<api::FunctionalTestStatus> run;
    EXPECT_TRUE(waitFor(20s,
                        [&] {
                          run = lastRun();
                          return run && run->runID != earlier;
                        }))
        << "no run after " << earlier;
    return run.value_or(api::FunctionalTestStatus{});
  }

  std::string request() {
    api::MPayTestRequest wanted;
    wanted.metadata.namespace_ = tenant;
    wanted.metadata.generateName = "again-";
    wanted.spec.integration.name = "certificates";
    const auto made = kube::Api<api::MPayTestRequest>(cluster.as(beneficiary)).create(wanted);
    EXPECT_TRUE(made) << made.error().message;
    return made ? made->metadata.name.value_or("") : "";
  }
  std::size_t requests() {
    return kube::Api<api::MPayTestRequest>(cluster.admin).list({tenant, "", ""}).value().size();
  }

  std::optional<ledger::TestRecord> known() {
    const auto object = configMaps().get({testingOut, ledger::memoryName(ledger::kTests, {tenant, "certificates"})});
    if (!object) return std::nullopt;
    return ledger::remembered<ledger::TestRecord>(*object).value();
  }
  // The confirmations that the web service received: order, PaymentID, amount.
  std::vector<std::string> payments() {
    std::vector<std::string> lines;
    std::istringstream text(readFile(folder / "payments"));
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }

  struct Called {
    int code = 0;
    std::string output, error;
  };
  Called kubectlTest(std::vector<std::string> more = {}, const std::string& as = "") {
    std::vector<std::string> command{MPAY_BIN_DIR "/kubectl-mpay",
                                     "test",
                                     "certificates",
                                     "-n",
                                     tenant,
                                     "--kubeconfig",
                                     cluster.plane.kubeconfigFor(as.empty() ? beneficiary : as).string()};
    command.insert(command.end(), more.begin(), more.end());
    const auto done = run(command);
    return {done.code, done.output, ""};
  }

  Beneficiary beneficiary_{{{"--variants-by-path", "--defects-file", folder / "defects", "--payments",
                             folder / "payments", "--hold", folder / "hold"},
                            "DNS:localhost"}};
};

TEST_F(FunctionalTests, NameWhatIsWrongAndLetPassWhatIsMended) {
  mend("unsigned wrong-sum");
  startOperator();
  create(tested());
  await("FunctionalTestsPassed", ConditionStatus::False, "TestsFailed");
  await("Stalled", ConditionStatus::True, "TestsFailed");
  EXPECT_NE(message().find("S1: "), std::string::npos) << message();
  EXPECT_NE(message().find("kubectl mpay test certificates -n " + tenant), std::string::npos) << message();
  auto run = lastRun().value();
  EXPECT_EQ(run.outcome, api::TestOutcome::Failed);
  EXPECT_EQ(run.digest, current().status->testingDigest);
  EXPECT_NE(std::find(run.failedChecks.begin(), run.failedChecks.end(), "G6"), run.failedChecks.end());
  EXPECT_EQ(run.passed + run.warned + run.failed + run.skipped, 42);
  auto report = configMaps().get({tenant, "certificates-functional-tests"});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->metadata.ownerReferences.front().uid, current().metadata.uid);
  EXPECT_FALSE(json::parse(report->data["report.json"]).value().at("passed").as_bool());
  EXPECT_NE(report->data["report.txt"].find("Testarea funcțională nu a trecut."), std::string::npos);
  EXPECT_NE(report->data["junit.xml"].find("<testsuite"), std::string::npos);
  bool isTold = false;
  for (const auto& event : events(tenant, "certificates")) isTold = isTold || event.reason == "FunctionalTestsFailed";
  EXPECT_TRUE(waitFor(10s, [&] {
    for (const auto& event : events(tenant, "certificates")) isTold = isTold || event.reason == "FunctionalTestsFailed";
    return isTold;
  }));

  // Only the service is mended. The form does not change, so somebody must request a run.
  mend();
  const auto called = kubectlTest({"-o", "json"});
  EXPECT_EQ(called.code, 0) << called.output;
  EXPECT_NE(called.output.find("\"passed\":true"), std::string::npos) << called.output;
  EXPECT_TRUE(waitFor(10s, [&] { return requests() == 0; })) << "an answered request is still there";
  await("FunctionalTestsPassed", ConditionStatus::False, "AwaitingFunctionalTesting");
  EXPECT_NE(message().find("checks passed"), std::string::npos) << message();
  EXPECT_NE(awaitRunAfter(run.runID).outcome, api::TestOutcome::Failed);
  promote();
  report = configMaps().get({tenant, "certificates-functional-tests"});
  EXPECT_TRUE(json::parse(report->data["report.json"]).value().at("passed").as_bool());
}

TEST_F(FunctionalTests, AloneOpenTheGateWhereTheEnvironmentSaysSoAndNeverTouchProduction) {
  automatic();
  startOperator();
  create(tested());
  await("FunctionalTestsPassed", ConditionStatus::True, "Tested");
  const auto accept = [&](const std::string& user, api::Role role) {
    EXPECT_TRUE(waitFor(10s, [&] { return record(user, api::Milestone::FinalValidation, role).has_value(); }));
  };
  accept(beneficiary, api::Role::Beneficiary);
  accept(representative, api::Role::MPayRepresentative);
  await("Ready", ConditionStatus::True, "Production");
  const auto promoted = outputs(productionOut);
  const auto run = lastRun().value();
  const auto revisions = kube::Api<api::ControllerRevision>(cluster.admin).list({productionOut, "", ""}).value();
  ASSERT_EQ(revisions.size(), 1u);
  EXPECT_EQ(revisions.front().data.at("functionalTests").at("runID").as_string(), run.runID);

  mend("unsigned");
  const auto called = kubectlTest();
  EXPECT_EQ(called.code, 1) << called.output;
  EXPECT_NE(called.output.find("S1"), std::string::npos) << called.output;
  EXPECT_EQ(awaitRunAfter(run.runID).outcome, api::TestOutcome::Failed);
  EXPECT_TRUE(waitFor(10s, [&] { return message().find("the last run did not pass") != std::string::npos; }))
      << message();
  await("Ready", ConditionStatus::True, "Production");
  await("FunctionalTestsPassed", ConditionStatus::True, "AsPromoted");
  EXPECT_EQ(outputs(productionOut), promoted);
}

TEST_F(FunctionalTests, PayNothingTwiceWhateverInterruptsThem) {
  automatic();
  writeFile(folder / "hold", "");
  startOperator();
  create(tested());
  // The operator is killed in the middle of the run: P1 was paid, and nobody was told.
  ASSERT_TRUE(waitFor(20s, [&] {
    for (const auto& line : payments()) {
      if (line.starts_with("PAYABLE-1 ")) return true;
    }
    return false;
  })) << readFile(folder / "operator.log");
  const auto interrupted = known();
  ASSERT_TRUE(interrupted && interrupted->intended);
  ASSERT_EQ(interrupted->amounts.size(), 1u) << "the amount must be known before the first payment";
  EXPECT_EQ(interrupted->amounts.front().amount, "150.00");
  killOperator();
  std::filesystem::remove(folder / "hold");
  startOperator();
  await("FunctionalTestsPassed", ConditionStatus::True, "Tested");
  EXPECT_EQ(lastRun()->runID, interrupted->intended->id) << "an interrupted run is repeated, it is no other";
  const auto first = lastRun().value();
  // A run for a changed form; the order is the same.
  edit([&](auto& spec) { spec.functionalTests->unknown->orderKey = "UNKNOWN-2"; });
  EXPECT_EQ(awaitRunAfter(first.runID).outcome, api::TestOutcome::Passed);
  std::set<std::string> distinct;
  for (const auto& line : payments()) {
    if (line.starts_with("PAYABLE-1 ")) distinct.insert(line);
  }
  EXPECT_EQ(distinct.size(), 1u) << fmt::format("{}", fmt::join(distinct, "\n"));
  EXPECT_EQ(known()->amounts.size(), 1u);
}

// Without the recorded amount the run would read the amount from the order, which is paid by then.
TEST_F(FunctionalTests, PayNothingWhereTheRememberedAmountIsDamaged) {
  automatic();
  startOperator();
  create(tested());
  await("FunctionalTestsPassed", ConditionStatus::True, "Tested");
  killOperator();
  const auto object =
      configMaps().get({testingOut, ledger::memoryName(ledger::kTests, {tenant, "certificates"})}).value();
  auto record = ledger::remembered<ledger::TestRecord>(object).value();
  ASSERT_EQ(record.amounts.size(), 1u);
  record.amounts.front().amount = "150,00";
  auto damaged = ledger::remember(object.metadata, record);
  ASSERT_TRUE(configMaps().replace(damaged));
  const auto before = payments();
  startOperator();
  edit([&](auto& spec) { spec.functionalTests->unknown->orderKey = "UNKNOWN-2"; });
  EXPECT_TRUE(waitFor(20s, [&] {
    return known()->problem.value_or("").find("the payable order's amount is no amount") != std::string::npos;
  })) << readFile(folder / "operator.log");
  EXPECT_EQ(payments(), before);
}

TEST_F(FunctionalTests, EndWhatIsNotIntendedAnyMore) {
  automatic();
  auto integration = tested();
  integration.spec.endpoints.testing->url = beneficiary_.url("drip");
  startOperator();
  create(integration);
  ASSERT_TRUE(waitFor(20s, [&] { return known() && known()->intended; }));
  const auto slow = known()->intended->id;
  await("FunctionalTestsPassed", ConditionStatus::False, "TestsRunning");
  edit([&](auto& spec) { spec.endpoints.testing->url = beneficiary_.url(); });
  await("FunctionalTestsPassed", ConditionStatus::True, "Tested");
  EXPECT_NE(lastRun()->runID, slow);
  EXPECT_NE(readFile(folder / "operator.log").find(slow + " are ended"), std::string::npos);
}

TEST_F(FunctionalTests, WaitForAWebServiceThatCannotBeReached) {
  automatic();
  auto integration = tested();
  integration.spec.endpoints.testing->url = "https://localhost:1/";
  startOperator();
  create(integration);
  await("FunctionalTestsPassed", ConditionStatus::False, "EndpointUnreachable");
  await("Reconciling", ConditionStatus::True);
  EXPECT_NE(message().find("it is tried again at "), std::string::npos) << message();
  const auto run = lastRun().value();
  EXPECT_EQ(run.outcome, api::TestOutcome::Unreachable);
  EXPECT_TRUE(known()->last->retryAt);
  EXPECT_EQ(known()->last->attempt, 1);
  const auto called = kubectlTest();
  EXPECT_EQ(called.code, 1) << called.output;
  EXPECT_EQ(known()->last->attempt, 2);
}

TEST_F(FunctionalTests, SayWhatTheTesterIsMissing) {
  ASSERT_EQ(cluster.plane.kubectl({"delete", "secret", "mpay-tester", "-n", "mpay-system"}).code, 0);
  automatic();
  startOperator();
  create(tested());
  await("FunctionalTestsPassed", ConditionStatus::False, "TesterUnavailable");
  EXPECT_NE(message().find("Secret mpay-system/mpay-tester with the tester's key does not exist"), std::string::npos)
      << message();
  const auto called = kubectlTest({"--timeout", "1"});
  EXPECT_EQ(called.code, 2) << called.output;
  EXPECT_NE(called.output.find("TesterUnavailable"), std::string::npos) << called.output;
  EXPECT_EQ(requests(), 0u) << "a request that nobody waits for is taken back";
  cluster.apply(secret("mpay-tester", "signing"));
  request();
  await("FunctionalTestsPassed", ConditionStatus::False, "TestsFailed");
  cluster.apply(secret("mpay-tester", "mpay"));
  request();
  await("FunctionalTestsPassed", ConditionStatus::True, "Tested");
  // Nothing of the key appears anywhere else.
  const auto key = readFile(beneficiary_.file("mpay.key"));
  const auto secretPart = key.substr(key.find('\n') + 1, 60);
  EXPECT_EQ(readFile(folder / "operator.log").find(secretPart), std::string::npos);
}

TEST_F(FunctionalTests, SayWhatTheFormIsMissing) {
  auto integration = tested();
  integration.spec.functionalTests.reset();
  startOperator();
  create(integration);
  await("FunctionalTestsPassed", ConditionStatus::False, "TestDataMissing");
  await("Stalled", ConditionStatus::True, "TestDataMissing");
  EXPECT_FALSE(known());
  edit([&](auto& spec) { spec.functionalTests = tested().spec.functionalTests; });
  await("FunctionalTestsPassed", ConditionStatus::False, "AwaitingFunctionalTesting");
}

TEST_F(FunctionalTests, CallNobodyWhereNobodyIsToBeCalled) {
  automatic();
  auto integration = tested();
  integration.spec.service.modes = {api::Mode::InvoiceApi};
  integration.spec.functionalTests.reset();
  startOperator();
  create(integration);
  await("FunctionalTestsPassed", ConditionStatus::True, "Tested");
  EXPECT_EQ(lastRun()->skipped, 42);
  EXPECT_NE(published(tenant, "certificates-functional-tests", "report.json").find("MPay calls no endpoint"),
            std::string::npos);
}

// A signed confirmation of another service's order could be shown to that service.
TEST_F(FunctionalTests, CallNobodyUnderAServiceIDOfAnother) {
  automatic();
  startOperator();
  create(tested());
  await("FunctionalTestsPassed", ConditionStatus::True, "Tested");
  auto other = tested();
  other.metadata.name = "other";
  Authority authorityOfOther;
  create(other);
  await("Submitted", ConditionStatus::False, "", "other");
  EXPECT_FALSE(configMaps().get({testingOut, ledger::memoryName(ledger::kTests, {tenant, "other"})}));
  EXPECT_FALSE(current("other").status->functionalTests);
}

TEST_F(FunctionalTests, LeaveAReportAloneThatIsNotTheirs) {
  automatic();
  setFile("certificates-functional-tests", "report.json", "mine");
  startOperator();
  create(tested());
  await("FunctionalTestsPassed", ConditionStatus::True, "Tested");
  EXPECT_NE(message().find("is not the operator's"), std::string::npos) << message();
  EXPECT_EQ(published(tenant, "certificates-functional-tests", "report.json"), "mine");
  const auto first = lastRun().value();
  EXPECT_FALSE(first.report);
  // The run counts even if the operator may not write the report.
  ASSERT_EQ(cluster.plane.kubectl({"delete", "role", "mpay-operator", "-n", tenant}).code, 0);
  const auto called = kubectlTest();
  EXPECT_EQ(called.code, 0) << called.output;
  EXPECT_NE(called.output.find("the operator may not write ConfigMap"), std::string::npos) << called.output;
}

TEST_F(FunctionalTests, TestOneAtATimeAtEachHost) {
  writeFile(folder / "hold", "");
  auto other = tested();
  other.metadata.name = "other";
  other.spec.service.id = "OTHER-01";
  const Authority authorityOfOther("Other CA");
  const auto certificateOfOther = authorityOfOther.issue({});
  setFile("logo", "certificate.cer", certificateOfOther.certificate);
  other.spec.certificate = api::ContentSource{std::nullopt, api::KeyReference{"logo", "certificate.cer"}, std::nullopt};
  for (const auto& environment : {testing, production}) {
    editEnvironment(environment, [&](auto& spec) {
      spec.trust.authorities.inline_ = beneficiary_.authority() + authorityOfOther.certificate();
      if (spec.tester) spec.tester->timeout = "60s";
    });
  }
  startOperator();
  create(tested());
  ASSERT_TRUE(waitFor(20s, [&] { return !payments().empty(); })) << "the first run is held in the middle";
  create(other);
  awaitReason("FunctionalTestsPassed", "TestsRunning", "other");
  EXPECT_FALSE(current("other").status->functionalTests);
  std::filesystem::remove(folder / "hold");
  awaitReason("FunctionalTestsPassed", "AwaitingFunctionalTesting");
  awaitReason("FunctionalTestsPassed", "TestsFailed", "other");
  const auto log = readFile(folder / "operator.log");
  const auto firstEnds = log.find("/certificates: functional tests: Passed");
  const auto otherBegins = log.find("/other: functional tests run-");
  ASSERT_NE(firstEnds, std::string::npos);
  ASSERT_NE(otherBegins, std::string::npos);
  EXPECT_LT(firstEnds, otherBegins);
}

TEST_F(FunctionalTests, LetNobodyAskWhoMayNot) {
  startOperator();
  create(tested());
  await("FunctionalTestsPassed", ConditionStatus::False, "AwaitingFunctionalTesting");
  const auto called = kubectlTest({}, "stranger@example.org");
  EXPECT_EQ(called.code, 2) << called.output;
}

}  // namespace
}  // namespace mpay::test
