// The record of revocation: which certificates of one integration an environment checks, and what the last word of
// their issuers was. Source of the rules: docs/certificates.md, "Revocation".
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ledger/memory.h"

namespace mpay::ledger {

enum class RevocationVerdict { Pending, Good, Revoked, Unknown };
BOOST_DESCRIBE_ENUM(RevocationVerdict, Pending, Good, Revoked, Unknown)

struct CheckedCertificate {
  std::string sha256;
  std::string certificate;  // base64 of its DER
  std::string issuer;       // base64 of its issuer's DER
  RevocationVerdict verdict = RevocationVerdict::Pending;
  std::optional<std::string> reason;     // of Revoked, where the issuer gives one
  std::optional<std::string> revokedAt;  // of Revoked
  // When the list or the response was made by which it became Good or Revoked; of Unknown the one by which it was Good,
  // if it ever was.
  std::optional<std::string> evidence;
  std::optional<std::string> problem;  // of Unknown: why nothing could be learnt
  // base64 of the DER of the issuer's other certificates whose keys may sign its lists; see Authorities::listSigners.
  std::vector<std::string> signers{};
  bool operator==(const CheckedCertificate&) const = default;
};
BOOST_DESCRIBE_STRUCT(CheckedCertificate, (),
                      (sha256, certificate, issuer, verdict, reason, revokedAt, evidence, problem, signers))

// The record holds no time of a check: it changes when a verdict does. A revoked certificate stays in it until the
// certificate expires, also when the integration ends: an integration that declares it again must not be admitted
// because nobody can be asked at that moment.
struct RevocationRecord {
  static constexpr std::string_view kName = kRevocation;
  std::vector<CheckedCertificate> certificates;  // sorted by fingerprint, each once
  bool operator==(const RevocationRecord&) const = default;

  // Null where there is none.
  const CheckedCertificate* find(const std::string& sha256) const;
  bool isRevoked(const std::string& sha256) const;
};
BOOST_DESCRIBE_STRUCT(RevocationRecord, (), (certificates))

// True if it was revoked for a reason that is never taken back.
bool isForGood(const CheckedCertificate& check);

// All certificates that the records of an environment call revoked, by fingerprint; of several checks one for good.
using RevokedCertificates = std::map<std::string, CheckedCertificate>;

}  // namespace mpay::ledger
