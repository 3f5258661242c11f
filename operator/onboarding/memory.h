// What the operator remembers, in the output namespace, and how it is written down.
//
// Names carry a hash of namespace/name, so that a-b/c is not a/b-c. Nothing here is ever read from a
// place that a tenant can write.
#pragma once

#include <memory>
#include <optional>

#include "api/integration.h"
#include "api/validation.h"
#include "api/wire.h"
#include "base/clock.h"
#include "crypto/x509.h"
#include "onboarding/allowlist.h"

namespace mpay::onboarding {

inline constexpr std::string_view kManagedBy = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kOperator = "mpay-operator";
inline constexpr std::string_view kComponent = "mpay.gov.md/component";
inline constexpr std::string_view kEnvironment = "mpay.gov.md/environment";  // annotation
inline constexpr std::string_view kIntegration = "mpay.gov.md/integration";  // annotation
inline constexpr std::string_view kFinalizer = "mpay.gov.md/withdrawal";
inline constexpr std::string_view kEnvironmentFinalizer = "mpay.gov.md/in-use";

// Components of a ConfigMap of ours.
inline constexpr std::string_view kClaim = "claim";
inline constexpr std::string_view kFragment = "fragment";
inline constexpr std::string_view kService = "service";
inline constexpr std::string_view kWithdrawal = "withdrawal";
inline constexpr std::string_view kEffects = "effects";
inline constexpr std::string_view kAggregate = "aggregate";
inline constexpr std::string_view kRevocation = "revocation";
inline constexpr std::string_view kAssignment = "assignment";
inline constexpr std::string_view kTests = "tests";

// What an object of ours remembers: by its name, which cannot be changed, where that tells; else by its label. Empty:
// it says nothing.
std::string componentOf(const api::ObjectMeta& metadata);

// Whether the operator gives such names to what it remembers, so that nothing else may have them.
bool isMemoryName(std::string_view name);

// Thirty-two hexadecimal digits: names of integrations are free, so half of that could be collided with.
std::string hashOf(const api::ObjectKey& integration);

// "mpay-claim-0123456789abcdef0123456789abcdef".
std::string memoryName(std::string_view component, const api::ObjectKey& integration);

// "mpay-revision-<hash>-1".
std::string revisionName(const api::ObjectKey& integration, std::int64_t number);

// Who holds a claim.
struct Holder {
  std::string namespace_;
  std::string name;
  std::string uid;
  std::string idno;
  bool operator==(const Holder&) const = default;
};
BOOST_DESCRIBE_STRUCT(Holder, (), (namespace_, name, uid, idno))

Holder holderOf(const api::MPayIntegration& integration);

// Whether two integrations are one beneficiary's, whose services may share a certificate: of one IDNO where the
// environment proves IDNOs (tenants.idnoLabel), else of one namespace and IDNO, since anybody may declare an IDNO that
// nothing proves.
bool isOneBeneficiary(const Holder& one, const Holder& other, bool provesIdno);

// What belongs to the first who claimed it, in one environment.
struct Claim {
  Holder holder;
  std::string serviceID;
  std::vector<std::string> certificates;  // SHA-256 fingerprints, sorted
  std::vector<std::string> addresses;     // canonical prefixes
  bool operator==(const Claim&) const = default;
};
BOOST_DESCRIBE_STRUCT(Claim, (), (holder, serviceID, certificates, addresses))

// A certificate that an environment admits: the current one, or an earlier one that overlaps with it (rotation.h).
struct Fingerprints {
  std::string sha1;
  std::string sha256;
  std::string notAfter;
  std::optional<std::string> der;         // base64: whoever replaces it has nothing else of it
  std::optional<std::string> replacedAt;  // of an earlier one
  std::optional<std::string> until;       // of an earlier one, once the new one is live: when it ends
  // The same of the intermediates that were given with it: the form that gave them may be gone.
  std::vector<std::string> intermediates{};
  bool operator==(const Fingerprints&) const = default;
};
BOOST_DESCRIBE_STRUCT(Fingerprints, (), (sha1, sha256, notAfter, der, replacedAt, until, intermediates))

inline bool isEarlier(const Fingerprints& certificate) { return certificate.replacedAt.has_value(); }

// Those of a certificate, as the current one.
Fingerprints fingerprintsOf(const crypto::Certificate& certificate, std::vector<std::string> intermediates = {});

// The certificate of a base64 text of ours; nothing where there is none, or it cannot be read.
std::optional<crypto::Certificate> certificateIn(const std::optional<std::string>& base64);

// base64 of each one's DER, and back; what cannot be read is left out.
std::vector<std::string> textsOf(const crypto::Intermediates& intermediates);
crypto::Intermediates intermediatesOf(const std::vector<std::string>& texts);

// What one integration contributes to an environment's gateway.
struct Fragment {
  Holder holder;
  std::int64_t revision = 0;  // of production's; 0 in testing
  std::string serviceID;
  std::string digest;
  std::vector<std::string> addresses;     // of the information system
  std::vector<std::string> posAddresses;  // of payment terminals
  std::vector<Fingerprints> certificates;
  bool operator==(const Fragment&) const = default;
};
BOOST_DESCRIBE_STRUCT(Fragment, (), (holder, revision, serviceID, digest, addresses, posAddresses, certificates))

// What must be claimed where that is published.
Claim claimOf(const Fragment& fragment);

// A record as the revision keeps it.
struct KeptRecord {
  std::string name;
  std::string uid;
  std::string createdAt;
  api::MPayValidationSpec spec;
  std::string signatureVerdict;  // "NotSigned"
};
BOOST_DESCRIBE_STRUCT(KeptRecord, (), (name, uid, createdAt, spec, signatureVerdict))

// What was validated, with all content, as ControllerRevision.data keeps it.
struct Revision {
  std::string digest;
  json::value effect;                        // productionEffect
  std::optional<std::string> certificate;    // base64 of the bytes
  std::vector<std::string> intermediates{};  // that were given with it; they prove nothing and are not in the digest
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

// Re-hashes a revision: the effect against the digest, the content against the effect's hashes.
// Errors: Invalid with reason RevisionCorrupt.
Result<void> verifyRevision(const Revision& revision);

// Whether it was promoted for that beneficiary and service, not for an earlier integration of the same name.
bool isOf(const Revision& revision, const api::MPayIntegrationSpec& spec);

// What a revision contributes to production's gateway. The revision must have been verified.
Result<Fragment> fragmentOf(const NumberedRevision& revision);

// A deletion that production has yet to follow.
struct WithdrawalRecord {
  Holder holder;
  std::string serviceID;
  std::string deletedAt;
  std::optional<std::string> dueAt;  // absent: the integration asked to be retained
};
BOOST_DESCRIBE_STRUCT(WithdrawalRecord, (), (holder, serviceID, deletedAt, dueAt))

// What is told by mail.
enum class NotificationKind {
  Activated,            // a revision serves in production
  CertificateExpiring,  // so many days or less are left
  CertificateRevoked,
};
BOOST_DESCRIBE_ENUM(NotificationKind, Activated, CertificateExpiring, CertificateRevoked)

// The certificate that a notification is about.
struct ToldCertificate {
  std::string subject;
  std::string serial;
  std::string sha256;
  std::string notAfter;
  bool withdrawn = false;  // it is admitted no more
  bool operator==(const ToldCertificate&) const = default;
};
BOOST_DESCRIBE_STRUCT(ToldCertificate, (), (subject, serial, sha256, notAfter, withdrawn))

// An external effect: a notification that is written down before it is tried, and again when it is done.
struct EffectRecord {
  NotificationKind kind = NotificationKind::Activated;
  std::int64_t revision = 0;  // of Activated
  std::string messageID;
  std::string digest;                          // of Activated
  std::optional<ToldCertificate> certificate;  // of the other kinds
  std::int64_t days = 0;                       // of CertificateExpiring: which warning
  std::string language;
  std::vector<std::string> recipients;
  std::string serviceID;
  std::string serviceName;
  std::string intendedAt;
  std::optional<std::string> failure;  // of the last attempt
  std::optional<std::string> sentAt;
  bool operator==(const EffectRecord&) const = default;
};
BOOST_DESCRIBE_STRUCT(EffectRecord, (),
                      (kind, revision, messageID, digest, certificate, days, language, recipients, serviceID,
                       serviceName, intendedAt, failure, sentAt))

// Everything that was told, or is to be told, of one integration in one environment.
struct Effects {
  std::vector<EffectRecord> notifications;
  bool operator==(const Effects&) const = default;
};
BOOST_DESCRIBE_STRUCT(Effects, (), (notifications))

// The Message-ID of a notification, by what it is about: whoever sends it again sends the same. `from` is the sender's
// address.
std::string messageIDOf(const api::ObjectKey& integration, const EffectRecord& effect, const std::string& from);

// Reads the JSON that a ConfigMap of ours keeps under "content.json".
template <class T>
Result<T> remembered(const api::ConfigMap& object) {
  const auto found = object.data.find("content.json");
  if (found == object.data.end()) return fail(ErrorKind::Decode, object.metadata.key().text() + " has no content.json");
  return json::decode<T>(TRY(json::parse(found->second)));
}

// What a ConfigMap of component kEffects keeps. One that holds a single EffectRecord, as it was written when the
// activation was all that was told, is read too.
Result<Effects> rememberedEffects(const api::ConfigMap& object);

// An object of ours in an output namespace, without data.
api::ObjectMeta ownedMeta(std::string namespace_, std::string name, std::string_view component,
                          const std::string& environment, const std::optional<api::ObjectKey>& integration);

// Of the object that remembers something of an integration, named by its component.
api::ObjectMeta memoryMeta(std::string outputNamespace, std::string_view component, const std::string& environment,
                           const api::ObjectKey& integration);

// The ConfigMap that keeps a T.
template <class T>
api::ConfigMap remember(api::ObjectMeta metadata, const T& content) {
  api::ConfigMap object;
  object.metadata = std::move(metadata);
  object.data["content.json"] = json::canonical(json::encode(content));
  return object;
}

// Whether an object of that environment was made by the operator.
bool isOurs(const api::ObjectMeta& metadata, const std::string& environment);

}  // namespace mpay::onboarding
