#include "onboarding/revocation.h"

#include <algorithm>

#include "crypto/digest.h"

namespace mpay::onboarding {

namespace {

// An object has its limits: if a record has more, those that expire first are forgotten.
constexpr std::size_t kRevokedKept = 100;

CheckedCertificate checkOf(const crypto::Certificate& certificate, const crypto::Certificate& issuer) {
  CheckedCertificate check;
  check.sha256 = certificate.sha256();
  check.certificate = crypto::base64(certificate.der());
  check.issuer = crypto::base64(issuer.der());
  return check;
}

// The revoked certificates that are in date, each with its end.
std::vector<std::pair<WallTime, const CheckedCertificate*>> revokedIn(const RevocationRecord& record, WallTime now) {
  std::vector<std::pair<WallTime, const CheckedCertificate*>> kept;
  for (const auto& check : record.certificates) {
    if (check.verdict != RevocationVerdict::Revoked) continue;
    const auto certificate = certificateIn(check.certificate);
    if (certificate && now <= certificate->notAfter()) kept.emplace_back(certificate->notAfter(), &check);
  }
  std::sort(kept.begin(), kept.end(), std::greater<>());
  if (kept.size() > kRevokedKept) kept.resize(kRevokedKept);
  return kept;
}

RevocationRecord recordOf(std::map<std::string, CheckedCertificate> all) {
  RevocationRecord record;
  for (auto& [sha256, check] : all) record.certificates.push_back(std::move(check));
  return record;
}

// Signers of lists are on no verified path, so their keys must meet the rules for authorities.
std::vector<std::string> signersOf(const CheckedCertificate& check, const crypto::Intermediates& intermediates,
                                   const crypto::Authorities& authorities, WallTime now) {
  const auto issuer = certificateIn(check.issuer);
  if (!issuer) return {};
  auto signers = authorities.listSigners(*issuer, now, intermediates);
  std::erase_if(signers, [](const auto& signer) { return !crypto::weaknessOfKey(signer).empty(); });
  return textsOf(signers);
}

}  // namespace

RevocationRecord checksOf(const std::optional<RevocationRecord>& known, const std::optional<Fragment>& published,
                          const std::vector<Candidate>& candidates,
                          const std::vector<std::shared_ptr<const RevokedCertificates>>& revoked,
                          const crypto::Authorities& authorities, WallTime now) {
  std::map<std::string, CheckedCertificate> all;
  const auto include = [&](const crypto::Certificate& candidate, const crypto::Intermediates& intermediates) {
    const auto sha256 = candidate.sha256();
    if (all.contains(sha256)) return;
    if (const auto* check = known ? known->find(sha256) : nullptr) {
      all.emplace(sha256, *check);
      return;
    }
    for (const auto& others : revoked) {
      if (!others || !others->contains(sha256)) continue;
      all.emplace(sha256, others->at(sha256));
      return;
    }
    const auto path = authorities.verify(candidate, now, intermediates);
    if (path && path->size() > 1) all.emplace(sha256, checkOf(candidate, (*path)[1]));
  };
  if (known) {
    for (const auto& [end, check] : revokedIn(*known, now)) all.emplace(check->sha256, *check);
    for (const auto& check : known->certificates) {
      if (publishes(published, check.sha256)) all.emplace(check.sha256, check);
    }
  }
  for (const auto& candidate : candidates) include(candidate.certificate, candidate.intermediates);
  // Adds published certificates that were never checked: checks may begin while an earlier certificate is published
  // beside another.
  for (const auto& entry : published ? published->certificates : std::vector<Fingerprints>{}) {
    if (all.contains(entry.sha256)) continue;
    if (const auto certificate = certificateIn(entry.der)) include(*certificate, intermediatesOf(entry.intermediates));
  }
  std::set<std::string> renewed;
  const auto renew = [&](const std::string& sha256, const crypto::Intermediates& intermediates) {
    const auto found = all.find(sha256);
    if (found == all.end() || !renewed.insert(sha256).second) return;
    found->second.signers = signersOf(found->second, intermediates, authorities, now);
  };
  for (const auto& candidate : candidates) renew(candidate.certificate.sha256(), candidate.intermediates);
  for (const auto& entry : published ? published->certificates : std::vector<Fingerprints>{})
    renew(entry.sha256, intermediatesOf(entry.intermediates));
  return recordOf(std::move(all));
}

RevocationRecord withoutSettled(RevocationRecord record, WallTime now) {
  std::map<std::string, CheckedCertificate> all;
  for (const auto& [end, check] : revokedIn(record, now)) all.emplace(check->sha256, *check);
  return recordOf(std::move(all));
}

CheckedCertificate afterLook(CheckedCertificate before, const Result<crypto::RevocationFinding>& finding,
                             bool keepGood) {
  using State = crypto::RevocationState;
  using Verdict = RevocationVerdict;
  CheckedCertificate after{before.sha256, before.certificate, before.issuer, {}, {}, {}, {}, {}, before.signers};
  if (!finding || finding->state == State::Unknown) {
    if (before.verdict == Verdict::Revoked || (before.verdict == Verdict::Good && keepGood)) return before;
    after.verdict = Verdict::Unknown;
    after.evidence = before.evidence;
    after.problem = finding ? "the responder does not know the certificate" : finding.error().message;
    return after;
  }
  // Every word is later than unknown evidence.
  const auto standsOn = (before.evidence ? parseTime(*before.evidence) : std::nullopt).value_or(WallTime::min());
  if (finding->state == State::Good) {
    if (before.verdict == Verdict::Good) return before;
    if (finding->thisUpdate < standsOn) return before;
    if (before.verdict == Verdict::Revoked && (isForGood(before) || finding->thisUpdate == standsOn)) return before;
    after.verdict = Verdict::Good;
  } else {
    if (finding->thisUpdate < standsOn) return before;
    after.verdict = Verdict::Revoked;
    if (!finding->reason.empty()) after.reason = finding->reason;
    if (finding->revokedAt) after.revokedAt = formatTime(*finding->revokedAt);
    // A word without a reason, or with one that could be lifted, does not replace a reason for good.
    if (isForGood(before) && !isForGood(after)) return before;
    // Only the evidence would differ.
    if (before.verdict == Verdict::Revoked &&
        std::tie(before.reason, before.revokedAt) == std::tie(after.reason, after.revokedAt))
      return before;
  }
  after.evidence = formatTime(finding->thisUpdate);
  return after;
}

std::string describeRevocation(const CheckedCertificate& revoked) {
  return fmt::format("was revoked by its issuer{}{}", revoked.revokedAt ? " at " + *revoked.revokedAt : "",
                     revoked.reason ? " (" + *revoked.reason + ")" : "");
}

}  // namespace mpay::onboarding
