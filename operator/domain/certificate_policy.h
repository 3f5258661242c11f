// Judges whether a system certificate may be trusted. Source of the rules: docs/domain.md, "Certificates".
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
  bool subjectMustMatch = false;  // the subject must name the beneficiary's IDNO
};

struct CertificateQuestion {
  const crypto::Certificate& certificate;
  const Result<crypto::Path>& path;  // to an authority of the environment, or the reason why there is none
  const CertificatePolicy& policy;
  std::string_view idno;  // the beneficiary's
  WallTime now;
};

// The owner that a certificate's subject names.
enum class SubjectSays { Nothing, TheBeneficiary, Another };

// Compares the IDNO in the subject with the beneficiary's. organizationIdentifiers (2.5.4.97) that name an IDNO decide;
// without any, serialNumbers (2.5.4.5) do. All that name an IDNO must name the same one. Accepted forms: the semantics
// identifiers of legal persons of ETSI EN 319 412-1, section 5.1.4, of Moldova ("NTRMD-1006601000255"), and the bare
// thirteen digits. Other identifiers (a VAT number, a natural person's, another country's) cannot be compared.
SubjectSays whoseIs(const crypto::Certificate& certificate, std::string_view idno);

// A certificate that passed.
struct TrustedCertificate {
  crypto::Path path;
  std::string note{};  // for people, about this certificate; empty: nothing to say
};

// One rule: its reason, and the fault found (empty: none).
struct CertificateCheck {
  std::string_view reason;
  std::string (*problem)(const CertificateQuestion&);
};

// In the order in which they are applied; the first failure counts.
std::span<const CertificateCheck> certificateChecks();

// Errors: Invalid with the reasons of the checks: WrongUsage, WeakCertificate, CertificateNotYetValid,
// CertificateExpired, UntrustedIssuer, SubjectMismatch. `intermediates` may lead to an authority, and are no
// authorities themselves.
Result<TrustedCertificate> judgeCertificate(const crypto::Certificate& certificate,
                                            const crypto::Intermediates& intermediates,
                                            const crypto::Authorities& authorities, const CertificatePolicy& policy,
                                            std::string_view idno, WallTime now);

// The fault for which no path over this authority is ever accepted, as "has ..."; empty: none.
std::string problemOfAuthority(const crypto::Certificate& authority, const CertificatePolicy& policy);

// Judges the dates of a back-office user's signature certificate. Errors: Invalid CertificateNotYetValid,
// CertificateExpired.
Result<void> judgeSignatureCertificate(const crypto::Certificate& certificate, WallTime now);

}  // namespace mpay::domain
