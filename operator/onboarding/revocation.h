// What is known of the revocation of an integration's certificates, and what follows.
//
// The decision writes down which certificates are to be checked, with the issuer to which they were verified; the
// checks, which take their time elsewhere, write down what they found; the decision reads that.
// Source of the rules: docs/certificates.md, "Revocation".
#pragma once

#include <set>

#include "crypto/revocation.h"
#include "onboarding/memory.h"

namespace mpay::onboarding {

enum class RevocationVerdict { Pending, Good, Revoked, Unknown };
BOOST_DESCRIBE_ENUM(RevocationVerdict, Pending, Good, Revoked, Unknown)

struct CheckedCertificate {
  std::string sha256;
  std::string certificate;  // base64 of its DER
  std::string issuer;       // the same of its issuer's
  RevocationVerdict verdict = RevocationVerdict::Pending;
  std::optional<std::string> reason;     // of Revoked, where the issuer gives one
  std::optional<std::string> revokedAt;  // of Revoked
  // Of when the list or the response is by which it became Good or Revoked; of Unknown that it was Good by, if it ever
  // was.
  std::optional<std::string> evidence;
  std::optional<std::string> problem;  // of Unknown: why nothing could be learnt
  // The same of other certificates of the issuer's whose keys may sign its lists; see Authorities::listSigners.
  std::vector<std::string> signers{};
  bool operator==(const CheckedCertificate&) const = default;
};
BOOST_DESCRIBE_STRUCT(CheckedCertificate, (),
                      (sha256, certificate, issuer, verdict, reason, revokedAt, evidence, problem, signers))

// Of one integration in one environment, durable. No time of a check is in it: it changes when a verdict does. What is
// revoked stays in it until the certificate expires, also when the integration ends: whoever declares it again must not
// be admitted because nobody can be asked at that moment.
struct RevocationRecord {
  std::vector<CheckedCertificate> certificates;  // sorted by fingerprint, each once
  bool operator==(const RevocationRecord&) const = default;

  // Null where there is none.
  const CheckedCertificate* find(const std::string& sha256) const;
  bool isRevoked(const std::string& sha256) const;
};
BOOST_DESCRIBE_STRUCT(RevocationRecord, (), (certificates))

// Whether it was revoked for a reason that is never taken back.
bool isForGood(const CheckedCertificate& check);

// What all integrations of an environment know to be revoked, by fingerprint; where several do, one that is for good.
using RevokedCertificates = std::map<std::string, CheckedCertificate>;

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

// Whether a certificate is published; nothing is where there is no fragment.
bool publishes(const std::optional<Fragment>& fragment, const std::string& sha256);

}  // namespace mpay::onboarding
