// Words, bounds and rules of the types in integration.h. Source of the rules: docs/domain.md.
#pragma once

#include "api/environment_schema.h"
#include "api/integration.h"

namespace mpay::api {

inline constexpr std::string_view kServiceIdPattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$";
inline constexpr std::string_view kAmountPattern = R"(^(0|[1-9][0-9]{0,11})\.[0-9]{2}$)";

inline json::Node& orderKey(json::Node&& node) { return plain(std::move(node), "An OrderKey.", 36); }
inline json::Node& amount(json::Node&& node, std::string_view words) {
  return node.doc(words).length(4, 15).pattern(kAmountPattern);
}
inline json::Node& currency(json::Node&& node) {
  return node.doc("ISO 4217.").length(3, 3).pattern("^[A-Z]{3}$").byDefault("MDL");
}

// ISO 13616: move the first four characters to the end and read letters as 10..35; modulo 97 the result is 1. The rule
// is Horner's scheme, written out character by character: CEL has neither folds nor long integers, and the server's
// cost estimate refuses expressions that build strings of unknown length.
inline std::string ibanRule() {
  std::string remainder = "0";
  for (int i = 0; i < 24; ++i) {
    const int at = (i + 4) % 24;
    const std::string digit =
        fmt::format("'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ'.indexOf(self.substring({}, {}))", at, at + 1);
    remainder = fmt::format("({} * ({} > 9 ? 100 : 10) + {}) % 97", remainder, digit, digit);
  }
  return "size(self) != 24 || " + remainder + " == 1";
}

inline void describe(json::SchemaOf<EnvironmentNames>& s) {
  s["testing"].doc("The MPayEnvironment for testing.").length(1, 253).pattern(kObjectName).byDefault("testing");
  s["production"]
      .doc("The MPayEnvironment for production.")
      .length(1, 253)
      .pattern(kObjectName)
      .byDefault("production");
}
inline void describe(json::SchemaOf<Beneficiary>& s) {
  plain(s["legalName"], "Legal name, as in the contract.", 250);
  idno(s["idno"], "State identification number; immutable.")
      .rule({"self == oldSelf", "beneficiary.idno is immutable; another beneficiary needs another integration",
             "FieldValueForbidden"});
  s["type"].doc("Public institution or private company.");
  plain(s["registerNumber"], "Number in the Register of Information Resources and Systems; required when Public.", 60);
  s.rule({"self.type != 'Public' || has(self.registerNumber)", "a Public beneficiary needs registerNumber",
          "FieldValueRequired", ".registerNumber"});
}
inline void describe(json::SchemaOf<Contract>& s) {
  plain(s["number"], "Number of the contract on using MPay.", 60);
  s["signedOn"].doc("Date of signature, YYYY-MM-DD.").length(10, 10).format("date");
  plain(s["annex"], "Number of the annex.", 60);
  s["paidService"]
      .doc("Whether the service is used for payment; must be true for Private beneficiaries and commercial accounts.")
      .byDefault(false);
}
inline void describe(json::SchemaOf<Applicant>& s) {
  plain(s["name"], "Who applies.", 120);
  mail(s["email"], "Where to write; the default recipient of notifications.");
  s["phone"].doc("Where to call.").length(5, 32).pattern("^[+0-9][0-9 ()-]*$");
}
inline void describe(json::SchemaOf<InformationSystem>& s) { plain(s["name"], "Name of the information system.", 120); }
inline void describe(json::SchemaOf<LocalizedText>& s) {
  plain(s["ro"], "Romanian.", 500);
  plain(s["ru"], "Russian.", 500);
  plain(s["en"], "English.", 500);
  s.rule({"has(self.ro) || has(self.ru) || has(self.en)", "at least one language"});
}
inline void describe(json::SchemaOf<GenericField>& s) {
  s["name"].doc("Name of the property.").length(1, 36).pattern("^[A-Za-z][A-Za-z0-9_]*$");
  s["label"].doc("What the payer reads.");
  s["type"].doc("What the payer enters.");
  s["required"].doc("Whether it must be filled.").byDefault(false);
  s["maxLength"].doc("Longest text.").range(1, 255);
  plain(s["choices"].doc("What may be chosen.").items(0, 100).atomic().each(), "A choice.", 255);
  s.rule({"(self.type == 'Choice') == (has(self.choices) && self.choices.size() > 0)", "choices go with type Choice",
          "FieldValueInvalid", ".choices"});
}
inline void describe(json::SchemaOf<PayerEntered>& s) {
  amount(s["minimum"], "The smallest amount.");
  amount(s["maximum"], "The largest amount.");
}
inline void describe(json::SchemaOf<GenericAmount>& s) {
  s["payerEntered"].doc("The payer enters the amount within these bounds.");
  amount(s["fixed"], "The amount is this.");
  currency(s["currency"]);
  s.rule({"has(self.payerEntered) != has(self.fixed)", "exactly one of payerEntered and fixed"});
}
inline void describe(json::SchemaOf<GenericService>& s) {
  s["title"].doc("Title of the page.");
  s["introduction"].doc("What the payer is told.");
  s["fields"].doc("What the payer fills in.").items(0, 20).mapKeys({"name"});
  s["amount"].doc("What is paid.");
}
inline void describe(json::SchemaOf<Provider>& s) {
  plain(s["name"], "Name of the provider, as payers see it.", 120);
  httpsUrl(s["website"], "The provider's website.");
}
inline void describe(json::SchemaOf<Account>& s) {
  s["bankCode"].doc("Code of the bank.").length(1, 20).pattern("^[A-Z0-9]+$");
  s["bankFiscalCode"].doc("Fiscal code of the bank.").length(1, 20).pattern("^[0-9]+$");
  s["iban"]
      .doc("The account, 24 characters.")
      .length(24, 24)
      .pattern("^MD[0-9]{2}[A-Z0-9]{20}$")
      .rule({ibanRule(), "must be an IBAN: its checksum does not hold"});
  plain(s["beneficiaryName"], "Name of the account's holder.", 60);
  plain(s["configurationCode"], "Code agreed with the MPay operator.", 36);
  s["kind"].doc("Treasury or commercial bank.");
}
inline void describe(json::SchemaOf<PosTerminal>& s) {
  plain(s["terminalId"], "TerminalId.", 36);
  plain(s["organizationName"], "OrganizationName.", 120);
  idno(s["organizationIdno"], "OrganizationIdno.");
  plain(s["officeAddress"], "OfficeAddress.", 250);
  plain(s["organizationService"], "OrganizationService.", 120);
  plain(s["counter"], "Counter.", 36);
  plain(s["vendorName"], "VendorName.", 120);
  s["address"].doc("IntendedIp: the address from which the terminal may call /PosTerminal.").length(2, 64);
}
inline void describe(json::SchemaOf<Service>& s) {
  s["id"]
      .doc("ServiceID, assigned by the MPay operator; absent until then, set once.")
      .length(1, 36)
      .pattern(kServiceIdPattern);
  s["name"].doc("What payers see.");
  s["provider"].doc("Who provides the service.");
  s["logo"].doc("A PNG, at most 256 KiB and 1024 x 1024 pixels.");
  s["modes"].doc("Intended modes of usage.").items(1, 5).unique().required();
  s["accounts"].doc("Where the money goes.").items(0, 16).atomic();
  s["posTerminals"].doc("Payment terminals.").items(0, 200).mapKeys({"terminalId"});
  s.rule({"!has(oldSelf.id) || (has(self.id) && self.id == oldSelf.id)",
          "service.id is set once; another ServiceID needs another integration", "FieldValueForbidden", ".id"});
  s.rule({"!has(self.posTerminals) || self.posTerminals.size() == 0 || 'PosTerminal' in self.modes",
          "posTerminals go with mode PosTerminal", "FieldValueInvalid", ".posTerminals"});
}
inline void describe(json::SchemaOf<Endpoint>& s) {
  httpsUrl(s["url"], "Where MPay calls the web service.");
  s["addresses"]
      .doc("Addresses and prefixes from which the information system calls MPay.")
      .items(0, 64)
      .atomic()
      .each()
      .length(1, 64);
}
inline void describe(json::SchemaOf<Endpoints>& s) {
  s["testing"].doc("In the testing environment.");
  s["production"].doc("In production.");
}
inline void describe(json::SchemaOf<RequestSubject>& s) {
  plain(s["commonName"], "Common name; by default the information system's, or the service's.", 64);
  plain(s["organization"], "Organization; by default the beneficiary's legal name, of which 64 characters are taken.",
        64);
  plain(s["organizationalUnit"], "Organizational unit.", 64);
}
inline void describe(json::SchemaOf<CertificateRequest>& s) {
  s["secretName"]
      .doc(
          "A Secret of type kubernetes.io/tls with an empty tls.crt and tls.key, which the operator may get, list, "
          "watch and update. It puts the key there, and the certificate once it is issued.")
      .length(1, 253)
      .pattern(kObjectName);
  s["keyType"]
      .doc("The key that is made, now or with the next renewal. What signs answers to MPay must be RSA.")
      .length(1, 16)
      .oneOf({"RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384"})
      .byDefault("RSA-3072");
  s["subject"].doc("What the request says of the subject beside the IDNO.").byDefault(json::object{});
  s["renewBefore"]
      .doc("How long before the certificate's end the next key is made and requested.")
      .length(2, 16)
      .pattern(kDurationPattern)
      .byDefault("720h");
}
inline void describe(json::SchemaOf<SystemCertificate>& s) {
  contentSource(s);
  s.rule({"[has(self.inline), has(self.configMapRef), has(self.secretRef), has(self.request)].filter(x, x).size() == 1",
          "exactly one of inline, configMapRef, secretRef and request"});
  s.rule({"!has(self.issued) || has(self.request)", "issued goes with request", "FieldValueInvalid", ".issued"});
  s["request"].doc(
      "The operator makes the key in a Secret of this namespace, and publishes the request in the status.");
  s["issued"].doc("The certificate that was issued upon the request.");
  s["intermediates"].doc(
      "Authorities between the certificate and those of the environment: a PEM bundle of at most four CA certificates. "
      "They are never trusted by themselves, and never published.");
}
inline void describe(json::SchemaOf<BackOfficeUser>& s) {
  plain(s["name"], "Who sees the payments.", 120);
  mail(s["email"], "Where to write.");
  s["signatureCertificate"].doc("The user's public signature certificate.");
}
inline void describe(json::SchemaOf<KnownOrder>& s) {
  orderKey(s["orderKey"]);
  amount(s["amount"], "What is due.");
  currency(s["currency"]);
}
inline void describe(json::SchemaOf<OrderKeyOnly>& s) { orderKey(s["orderKey"]); }
inline void describe(json::SchemaOf<FunctionalTestData>& s) {
  s["known"].doc("An order that exists.");
  s["unknown"].doc("An order that does not exist.");
  s["payable"].doc("A sandbox order that may be paid; without it, confirmations of payments are hardly tested.");
}
inline void describe(json::SchemaOf<Notification>& s) {
  s["recipients"]
      .doc("Who is told; by default the applicant.")
      .items(0, 10)
      .unique()
      .each()
      .length(3, 254)
      .pattern(kMailPattern);
  s["language"].doc("In which language.").byDefault("ro");
}
inline void describe(json::SchemaOf<MPayIntegrationSpec>& s) {
  s.doc("The connection form.");
  s["environments"].doc("The environments to connect to; immutable once promoted.").byDefault(json::object{});
  s["beneficiary"].doc("Who receives the payments.");
  s["contract"].doc("The contract on using MPay.");
  s["applicant"].doc("Whom to contact.");
  s["informationSystem"].doc("The information system that is integrated.");
  s["genericService"].doc("A page that MPay hosts, for a beneficiary without an information system.");
  s["service"].doc("The payable e-service.");
  s["endpoints"].doc("The web service in both environments.").byDefault(json::object{});
  s["certificate"].doc("The system certificate issued by STISC, public part only.");
  s["backOfficeUsers"].doc("Users of the back office, who hold an electronic signature.").items(0, 20).atomic();
  s["functionalTests"].doc("Orders of the testing web service to test with.");
  s["notification"].doc("Who is told when the integration is complete.").byDefault(json::object{});
  s["targetStage"].doc("How far to go.").byDefault("Production");
  s["suspend"].doc("Whether the operator leaves everything as it is.").byDefault(false);
  s["deletionPolicy"].doc("Whether deleting this object ends the service in production.").byDefault("Withdraw");
  s.rule({"has(self.informationSystem) != has(self.genericService)",
          "exactly one of informationSystem and genericService"});
  s.rule({"!has(self.informationSystem) || has(self.certificate)", "an informationSystem needs a certificate",
          "FieldValueRequired", ".certificate"});
  s.rule(
      {"!has(self.informationSystem) || (has(self.endpoints.testing) && (self.targetStage == 'Testing' || "
       "has(self.endpoints.production)))",
       "an informationSystem needs endpoints.testing, and endpoints.production to go to Production",
       "FieldValueRequired", ".endpoints"});
  s.rule({"has(self.genericService) == ('GenericService' in self.service.modes)",
          "mode GenericService goes with genericService", "FieldValueInvalid", ".service.modes"});
  s.rule(
      {"self.contract.paidService || (self.beneficiary.type != 'Private' && (!has(self.service.accounts) || "
       "!self.service.accounts.exists(a, a.kind == 'Commercial')))",
       "a Private beneficiary or a Commercial account needs paidService: true", "FieldValueInvalid",
       ".contract.paidService"});
}
inline void describe(json::SchemaOf<ContentHashes>& s) {
  s["certificate"].doc("Of the certificate's bytes.").length(71, 71).pattern(kDigestPattern);
  s["logo"].doc("Of the logo's bytes.").length(71, 71).pattern(kDigestPattern);
  s["users"]
      .doc("Of the back-office users' certificates, in their order; empty where there is none.")
      .items(0, 20)
      .atomic()
      .each()
      .length(0, 71);
}
inline void describe(json::SchemaOf<CertificateStatus>& s) {
  s["subject"].doc("Subject.").length(0, 1024);
  s["issuer"].doc("Issuer.").length(0, 1024);
  s["serial"].doc("Serial number, hexadecimal.").length(0, 64);
  s["notBefore"].doc("Start of validity.").length(0, 32);
  s["notAfter"].doc("End of validity.").length(0, 32);
  s["sha256"].doc("Fingerprint.").length(64, 64);
  s["sha1"].doc("Fingerprint as nginx names it.").length(40, 40);
  s["expiresWithinDays"].doc("The warning that has come: so many days or less are left; 0 once it expired.");
}
inline void describe(json::SchemaOf<EarlierCertificate>& s) {
  s["stage"].doc("Where it is still admitted.");
  s["sha256"].doc("Fingerprint.").length(64, 64);
  s["notAfter"].doc("End of validity.").length(0, 32);
  s["until"].doc("Until when it is admitted; absent until the new one is live.").length(0, 32);
}
inline void describe(json::SchemaOf<CertificateRequestStatus>& s) {
  s["secretName"].doc("The Secret that holds its key.").length(1, 253);
  s["publicKeySHA256"].doc("Fingerprint of its public key.").length(64, 64);
  s["pem"].doc("The request, PKCS#10 in PEM: what to send to STISC.").length(0, 8192);
}
inline void describe(json::SchemaOf<ProductionStatus>& s) {
  s["digest"].doc("What production serves.").length(71, 71).pattern(kDigestPattern);
  s["revision"].doc("Number of the promoted revision.");
  s["revisionName"].doc("Name of its ControllerRevision in the output namespace.").length(1, 253);
  s["promotedAt"].doc("When it was promoted.").length(1, 32).format("date-time");
  s["certificate"].doc("The certificate that production admits.");
}
inline void describe(json::SchemaOf<FunctionalTestStatus>& s) {
  s["runID"].doc("Which run; reports name it too.").length(1, 64);
  s["outcome"].doc("Passed, Failed, or Unreachable: then it is tried again.");
  s["digest"].doc("status.testingDigest of what was tested.").length(71, 71).pattern(kDigestPattern);
  s["profile"].doc("Which profile decided.").length(1, 40);
  s["startedAt"].doc("When it began.").length(1, 32).format("date-time");
  s["finishedAt"].doc("When it ended.").length(1, 32).format("date-time");
  s["passed"].doc("Checks that passed.");
  s["warned"].doc("Checks with a warning.");
  s["failed"].doc("Checks that failed.");
  s["skipped"].doc("Checks that do not apply, or could not be judged.");
  s["failedChecks"]
      .doc("Those that failed, and those that are required and could not be judged.")
      .items(0, 42)
      .atomic()
      .each()
      .length(2, 3);
  s["report"].doc("The ConfigMap with the report.").length(1, 253);
  s["reportProblem"].doc("Why there is none.").length(1, 1024);
}
inline void describe(json::SchemaOf<MPayIntegrationStatus>& s) {
  s.doc("How far the integration has come.");
  s["observedGeneration"].doc("The metadata.generation this status is about.");
  s["stage"].doc("The stage reached: Testing or Production.").length(1, 16);
  s["phase"].doc("For people: what is going on.").length(0, 64);
  s["digest"]
      .doc("Digest of what takes effect in production; a final validation names it.")
      .length(71, 71)
      .pattern(kDigestPattern);
  s["testingDigest"]
      .doc("Digest of the same and of the testing endpoint; functional testing names it.")
      .length(71, 71)
      .pattern(kDigestPattern);
  s["contentHashes"].doc("Hashes of the content that the spec refers to.");
  s["certificate"].doc("The system certificate, as read.");
  s["certificateRequest"].doc("The request that waits for a certificate.");
  s["earlierCertificates"].doc("Certificates that were replaced and are still admitted.").items(0, 32).atomic();
  s["production"].doc("What production serves.");
  s["functionalTests"].doc("The last run of the functional tests.");
  conditions(s["conditions"]);
}

}  // namespace mpay::api
