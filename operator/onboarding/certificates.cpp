#include "onboarding/certificates.h"

#include <algorithm>

#include "base/text.h"
#include "onboarding/publication.h"
#include "onboarding/rotation.h"

namespace mpay::onboarding {
namespace {

// limit of the status' schema
constexpr std::size_t kMaximumName = 1024;
constexpr std::size_t kMaximumSerial = 64;

bool isChecked(const EnvironmentSnapshot& environment) {
  return environment.settings && environment.settings->revocation.mode != api::RevocationMode::None;
}

// True when the gateway of that environment admits the certificate.
bool admits(const EnvironmentSnapshot& environment, const crypto::Certificate& certificate) {
  return environment.isInGatewayFiles && publishes(environment.fragment, certificate.sha256());
}

bool isEarlierPresented(const Snapshot& snapshot, const Examination& form) {
  if (!form.leaf || !snapshot.keySecret || !*snapshot.keySecret || (*snapshot.keySecret)->certificate.empty())
    return false;
  const auto presented = crypto::certificatesIn((*snapshot.keySecret)->certificate);
  return presented && !presented->empty() && presented->front().sha256() != form.leaf->sha256();
}

// True when the declared certificate is admitted in every environment where the service is.
bool isAdmittedEverywhere(const Snapshot& snapshot, const crypto::Certificate& declared) {
  const auto& production = snapshot.production;
  const bool wasThere = snapshot.integration->status && snapshot.integration->status->production;
  // A state that cannot be read now may mean that production serves.
  const bool servesNothing = production.read ? !production.live && !publishedIn(production) && !production.liveProblem
                                             : !production.declared && !wasThere;
  return admits(snapshot.testing, declared) && (servesNothing || admits(production, declared));
}

// "expires at 2026-12-24T09:00:00Z, within 30 days"; "" before any warning.
std::string tellExpiry(const api::CertificateStatus& certificate) {
  const auto& days = certificate.expiresWithinDays;
  if (!days) return "";
  if (*days == 0) return fmt::format("expired at {}", certificate.notAfter);
  return fmt::format("expires at {}, within {} {}", certificate.notAfter, *days, *days == 1 ? "day" : "days");
}

Described describe(const crypto::Certificate& leaf, const EnvironmentSnapshot& environment, WallTime now) {
  const auto days = environment.declared ? environment.declared->spec.trust.certificates.expiryWarnings
                                         : api::CertificateRules{}.expiryWarnings;
  Described described;
  noteWarnings(described.changes, leaf.notAfter(), days, now);
  // Cut to the limits of the status.
  described.status = {std::string(cut(leaf.subject(), kMaximumName)),
                      std::string(cut(leaf.issuer(), kMaximumName)),
                      std::string(cut(leaf.serial(), kMaximumSerial)),
                      formatTime(leaf.notBefore()),
                      formatTime(leaf.notAfter()),
                      leaf.sha256(),
                      leaf.sha1(),
                      dueWarning(leaf.notAfter(), days, now)};
  return described;
}

}  // namespace

std::optional<WallTime> earliestOf(std::initializer_list<std::optional<WallTime>> instants) {
  std::optional<WallTime> first;
  for (const auto& instant : instants) {
    if (instant && (!first || *instant < *first)) first = instant;
  }
  return first;
}

Presented presentedBy(const Snapshot& snapshot, const Examination& form) {
  const auto& live = snapshot.production.live;
  return {live ? certificateIn(live->revision.certificate) : std::nullopt, isEarlierPresented(snapshot, form)};
}

Checks checksFor(const Snapshot& snapshot, const Examination& form, const Presented& presented, WallTime now) {
  const auto& [testing, production] = std::tie(snapshot.testing, snapshot.production);
  Checks checks;
  if (!isChecked(testing) && !isChecked(production)) return checks;
  std::optional<Candidate> declared, promoted;
  if (form.leaf) declared = Candidate{*form.leaf, form.intermediates};
  if (presented.promoted) {
    promoted = Candidate{*presented.promoted, intermediatesOf(production.live->revision.intermediates)};
    // Older revisions contain no intermediates.
    if (promoted->intermediates.empty()) promoted->intermediates = form.intermediates;
  }
  const auto of = [&](const EnvironmentSnapshot& environment, bool withDeclared) {
    std::vector<Candidate> candidates;
    if (declared && withDeclared) candidates.push_back(*declared);
    if (promoted) candidates.push_back(*promoted);
    return checksOf(environment.revocation.value, publishedIn(environment), candidates,
                    {testing.revoked, production.revoked}, environment.settings->authorities, now);
  };
  if (isChecked(testing)) checks.testing = of(testing, true);
  if (isChecked(production))
    checks.production = of(production, snapshot.integration->spec.targetStage == api::Stage::Production);
  return checks;
}

std::optional<RevocationRecord> checksToWrite(const EnvironmentSnapshot& environment, const RevocationRecord& checks) {
  const auto& known =
      environment.revocation.value ? environment.revocation.value->certificates : std::vector<CheckedCertificate>{};
  const bool isSame =
      std::equal(checks.certificates.begin(), checks.certificates.end(), known.begin(), known.end(),
                 [](const auto& a, const auto& b) { return a.sha256 == b.sha256 && a.signers == b.signers; });
  if (checks.certificates.empty() || isSame) return std::nullopt;
  return checks;
}

Barred barredIn(const EnvironmentSnapshot& environment, const RevocationRecord& checks, const Snapshot& snapshot,
                const Examination& form, const Presented& presented) {
  const auto recordOf = [](const EnvironmentSnapshot& any) {
    return any.revocation.value ? &*any.revocation.value : nullptr;
  };
  auto barred = environment.declared ? barredByRecords(environment.declared->spec,
                                                       {recordOf(snapshot.testing), recordOf(snapshot.production)},
                                                       environment.assignments)
                                     : Barred{{}, environment.assignments};
  auto& certificates = barred.certificates;
  const bool mustBeGood = environment.settings && environment.settings->revocation.onFailure == api::FailureMode::Hard;
  const auto isPublished = [&](const std::string& sha256) {
    // If the fragment is damaged, the revision tells.
    return publishes(publishedIn(environment), sha256) ||
           (environment.isDamaged && environment.live && presented.promoted && presented.promoted->sha256() == sha256);
  };
  for (const auto& check : checks.certificates) {
    if (isPublished(check.sha256)) continue;
    const bool wasNeverGood = check.verdict == RevocationVerdict::Unknown && !check.evidence;
    if (check.verdict == RevocationVerdict::Pending || (wasNeverGood && mustBeGood)) certificates.insert(check.sha256);
  }
  if (!environment.declared || environment.declared->spec.trust.revocation.onRevoked == api::RevokedPolicy::Report)
    return barred;
  // The records of other integrations count too: a revoked certificate that is declared again later is not admitted
  // either.
  for (const auto* leaf : {form.leaf ? &*form.leaf : nullptr, presented.promoted ? &*presented.promoted : nullptr}) {
    if (leaf && findRevoked(snapshot, leaf->sha256())) certificates.insert(leaf->sha256());
  }
  return barred;
}

const CheckedCertificate* whyWithheld(const Barred& production, const RevocationRecord& checks,
                                      const Snapshot& snapshot, const Presented& presented) {
  if (!presented.promoted) return nullptr;
  const auto& sha256 = presented.promoted->sha256();
  if (!production.certificates.contains(sha256)) return nullptr;
  if (const auto* revoked = findRevoked(snapshot, sha256)) return revoked;
  for (const auto* known : {&snapshot.testing.revocation.value, &snapshot.production.revocation.value}) {
    if (const auto* check = *known ? (*known)->find(sha256) : nullptr) return check;
  }
  return checks.find(sha256);
}

Expiry judgeExpiry(const Snapshot& snapshot, const Examination& form, const std::optional<crypto::Certificate>& served,
                   WallTime now) {
  Expiry expiry;
  expiry.isServed = form.leaf && served && form.leaf->sha256() == served->sha256();
  if (form.leaf) {
    expiry.declared = describe(*form.leaf, snapshot.testing, now);
    if (const auto words = tellExpiry(expiry.declared->status); !words.empty())
      expiry.ofDeclared = fmt::format("; it {}: request a new one", words);
  }
  if (served) {
    expiry.served = describe(*served, snapshot.production, now);
    if (const auto words = tellExpiry(expiry.served->status); !words.empty() && !expiry.isServed)
      expiry.ofServed = fmt::format("; the certificate that production serves {}", words);
  }
  expiry.changes = earliestOf({expiry.declared ? expiry.declared->changes : std::nullopt,
                               expiry.served ? expiry.served->changes : std::nullopt});
  return expiry;
}

std::optional<KeyPlan> planKeys(const Snapshot& snapshot, const Examination& form, const Presented& presented,
                                bool isTrusted) {
  const auto& spec = snapshot.integration->spec;
  if (!form.keys || spec.suspend || !snapshot.keySecret || !*snapshot.keySecret || !snapshot.testing.settings)
    return std::nullopt;
  // A key is noted in both environments: nobody can know in which of them its certificate may be shown as a person's
  // one day.
  if (snapshot.production.declared && !snapshot.production.settings) return std::nullopt;
  const auto& request = *spec.certificate->request;
  const auto& held = **snapshot.keySecret;
  KeyPlan keys{form.keys->step,
               {snapshot.integration->metadata.key().namespace_, request.secretName},
               held.resourceVersion,
               request.keyType,
               subjectOf(spec),
               holderOf(*snapshot.integration),
               ""};
  if (keys.step == KeyStep::None && isTrusted && form.leaf) {
    keys.chain = form.leaf->pem();
    for (const auto& intermediate : form.sent) keys.chain += intermediate.pem();
    // A workload that mounts the Secret then presents the new certificate, in both environments.
    const bool mayChange =
        (!form.keys->isRenewal && !presented.presentsEarlier) || isAdmittedEverywhere(snapshot, *form.leaf);
    if (mayChange && form.keys->isRenewal) keys.step = KeyStep::Renew;
    if (mayChange && !form.keys->isRenewal && held.certificate != keys.chain) keys.step = KeyStep::Complete;
  }
  if (keys.step == KeyStep::None) return std::nullopt;
  return keys;
}

}  // namespace mpay::onboarding
