// The record of a promotion: what people validated, with all content, as ControllerRevision.data keeps it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/validation.h"
#include "ledger/fragment.h"
#include "ledger/holder.h"

namespace mpay::ledger {

// A validation record as the revision keeps it.
struct KeptRecord {
  std::string name;
  std::string uid;
  std::string createdAt;
  api::MPayValidationSpec spec;
  std::string signatureVerdict;  // "NotSigned"
};
BOOST_DESCRIBE_STRUCT(KeptRecord, (), (name, uid, createdAt, spec, signatureVerdict))

struct Revision {
  std::string digest;
  json::value effect;                        // productionEffect
  std::optional<std::string> certificate;    // base64 of the bytes
  std::vector<std::string> intermediates{};  // given with the certificate; they prove nothing, the digest omits them
  std::optional<std::string> logo;           // base64
  Holder holder;
  std::vector<KeptRecord> records;
  std::vector<std::string> spent;                              // UIDs of the records that existed then, used or not
  std::optional<api::FunctionalTestStatus> functionalTests{};  // the run that passed, where a tester ran it
  std::string promotedAt;
};
BOOST_DESCRIBE_STRUCT(Revision, (),
                      (digest, effect, certificate, intermediates, logo, holder, records, spent, functionalTests,
                       promotedAt))

// A revision with its number and the name of its object.
struct NumberedRevision {
  std::int64_t number = 0;
  std::string name;
  std::string createdAt;  // by the API server's clock, as records' are
  Revision revision;
};

// "mpay-revision-<hash>-1".
std::string revisionName(const api::ObjectKey& integration, std::int64_t number);

// Re-hashes a revision: the effect against the digest, the content against the effect's hashes.
// Errors: Invalid with reason RevisionCorrupt.
Result<void> verifyRevision(const Revision& revision);

// Reads and verifies a revision. Errors: Decode; Invalid RevisionCorrupt.
Result<NumberedRevision> revisionIn(const api::ControllerRevision& object);

// True if it was promoted for that beneficiary and service, not for an earlier integration of the same name.
bool isOf(const Revision& revision, const api::MPayIntegrationSpec& spec);

// The contribution of a revision to production's gateway. The revision must have been verified. Errors: Decode, Crypto.
Result<Fragment> fragmentOf(const NumberedRevision& revision);

// The same of an object; nothing where there is none (null), or the revision is damaged.
std::optional<Fragment> promotedIn(const std::shared_ptr<const api::ControllerRevision>& object);

}  // namespace mpay::ledger
