// The API's contract: the examples are accepted under strict validation, and immutable fields cannot change.
// schema_test.cpp has the rules that the schema enforces alone.
#include "integration/world.h"
#include "json/yaml.h"

namespace mpay::test {
namespace {

// Indents a text to continue a YAML block scalar.
std::string indented(const std::string& pem, const std::string& blanks) {
  std::string text = replaced(pem, "\n", "\n" + blanks);
  return text.substr(0, text.size() - blanks.size() - 1);
}

class Api : public World {
 protected:
  std::string example(const std::string& name) {
    std::string text = readFile(std::string(MPAY_SOURCE_DIR) + "/docs/examples/" + name);
    text = replaced(text, "{{the user's public signature certificate, PEM}}",
                    indented(certificate.certificate, "          "));
    text =
        replaced(text, "{{the system certificate issued by STISC, PEM}}", indented(certificate.certificate, "      "));
    for (const auto space : {"public-services", "model-town-hall", "model-parking"})
      text = replaced(text, std::string("namespace: ") + space, "namespace: " + tenant);
    return text;
  }
  Finished applied(const std::string& manifest) {
    return cluster.plane.kubectl({"apply", "--server-side", "--validate=strict", "-f", "-"}, manifest);
  }
};

TEST_F(Api, TakesTheExamplesUnderStrictValidation) {
  for (const auto name :
       {"environments.yaml", "public-beneficiary.yaml", "private-beneficiary.yaml", "generic-service.yaml"}) {
    const auto done = applied(example(name));
    EXPECT_EQ(done.code, 0) << name << ": " << done.output;
  }
  std::string record = example("validation.yaml");
  record = replaced(record, "{{metadata.uid}}", current("civil-status-certificates").metadata.uid.value_or(""));
  record = replaced(record, "{{status.digest}}", "sha256:" + std::string(64, 'a'));
  cluster.awaitPolicies();
  const auto done = cluster.plane.kubectl({"create", "--validate=strict", "-f", "-"}, record,
                                          cluster.plane.kubeconfigFor(beneficiary));
  EXPECT_EQ(done.code, 0) << done.output;
  cluster.plane.kubectl({"delete", "mpe", "testing", "production", "--wait=false"});
}

TEST_F(Api, PrintsColumnsForPeople) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", api::ConditionStatus::True);
  const auto wide = cluster.plane.kubectl({"get", "mpi", "-n", tenant, "-o", "wide"}).output;
  for (const auto word : {"STAGE", "READY", "PHASE", "REASON", "AGE", "SERVICEID", "DIGEST", "Testing",
                          "AwaitingFunctionalTesting", "sha256:"}) {
    EXPECT_NE(wide.find(word), std::string::npos) << word << "\n" << wide;
  }
  EXPECT_EQ(cluster.plane.kubectl({"get", "mpay", "-A"}).code, 0);
}

TEST_F(Api, TakesExactlyOneChecksum) {
  std::vector<std::string> taken;
  for (int i = 0; i < 10; ++i) {
    auto integration = form(fmt::format("idno-{}", i));
    integration.spec.beneficiary.idno = fmt::format("100660100025{}", i);
    if (integrations().create(integration)) taken.push_back(integration.spec.beneficiary.idno);
  }
  EXPECT_EQ(taken, std::vector<std::string>{"1006601000255"});
  taken.clear();
  for (int i = 2; i < 99; ++i) {
    auto integration = form(fmt::format("iban-{}", i));
    integration.spec.service.accounts[0].iban = fmt::format("MD{:02}TRGAAA14153401000000", i);
    if (integrations().create(integration)) taken.push_back(integration.spec.service.accounts[0].iban);
  }
  EXPECT_EQ(taken, std::vector<std::string>{"MD77TRGAAA14153401000000"});
}

struct Change {
  const char* name;
  std::function<void(api::MPayIntegrationSpec&)> make;
  const char* says;
};

TEST_F(Api, KeepsWhatMayNotChange) {
  create(form());
  const Change changes[] = {
      {"the ServiceID changed", [](auto& s) { s.service.id = "OTHER"; },
       "spec.service.id: Forbidden: service.id is set once; another ServiceID needs another integration"},
      {"the ServiceID removed", [](auto& s) { s.service.id.reset(); },
       "spec.service.id: Forbidden: service.id is set once; another ServiceID needs another integration"},
      {"the IDNO", [](auto& s) { s.beneficiary.idno = "1010600034203"; },
       "spec.beneficiary.idno: Forbidden: beneficiary.idno is immutable; another beneficiary needs another "
       "integration"},
  };
  for (const auto& change : changes) {
    auto integration = current();
    change.make(integration.spec);
    const auto written = integrations().replace(integration);
    ASSERT_FALSE(written) << change.name;
    EXPECT_NE(written.error().message.find(change.says), std::string::npos) << written.error().message;
  }
  // Removing the service and adding it with another ServiceID is refused too.
  const auto patch = [&](const std::string& change) {
    return integrations().patch({tenant, "certificates"}, json::parse(change).value());
  };
  EXPECT_FALSE(patch(R"({"spec":{"service":null}})"));
  EXPECT_FALSE(patch(R"({"spec":{"beneficiary":null}})"));
  auto unassigned = form("unassigned");
  unassigned.spec.service.id.reset();
  create(unassigned);
  edit([](auto& s) { s.service.id = "LATER"; }, "unassigned");
  // Environments may change until the first promotion.
  edit([](auto& s) { s.environments.production = "another"; });
  auto integration = current();
  api::MPayIntegrationStatus status;
  status.production = api::ProductionStatus{"sha256:" + std::string(64, 'a'), 1, "r", "2026-01-01T00:00:00Z", {}};
  ASSERT_TRUE(integrations().applyStatus(integration, status));
  integration = current();
  integration.spec.environments.production = "third";
  const auto written = integrations().replace(integration);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("immutable once promoted"), std::string::npos) << written.error().message;
  // Without them the defaults would apply.
  const auto removed = patch(R"({"spec":{"environments":null}})");
  ASSERT_FALSE(removed);
  EXPECT_NE(removed.error().message.find("immutable once promoted"), std::string::npos) << removed.error().message;
  edit([](auto& s) { s.applicant.name = "Ana Lungu"; });
}

TEST_F(Api, KeepsWhatMayNotChangeOfAnEnvironment) {
  const auto refused = [&](const std::string& name, const std::function<void(api::MPayEnvironmentSpec&)>& breakIt,
                           const std::string& says) {
    auto environment = environments().get({"", production}).value();
    breakIt(environment.spec);
    const auto written = environments().replace(environment);
    ASSERT_FALSE(written) << name;
    EXPECT_NE(written.error().message.find(says), std::string::npos) << name << ": " << written.error().message;
  };
  refused(
      "stage", [](auto& s) { s.stage = api::Stage::Testing; },
      "spec.stage: Forbidden: stage is immutable; create another environment");
  refused(
      "outputNamespace", [](auto& s) { s.outputNamespace = "other"; },
      "spec.outputNamespace: Forbidden: outputNamespace is immutable; create another environment");
}

TEST_F(Api, RefusesUnknownAndDuplicateFields) {
  const std::string manifest = example("public-beneficiary.yaml");
  EXPECT_NE(applied(replaced(manifest, "  targetStage: Production", "  targetStage: Production\n  unknown: 1")).code,
            0);
  // kubectl drops duplicates itself, so the text goes to the server directly.
  std::string raw = json::canonical(json::parseYaml(manifest)->front());
  raw = replaced(raw, "\"targetStage\":\"Production\"", "\"targetStage\":\"Production\",\"targetStage\":\"Testing\"");
  writeFile(folder / "raw.json", raw);
  const auto done = cluster.plane.kubectl(
      {"create", "--raw",
       "/apis/mpay.gov.md/v1alpha1/namespaces/" + tenant + "/mpayintegrations?fieldValidation=Strict", "-f",
       (folder / "raw.json").string()});
  EXPECT_NE(done.code, 0);
  EXPECT_NE(done.output.find("duplicate field"), std::string::npos) << done.output;
}

TEST_F(Api, KeepsARecordAsItWasMade) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", api::ConditionStatus::True);
  const auto made = record(representative, api::Milestone::FunctionalTesting, api::Role::MPayRepresentative);
  ASSERT_TRUE(made) << made.error().message;
  const auto patch = [&](const std::string& change) {
    return cluster.plane.kubectl({"patch", "mpv", *made->metadata.name, "-n", tenant, "--type=merge", "-p", change});
  };
  const auto changed = patch(R"({"spec":{"decision":"Rejected"}})");
  EXPECT_NE(changed.code, 0);
  EXPECT_NE(changed.output.find("immutable"), std::string::npos) << changed.output;
  EXPECT_EQ(patch(R"({"metadata":{"labels":{"a":"b"},"finalizers":["example.com/keep"]}})").code, 0);
  EXPECT_EQ(patch(R"({"metadata":{"finalizers":null}})").code, 0);
}

}  // namespace
}  // namespace mpay::test
