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
  std::optional<std::string> problem;    // of Unknown: why nothing could be learnt
  bool operator==(const CheckedCertificate&) const = default;
};
BOOST_DESCRIBE_STRUCT(CheckedCertificate, (), (sha256, certificate, issuer, verdict, reason, revokedAt, problem))

// Of one integration in one environment, durable. No time of a check is in it: it changes when a verdict does.
struct RevocationRecord {
  std::vector<CheckedCertificate> certificates;  // sorted by fingerprint, each once
  bool operator==(const RevocationRecord&) const = default;

  // Null where there is none.
  const CheckedCertificate* find(const std::string& sha256) const;
  bool isRevoked(const std::string& sha256) const;
};
BOOST_DESCRIBE_STRUCT(RevocationRecord, (), (certificates))

// One that is to be checked.
CheckedCertificate checkOf(const crypto::Certificate& certificate, const crypto::Certificate& issuer);

// What is known after a look that found this, or nothing (an error). Revoked is left only for Good: that nothing can
// be learnt readmits nobody. Good is left for Unknown unless `keepGood`.
CheckedCertificate afterLook(CheckedCertificate before, const Result<crypto::RevocationFinding>& finding,
                             bool keepGood);

// "was revoked by its issuer at 2026-11-20T09:30:00Z (keyCompromise)".
std::string describeRevocation(const CheckedCertificate& revoked);

// Whether a certificate is published; nothing is where there is no fragment.
bool publishes(const std::optional<Fragment>& fragment, const std::string& sha256);

// Takes certificates out of what is published. True when there was one.
bool takeOut(Fragment& fragment, const std::set<std::string>& certificates);

}  // namespace mpay::onboarding
