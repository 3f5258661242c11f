// Certificates that expire, that are revoked or withheld, or that lie in the Secret of a request.
#include "onboarding/decision.h"

#include <algorithm>

#include "base/text.h"
#include "onboarding/rotation.h"

namespace mpay::onboarding {
namespace {

// Of the status' schema.
constexpr std::size_t kMaximumName = 1024;
constexpr std::size_t kMaximumSerial = 64;

std::string tellExpiry(const api::CertificateStatus& certificate) {
  const auto& days = certificate.expiresWithinDays;
  if (!days) return "";
  if (*days == 0) return fmt::format("expired at {}", certificate.notAfter);
  return fmt::format("expires at {}, within {} {}", certificate.notAfter, *days, *days == 1 ? "day" : "days");
}

bool isChecked(const EnvironmentSnapshot& environment) {
  return environment.settings && environment.settings->revocation.mode != api::RevocationMode::None;
}

// Whether it is about other certificates, or asks other signers, than what is remembered; what is found of them is
// written by who looks.
bool asksForOthers(const RevocationRecord& checks, const std::optional<RevocationRecord>& remembered) {
  const auto& known = remembered ? remembered->certificates : std::vector<CheckedCertificate>{};
  return !std::equal(checks.certificates.begin(), checks.certificates.end(), known.begin(), known.end(),
                     [](const auto& a, const auto& b) { return a.sha256 == b.sha256 && a.signers == b.signers; });
}

// Whether the gateway of that environment admits the certificate.
bool admits(const EnvironmentSnapshot& environment, const crypto::Certificate& certificate) {
  return environment.aggregated && publishes(environment.fragment, certificate.sha256());
}

}  // namespace

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

std::set<std::string> Decision::withheld(const EnvironmentSnapshot& environment, const RevocationRecord& checks) const {
  std::set<std::string> certificates;
  const bool mustBeGood = environment.settings && environment.settings->revocation.onFailure == api::FailureMode::Hard;
  const auto isPublished = [&](const std::string& sha256) {
    // Of a damaged fragment the revision tells.
    return publishes(publishedIn(environment), sha256) ||
           (environment.isDamaged && environment.live && promotedWith && promotedWith->sha256() == sha256);
  };
  for (const auto& check : checks.certificates) {
    if (isPublished(check.sha256)) continue;
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
  // Also by what another's record says: who declares it later is admitted as little.
  for (const auto* leaf : {form.leaf ? &*form.leaf : nullptr, promotedWith ? &*promotedWith : nullptr}) {
    if (leaf && findRevoked(in, leaf->sha256())) certificates.insert(leaf->sha256());
  }
  return certificates;
}

const CheckedCertificate* Decision::withheldCheck(const std::string& sha256) const {
  if (!withheld(in.production, productionChecks).contains(sha256)) return nullptr;
  if (const auto* revoked = findRevoked(in, sha256)) return revoked;
  for (const auto* known : {&in.testing.revocation, &in.production.revocation}) {
    if (const auto* check = *known ? (*known)->find(sha256) : nullptr) return check;
  }
  return productionChecks.find(sha256);
}

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

api::CertificateStatus Decision::describe(const crypto::Certificate& leaf, const EnvironmentSnapshot& environment) {
  const auto days = environment.declared ? environment.declared->spec.trust.certificates.expiryWarnings
                                         : api::CertificateRules{}.expiryWarnings;
  noteWarnings(plan.nextInstant, leaf.notAfter(), days, now);
  // As much as the status may hold.
  return {std::string(cut(leaf.subject(), kMaximumName)),
          std::string(cut(leaf.issuer(), kMaximumName)),
          std::string(cut(leaf.serial(), kMaximumSerial)),
          formatTime(leaf.notBefore()),
          formatTime(leaf.notAfter()),
          leaf.sha256(),
          leaf.sha1(),
          dueWarning(leaf.notAfter(), days, now)};
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
    for (const auto& intermediate : form.sent) keys.chain += intermediate.pem();
    // Whoever mounts the Secret presents from then on what is written now, in both environments.
    const bool mayChange = (!form.keys->isRenewal && !presentsEarlier) || isAdmittedEverywhere();
    if (mayChange && form.keys->isRenewal) keys.step = KeyStep::Renew;
    if (mayChange && !form.keys->isRenewal && held.certificate != keys.chain) keys.step = KeyStep::Complete;
  }
  if (keys.step != KeyStep::None) plan.keys = std::move(keys);
}

}  // namespace mpay::onboarding
