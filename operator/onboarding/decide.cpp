// decide(): the conditions after the form, what is written, and the summary.
#include "onboarding/decide.h"

#include <algorithm>

#include "crypto/digest.h"
#include "onboarding/digest.h"
#include "onboarding/notifications.h"
#include "onboarding/rendering.h"
#include "onboarding/rotation.h"

namespace mpay::onboarding {
namespace {

using api::ConditionStatus;

constexpr std::size_t kSpentKept = 200;

// Everything decide() works out, condition by condition.
struct Decision {
  const Snapshot& in;
  const Examination& form;
  const Conflicts& testingConflicts;
  const Conflicts& productionConflicts;
  const WallTime now;
  Plan plan{};
  Verdict certificate{}, submitted{}, testing{}, functional{}, validated{}, promoted{}, notified{};
  Records functionalRecords{}, finalRecords{};
  RevocationRecord testingChecks{}, productionChecks{};  // to exist, also while suspended
  std::optional<Verdict> lost{};                         // of the live revision, what the platform assigned to others
  const CheckedCertificate* unadmitted = nullptr;        // of the live revision, where production publishes it no more
  std::vector<EffectRecord> tellInTesting{}, tellInProduction{};
  std::optional<TestRecord> tests{};                        // what is remembered of runs from now on
  const std::optional<crypto::Certificate> promotedWith{};  // of the live revision
  const bool presentsEarlier = false;                       // the Secret of a request, than what is declared
  std::optional<crypto::Certificate> served{};              // by production

  const api::MPayIntegration& integration() const { return *in.integration; }
  const api::MPayIntegrationSpec& spec() const { return in.integration->spec; }
  api::ObjectKey key() const { return integration().metadata.key(); }
  const std::optional<NumberedRevision>& live() const { return in.production.live; }
  bool servesCurrent() const { return live() && !form.digest.empty() && live()->revision.digest == form.digest; }
  bool toProduction() const { return spec().targetStage == api::Stage::Production; }

  void planChecks();
  std::set<std::string> withheld(const EnvironmentSnapshot& environment, const RevocationRecord& checks) const;
  const CheckedCertificate* withheldCheck(const std::string& sha256) const;
  std::string serving() const;
  void noteLost(const Fragment& whole);
  // Whether production admits nobody under the live revision any more.
  bool losesAll() const { return lost && lost->reason != "AddressConflict"; }
  // What is revoked matters more than addresses that are missing.
  bool tellsOfLoss() const { return lost && (losesAll() || !unadmitted); }
  void judgeClaims();
  void judgeTesting();
  bool isTested() const { return in.testing.settings && in.testing.settings->tester; }
  void planTests();
  void judgeFunctional();
  // What the runs say, where a tester runs any; True where there is none.
  Verdict judgeRuns() const;
  void judgeValidated();
  void judgePromoted();
  void judgeExpiry();
  void judgeNotified();
  // Whether a verdict on the form waits for what is being read.
  bool waitsForReading() const {
    const auto waits = [](const Verdict& verdict) { return verdict.reason == "Pending"; };
    return waits(form.prerequisites) || waits(certificate) || waits(submitted) || waits(form.testingTenancy);
  }
  // What an environment publishes, with what it owes to earlier certificates.
  Fragment publish(const EnvironmentSnapshot& environment, Fragment next, const RevocationRecord& checks,
                   std::vector<api::ConfigMap>& into);
  // Where nothing new can be published: ends what is due to end.
  void end(const EnvironmentSnapshot& environment, const RevocationRecord& checks, std::vector<api::ConfigMap>& into);
  void noteEarlier(const EnvironmentSnapshot& environment, const Fragment& fragment);
  api::CertificateStatus describe(const crypto::Certificate& leaf, const EnvironmentSnapshot& environment);
  void warn(const crypto::Certificate& leaf, const api::CertificateStatus& status,
            const EnvironmentSnapshot& environment, const Effects& elsewhere, std::vector<EffectRecord>& into);
  void intend(const EnvironmentSnapshot& environment, std::vector<EffectRecord> wanted,
              std::vector<api::ConfigMap>& into) const;
  void tellOfRevoked(const EnvironmentSnapshot& environment, std::vector<EffectRecord>& into) const;
  void planRevocation(const EnvironmentSnapshot& environment, const RevocationRecord& checks,
                      std::vector<api::ConfigMap>& objects) const;
  // Whether whoever presents the declared certificate is admitted wherever the service is.
  bool isAdmittedEverywhere() const;
  void planKeys();
  void summarise();
  bool isPublished(const EnvironmentSnapshot& environment, const Fragment& fragment, const api::ConfigMap& service,
                   Verdict& verdict) const;
  void promote();
};

std::optional<std::string> encoded(const Content& content) {
  if (!content || !*content) return std::nullopt;
  return crypto::base64(**content);
}

api::ConfigMap claimObject(const Settings& settings, const api::ObjectKey& key, const Claim& claim) {
  return remember(memoryMeta(settings.spec.outputNamespace, kClaim, settings.name, key), claim);
}
api::ConfigMap fragmentObject(const api::MPayEnvironment& environment, const api::ObjectKey& key,
                              const Fragment& fragment) {
  return remember(memoryMeta(environment.spec.outputNamespace, kFragment, environment.metadata.name.value_or(""), key),
                  fragment);
}

bool isFragment(const api::ConfigMap& object) { return componentOf(object.metadata) == kFragment; }

void listEarlier(const EnvironmentSnapshot& environment, const Fragment& fragment, api::MPayIntegrationStatus& status) {
  for (const auto& entry : fragment.certificates) {
    if (!isEarlier(entry)) continue;
    status.earlierCertificates.push_back({environment.declared->spec.stage, entry.sha256, entry.notAfter, entry.until});
  }
}

// What a condition adds about earlier certificates.
std::string tellEarlier(const Fragment& fragment) {
  std::string text;
  for (const auto& entry : fragment.certificates) {
    if (!isEarlier(entry) || !entry.until) continue;
    text += fmt::format("; the earlier certificate {} is admitted until {}", entry.sha256.substr(0, 16), *entry.until);
  }
  return text;
}

std::string tellExpiry(const api::CertificateStatus& certificate) {
  const auto& days = certificate.expiresWithinDays;
  if (!days) return "";
  if (*days == 0) return fmt::format("expired at {}", certificate.notAfter);
  return fmt::format("expires at {}, within {} {}", certificate.notAfter, *days, *days == 1 ? "day" : "days");
}

bool isChecked(const EnvironmentSnapshot& environment) {
  return environment.settings && environment.settings->revocation.mode != api::RevocationMode::None;
}

// What an environment publishes under the integration's name, though it may be an earlier one's.
const std::optional<Fragment>& publishedIn(const EnvironmentSnapshot& environment) {
  return environment.fragment ? environment.fragment : environment.leaving;
}

// Whether it is about other certificates than what is remembered; what is found of them is written by who looks.
bool asksForOthers(const RevocationRecord& checks, const std::optional<RevocationRecord>& remembered) {
  const auto& known = remembered ? remembered->certificates : std::vector<CheckedCertificate>{};
  return !std::equal(checks.certificates.begin(), checks.certificates.end(), known.begin(), known.end(),
                     [](const auto& a, const auto& b) { return a.sha256 == b.sha256; });
}

void Decision::planChecks() {
  if (!isChecked(in.testing) && !isChecked(in.production)) return;
  std::optional<Candidate> declared, liveOne;
  if (form.leaf) declared = Candidate{*form.leaf, form.intermediates};
  if (promotedWith) {
    liveOne = Candidate{*promotedWith, intermediatesOf(live()->revision.intermediates)};
    // A revision of before they were kept.
    if (liveOne->intermediates.empty()) liveOne->intermediates = form.intermediates;
  }
  const auto checks = [&](const EnvironmentSnapshot& environment, bool withDeclared) {
    std::vector<Candidate> candidates;
    if (declared && withDeclared) candidates.push_back(*declared);
    if (liveOne) candidates.push_back(*liveOne);
    return checksOf(environment.revocation, publishedIn(environment), candidates,
                    {in.testing.revoked, in.production.revoked}, environment.settings->authorities, now);
  };
  if (isChecked(in.testing)) testingChecks = checks(in.testing, true);
  if (isChecked(in.production)) productionChecks = checks(in.production, toProduction());
}

// The certificates that an environment does not publish: those that are revoked, whichever environment knows it, unless
// it only reports them; and of those that it does not publish what was never checked, or was never found good where
// that counts as a refusal.
std::set<std::string> Decision::withheld(const EnvironmentSnapshot& environment, const RevocationRecord& checks) const {
  std::set<std::string> certificates;
  const bool mustBeGood = environment.settings && environment.settings->revocation.onFailure == api::FailureMode::Hard;
  for (const auto& check : checks.certificates) {
    if (publishes(publishedIn(environment), check.sha256)) continue;
    const bool wasNeverGood = check.verdict == RevocationVerdict::Unknown && !check.evidence;
    if (check.verdict == RevocationVerdict::Pending || (wasNeverGood && mustBeGood)) certificates.insert(check.sha256);
  }
  if (!environment.declared || environment.declared->spec.trust.revocation.onRevoked == api::RevokedPolicy::Report)
    return certificates;
  for (const auto* known : {&in.testing.revocation, &in.production.revocation}) {
    if (!*known) continue;
    for (const auto& check : (*known)->certificates) {
      if (check.verdict == RevocationVerdict::Revoked) certificates.insert(check.sha256);
    }
  }
  return certificates;
}

// What is known of a certificate that production does not publish for that; null where it does.
const CheckedCertificate* Decision::withheldCheck(const std::string& sha256) const {
  if (!withheld(in.production, productionChecks).contains(sha256)) return nullptr;
  const CheckedCertificate* found = nullptr;
  for (const auto* known : {&in.testing.revocation, &in.production.revocation}) {
    const auto* check = *known ? (*known)->find(sha256) : nullptr;
    if (check && (!found || check->verdict == RevocationVerdict::Revoked)) found = check;
  }
  return found ? found : productionChecks.find(sha256);
}

// What production does meanwhile.
std::string Decision::serving() const {
  if (tellsOfLoss()) return lost->message;
  if (unadmitted) {
    return fmt::format("production admits nobody under {} (revision {}): its certificate {}", live()->revision.digest,
                       live()->number,
                       unadmitted->verdict == RevocationVerdict::Revoked   ? describeRevocation(*unadmitted)
                       : unadmitted->verdict == RevocationVerdict::Unknown ? "could not be checked for revocation yet"
                                                                           : "is being checked for revocation");
  }
  return fmt::format("production goes on serving {} (revision {})", live()->revision.digest, live()->number);
}

// What is missing of what was validated, because it is another's now.
void Decision::noteLost(const Fragment& whole) {
  if (!in.production.assignments) return;
  const auto& assignments = *in.production.assignments;
  const auto nobody = [&](std::string_view reason, std::string_view what) {
    lost =
        fix(std::string(reason), fmt::format("production admits nobody under {} (revision {}): the platform assigned "
                                             "its {} to another integration; ask the MPay operator",
                                             live()->revision.digest, live()->number, what));
  };
  Fragment left = whole;
  if (assignments.takesService(whole.holder, whole.serviceID)) {
    nobody("ServiceIDConflict", "ServiceID");
  } else if (assignments.takeOut(left) && left.certificates != whole.certificates) {
    nobody("CertificateConflict", "certificate");
  } else if (left != whole) {
    std::vector<std::string> missing;
    for (const auto& [before, after] :
         {std::pair(&whole.addresses, &left.addresses), std::pair(&whole.posAddresses, &left.posAddresses)}) {
      for (const auto& text : *before) {
        if (std::find(after->begin(), after->end(), text) == after->end()) missing.push_back(text);
      }
    }
    lost = fix("AddressConflict",
               fmt::format("production serves {} (revision {}) without what the platform assigned to another "
                           "integration of {}; declare others, which are validated anew",
                           live()->revision.digest, live()->number, fmt::join(missing, ", ")));
  }
}

void Decision::judgeClaims() {
  certificate = form.certificate;
  submitted = form.form;
  if (testingConflicts.certificate || productionConflicts.certificate) {
    certificate = fix("CertificateConflict",
                      "another integration registered this certificate first, or the platform assigned it to one; the "
                      "gateway tells services apart by "
                      "it, so each service needs one of its own, also where both are one beneficiary's");
    submitted = working("AwaitingCertificate", "CertificateTrusted comes first");
  } else if (testingConflicts.service || productionConflicts.service) {
    submitted = fix("ServiceIDConflict",
                    fmt::format("service.id {} belongs to another integration, or to an earlier one of this name "
                                "that is being withdrawn; ask the MPay operator",
                                spec().service.id.value_or("")));
  }
  if (!submitted.holds()) return;
  // Also where an address is in conflict: the rest stays this integration's across a restart.
  plan.testing.push_back(claimObject(*in.testing.settings, key(), granted(*form.testingClaim, testingConflicts)));
  if (form.productionClaim) {
    plan.production.push_back(
        claimObject(*in.production.settings, key(), granted(*form.productionClaim, productionConflicts)));
  }
  if (!productionConflicts.addresses.empty()) {
    submitted = fix(
        "AddressConflict",
        fmt::format(
            "endpoints.production or a terminal declares {}, which another integration declared first or was assigned",
            fmt::join(productionConflicts.addresses, ", ")));
  }
}

// Another's object is where ours should be. `what` is its kind, with an article.
Verdict nameTaken(std::string_view what, const std::string& name) {
  return working("NameConflict",
                 fmt::format("{} named {} in the output namespace is not the operator's; the platform must remove it",
                             what, name));
}

// Whether the gateway's objects hold this; else the verdict says what is missing.
bool Decision::isPublished(const EnvironmentSnapshot& environment, const Fragment& fragment,
                           const api::ConfigMap& service, Verdict& verdict) const {
  if (!environment.foreign.empty()) {
    verdict = nameTaken("an object", environment.foreign);
  } else if (!environment.aggregateProblem.empty()) {
    verdict = working("NameConflict", environment.aggregateProblem);
  } else if (environment.fragment != fragment || !environment.service || environment.service->data != service.data ||
             environment.service->binaryData != service.binaryData || !environment.aggregated) {
    verdict = working("Provisioning", "the allowlist, the trust and the service document are being written");
  } else {
    return true;
  }
  return false;
}

void Decision::judgeTesting() {
  if (!submitted.holds()) {
    testing =
        working("AwaitingSubmission", !in.testing.fragment ? "Submitted comes first"
                                      : form.leaf && withheld(in.testing, testingChecks).contains(form.leaf->sha256())
                                          ? "Submitted comes first; testing admits nobody with this certificate"
                                          : "Submitted comes first; testing goes on as it was published");
  } else if (!form.testingAddresses.holds()) {
    testing = form.testingAddresses;
  } else if (!testingConflicts.addresses.empty()) {
    testing =
        fix("AddressConflict",
            fmt::format(
                "{} was declared by another integration first, or assigned to it; declare this system's own addresses",
                fmt::join(testingConflicts.addresses, ", ")));
  } else {
    const Settings& settings = *in.testing.settings;
    api::ConfigMap service =
        renderService(settings, key(), testingEffect(integration(), form.hashes), encoded(in.logo));
    const auto fragment = publish(in.testing, form.testingFragment, testingChecks, plan.testing);
    if (isPublished(in.testing, fragment, service, testing)) {
      testing = good("Provisioned",
                     fmt::format("{} admits {} from {}{}", settings.spec.apiURL, form.testingFragment.serviceID,
                                 form.testingFragment.addresses.empty()
                                     ? "nowhere: no address is declared"
                                     : fmt::format("{}", fmt::join(form.testingFragment.addresses, ", ")),
                                 tellEarlier(fragment)));
    }
    plan.testing.push_back(std::move(service));
    return;
  }
  end(in.testing, testingChecks, plan.testing);
}

Fragment Decision::publish(const EnvironmentSnapshot& environment, Fragment next, const RevocationRecord& checks,
                           std::vector<api::ConfigMap>& into) {
  // The overlap begins when nobody has to present the earlier certificate any more.
  auto fragment = overlapped(std::move(next), environment.fragment, environment.aggregated && !presentsEarlier,
                             overlapOf(environment.settings->spec), now);
  // After the overlap: while a new certificate is withheld the earlier one stays.
  takeOut(fragment, withheld(environment, checks));
  if (environment.assignments) environment.assignments->takeOut(fragment);
  into.push_back(fragmentObject(*environment.declared, key(), fragment));
  noteEarlier(environment, fragment);
  return fragment;
}

void Decision::end(const EnvironmentSnapshot& environment, const RevocationRecord& checks,
                   std::vector<api::ConfigMap>& into) {
  if (!environment.fragment || !environment.declared) return;
  auto fragment = withoutEnded(*environment.fragment, now);
  takeOut(fragment, withheld(environment, checks));
  if (environment.assignments) environment.assignments->takeOut(fragment);
  if (fragment != *environment.fragment) into.push_back(fragmentObject(*environment.declared, key(), fragment));
  noteEarlier(environment, fragment);
}

void Decision::noteEarlier(const EnvironmentSnapshot& environment, const Fragment& fragment) {
  noteEnds(plan.nextInstant, fragment, now);
  listEarlier(environment, fragment, plan.status);
}

Verdict ofGate(const GateVerdict& gate) {
  if (gate.open) return good(gate.reason, gate.message);
  if (gate.reason == "AdmissionPolicyMissing")
    return {ConditionStatus::Unknown, gate.reason, gate.message, Attention::Working};
  return gate.rejected ? fix(gate.reason, gate.message) : awaiting(gate.reason, gate.message);
}

// What is to be run, bound to the version of the record that this was decided on: whoever runs it writes it too. While
// testing is being provisioned again what is intended stays.
void Decision::planTests() {
  const auto& environment = in.testing;
  if (!environment.settings || !environment.foreignTests.empty()) return;
  const auto& settings = *environment.settings;
  if (!settings.tester && !environment.tests) return;
  tests = recordFor(environment.tests, holderOf(integration()));
  if (tests->last) plan.status.functionalTests = tests->last->status;
  const bool isTestable = settings.tester && submitted.holds() && judgeTestData(spec(), settings.spec);
  if (!isTestable) {
    tests->intended.reset();
  } else if (testing.holds()) {
    const TestSubject subject{integration(), form.testingDigest, form.leaf, settings};
    tests->intended = intendedOf(subject, *tests, in.testRequests, now, plan.nextInstant);
  }
  if (!tests->intended) tests->problem.reset();
  if (environment.tests == tests || (!environment.tests && !tests->intended)) return;
  auto metadata = memoryMeta(settings.spec.outputNamespace, kTests, settings.name, key());
  metadata.resourceVersion = environment.testsVersion.value_or("");
  plan.testing.push_back(remember(std::move(metadata), *tests));
}

Verdict Decision::judgeRuns() const {
  if (!isTested()) return good("NotTested", "the environment has no tester");
  if (!in.testing.foreignTests.empty()) return nameTaken("an object", in.testing.foreignTests);
  if (const auto data = judgeTestData(spec(), in.testing.settings->spec); !data) return ofError(data.error());
  if (const auto& tester = *in.testing.settings->tester; !tester) {
    if (tester.error().reason == "Pending") return ofError(tester.error());
    return working("TesterUnavailable", fmt::format("environment {}: {}; the platform has to correct it",
                                                    in.testing.settings->name, tester.error().message));
  }
  return judgeTests(*tests, key());
}

void Decision::judgeFunctional() {
  planTests();
  if (servesCurrent()) {
    functional = good("AsPromoted", fmt::format("revision {} keeps the records", live()->number));
    // What fails after the promotion is told, and takes nothing away.
    if (const auto& run = plan.status.functionalTests; run && run->outcome != api::TestOutcome::Passed)
      functional.message += fmt::format("; the last run did not pass: {}", describeRun(*run));
  } else if (!testing.holds()) {
    functional = working("AwaitingTestEnvironment", "TestEnvironmentReady comes first");
  } else if (const auto runs = judgeRuns();
             !runs.holds() || (isTested() && in.testing.settings->spec.validation.functionalTesting ==
                                                 api::FunctionalTestingPolicy::Automatic)) {
    functional = runs;
  } else {
    Gate gate{key(),
              integration().metadata.uid.value_or(""),
              in.testing.settings->name,
              api::Milestone::FunctionalTesting,
              {api::Role::MPayRepresentative},
              form.testingDigest,
              in.testing.settings->spec.validation.serviceAccounts,
              live()};
    auto verdict = judgeRecords(gate, in.records, in.admission);
    functional = ofGate(verdict);
    if (isTested()) functional.message = fmt::format("{}; {}", runs.message, functional.message);
    functionalRecords = std::move(verdict.counted);
  }
}

void Decision::judgeValidated() {
  if (servesCurrent()) {
    validated = good("AsPromoted", fmt::format("revision {} keeps the records", live()->number));
  } else if (!toProduction()) {
    validated = idle("NotRequested", "targetStage is Testing");
  } else if (!functional.holds()) {
    validated = working("AwaitingFunctionalTesting", "FunctionalTestsPassed comes first");
    if (functional.status == ConditionStatus::Unknown) validated = functional;
  } else {
    const auto& rules = in.production.settings->spec.validation;
    Gate gate{key(),
              integration().metadata.uid.value_or(""),
              in.production.settings->name,
              api::Milestone::FinalValidation,
              rules.roles,
              form.digest,
              rules.serviceAccounts,
              live()};
    auto verdict = judgeRecords(gate, in.records, in.admission);
    validated = ofGate(verdict);
    finalRecords = std::move(verdict.counted);
  }
}

void Decision::promote() {
  Revision revision;
  revision.digest = form.digest;
  revision.effect = productionEffect(integration(), form.hashes);
  if (form.hashes.certificate) revision.certificate = encoded(in.certificate);
  revision.intermediates = textsOf(form.intermediates);
  if (form.hashes.logo) revision.logo = encoded(in.logo);
  revision.holder = form.productionClaim->holder;
  for (const auto* records : {&functionalRecords, &finalRecords}) {
    for (const auto& record : *records) {
      revision.records.push_back({record->metadata.name.value_or(""), record->metadata.uid.value_or(""),
                                  record->metadata.creationTimestamp.value_or(""), record->spec, "NotSigned"});
    }
  }
  // Older ones are told by their time; only the newest can be of this very second.
  auto known = in.records;
  std::sort(known.begin(), known.end(),
            [](const auto& a, const auto& b) { return a->metadata.creationTimestamp > b->metadata.creationTimestamp; });
  if (known.size() > kSpentKept) known.resize(kSpentKept);
  for (const auto& record : known) revision.spent.push_back(record->metadata.uid.value_or(""));
  if (isTested() && tests && tests->last) revision.functionalTests = tests->last->status;
  revision.promotedAt = formatTime(now);
  const std::int64_t number = live() ? live()->number + 1 : 1;
  api::ControllerRevision object;
  object.metadata = ownedMeta(in.production.settings->spec.outputNamespace, revisionName(key(), number), "revision",
                              in.production.settings->name, key());
  object.data = json::encode(revision);
  object.revision = number;
  plan.revision = std::move(object);
}

void Decision::judgePromoted() {
  const auto& production = in.production;
  if (promotedWith) unadmitted = withheldCheck(promotedWith->sha256());
  if (live()) {
    plan.status.production = api::ProductionStatus{live()->revision.digest, live()->number, live()->name,
                                                   live()->revision.promotedAt, std::nullopt};
  } else if (integration().status && (production.liveProblem || !production.read)) {
    // What cannot be read now is not gone: its environments stay immutable.
    plan.status.production = integration().status->production;
  }
  if (production.liveProblem) {
    promoted = working("RevisionCorrupt", production.liveProblem->message);
    end(production, productionChecks, plan.production);
    return;
  }
  bool inPlace = false;
  std::string earlier;
  if (live() && production.settings) {
    auto next = fragmentOf(*live());
    if (!next) {
      promoted = working("RevisionCorrupt", next.error().message);
      end(production, productionChecks, plan.production);
      return;
    }
    noteLost(*next);
    if (!losesAll()) served = promotedWith;
    // Without its ServiceID nothing of it is this integration's to publish.
    if (!lost || lost->reason != "ServiceIDConflict") {
      const auto fragment = publish(production, std::move(*next), productionChecks, plan.production);
      earlier = tellEarlier(fragment);
      api::ConfigMap service =
          renderService(*production.settings, key(), live()->revision.effect.as_object(), live()->revision.logo);
      inPlace = isPublished(production, fragment, service, promoted);
      plan.production.push_back(std::move(service));
    }
  } else {
    end(production, productionChecks, plan.production);
  }
  if (servesCurrent()) {
    if (tellsOfLoss()) {
      promoted = *lost;
    } else if (inPlace && unadmitted) {
      promoted = unadmitted->verdict == RevocationVerdict::Revoked
                     ? fix("CertificateRevoked", serving() + "; give another, which is validated anew")
                     : working("Provisioning", serving());
    } else if (inPlace) {
      promoted =
          good("Promoted", fmt::format("production serves {} (revision {}){}", form.digest, live()->number, earlier));
    } else if (!production.settings) {
      const Error problem =
          production.problem.value_or(Error{ErrorKind::Invalid, "the environment is being read", "Pending"});
      promoted =
          working(problem.reason.empty() ? "Pending" : problem.reason,
                  fmt::format("{}; {}", unadmitted ? serving() : "production goes on as it is", problem.message));
    }
  } else if (!toProduction()) {
    promoted = idle("NotRequested", live() ? "targetStage is Testing; " + serving() : "targetStage is Testing");
  } else if (validated.holds() && functional.holds() && testing.holds() && submitted.holds() && certificate.holds()) {
    if (production.foreignRevision.empty()) {
      promoted = working("Promoting", "the validated revision is being recorded");
      promote();
    } else {
      promoted = nameTaken("a ControllerRevision", production.foreignRevision);
    }
  } else if (live() && form.digest.empty()) {
    promoted =
        working("AwaitingSubmission", serving() + "; what is declared cannot be judged, see the conditions before");
  } else if (live()) {
    promoted =
        awaiting("AwaitingValidation", fmt::format("{}; {} waits for its own validation", serving(), form.digest));
  } else {
    promoted = awaiting("AwaitingValidation", "Validated comes first; production admits nobody for this service");
  }
}

api::CertificateStatus Decision::describe(const crypto::Certificate& leaf, const EnvironmentSnapshot& environment) {
  const auto days = environment.declared ? environment.declared->spec.trust.certificates.expiryWarnings
                                         : api::CertificateRules{}.expiryWarnings;
  noteWarnings(plan.nextInstant, leaf.notAfter(), days, now);
  return {leaf.subject(),
          leaf.issuer(),
          leaf.serial(),
          formatTime(leaf.notBefore()),
          formatTime(leaf.notAfter()),
          leaf.sha256(),
          leaf.sha1(),
          dueWarning(leaf.notAfter(), days, now)};
}

// One notification for each warning, by whichever environment's channel comes first.
void Decision::warn(const crypto::Certificate& leaf, const api::CertificateStatus& status,
                    const EnvironmentSnapshot& environment, const Effects& elsewhere, std::vector<EffectRecord>& into) {
  if (!status.expiresWithinDays || *status.expiresWithinDays == 0 || !environment.settings) return;
  const auto& channels = environment.settings->spec.notifications.channels;
  if (channels.empty()) return;
  EffectRecord wanted = draftOf(spec());
  wanted.kind = NotificationKind::CertificateExpiring;
  wanted.certificate = ToldCertificate{status.subject, status.serial, leaf.sha256(), status.notAfter, false};
  wanted.days = *status.expiresWithinDays;
  wanted.messageID = messageIDOf(key(), wanted, channels.front().smtp->from);
  const bool isTold = std::any_of(elsewhere.notifications.begin(), elsewhere.notifications.end(),
                                  [&](const auto& effect) { return effect.sentAt && tellTheSame(effect, wanted); });
  if (!isTold) into.push_back(continued(environment.effects, std::move(wanted), now));
}

void Decision::judgeExpiry() {
  const bool isServed = form.leaf && served && form.leaf->sha256() == served->sha256();
  if (form.leaf) {
    const auto status = describe(*form.leaf, in.testing);
    if (certificate.holds() && status.expiresWithinDays)
      certificate.message += fmt::format("; it {}: request a new one", tellExpiry(status));
    if (submitted.holds() && !isServed) warn(*form.leaf, status, in.testing, in.production.effects, tellInTesting);
    plan.status.certificate = status;
  }
  if (served) {
    const auto status = describe(*served, in.production);
    if (!isServed && status.expiresWithinDays)
      promoted.message += fmt::format("; the certificate that production serves {}", tellExpiry(status));
    warn(*served, status, in.production, in.testing.effects, tellInProduction);
    plan.status.production->certificate = status;
  }
}

void Decision::judgeNotified() {
  const auto& production = in.production;
  if (!promoted.holds()) {
    notified = idle(toProduction() ? "AwaitingPromotion" : "NotRequested", "the notification follows the promotion");
    return;
  }
  const auto& channels = production.settings->spec.notifications.channels;
  if (channels.empty()) {
    notified =
        idle("NotConfigured", fmt::format("environment {} has no notification channel", production.settings->name));
    return;
  }
  if (!production.foreignEffects.empty()) {
    notified = nameTaken("an object", production.foreignEffects);
    return;
  }
  EffectRecord wanted = draftOf(spec());
  wanted.revision = live()->number;
  wanted.digest = live()->revision.digest;
  wanted.messageID = messageIDOf(key(), wanted, channels.front().smtp->from);
  const auto effect = continued(production.effects, std::move(wanted), now);
  tellInProduction.push_back(effect);
  if (effect.sentAt) {
    notified = good("Sent", fmt::format("sent at {} to {}, Message-ID {}", *effect.sentAt,
                                        fmt::join(effect.recipients, ", "), effect.messageID));
  } else {
    notified = idle("NotificationPending",
                    effect.failure ? fmt::format("not accepted yet, and tried again: {}", *effect.failure)
                                   : "the notification is on its way, and is tried again until it is accepted");
  }
}

// One notification of each certificate that is revoked, by whichever environment has a channel, production first.
void Decision::tellOfRevoked(const EnvironmentSnapshot& environment, std::vector<EffectRecord>& into) const {
  std::map<std::string, EffectRecord> all;
  const auto mayTell = [](const EnvironmentSnapshot& any) {
    return any.settings && !any.settings->spec.notifications.channels.empty() && any.foreignEffects.empty();
  };
  if (!mayTell(environment)) return;
  const auto& rules = environment.settings->spec;
  const auto isToldBy = [](const EnvironmentSnapshot& any, const EffectRecord& wanted) {
    const auto& told = any.effects.notifications;
    return std::any_of(told.begin(), told.end(), [&](const auto& effect) { return tellTheSame(effect, wanted); });
  };
  const bool isTesting = &environment == &in.testing;
  const auto& other = isTesting ? in.production : in.testing;
  for (const auto* known : {&in.testing.revocation, &in.production.revocation}) {
    if (!*known) continue;
    for (const auto& check : (*known)->certificates) {
      if (check.verdict != RevocationVerdict::Revoked || all.contains(check.sha256)) continue;
      const auto about = crypto::Certificate::parseBase64(check.certificate);
      if (!about) continue;
      EffectRecord wanted = draftOf(spec());
      wanted.kind = NotificationKind::CertificateRevoked;
      wanted.certificate =
          ToldCertificate{about->subject(), about->serial(), check.sha256, formatTime(about->notAfter()),
                          rules.trust.revocation.onRevoked == api::RevokedPolicy::Withdraw};
      wanted.messageID = messageIDOf(key(), wanted, rules.notifications.channels.front().smtp->from);
      const bool isOthers = isToldBy(other, wanted) || (isTesting && mayTell(other));
      if (isOthers && !isToldBy(environment, wanted)) continue;
      all.emplace(check.sha256, continued(environment.effects, std::move(wanted), now));
    }
  }
  for (auto& [sha256, effect] : all) into.push_back(std::move(effect));
}

// Writes down what is to be told, bound to the version of the record that this was decided on: the sender writes it
// too.
void Decision::intend(const EnvironmentSnapshot& environment, std::vector<EffectRecord> wanted,
                      std::vector<api::ConfigMap>& into) const {
  if (!environment.settings || !environment.foreignEffects.empty()) return;
  const auto effects = merged(environment.effects, std::move(wanted), live() ? live()->number : 0);
  if (effects == environment.effects) return;
  const auto& settings = *environment.settings;
  auto metadata = memoryMeta(settings.spec.outputNamespace, kEffects, settings.name, key());
  metadata.resourceVersion = environment.effectsVersion.value_or("");
  into.push_back(remember(std::move(metadata), effects));
}

// What is written whatever else holds, also while suspended: what is to be checked, and that what is revoked leaves.
void Decision::planRevocation(const EnvironmentSnapshot& environment, const RevocationRecord& checks,
                              std::vector<api::ConfigMap>& objects) const {
  if (!environment.declared || !environment.read) return;
  const bool decided = std::any_of(objects.begin(), objects.end(), isFragment);
  if (auto fragment = publishedIn(environment);
      !decided && fragment && takeOut(*fragment, withheld(environment, checks)))
    objects.push_back(fragmentObject(*environment.declared, key(), *fragment));
  if (checks.certificates.empty() || !asksForOthers(checks, environment.revocation)) return;
  auto metadata = memoryMeta(environment.declared->spec.outputNamespace, kRevocation,
                             environment.declared->metadata.name.value_or(""), key());
  // Whoever looks writes it too.
  metadata.resourceVersion = environment.revocationVersion.value_or("");
  objects.insert(objects.begin(), remember(std::move(metadata), checks));
}

// Whether the gateway of that environment admits the certificate.
bool admits(const EnvironmentSnapshot& environment, const crypto::Certificate& certificate) {
  return environment.aggregated && publishes(environment.fragment, certificate.sha256());
}

// Whether the Secret of a request still presents an earlier certificate than the declared one.
bool isEarlierPresented(const Snapshot& in, const Examination& form) {
  if (!form.leaf || !in.keySecret || !*in.keySecret || (*in.keySecret)->certificate.empty()) return false;
  const auto presented = crypto::certificatesIn((*in.keySecret)->certificate);
  return presented && !presented->empty() && presented->front().sha256() != form.leaf->sha256();
}

bool Decision::isAdmittedEverywhere() const {
  const auto& production = in.production;
  const bool wasThere = integration().status && integration().status->production;
  // What cannot be read now may serve.
  const bool servesNothing = production.read ? !live() && !publishedIn(production) && !production.liveProblem
                                             : !production.declared && !wasThere;
  return admits(in.testing, *form.leaf) && (servesNothing || admits(production, *form.leaf));
}

// What has to be written into the Secret of a request.
void Decision::planKeys() {
  if (!form.keys) return;
  plan.status.certificateRequest = form.keys->open;
  if (spec().suspend || !in.keySecret || !*in.keySecret || !in.testing.settings) return;
  // A key is noted in both: in which one its certificate may be shown as a person's one day cannot be known.
  if (in.production.declared && !in.production.settings) return;
  const auto& request = *spec().certificate->request;
  const auto& held = **in.keySecret;
  KeyPlan keys{form.keys->step,
               {key().namespace_, request.secretName},
               held.resourceVersion,
               request.keyType,
               subjectOf(spec()),
               holderOf(integration()),
               ""};
  if (keys.step == KeyStep::None && certificate.holds() && form.leaf) {
    keys.chain = form.leaf->pem();
    for (const auto& intermediate : form.intermediates) keys.chain += intermediate.pem();
    // Whoever mounts the Secret presents from then on what is written now, in both environments.
    const bool mayChange = (!form.keys->isRenewal && !presentsEarlier) || isAdmittedEverywhere();
    if (mayChange && form.keys->isRenewal) keys.step = KeyStep::Renew;
    if (mayChange && !form.keys->isRenewal && held.certificate != keys.chain) keys.step = KeyStep::Complete;
  }
  if (keys.step != KeyStep::None) plan.keys = std::move(keys);
}

// architecture.md's table: Ready, Reconciling, Stalled.
void Decision::summarise() {
  const std::pair<std::string_view, const Verdict*> all[] = {{"PrerequisitesMet", &form.prerequisites},
                                                             {"CertificateTrusted", &certificate},
                                                             {"Submitted", &submitted},
                                                             {"TestEnvironmentReady", &testing},
                                                             {"FunctionalTestsPassed", &functional},
                                                             {"Validated", &validated},
                                                             {"Promoted", &promoted},
                                                             {"Notified", &notified}};
  const std::size_t gates = toProduction() ? 7 : 4;
  const Verdict* stalled = nullptr;
  const Verdict* first = nullptr;
  for (std::size_t i = 0; i < gates; ++i) {
    const Verdict* verdict = all[i].second;
    if (verdict->holds()) continue;
    if (!first) first = verdict;
    if (!stalled && verdict->attention == Attention::Fix) stalled = verdict;
  }
  const bool reached = toProduction() ? promoted.holds() : testing.holds();
  Verdict ready, reconciling, stalledCondition;
  ready = idle("", "");
  reconciling = idle("Idle", "nothing is under way");
  stalledCondition = idle("NotStalled", "nothing must be edited");
  auto& phase = plan.status.phase;
  if (spec().suspend) {
    ready = idle("Suspended", "spec.suspend is true: everything stays as it is");
    phase = "Suspended";
  } else if (stalled) {
    ready = idle(stalled->reason, stalled->message);
    stalledCondition = good(stalled->reason, stalled->message);
    phase = "Stalled";
  } else if (reached) {
    ready = good(toProduction() ? "Production" : "Testing", toProduction() ? promoted.message : testing.message);
    phase = toProduction() ? "In production" : "In testing";
  } else if (first && first->attention == Attention::Awaiting) {
    const bool named = first->reason.starts_with("Awaiting");
    ready = idle(named ? first->reason : "AwaitingValidation", first->message);
    phase = ready.reason == "AwaitingServiceID"           ? "Awaiting ServiceID"
            : ready.reason == "AwaitingCertificate"       ? "Awaiting certificate"
            : ready.reason == "AwaitingFunctionalTesting" ? "Functional testing"
                                                          : "Awaiting validation";
  } else if (first) {
    ready = idle(first->reason, first->message);
    reconciling = good(first->reason, first->message);
    phase = "Working";
  }
  if (promoted.holds() || (live() && in.production.fragment && !unadmitted && !losesAll())) {
    plan.status.stage = "Production";
  } else if (testing.holds()) {
    plan.status.stage = "Testing";
  }
  const auto* before = integration().status ? &integration().status->conditions : nullptr;
  const std::int64_t generation = integration().metadata.generation.value_or(0);
  const auto add = [&](std::string_view type, const Verdict& verdict) {
    plan.status.conditions.push_back(conditionOf(type, verdict, generation, before, now));
  };
  for (const auto& [type, verdict] : all) add(type, *verdict);
  add("Ready", ready);
  add("Reconciling", reconciling);
  add("Stalled", stalledCondition);
  plan.status.observedGeneration = generation;
}

}  // namespace

Claim granted(Claim claim, const Conflicts& conflicts) {
  std::erase_if(claim.addresses, [&](const auto& text) {
    return std::find(conflicts.addresses.begin(), conflicts.addresses.end(), text) != conflicts.addresses.end();
  });
  return claim;
}

namespace {

// While suspended what is published stays. A fragment that is damaged is restored all the same, where it is known that
// it says what was published: it would stop everybody's files.
void keepRestored(const EnvironmentSnapshot& environment, bool isKnown, std::vector<api::ConfigMap>& objects) {
  std::erase_if(objects, [&](const auto& object) { return !environment.isDamaged || !isKnown || !isFragment(object); });
}

// Whether what is declared was claimed when the integration wrote last: what was edited since then was not.
bool isClaimed(const EnvironmentSnapshot& environment, const std::optional<Claim>& declared) {
  if (!environment.claimed || !declared) return false;
  const auto& claimed = *environment.claimed;
  const auto includes = [](const std::vector<std::string>& all, const std::vector<std::string>& some) {
    return std::all_of(some.begin(), some.end(),
                       [&](const auto& one) { return std::find(all.begin(), all.end(), one) != all.end(); });
  };
  return claimed.holder == declared->holder && claimed.serviceID == declared->serviceID &&
         includes(claimed.certificates, declared->certificates) && includes(claimed.addresses, declared->addresses);
}

}  // namespace

Plan decide(const Snapshot& snapshot, const Examination& examination, const Conflicts& testing,
            const Conflicts& production, WallTime now) {
  const auto& live = snapshot.production.live;
  Decision decision{.in = snapshot,
                    .form = examination,
                    .testingConflicts = testing,
                    .productionConflicts = production,
                    .now = now,
                    .promotedWith = live ? certificateIn(live->revision.certificate) : std::nullopt,
                    .presentsEarlier = isEarlierPresented(snapshot, examination)};
  decision.plan.nextInstant = examination.nextInstant;
  decision.planChecks();
  decision.judgeClaims();
  decision.judgeTesting();
  decision.judgeFunctional();
  decision.judgeValidated();
  decision.judgePromoted();
  decision.judgeExpiry();
  decision.judgeNotified();
  decision.tellOfRevoked(snapshot.testing, decision.tellInTesting);
  decision.tellOfRevoked(snapshot.production, decision.tellInProduction);
  decision.intend(snapshot.testing, decision.tellInTesting, decision.plan.testing);
  decision.intend(snapshot.production, decision.tellInProduction, decision.plan.production);
  decision.planKeys();
  auto& status = decision.plan.status;
  if (!examination.digest.empty()) {
    status.digest = examination.digest;
    status.testingDigest = examination.testingDigest;
    status.contentHashes = examination.hashes;
  }
  decision.summarise();
  Plan plan = std::move(decision.plan);
  plan.provisioned = decision.testing.holds() && !snapshot.integration->spec.suspend;
  if (snapshot.integration->spec.suspend) {
    keepRestored(snapshot.testing, isClaimed(snapshot.testing, examination.testingClaim), plan.testing);
    keepRestored(snapshot.production, true, plan.production);
    plan.revision.reset();
    // What is said is what is there.
    plan.status.earlierCertificates.clear();
    for (const auto* environment : {&snapshot.testing, &snapshot.production}) {
      if (environment->fragment && environment->declared)
        listEarlier(*environment, *environment->fragment, plan.status);
    }
  }
  decision.planRevocation(snapshot.testing, decision.testingChecks, plan.testing);
  decision.planRevocation(snapshot.production, decision.productionChecks, plan.production);
  plan.dropTesting = snapshot.testing.isDamaged && snapshot.testing.settings &&
                     std::none_of(plan.testing.begin(), plan.testing.end(), isFragment) && !decision.waitsForReading();
  plan.endTesting = examination.testingTenancy.reason == "NamespaceNotPermitted";
  plan.endProduction = examination.productionTenancy.reason == "NamespaceNotPermitted";
  if (const auto& withdrawal = snapshot.production.withdrawal) {
    const auto& spec = snapshot.integration->spec;
    const bool sameService =
        withdrawal->holder.idno == spec.beneficiary.idno && withdrawal->serviceID == spec.service.id.value_or("");
    const auto& tenancy = examination.productionTenancy;
    plan.forgetWithdrawal = sameService && tenancy.holds();
    const bool isKnown = snapshot.production.declared && snapshot.namespaceLabels;
    plan.carryOutWithdrawal = !sameService || (isKnown && !tenancy.holds());
  }
  return plan;
}

void explain(api::MPayIntegrationStatus& status, const Error& failure) {
  for (auto& condition : status.conditions) {
    if (condition.reason == "Provisioning" || condition.reason == "Promoting")
      condition.message += "; it is tried again: " + failure.message;
  }
}

}  // namespace mpay::onboarding
