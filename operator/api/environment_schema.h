// Words, bounds and rules of the types in environment.h.
#pragma once

#include "api/environment.h"
#include "api/meta_schema.h"

namespace mpay::api {

inline constexpr std::string_view kDurationPattern = "^([0-9]+(h|m|s|ms))+$";
inline constexpr std::string_view kMailPattern = R"(^[^\s@<>"(),:;\\\[\]]+@[^\s@<>"(),:;\\\[\]]+$)";

inline json::Node& mail(json::Node&& node, std::string_view words) {
  return node.doc(words).length(3, 254).pattern(kMailPattern);
}

inline void describe(json::SchemaOf<Tenants>& s) {
  s["namespaceSelector"].doc("Labels of the namespaces that may use this environment.");
  s["idnoLabel"].doc("A Namespace label, set by the platform, that must equal the integration's IDNO.").length(1, 317);
}
inline void describe(json::SchemaOf<AddressRules>& s) {
  s["maximum"]
      .doc("IPv4 addresses plus IPv6 /64s in the union of one integration's addresses.")
      .range(1, 65536)
      .byDefault(256);
  s["permitted"]
      .doc("Ranges that may be declared although they are not public.")
      .items(0, 64)
      .atomic()
      .each()
      .length(1, 64);
  s["shared"].doc("Ranges that several integrations may declare.").items(0, 64).atomic().each().length(1, 64);
}
inline void describe(json::SchemaOf<AllowlistConfigMap>& s) {
  s["name"].doc("Name of the ConfigMap in the output namespace.").length(1, 200).pattern(kObjectName);
  s["format"].doc(
      "Nginx: geo blocks from an address to ServiceIDs. HAProxy: files for map_ip with the same. CIDR: a prefix a "
      "line, which says who may call and not as which service.");
}
inline void describe(json::SchemaOf<NetworkPort>& s) {
  s["port"].doc("Port of the gateway.").range(1, 65535);
  s["protocol"].doc("Its protocol.").byDefault("TCP");
}
inline void describe(json::SchemaOf<AllowlistNetworkPolicy>& s) {
  s["podSelector"].doc("The gateway's pods.");
  s["ports"].doc("The ports that the allowlist opens; none: all.").items(0, 16).atomic();
}
inline void describe(json::SchemaOf<AllowlistTarget>& s) {
  s["name"].doc("Name of the target.").length(1, 40).pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$");
  s["configMap"].doc("Writes the allowlist into a ConfigMap that a gateway reads.");
  s["networkPolicy"].doc("Writes the allowlist as a NetworkPolicy.");
  s.rule({"has(self.configMap) != has(self.networkPolicy)", "exactly one of configMap and networkPolicy"});
}
inline void describe(json::SchemaOf<Allowlist>& s) {
  s["targets"].doc("Where the allowlist is provisioned.").items(0, 8).mapKeys({"name"});
}
inline void describe(json::SchemaOf<Revocation>& s) {
  s["mode"].doc("How revocation is checked. None forgets what was found.").byDefault("None");
  s["onFailure"]
      .doc(
          "Whether a new certificate waits while its revocation is unknown (Hard) or is admitted with a note (Soft); "
          "what is published stays.")
      .byDefault("Hard");
  s["onRevoked"]
      .doc("Whether a revoked certificate is taken out of what this environment publishes, or only reported.")
      .byDefault("Withdraw");
  s["interval"].doc("Between two looks, from 5s to 24h.").length(2, 16).pattern(kDurationPattern).byDefault("1h");
  s["url"]
      .doc("Where the CRL or the OCSP responder is, whatever certificates say.")
      .length(8, 1024)
      .pattern("^https?://[^@#\\s]+$");
  s["permitted"]
      .doc("Ranges where CRLs and responders may be asked although they are not public.")
      .items(0, 64)
      .atomic()
      .each()
      .length(1, 64);
}
inline void describe(json::SchemaOf<CertificateRules>& s) {
  s["minimumRSABits"].doc("The smallest RSA key.").range(2048, 16384).byDefault(2048);
  s["curves"]
      .doc("The curves accepted.")
      .items(0, 3)
      .unique()
      .byDefault(json::array{"P-256", "P-384"})
      .each()
      .length(1, 16)
      .oneOf({"P-256", "P-384", "P-521"});
  s["signatureHashes"]
      .doc("The hashes with which a certificate, and the authorities that lead to it, may be signed.")
      .items(1, 3)
      .unique()
      .byDefault(json::array{"SHA-256", "SHA-384", "SHA-512"})
      .each()
      .length(1, 16)
      .oneOf({"SHA-256", "SHA-384", "SHA-512"});
  s["subjectMatch"]
      .doc(
          "Whether the IDNO in the certificate's subject must be the beneficiary's. Note: a difference is told in "
          "CertificateTrusted. Required: it is refused, and so is a certificate that names no IDNO.")
      .byDefault("Note");
  s["expiryWarnings"]
      .doc("How many days before a certificate, or an authority, ends that is told; one notification each.")
      .items(0, 8)
      .unique()
      .byDefault(json::array{30, 7, 1})
      .each()
      .range(1, 365);
}
inline void describe(json::SchemaOf<Bundle>& s) {
  s["name"].doc("Name of the ConfigMap in the output namespace.").length(1, 200).pattern(kObjectName);
  s["format"].doc(
      "PEM: the authorities a client must chain to. FingerprintMap: certificate -> ServiceID, for nginx "
      "and for HAProxy.");
}
inline void describe(json::SchemaOf<Trust>& s) {
  s["authorities"].doc(
      "The authorities that system certificates chain to; references resolve in the operator's namespace.");
  s["revocation"].doc("How revocation is checked.").byDefault(json::object{});
  s["certificates"].doc("Which keys, signatures and subjects are accepted.").byDefault(json::object{});
  s["bundles"].doc("What is published for the gateway.").items(0, 8).mapKeys({"name"});
  s["overlap"]
      .doc(
          "How long a certificate that was replaced is admitted beside the new one, from when the new one is live; at "
          "most 90 days.")
      .length(2, 16)
      .pattern(kDurationPattern)
      .byDefault("24h");
}
inline void describe(json::SchemaOf<HttpRegistrar>& s) {
  httpsUrl(s["url"], "Base URL; the ServiceID is appended.");
  s["clientCertificateSecretRef"].doc("A kubernetes.io/tls Secret in the operator's namespace.");
}
inline void describe(json::SchemaOf<MailRegistrar>& s) { mail(s["to"], "Where the connection dossier goes."); }
inline void describe(json::SchemaOf<Registrar>& s) {
  s["configMap"].doc("One ConfigMap a service in the output namespace, named after this prefix.");
  s["http"].doc("An HTTP interface of MPay's; NotSupported so far.");
  s["mail"].doc("Mail to the MPay operator; NotSupported so far.");
  s.rule({"[has(self.configMap), has(self.http), has(self.mail)].filter(x, x).size() == 1",
          "exactly one of configMap, http and mail"});
}
inline void checkIds(json::Node s, std::string_view doc) {
  s.doc(doc).items(0, 42).unique().each().length(2, 3).pattern("^(T[1-6]|S([1-9]|10)|R[1-8]|G([1-9]|1[0-3])|C[1-5])$");
}
inline void describe(json::SchemaOf<TesterProfile>& s) {
  s["name"].doc("How reports call it.").length(1, 40).pattern("^[A-Za-z0-9][-A-Za-z0-9 ._]*$").byDefault("Default");
  checkIds(s["required"], "Checks that must not fail, beside those that are required anyhow.");
  checkIds(s["recommended"], "Checks whose failure is reported and does not block; G9 and G13 are such anyhow.");
  s.rule({"!has(self.required) || !has(self.recommended) || !self.required.exists(id, id in self.recommended)",
          "a check is either required or recommended"});
}
inline void describe(json::SchemaOf<Tester>& s) {
  s["signingKeySecretRef"].doc("MPay's test signing key: a kubernetes.io/tls Secret in the operator's namespace.");
  s["clientCertificateSecretRef"].doc(
      "Shown to web services that ask for a client certificate: a kubernetes.io/tls Secret in the operator's "
      "namespace; by default the signing key's.");
  s["signatureAlgorithm"]
      .doc("What MPay signs with.")
      .length(1, 16)
      .oneOf({"RSA-SHA1", "RSA-SHA256"})
      .byDefault("RSA-SHA1");
  s["timeout"].doc("For one call, at most 2m.").length(2, 16).pattern(kDurationPattern).byDefault("30s");
  s["deadline"].doc("For a whole run, at most 30m.").length(2, 16).pattern(kDurationPattern).byDefault("3m");
  s["permitted"]
      .doc("Ranges that may be called although they are not public.")
      .items(0, 64)
      .atomic()
      .each()
      .length(1, 64);
  s["authorities"].doc(
      "The authorities of the web services' TLS certificates; by default the system's. References resolve in the "
      "operator's namespace.");
  s["profile"].doc("Which checks must not fail.").byDefault(json::object{});
}
inline void describe(json::SchemaOf<ValidationRules>& s) {
  s["roles"]
      .doc("Who must have recorded the final validation.")
      .items(1, 2)
      .unique()
      .byDefault(json::array{"Beneficiary", "MPayRepresentative"});
  s["signature"]
      .doc("Whether a Beneficiary's record must be signed; Required is NotSupported so far.")
      .byDefault("Optional");
  s["serviceAccounts"].doc("Whether a ServiceAccount may record.").byDefault("Refused");
  s["functionalTesting"]
      .doc(
          "In a testing environment with a tester: whether an MPayRepresentative still has to record FunctionalTesting "
          "once a run passed.")
      .byDefault("WithRepresentative");
}
inline void describe(json::SchemaOf<Withdrawal>& s) {
  s["delay"]
      .doc("Between a deletion and the end of service in production.")
      .length(2, 16)
      .pattern(kDurationPattern)
      .byDefault("15m");
}
inline void describe(json::SchemaOf<SmtpChannel>& s) {
  s["url"].doc("smtp://host:port or smtps://host:port.").length(8, 512).pattern("^smtps?://[^@/#?\\s]+$");
  mail(s["from"], "The sender's address.");
  s["credentialsSecretRef"].doc("A Secret in the operator's namespace with username and password.");
  s["startTLS"].doc("Whether the connection must be encrypted.").byDefault("Required");
}
inline void describe(json::SchemaOf<NotificationChannel>& s) {
  s["name"].doc("Name of the channel.").length(1, 40).pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$");
  s["smtp"].doc("Mail by SMTP.");
  s.rule({"has(self.smtp)", "a channel needs smtp"});
}
inline void describe(json::SchemaOf<EnvironmentNotifications>& s) {
  s["channels"]
      .doc("How beneficiaries are notified; more than one channel is NotSupported so far.")
      .items(0, 4)
      .mapKeys({"name"});
}
inline void describe(json::SchemaOf<MPayEnvironmentSpec>& s) {
  s["stage"]
      .doc("Which of the two stages this is; immutable.")
      .rule({"self == oldSelf", "stage is immutable; create another environment", "FieldValueForbidden"});
  httpsUrl(
      s["frontEndURL"],
      "Where payers are sent, such as https://testmpay.gov.md, https://mpay.staging.egov.md or https://mpay.gov.md.");
  httpsUrl(s["apiURL"], "Where information systems call MPay.");
  s["outputNamespace"]
      .doc("Where everything for the gateway is written, and the operator's memory lives; never a tenant's; immutable.")
      .length(1, 63)
      .pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
      .rule({"self == oldSelf", "outputNamespace is immutable; create another environment", "FieldValueForbidden"});
  s["tenants"].doc("Which namespaces may use this environment.");
  s["addresses"].doc("Which addresses may be declared.").byDefault(json::object{});
  s["allowlist"].doc("Where the addresses are provisioned.").byDefault(json::object{});
  s["trust"].doc("Which certificates are trusted, and what is published of them.");
  s["registrar"].doc("How a service is made known to MPay.");
  s["tester"].doc("How beneficiaries' web services are tested; testing only. Without it a person tests them.");
  s["validation"].doc("What counts as a validation.").byDefault(json::object{});
  s["withdrawal"].doc("What happens after a deletion.").byDefault(json::object{});
  s["notifications"].doc("How beneficiaries are notified.").byDefault(json::object{});
  s["deletionPolicy"].doc("Whether the aggregates go with the environment.").byDefault("Retain");
  s.doc("What the platform decides about one stage of MPay.");
  s.rule({"self.stage == 'Testing' || !has(self.tester)", "the tester's key is for testing only", "FieldValueForbidden",
          ".tester"});
  s.rule(
      {"!has(self.validation) || !has(self.validation.functionalTesting) || self.validation.functionalTesting != "
       "'Automatic' || has(self.tester)",
       "functionalTesting Automatic needs a tester", "FieldValueInvalid", ".validation.functionalTesting"});
}
inline void describe(json::SchemaOf<MPayEnvironmentStatus>& s) {
  s["observedGeneration"].doc("The metadata.generation this status is about.");
  s["integrations"].doc("Integrations published in this environment.");
  conditions(s["conditions"]);
  s.doc("What the operator found.");
}

}  // namespace mpay::api
