// A complete form in two usable environments, for tests of decisions about it.
#pragma once

#include "onboarding/decide.h"
#include "onboarding/revocation.h"
#include "support/pki.h"
#include "unit/onboarding/golden.h"

namespace mpay::onboarding {

class Form {
 public:
  Form() : certificate(authority.issue({}).certificate) {
    snapshot.integration = std::make_shared<const api::MPayIntegration>(declared());
    snapshot.namespaceLabels = std::map<std::string, std::string>{{"mpay.gov.md/tenant", "true"}};
    snapshot.certificate = Result<std::string>(certificate);
    snapshot.testing = usable(api::Stage::Testing);
    snapshot.production = usable(api::Stage::Production);
    snapshot.admission.inForceSince = now - std::chrono::hours(1);
  }

  void edit(const std::function<void(api::MPayIntegration&)>& change) {
    auto integration = *snapshot.integration;
    change(integration);
    snapshot.integration = std::make_shared<const api::MPayIntegration>(std::move(integration));
  }
  static void editSettings(EnvironmentSnapshot& environment, const std::function<void(Settings&)>& change) {
    auto settings = *environment.settings;
    change(settings);
    take(environment, std::move(settings));
  }
  // From then on production's environment has a channel for notifications.
  void giveChannel() {
    editSettings(snapshot.production, [](Settings& s) {
      api::SmtpChannel smtp;
      smtp.from = "suport@mpay.example";
      s.spec.notifications.channels.push_back({"mail", smtp});
    });
  }
  // Both environments check revocation.
  void checkRevocation(api::FailureMode onFailure = api::FailureMode::Hard) {
    for (auto* environment : {&snapshot.testing, &snapshot.production}) {
      editSettings(*environment, [&](Settings& s) {
        s.revocation.mode = api::RevocationMode::CRL;
        s.revocation.onFailure = onFailure;
      });
    }
  }
  // Enters this finding for every check.
  void find(EnvironmentSnapshot& environment, const Result<crypto::RevocationFinding>& finding) {
    if (!environment.revocation.value) return;
    for (auto& check : environment.revocation.value->certificates) check = afterLook(check, finding, false);
  }
  void find(const Result<crypto::RevocationFinding>& finding) {
    find(snapshot.testing, finding);
    find(snapshot.production, finding);
  }
  Examination examine() const { return onboarding::examine(snapshot, now); }
  Plan decide(const Conflicts& testing = {}, const Conflicts& production = {}) const {
    auto plan = onboarding::decide(snapshot, examine(), testing, production, now);
    onboarding::record(plan, now);
    return plan;
  }

  // Lets the objects of a decision exist, as after its writes, and the gateway's objects hold them. True when anything
  // was new.
  bool carryOut() {
    const auto plan = decide();
    const bool published = take(snapshot.testing, plan.testing, std::nullopt);
    const bool promotes = take(snapshot.production, plan.production, plan.revision) || plan.revision;
    return published || promotes;
  }
  void record(api::Milestone milestone, api::Role role, const std::string& who,
              api::Decision decision = api::Decision::Accepted) {
    const auto form = examine();
    const bool isTesting = api::stageOf(milestone) == api::Stage::Testing;
    api::MPayValidation record;
    record.metadata.name = fmt::format("r{}", snapshot.records.size());
    record.metadata.uid = *record.metadata.name;
    record.metadata.creationTimestamp = formatTime(now);
    record.spec.integration = {"x", "uid-1"};
    record.spec.environment = isTesting ? "testing" : "production";
    record.spec.milestone = milestone;
    record.spec.role = role;
    record.spec.decision = decision;
    record.spec.digest = isTesting ? form.testingDigest : form.digest;
    record.spec.recordedBy = who;
    snapshot.records.push_back(std::make_shared<const api::MPayValidation>(std::move(record)));
  }
  void passFunctionalTests() { record(api::Milestone::FunctionalTesting, api::Role::MPayRepresentative, "ana"); }
  void validate() {
    record(api::Milestone::FinalValidation, api::Role::Beneficiary, "ion");
    record(api::Milestone::FinalValidation, api::Role::MPayRepresentative, "ana");
  }
  // Brings the declared form into production.
  void promote() {
    carryOut();
    passFunctionalTests();
    validate();
    while (carryOut()) {
    }
  }

  WallTime now = systemClock().now();
  const test::Authority authority;
  const std::string certificate;
  Snapshot snapshot;

 private:
  static void take(EnvironmentSnapshot& into, Settings settings) {
    api::MPayEnvironment declared;
    declared.metadata.name = settings.name;
    declared.spec = settings.spec;
    into.declared = std::make_shared<const api::MPayEnvironment>(std::move(declared));
    into.settings = std::make_shared<const Settings>(std::move(settings));
  }
  // Reads back, as the operator does, the objects that were written; the rest of the snapshot stays as it is.
  bool take(EnvironmentSnapshot& into, const std::vector<api::ConfigMap>& objects,
            std::optional<api::ControllerRevision> revision) const {
    GatheredEnvironment gathered;
    gathered.declared = into.declared;
    gathered.settings = into.settings;
    gathered.isRead = true;
    const std::pair<std::string_view, GatheredObject*> slots[] = {{kFragment, &gathered.fragment},
                                                                  {kService, &gathered.service},
                                                                  {kNotifications, &gathered.notifications},
                                                                  {kRevocation, &gathered.revocation}};
    for (const auto& object : objects) {
      for (const auto& [component, slot] : slots) {
        if (componentOf(object.metadata) == component) slot->object = std::make_shared<const api::ConfigMap>(object);
      }
    }
    if (const auto& fragment = gathered.fragment.object) {
      gathered.published = fragment;
      gathered.publishedHash = currentHash(remembered<Fragment>(*fragment).value(), fragment->data.at("content.json"));
    }
    if (revision) {
      revision->metadata.creationTimestamp = formatTime(now);
      gathered.lastRevision = std::make_shared<const api::ControllerRevision>(*revision);
    }
    const auto read = snapshotOf(gathered, into.settings ? into.settings->name : "", *snapshot.integration);
    bool changed = false;
    if (gathered.fragment.object) {
      changed = into.fragment != read.fragment;
      into.fragment = read.fragment;
      into.isInGatewayFiles = read.isInGatewayFiles;
    }
    if (gathered.service.object) {
      changed = changed || !into.service || into.service->data != read.service->data;
      into.service = read.service;
    }
    if (gathered.notifications.object) into.notifications = read.notifications;
    if (gathered.revocation.object) into.revocation = read.revocation;
    if (revision) into.live = read.live;
    return changed || gathered.notifications.object || gathered.revocation.object;
  }
  static api::MPayIntegration declared() {
    api::MPayIntegration integration;
    integration.metadata.name = "x";
    integration.metadata.namespace_ = "ns";
    integration.metadata.uid = "uid-1";
    integration.metadata.generation = 2;
    auto& spec = integration.spec;
    spec.beneficiary = {"Agenția Model", "1006601000255", api::BeneficiaryType::Public, "RSI-2024-0117"};
    spec.contract = {"45/2026", "2024-09-14", std::nullopt, false};
    spec.applicant = {"Ion Popescu", "ion@agentia.example", "+37322257070"};
    spec.informationSystem = api::InformationSystem{"SIA Stare Civila"};
    spec.service.id = "AM-1";
    spec.service.name.ro = "Certificate";
    spec.service.provider = {"Agenția Model", "https://agentia.example"};
    spec.service.modes = {api::Mode::OnlineRedirect, api::Mode::PosTerminal};
    spec.service.accounts.push_back({"TRGAAA14", "1006601000037", "MD77TRGAAA14153401000000", "MF-TR Chisinau",
                                     std::nullopt, api::AccountKind::Treasury});
    spec.service.posTerminals = {{"T-1", "Parcare", "1010600034203", "str. 12", {}, {}, "ACME", "9.9.9.9"}};
    spec.endpoints.testing = api::Endpoint{"https://pay-test.agentia.example/mpay", {"8.8.8.8"}};
    spec.endpoints.production = api::Endpoint{"https://pay.agentia.example/mpay", {"8.8.4.4"}};
    spec.certificate = api::ContentSource{"given", std::nullopt, std::nullopt};
    return integration;
  }

  EnvironmentSnapshot usable(api::Stage stage) const {
    Settings settings;
    settings.name = stage == api::Stage::Testing ? "testing" : "production";
    settings.spec.stage = stage;
    settings.spec.apiURL = "https://mpay.example:8443";
    settings.spec.outputNamespace = "out-" + settings.name;
    settings.spec.tenants.namespaceSelector.matchLabels["mpay.gov.md/tenant"] = "true";
    settings.spec.registrar.configMap = api::NameReference{"mpay-services"};
    settings.authorities = crypto::Authorities::parse(authority.certificate()).value();
    EnvironmentSnapshot environment;
    environment.read = true;
    take(environment, std::move(settings));
    return environment;
  }
};

}  // namespace mpay::onboarding
