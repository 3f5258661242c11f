// Whether a system certificate may be trusted. Source of the rules: docs/domain.md, "Certificates".
#pragma once

#include <span>
#include <string>
#include <vector>

#include "crypto/x509.h"

namespace mpay::domain {

struct CertificatePolicy {
  int minimumRsaBits = 2048;
  std::vector<std::string> curves{"P-256", "P-384"};
  std::vector<std::string> signatureHashes{"SHA-256", "SHA-384", "SHA-512"};
  bool subjectMustMatch = false;  // name the beneficiary's IDNO
};

struct CertificateQuestion {
  const crypto::Certificate& certificate;
  const Result<crypto::Path>& path;  // to an authority of the environment, or why there is none
  const CertificatePolicy& policy;
  std::string_view idno;  // the beneficiary's
  WallTime now;
};

// Whose a certificate is, as its subject says.
enum class SubjectSays { Nothing, TheBeneficiary, Another };

// Compares the IDNO in the subject with the beneficiary's. Where there are organizationIdentifiers (2.5.4.97) that name
// an IDNO they decide, else serialNumbers (2.5.4.5); all that name one must name the same. The forms are the semantics
// identifiers of legal persons of ETSI EN 319 412-1, section 5.1.4, of Moldova ("NTRMD-1006601000255"), and the bare
// thirteen digits. Other identifiers (a VAT number, a natural person's, another country's) cannot be compared.
SubjectSays whoseIs(const crypto::Certificate& certificate, std::string_view idno);

// A certificate that passed.
struct TrustedCertificate {
  crypto::Path path;
  std::string note{};  // for people: what they should know of it; empty: nothing
};

// One rule: its reason, and what is wrong (empty: nothing).
struct CertificateCheck {
  std::string_view reason;
  std::string (*problem)(const CertificateQuestion&);
};

// In the order in which they are asked; the first failure counts.
std::span<const CertificateCheck> certificateChecks();

// Errors: Invalid with the reasons of the checks: WrongUsage, WeakCertificate, CertificateNotYetValid,
// CertificateExpired, UntrustedIssuer, SubjectMismatch. `intermediates` may lead to an authority, and are not one.
Result<TrustedCertificate> judgeCertificate(const crypto::Certificate& certificate,
                                            const crypto::Intermediates& intermediates,
                                            const crypto::Authorities& authorities, const CertificatePolicy& policy,
                                            std::string_view idno, WallTime now);

// Why no path over an authority is accepted, at whatever time, as "has ..."; empty: one may be.
std::string problemOfAuthority(const crypto::Certificate& authority, const CertificatePolicy& policy);

// Whether a back-office user's signature certificate is in date. Errors: Invalid CertificateNotYetValid,
// CertificateExpired.
Result<void> judgeSignatureCertificate(const crypto::Certificate& certificate, WallTime now);

}  // namespace mpay::domain
