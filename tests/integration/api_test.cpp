// The API's contract: the examples are accepted under strict validation, and each rule refuses.
#include "integration/world.h"
#include "json/yaml.h"

namespace mpay::test {
namespace {

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// As a YAML block scalar goes on.
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

struct Rule {
  const char* name;
  std::function<void(api::MPayIntegrationSpec&)> breakIt;
  const char* says;
};

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

TEST_F(Api, RefusesWhatPeopleCannotSeeInEveryName) {
  const std::pair<const char*, std::function<std::string&(api::MPayIntegrationSpec&)>> names[] = {
      {"legalName", [](auto& s) -> std::string& { return s.beneficiary.legalName; }},
      {"registerNumber", [](auto& s) -> std::string& { return *s.beneficiary.registerNumber; }},
      {"contract.number", [](auto& s) -> std::string& { return s.contract.number; }},
      {"applicant.name", [](auto& s) -> std::string& { return s.applicant.name; }},
      {"informationSystem.name", [](auto& s) -> std::string& { return s.informationSystem->name; }},
      {"service.name.ro", [](auto& s) -> std::string& { return *s.service.name.ro; }},
      {"provider.name", [](auto& s) -> std::string& { return s.service.provider.name; }},
      {"beneficiaryName", [](auto& s) -> std::string& { return s.service.accounts[0].beneficiaryName; }},
  };
  for (const auto& [field, member] : names) {
    for (const std::string hidden : {"\n", "\x1b", "\x7f", "\u0085", "\u061c", "\u200f", "\u202e", "\u2066"}) {
      auto integration = form("hidden");
      member(integration.spec) = "a" + hidden + "b";
      const auto made = integrations().create(integration);
      ASSERT_FALSE(made) << field << " " << json::canonical(json::value(hidden));
      EXPECT_NE(made.error().message.find(field), std::string::npos) << made.error().message;
    }
  }
}

TEST_F(Api, RefusesEachBrokenRuleOfTheForm) {
  const Rule rules[] = {
      {"both kinds",
       [](auto& s) {
         s.genericService = api::GenericService{{"t", {}, {}}, {"i", {}, {}}, {}, {{}, "1.00", "MDL"}};
       },
       "exactly one of informationSystem and genericService"},
      {"neither kind", [](auto& s) { s.informationSystem.reset(); },
       "exactly one of informationSystem and genericService"},
      {"no certificate", [](auto& s) { s.certificate.reset(); }, "needs a certificate"},
      {"no register number", [](auto& s) { s.beneficiary.registerNumber.reset(); }, "needs registerNumber"},
      {"private and not paid", [](auto& s) { s.beneficiary.type = api::BeneficiaryType::Private; },
       "needs paidService"},
      {"commercial and not paid", [](auto& s) { s.service.accounts[0].kind = api::AccountKind::Commercial; },
       "needs paidService"},
      {"no mode", [](auto& s) { s.service.modes.clear(); }, "service.modes"},
      {"a mode twice",
       [](auto& s) {
         s.service.modes = {api::Mode::ExistingOrder, api::Mode::ExistingOrder};
       },
       "Duplicate"},
      {"the generic mode", [](auto& s) { s.service.modes = {api::Mode::GenericService}; },
       "mode GenericService goes with genericService"},
      {"an IDNO's checksum", [](auto& s) { s.beneficiary.idno = "1006601000256"; }, "checksum"},
      {"an IBAN's checksum", [](auto& s) { s.service.accounts[0].iban = "MD78TRGAAA14153401000000"; },
       "must be an IBAN"},
      {"http", [](auto& s) { s.endpoints.testing->url = "http://a.example/x"; }, "must be an https URL"},
      {"user information", [](auto& s) { s.endpoints.testing->url = "https://u:p@a.example/x"; },
       "must be an https URL"},
      {"no URL", [](auto& s) { s.service.provider.website = "https://"; }, "must be an https URL"},
      {"a ServiceID of another form", [](auto& s) { s.service.id = "A B"; }, "service.id"},
      {"a ServiceID too long", [](auto& s) { s.service.id = std::string(37, 'A'); }, "service.id"},
      {"control characters", [](auto& s) { s.beneficiary.legalName = "a\nb"; }, "legalName"},
      {"bidi characters", [](auto& s) { s.beneficiary.legalName = "a\u202eb"; }, "legalName"},
      {"a mail address with a line break", [](auto& s) { s.applicant.email = "a@b\r\nBcc: c@d"; }, "applicant.email"},
      {"eleven recipients",
       [](auto& s) {
         for (int i = 0; i < 11; ++i) s.notification.recipients.push_back(fmt::format("a{}@b.example", i));
       },
       "notification.recipients"},
      {"too many addresses", [](auto& s) { s.endpoints.testing->addresses.assign(65, "8.8.8.8"); }, "addresses"},
      {"terminals without their mode",
       [](auto& s) {
         s.service.posTerminals = {{"T", "O", "1010600034203", "x", {}, {}, "V", "8.8.8.8"}};
       },
       "posTerminals go with mode PosTerminal"},
      {"two sources", [](auto& s) { s.certificate->inline_ = "x"; }, "exactly one of inline"},
  };
  for (const auto& rule : rules) {
    auto integration = form("broken");
    rule.breakIt(integration.spec);
    const auto made = integrations().create(integration);
    ASSERT_FALSE(made) << rule.name;
    EXPECT_NE(made.error().message.find(rule.says), std::string::npos) << rule.name << ": " << made.error().message;
  }
}

TEST_F(Api, KeepsWhatMayNotChange) {
  create(form());
  const Rule rules[] = {
      {"the ServiceID changed", [](auto& s) { s.service.id = "OTHER"; }, "set once"},
      {"the ServiceID removed", [](auto& s) { s.service.id.reset(); }, "set once"},
      {"the IDNO", [](auto& s) { s.beneficiary.idno = "1010600034203"; }, "immutable"},
  };
  for (const auto& rule : rules) {
    auto integration = current();
    rule.breakIt(integration.spec);
    const auto written = integrations().replace(integration);
    ASSERT_FALSE(written) << rule.name;
    EXPECT_NE(written.error().message.find(rule.says), std::string::npos) << written.error().message;
  }
  // Removing the service to add it again with another ServiceID is no way round.
  const auto patch = [&](const std::string& change) {
    return integrations().patch({tenant, "certificates"}, json::parse(change).value());
  };
  EXPECT_FALSE(patch(R"({"spec":{"service":null}})"));
  EXPECT_FALSE(patch(R"({"spec":{"beneficiary":null}})"));
  auto unassigned = form("unassigned");
  unassigned.spec.service.id.reset();
  create(unassigned);
  edit([](auto& s) { s.service.id = "LATER"; }, "unassigned");
  // Environments may change until something is promoted.
  edit([](auto& s) { s.environments.production = "another"; });
  auto integration = current();
  api::MPayIntegrationStatus status;
  status.production = api::ProductionStatus{"sha256:" + std::string(64, 'a'), 1, "r", "2026-01-01T00:00:00Z"};
  ASSERT_TRUE(integrations().applyStatus(integration, status));
  integration = current();
  integration.spec.environments.production = "third";
  const auto written = integrations().replace(integration);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find("immutable once promoted"), std::string::npos) << written.error().message;
  // Leaving them out would be the defaults.
  const auto removed = patch(R"({"spec":{"environments":null}})");
  ASSERT_FALSE(removed);
  EXPECT_NE(removed.error().message.find("immutable once promoted"), std::string::npos) << removed.error().message;
  edit([](auto& s) { s.applicant.name = "Ana Lungu"; });
}

TEST_F(Api, RefusesEachBrokenRuleOfAnEnvironment) {
  const auto refused = [&](const std::string& name, const std::function<void(api::MPayEnvironmentSpec&)>& breakIt,
                           const std::string& says) {
    auto environment = environments().get({"", production}).value();
    breakIt(environment.spec);
    const auto written = environments().replace(environment);
    ASSERT_FALSE(written) << name;
    EXPECT_NE(written.error().message.find(says), std::string::npos) << name << ": " << written.error().message;
  };
  refused(
      "stage", [](auto& s) { s.stage = api::Stage::Testing; }, "stage is immutable");
  refused(
      "outputNamespace", [](auto& s) { s.outputNamespace = "other"; }, "outputNamespace is immutable");
  refused(
      "tester",
      [](auto& s) {
        s.tester = api::Tester{{"t"}, "RSA-SHA1", "30s"};
      },
      "testing only");
  refused(
      "two registrars", [](auto& s) { s.registrar.mail = api::MailRegistrar{"a@b.example"}; },
      "exactly one of configMap, http and mail");
  refused(
      "an empty target", [](auto& s) { s.allowlist.targets[0].configMap.reset(); },
      "exactly one of configMap and networkPolicy");
  refused(
      "no authorities", [](auto& s) { s.trust.authorities.inline_.reset(); }, "exactly one of inline");
  refused(
      "a delay that is none", [](auto& s) { s.withdrawal.delay = "soon"; }, "delay");
}

TEST_F(Api, RefusesUnknownAndDuplicateFields) {
  const std::string manifest = example("public-beneficiary.yaml");
  EXPECT_NE(applied(replaced(manifest, "  targetStage: Production", "  targetStage: Production\n  unknown: 1")).code,
            0);
  // kubectl drops duplicates itself, so this one goes to the server as it is.
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

class Policies : public World {};

TEST_F(Policies, KeepATenantToHisPart) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", api::ConditionStatus::True);
  const std::string owner = "owner-" + suffix;
  ASSERT_EQ(
      cluster.plane
          .kubectl({"create", "rolebinding", "owner", "-n", tenant, "--clusterrole=cluster-admin", "--user=" + owner})
          .code,
      0);
  const auto refused = [](const auto& result, const std::string& says) {
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().isForbidden()) << result.error().message;
    EXPECT_NE(result.error().message.find(says), std::string::npos) << result.error().message;
  };
  refused(record(owner, api::Milestone::FunctionalTesting, api::Role::MPayRepresentative),
          "mpayenvironments/mpayrepresentative");
  // Nor in the name of another, nor for an environment that is none.
  auto forged = record(owner, api::Milestone::FinalValidation, api::Role::Beneficiary);
  ASSERT_TRUE(forged) << forged.error().message;  // as Beneficiary he may
  api::MPayValidation other;
  other.metadata.generateName = "x-";
  other.metadata.namespace_ = tenant;
  other.spec = forged->spec;
  other.spec.recordedBy = representative;
  refused(kube::Api<api::MPayValidation>(cluster.as(owner)).create(other), "recordedBy must be you");
  other.spec.recordedBy = owner;
  other.spec.role = api::Role::MPayRepresentative;
  other.spec.environment = "no-such";
  refused(kube::Api<api::MPayValidation>(cluster.as(owner)).create(other), "mpayenvironments/mpayrepresentative");
  // Nor a status.
  auto integration = current();
  auto status = *integration.status;
  status.phase = "In production";
  refused(kube::Api<api::MPayIntegration>(cluster.as(owner)).applyStatus(integration, status),
          "status is written by the operator only");
  // Nor the operator's finalizer and annotations.
  const auto patch = [&](const json::value& change) {
    return kube::Api<api::MPayIntegration>(cluster.as(owner)).patch({tenant, "certificates"}, change);
  };
  refused(patch(json::object{{"metadata", json::object{{"finalizers", nullptr}}}}), "finalizers under mpay.gov.md/");
  refused(
      patch(json::object{{"metadata", json::object{{"annotations", json::object{{"operator.mpay.gov.md/x", "y"}}}}}}),
      "annotations under operator.mpay.gov.md/");
  EXPECT_TRUE(patch(json::object{{"metadata", json::object{{"annotations", json::object{{"his/own", "y"}}}}}}));
}

TEST_F(Policies, LetServiceAccountsRecordOnlyWhereTheEnvironmentAllowsIt) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", api::ConditionStatus::True);
  ASSERT_EQ(cluster.plane
                .kubectl({"create", "rolebinding", "robot", "-n", tenant, "--clusterrole=mpay-beneficiary",
                          "--serviceaccount=" + tenant + ":default"})
                .code,
            0);
  kube::Client robot(
      kube::Config::fromFile(cluster.plane.kubeconfigForServiceAccount(tenant, "default").string()).value());
  const auto integration = current();
  api::MPayValidation record;
  record.metadata.generateName = "x-";
  record.metadata.namespace_ = tenant;
  record.spec.integration = {"certificates", *integration.metadata.uid};
  record.spec.environment = production;
  record.spec.decision = api::Decision::Accepted;
  record.spec.digest = *integration.status->digest;
  record.spec.recordedBy = "system:serviceaccount:" + tenant + ":default";
  const auto refused = kube::Api<api::MPayValidation>(robot).create(record);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("service accounts"), std::string::npos) << refused.error().message;
  editEnvironment(production, [](auto& spec) { spec.validation.serviceAccounts = api::ServiceAccountPolicy::Allowed; });
  EXPECT_TRUE(waitFor(20s, [&] { return kube::Api<api::MPayValidation>(robot).create(record).has_value(); }));
  // There, and nowhere else.
  record.spec.environment = testing;
  record.spec.milestone = api::Milestone::FunctionalTesting;
  record.spec.digest = *integration.status->testingDigest;
  const auto elsewhere = kube::Api<api::MPayValidation>(robot).create(record);
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().message.find("service accounts"), std::string::npos) << elsewhere.error().message;
}

}  // namespace
}  // namespace mpay::test
