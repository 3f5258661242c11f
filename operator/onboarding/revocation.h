// What is known of the revocation of an integration's certificates, and what follows.
//
// The decision writes down which certificates are to be checked, with the issuer to which they were verified; the
// checks, which take their time elsewhere, write down what they found; the decision reads that.
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
  crypto::Intermediates intermediates{};  // that may lead to an authority
};

// What is to be checked: of `candidates` and of what is published those that chain to an authority, with what is known
// of them already, by this integration (`known`) or by whoever had the certificate before (`revoked`). What is known of
// others is forgotten, but for what is revoked and has not expired. Whose keys may sign lists is looked up anew.
RevocationRecord checksOf(const std::optional<RevocationRecord>& known, const std::optional<Fragment>& published,
                          const std::vector<Candidate>& candidates,
                          const std::vector<std::shared_ptr<const RevokedCertificates>>& revoked,
                          const crypto::Authorities& authorities, WallTime now);

// What is left of a record once nothing is to be checked any more: what is revoked and has not expired.
RevocationRecord withoutSettled(RevocationRecord record, WallTime now);

// What is known after a look that found this, or nothing (an error). That nothing can be learnt readmits nobody:
// Revoked is left only for Good, by a later word than the one that it stands on, and only where the issuer gave no
// reason or certificateHold (RFC 5280, 5.3.1: every other reason is for good). Earlier words than what is known stands
// on change nothing: a mirror may lag behind, and what was said once can be sent again. A reason for good stays what it
// is when a later word gives none, unspecified or certificateHold. Good is left for Unknown unless
// `keepGood`.
CheckedCertificate afterLook(CheckedCertificate before, const Result<crypto::RevocationFinding>& finding,
                             bool keepGood);

// "was revoked by its issuer at 2026-11-20T09:30:00Z (keyCompromise)".
std::string describeRevocation(const CheckedCertificate& revoked);

}  // namespace mpay::onboarding
