// MPayEnvironment: one for testing, one for production; owned by the platform.
#pragma once

#include "api/meta.h"

namespace mpay::api {

enum class Stage { Testing, Production };
BOOST_DESCRIBE_ENUM(Stage, Testing, Production)

struct Tenants {
  LabelSelector namespaceSelector;
  std::optional<std::string> idnoLabel;  // this Namespace label must equal the integration's IDNO
};
BOOST_DESCRIBE_STRUCT(Tenants, (), (namespaceSelector, idnoLabel))

struct AddressRules {
  std::int64_t maximum = 256;          // most IPv4 addresses plus IPv6 /64s in one integration's union
  std::vector<std::string> permitted;  // ranges allowed although not public
  std::vector<std::string> shared;     // ranges that several integrations may declare
};
BOOST_DESCRIBE_STRUCT(AddressRules, (), (maximum, permitted, shared))

enum class AllowlistFormat { CIDR, Nginx, HAProxy };
BOOST_DESCRIBE_ENUM(AllowlistFormat, CIDR, Nginx, HAProxy)

struct AllowlistConfigMap {
  std::string name;
  AllowlistFormat format = AllowlistFormat::Nginx;
};
BOOST_DESCRIBE_STRUCT(AllowlistConfigMap, (), (name, format))

enum class Protocol { TCP, UDP };
BOOST_DESCRIBE_ENUM(Protocol, TCP, UDP)

struct NetworkPort {
  std::int32_t port = 0;
  Protocol protocol = Protocol::TCP;
};
BOOST_DESCRIBE_STRUCT(NetworkPort, (), (port, protocol))

struct AllowlistNetworkPolicy {
  LabelSelector podSelector;
  std::vector<NetworkPort> ports;
};
BOOST_DESCRIBE_STRUCT(AllowlistNetworkPolicy, (), (podSelector, ports))

struct AllowlistTarget {
  std::string name;
  std::optional<AllowlistConfigMap> configMap;
  std::optional<AllowlistNetworkPolicy> networkPolicy;
};
BOOST_DESCRIBE_STRUCT(AllowlistTarget, (), (name, configMap, networkPolicy))

struct Allowlist {
  std::vector<AllowlistTarget> targets;
};
BOOST_DESCRIBE_STRUCT(Allowlist, (), (targets))

enum class RevocationMode { None, CRL, OCSP };
BOOST_DESCRIBE_ENUM(RevocationMode, None, CRL, OCSP)
enum class FailureMode { Soft, Hard };
BOOST_DESCRIBE_ENUM(FailureMode, Soft, Hard)

enum class RevokedPolicy { Withdraw, Report };
BOOST_DESCRIBE_ENUM(RevokedPolicy, Withdraw, Report)

struct Revocation {
  RevocationMode mode = RevocationMode::None;
  FailureMode onFailure = FailureMode::Hard;
  RevokedPolicy onRevoked = RevokedPolicy::Withdraw;
  std::string interval = "1h";         // between two checks
  std::optional<std::string> url;      // the CRL or the responder; replaces the places that certificates name
  std::vector<std::string> permitted;  // ranges that may be called although they are not public
};
BOOST_DESCRIBE_STRUCT(Revocation, (), (mode, onFailure, onRevoked, interval, url, permitted))

enum class SubjectMatch { Note, Required };
BOOST_DESCRIBE_ENUM(SubjectMatch, Note, Required)

struct CertificateRules {
  std::int64_t minimumRSABits = 2048;
  std::vector<std::string> curves{"P-256", "P-384"};
  std::vector<std::string> signatureHashes{"SHA-256", "SHA-384", "SHA-512"};
  SubjectMatch subjectMatch = SubjectMatch::Note;
  std::vector<std::int64_t> expiryWarnings{30, 7, 1};  // days before the end
};
BOOST_DESCRIBE_STRUCT(CertificateRules, (), (minimumRSABits, curves, signatureHashes, subjectMatch, expiryWarnings))

enum class BundleFormat { PEM, FingerprintMap };
BOOST_DESCRIBE_ENUM(BundleFormat, PEM, FingerprintMap)

struct Bundle {
  std::string name;
  BundleFormat format = BundleFormat::PEM;
};
BOOST_DESCRIBE_STRUCT(Bundle, (), (name, format))

struct Trust {
  ContentSource authorities;
  Revocation revocation;
  CertificateRules certificates;
  std::vector<Bundle> bundles;
  std::string overlap = "24h";  // time during which a replaced certificate is admitted beside the live one
};
BOOST_DESCRIBE_STRUCT(Trust, (), (authorities, revocation, certificates, bundles, overlap))

struct HttpRegistrar {
  std::string url;
  std::optional<NameReference> clientCertificateSecretRef;
};
BOOST_DESCRIBE_STRUCT(HttpRegistrar, (), (url, clientCertificateSecretRef))

struct MailRegistrar {
  std::string to;
};
BOOST_DESCRIBE_STRUCT(MailRegistrar, (), (to))

// Exactly one of the three.
struct Registrar {
  std::optional<NameReference> configMap;  // prefix of the names; one ConfigMap a service
  std::optional<HttpRegistrar> http;
  std::optional<MailRegistrar> mail;
};
BOOST_DESCRIBE_STRUCT(Registrar, (), (configMap, http, mail))

inline constexpr std::string_view kRsaSha1 = "RSA-SHA1";

// The checks that must pass, as far as they differ from the built-in profile.
struct TesterProfile {
  std::string name = "Default";
  std::vector<std::string> required;     // identifiers of checks
  std::vector<std::string> recommended;  // a failure is reported and does not block
  bool operator==(const TesterProfile&) const = default;
};
BOOST_DESCRIBE_STRUCT(TesterProfile, (), (name, required, recommended))

struct Tester {
  NameReference signingKeySecretRef;
  std::optional<NameReference> clientCertificateSecretRef;  // for TLS; absent: the signing key's certificate
  std::string signatureAlgorithm = std::string(kRsaSha1);   // RSA-SHA1 | RSA-SHA256
  std::string timeout = "30s";                              // for one call
  std::string deadline = "3m";                              // for a whole run
  std::vector<std::string> permitted;                       // ranges that may be called although they are not public
  std::optional<ContentSource> authorities;                 // for TLS; absent: the system's
  TesterProfile profile;
};
BOOST_DESCRIBE_STRUCT(Tester, (),
                      (signingKeySecretRef, clientCertificateSecretRef, signatureAlgorithm, timeout, deadline,
                       permitted, authorities, profile))

enum class Role { Beneficiary, MPayRepresentative };
BOOST_DESCRIBE_ENUM(Role, Beneficiary, MPayRepresentative)
enum class SignaturePolicy { Optional, Required };
BOOST_DESCRIBE_ENUM(SignaturePolicy, Optional, Required)
enum class ServiceAccountPolicy { Refused, Allowed };
BOOST_DESCRIBE_ENUM(ServiceAccountPolicy, Refused, Allowed)
enum class FunctionalTestingPolicy { WithRepresentative, Automatic };
BOOST_DESCRIBE_ENUM(FunctionalTestingPolicy, WithRepresentative, Automatic)

struct ValidationRules {
  std::vector<Role> roles{Role::Beneficiary, Role::MPayRepresentative};
  SignaturePolicy signature = SignaturePolicy::Optional;
  ServiceAccountPolicy serviceAccounts = ServiceAccountPolicy::Refused;
  // For testing: says if a representative's record is needed after the tester's run passed.
  FunctionalTestingPolicy functionalTesting = FunctionalTestingPolicy::WithRepresentative;
};
BOOST_DESCRIBE_STRUCT(ValidationRules, (), (roles, signature, serviceAccounts, functionalTesting))

struct Withdrawal {
  std::string delay = "15m";  // between a deletion and the end of service in production
};
BOOST_DESCRIBE_STRUCT(Withdrawal, (), (delay))

enum class StartTls { Required, Optional, Disabled };
BOOST_DESCRIBE_ENUM(StartTls, Required, Optional, Disabled)

struct SmtpChannel {
  std::string url;  // smtp://host:port or smtps://host:port
  std::string from;
  std::optional<NameReference> credentialsSecretRef;  // keys username, password
  StartTls startTLS = StartTls::Required;
};
BOOST_DESCRIBE_STRUCT(SmtpChannel, (), (url, from, credentialsSecretRef, startTLS))

struct NotificationChannel {
  std::string name;
  std::optional<SmtpChannel> smtp;
};
BOOST_DESCRIBE_STRUCT(NotificationChannel, (), (name, smtp))

struct EnvironmentNotifications {
  std::vector<NotificationChannel> channels;
};
BOOST_DESCRIBE_STRUCT(EnvironmentNotifications, (), (channels))

enum class EnvironmentDeletionPolicy { Retain, Delete };
BOOST_DESCRIBE_ENUM(EnvironmentDeletionPolicy, Retain, Delete)

struct MPayEnvironmentSpec {
  Stage stage = Stage::Testing;
  std::string frontEndURL;
  std::string apiURL;
  std::string outputNamespace;
  Tenants tenants;
  AddressRules addresses;
  Allowlist allowlist;
  Trust trust;
  Registrar registrar;
  std::optional<Tester> tester;
  ValidationRules validation;
  Withdrawal withdrawal;
  EnvironmentNotifications notifications;
  EnvironmentDeletionPolicy deletionPolicy = EnvironmentDeletionPolicy::Retain;
};
BOOST_DESCRIBE_STRUCT(MPayEnvironmentSpec, (),
                      (stage, frontEndURL, apiURL, outputNamespace, tenants, addresses, allowlist, trust, registrar,
                       tester, validation, withdrawal, notifications, deletionPolicy))

struct MPayEnvironmentStatus {
  std::int64_t observedGeneration = 0;
  std::int64_t integrations = 0;      // published in this environment
  std::vector<Condition> conditions;  // Ready, Reconciling, Stalled, AuthoritiesValid
};
BOOST_DESCRIBE_STRUCT(MPayEnvironmentStatus, (), (observedGeneration, integrations, conditions))

struct MPayEnvironment {
  static constexpr ResourceType kResource{kGroup, kVersion, "mpayenvironments", "MPayEnvironment", false};
  ObjectMeta metadata;
  MPayEnvironmentSpec spec;
  std::optional<MPayEnvironmentStatus> status;
};
BOOST_DESCRIBE_STRUCT(MPayEnvironment, (), (metadata, spec, status))

}  // namespace mpay::api
