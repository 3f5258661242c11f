#include "onboarding/revocation.h"

#include <algorithm>

#include "crypto/digest.h"

namespace mpay::onboarding {

const CheckedCertificate* RevocationRecord::find(const std::string& sha256) const {
  const auto found = std::find_if(certificates.begin(), certificates.end(),
                                  [&](const auto& certificate) { return certificate.sha256 == sha256; });
  return found == certificates.end() ? nullptr : &*found;
}

bool RevocationRecord::isRevoked(const std::string& sha256) const {
  const auto* found = find(sha256);
  return found && found->verdict == RevocationVerdict::Revoked;
}

CheckedCertificate checkOf(const crypto::Certificate& certificate, const crypto::Certificate& issuer) {
  CheckedCertificate check;
  check.sha256 = certificate.sha256();
  check.certificate = crypto::base64(certificate.der());
  check.issuer = crypto::base64(issuer.der());
  return check;
}

CheckedCertificate afterLook(CheckedCertificate before, const Result<crypto::RevocationFinding>& finding,
                             bool keepGood) {
  CheckedCertificate after{before.sha256, before.certificate, before.issuer, {}, {}, {}, {}};
  using State = crypto::RevocationState;
  if (finding && finding->state == State::Good) {
    after.verdict = RevocationVerdict::Good;
  } else if (finding && finding->state == State::Revoked) {
    after.verdict = RevocationVerdict::Revoked;
    if (!finding->reason.empty()) after.reason = finding->reason;
    if (finding->revokedAt) after.revokedAt = formatTime(*finding->revokedAt);
  } else if (before.verdict == RevocationVerdict::Revoked || (before.verdict == RevocationVerdict::Good && keepGood)) {
    return before;
  } else {
    after.verdict = RevocationVerdict::Unknown;
    after.problem = finding ? "the responder does not know the certificate" : finding.error().message;
  }
  return after;
}

std::string describeRevocation(const CheckedCertificate& revoked) {
  return fmt::format("was revoked by its issuer{}{}", revoked.revokedAt ? " at " + *revoked.revokedAt : "",
                     revoked.reason ? " (" + *revoked.reason + ")" : "");
}

bool publishes(const std::optional<Fragment>& fragment, const std::string& sha256) {
  return fragment && std::any_of(fragment->certificates.begin(), fragment->certificates.end(),
                                 [&](const auto& published) { return published.sha256 == sha256; });
}

bool takeOut(Fragment& fragment, const std::set<std::string>& certificates) {
  return std::erase_if(fragment.certificates,
                       [&](const auto& published) { return certificates.contains(published.sha256); }) > 0;
}

}  // namespace mpay::onboarding
