// The known revocation of an integration's certificates, and its consequences.
//
// The decision writes down the certificates to check, with the issuer to which each was verified. The checks take their
// time elsewhere, and write down their findings. The decision reads those.
// Source of the rules: docs/certificates.md, "Revocation".
#pragma once

#include <set>

#include "crypto/revocation.h"
#include "ledger/fragment.h"
#include "ledger/revocation.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// A certificate that may have to be checked.
struct Candidate {
  crypto::Certificate certificate;
  crypto::Intermediates intermediates{};  // they may lead to an authority
};

// The checks to make: for each candidate and each published certificate that chains to an authority, with the findings
// so far of this integration (`known`) or of an earlier holder of the certificate (`revoked`). Findings on other
// certificates are forgotten, unless the certificate is revoked and has not expired. The keys that may sign lists are
// looked up anew.
RevocationRecord checksOf(const std::optional<RevocationRecord>& known, const std::optional<Fragment>& published,
                          const std::vector<Candidate>& candidates,
                          const std::vector<std::shared_ptr<const RevokedCertificates>>& revoked,
                          const crypto::Authorities& authorities, WallTime now);

// The rest of a record when nothing is to be checked any more: revoked certificates that have not expired.
RevocationRecord withoutSettled(RevocationRecord record, WallTime now);

// The check after a look with this finding, or with none (an error):
// 1. Revoked, and nothing can be learnt: Revoked stays, so nobody is readmitted.
// 2. Revoked, and the issuer says Good: Good only by a later word than the known one, and only where the issuer gave no
// reason or certificateHold (RFC 5280, 5.3.1: every other reason is for good).
// 3. A word earlier than the known one changes nothing: a mirror may lag behind, and an old word can be sent again.
// 4. A reason for good stays when a later word gives none, unspecified or certificateHold.
// 5. Good, and nothing can be learnt: Unknown, unless `keepGood`.
CheckedCertificate afterLook(CheckedCertificate before, const Result<crypto::RevocationFinding>& finding,
                             bool keepGood);

// "was revoked by its issuer at 2026-11-20T09:30:00Z (keyCompromise)".
std::string describeRevocation(const CheckedCertificate& revoked);

}  // namespace mpay::onboarding
