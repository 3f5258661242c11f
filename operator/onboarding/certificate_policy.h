// Whether a system certificate may be trusted. Source of the rules: docs/domain.md, "Certificates".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "crypto/x509.h"

namespace mpay::onboarding {

struct CertificatePolicy {
  int minimumRsaBits = 2048;
  std::vector<std::string> curves{"P-256", "P-384"};
};

struct CertificateQuestion {
  const crypto::Certificate& certificate;
  const crypto::Authorities& authorities;
  const CertificatePolicy& policy;
  WallTime now;
};

// One rule: its reason, and what is wrong (empty: nothing).
struct CertificateCheck {
  std::string_view reason;
  std::string (*problem)(const CertificateQuestion&);
};

// In the order in which they are asked; the first failure counts.
std::span<const CertificateCheck> certificateChecks();

// Errors: Invalid with the reasons of the checks: WrongUsage, WeakCertificate, CertificateNotYetValid,
// CertificateExpired, UntrustedIssuer.
Result<void> judgeCertificate(const crypto::Certificate& certificate, const crypto::Authorities& authorities,
                              const CertificatePolicy& policy, WallTime now);

// Whether a back-office user's signature certificate is in date. Errors: Invalid CertificateNotYetValid,
// CertificateExpired.
Result<void> judgeSignatureCertificate(const crypto::Certificate& certificate, WallTime now);

}  // namespace mpay::onboarding
