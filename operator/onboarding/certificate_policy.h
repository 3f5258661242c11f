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

// Parses and judges. Errors: Invalid with the reasons of Certificate::parse and of the checks:
// WrongUsage, WeakCertificate, CertificateNotYetValid, CertificateExpired, UntrustedIssuer.
Result<crypto::Certificate> judgeCertificate(std::string_view bytes, const crypto::Authorities& authorities,
                                             const CertificatePolicy& policy, WallTime now);

// A back-office user's signature certificate: it parses and is in date.
Result<crypto::Certificate> judgeSignatureCertificate(std::string_view bytes, WallTime now);

}  // namespace mpay::onboarding
