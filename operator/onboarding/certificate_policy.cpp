#include "onboarding/certificate_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mpay::onboarding {
namespace {

std::string isNoAuthority(const CertificateQuestion& q) {
  if (!q.certificate.isAuthority()) return "";
  return "the certificate is a certification authority's; give the system's own";
}

std::string mayAuthenticateClients(const CertificateQuestion& q) {
  if (q.certificate.allowsClientAuthentication()) return "";
  return "the certificate's extended key usage lacks clientAuth; request one for a system";
}

std::string maySign(const CertificateQuestion& q) {
  if (q.certificate.allowsDigitalSignature()) return "";
  return "the certificate's key usage lacks digitalSignature; request one for a system";
}

std::string hasStrongKey(const CertificateQuestion& q) {
  if (const int bits = q.certificate.rsaBits(); bits > 0) {
    if (bits >= q.policy.minimumRsaBits) return "";
    return fmt::format("the RSA key has {} bits, at least {} are needed; request a new certificate", bits,
                       q.policy.minimumRsaBits);
  }
  const auto curve = q.certificate.curve();
  const auto& accepted = q.policy.curves;
  if (!curve.empty() && std::find(accepted.begin(), accepted.end(), curve) != accepted.end()) return "";
  return fmt::format("the key is {}; RSA or the curves {} are accepted", curve.empty() ? "neither RSA nor EC" : curve,
                     fmt::join(accepted, ", "));
}

std::string isSignedStrongly(const CertificateQuestion& q) {
  if (!q.certificate.hasWeakSignature()) return "";
  return "the certificate is signed with SHA-1, MD5 or an unknown algorithm; request a new one";
}

std::string hasBegun(const CertificateQuestion& q) {
  if (q.certificate.notBefore() <= q.now) return "";
  return fmt::format("the certificate is valid from {}", formatTime(q.certificate.notBefore()));
}

std::string hasNotEnded(const CertificateQuestion& q) {
  if (q.now <= q.certificate.notAfter()) return "";
  return fmt::format("the certificate expired at {}; request a new one", formatTime(q.certificate.notAfter()));
}

std::string chainsToAuthority(const CertificateQuestion& q) {
  const auto verified = q.authorities.verify(q.certificate, q.now);
  return verified ? "" : verified.error().message;
}

constexpr std::array kChecks{
    CertificateCheck{"WrongUsage", isNoAuthority},
    CertificateCheck{"WrongUsage", mayAuthenticateClients},
    CertificateCheck{"WrongUsage", maySign},
    CertificateCheck{"WeakCertificate", hasStrongKey},
    CertificateCheck{"WeakCertificate", isSignedStrongly},
    CertificateCheck{"CertificateNotYetValid", hasBegun},
    CertificateCheck{"CertificateExpired", hasNotEnded},
    CertificateCheck{"UntrustedIssuer", chainsToAuthority},
};

}  // namespace

std::span<const CertificateCheck> certificateChecks() { return kChecks; }

Result<void> judgeCertificate(const crypto::Certificate& certificate, const crypto::Authorities& authorities,
                              const CertificatePolicy& policy, WallTime now) {
  const CertificateQuestion question{certificate, authorities, policy, now};
  for (const auto& check : kChecks) {
    if (auto problem = check.problem(question); !problem.empty())
      return refuse(std::string(check.reason), std::move(problem));
  }
  return {};
}

Result<void> judgeSignatureCertificate(const crypto::Certificate& certificate, WallTime now) {
  if (now < certificate.notBefore()) {
    return refuse("CertificateNotYetValid",
                  fmt::format("the certificate is valid from {}", formatTime(certificate.notBefore())));
  }
  if (now > certificate.notAfter()) {
    return refuse("CertificateExpired",
                  fmt::format("the certificate expired at {}", formatTime(certificate.notAfter())));
  }
  return {};
}

}  // namespace mpay::onboarding
