// MPayIntegration: the connection form of one payable e-service, and its progress.
#pragma once

#include "api/environment.h"
#include "api/meta.h"
#include "base/language.h"

namespace mpay {

BOOST_DESCRIBE_ENUM(Language, ro, ru, en)

}  // namespace mpay

namespace mpay::api {

using mpay::Language;

struct EnvironmentNames {
  std::string testing = "testing";
  std::string production = "production";
  bool operator==(const EnvironmentNames&) const = default;
};
BOOST_DESCRIBE_STRUCT(EnvironmentNames, (), (testing, production))

enum class BeneficiaryType { Public, Private };
BOOST_DESCRIBE_ENUM(BeneficiaryType, Public, Private)

struct Beneficiary {
  std::string legalName;
  std::string idno;  // immutable
  BeneficiaryType type = BeneficiaryType::Public;
  std::optional<std::string> registerNumber;
};
BOOST_DESCRIBE_STRUCT(Beneficiary, (), (legalName, idno, type, registerNumber))

struct Contract {
  std::string number;
  std::string signedOn;  // YYYY-MM-DD
  std::optional<std::string> annex;
  bool paidService = false;
};
BOOST_DESCRIBE_STRUCT(Contract, (), (number, signedOn, annex, paidService))

struct Applicant {
  std::string name;
  std::string email;
  std::string phone;
};
BOOST_DESCRIBE_STRUCT(Applicant, (), (name, email, phone))

struct InformationSystem {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(InformationSystem, (), (name))

struct LocalizedText {
  std::optional<std::string> ro;
  std::optional<std::string> ru;
  std::optional<std::string> en;
};
BOOST_DESCRIBE_STRUCT(LocalizedText, (), (ro, ru, en))

// The first translation that exists, in the order Romanian, English, Russian.
inline std::optional<std::string> textOf(const LocalizedText& text) {
  return text.ro ? text.ro : text.en ? text.en : text.ru;
}

enum class FieldType { Text, Number, Date, IDNP, IDNO, Choice };
BOOST_DESCRIBE_ENUM(FieldType, Text, Number, Date, IDNP, IDNO, Choice)

struct GenericField {
  std::string name;
  LocalizedText label;
  FieldType type = FieldType::Text;
  bool required = false;
  std::optional<std::int64_t> maxLength;
  std::vector<std::string> choices;
};
BOOST_DESCRIBE_STRUCT(GenericField, (), (name, label, type, required, maxLength, choices))

struct PayerEntered {
  std::string minimum;
  std::string maximum;
};
BOOST_DESCRIBE_STRUCT(PayerEntered, (), (minimum, maximum))

// Exactly one of payerEntered and fixed.
struct GenericAmount {
  std::optional<PayerEntered> payerEntered;
  std::optional<std::string> fixed;
  std::string currency = "MDL";
};
BOOST_DESCRIBE_STRUCT(GenericAmount, (), (payerEntered, fixed, currency))

struct GenericService {
  LocalizedText title;
  LocalizedText introduction;
  std::vector<GenericField> fields;
  GenericAmount amount;
};
BOOST_DESCRIBE_STRUCT(GenericService, (), (title, introduction, fields, amount))

struct Provider {
  std::string name;
  std::string website;
};
BOOST_DESCRIBE_STRUCT(Provider, (), (name, website))

enum class Mode { OnlineRedirect, ExistingOrder, PosTerminal, InvoiceApi, GenericService };
BOOST_DESCRIBE_ENUM(Mode, OnlineRedirect, ExistingOrder, PosTerminal, InvoiceApi, GenericService)

enum class AccountKind { Treasury, Commercial };
BOOST_DESCRIBE_ENUM(AccountKind, Treasury, Commercial)

struct Account {
  std::string bankCode;
  std::string bankFiscalCode;
  std::string iban;
  std::string beneficiaryName;
  std::optional<std::string> configurationCode;
  AccountKind kind = AccountKind::Treasury;
};
BOOST_DESCRIBE_STRUCT(Account, (), (bankCode, bankFiscalCode, iban, beneficiaryName, configurationCode, kind))

struct PosTerminal {
  std::string terminalId;
  std::string organizationName;
  std::string organizationIdno;
  std::string officeAddress;
  std::optional<std::string> organizationService;
  std::optional<std::string> counter;
  std::string vendorName;
  std::string address;  // IntendedIp
};
BOOST_DESCRIBE_STRUCT(PosTerminal, (),
                      (terminalId, organizationName, organizationIdno, officeAddress, organizationService, counter,
                       vendorName, address))

struct Service {
  std::optional<std::string> id;  // ServiceID; assigned by the MPay operator, set once
  LocalizedText name;
  Provider provider;
  std::optional<ContentReference> logo;
  std::vector<Mode> modes;
  std::vector<Account> accounts;
  std::vector<PosTerminal> posTerminals;
};
BOOST_DESCRIBE_STRUCT(Service, (), (id, name, provider, logo, modes, accounts, posTerminals))

struct Endpoint {
  std::string url;
  std::vector<std::string> addresses;
};
BOOST_DESCRIBE_STRUCT(Endpoint, (), (url, addresses))

struct Endpoints {
  std::optional<Endpoint> testing;
  std::optional<Endpoint> production;
};
BOOST_DESCRIBE_STRUCT(Endpoints, (), (testing, production))

// The parts of a request's subject that differ from the form.
struct RequestSubject {
  std::optional<std::string> commonName;    // default: the information system's name
  std::optional<std::string> organization;  // default: the beneficiary's legal name
  std::optional<std::string> organizationalUnit;
};
BOOST_DESCRIBE_STRUCT(RequestSubject, (), (commonName, organization, organizationalUnit))

inline constexpr std::string_view kDefaultKeyType = "RSA-3072";

// A key that the operator makes in a Secret in the tenant's namespace, and the request for its certificate.
struct CertificateRequest {
  std::string secretName;  // kubernetes.io/tls, created empty
  std::string keyType = std::string(kDefaultKeyType);
  RequestSubject subject;
  std::string renewBefore = "720h";  // before the certificate's end
};
BOOST_DESCRIBE_STRUCT(CertificateRequest, (), (secretName, keyType, subject, renewBefore))

// The system certificate, given in one of ContentSource's three places or requested, and its companions.
struct SystemCertificate : ContentSource {
  SystemCertificate() = default;
  SystemCertificate(ContentSource source) : ContentSource(std::move(source)) {}

  std::optional<ContentSource> intermediates;  // the authorities between the certificate and those of the environment
  std::optional<CertificateRequest> request;
  std::optional<ContentSource> issued;  // the certificate that was issued on the request
};
BOOST_DESCRIBE_STRUCT(SystemCertificate, (ContentSource), (intermediates, request, issued))

// The source of the certificate's bytes; null: the certificate is requested and not issued yet.
inline const ContentSource* sourceOf(const SystemCertificate& certificate) {
  if (!certificate.request) return &certificate;
  return certificate.issued ? &*certificate.issued : nullptr;
}

struct BackOfficeUser {
  std::string name;
  std::string email;
  std::optional<ContentSource> signatureCertificate;
};
BOOST_DESCRIBE_STRUCT(BackOfficeUser, (), (name, email, signatureCertificate))

struct KnownOrder {
  std::string orderKey;
  std::string amount;
  std::string currency = "MDL";
  bool operator==(const KnownOrder&) const = default;
};
BOOST_DESCRIBE_STRUCT(KnownOrder, (), (orderKey, amount, currency))

struct OrderKeyOnly {
  std::string orderKey;
  bool operator==(const OrderKeyOnly&) const = default;
};
BOOST_DESCRIBE_STRUCT(OrderKeyOnly, (), (orderKey))

struct FunctionalTestData {
  std::optional<KnownOrder> known;
  std::optional<OrderKeyOnly> unknown;
  std::optional<OrderKeyOnly> payable;
  bool operator==(const FunctionalTestData&) const = default;
};
BOOST_DESCRIBE_STRUCT(FunctionalTestData, (), (known, unknown, payable))

struct Notification {
  std::vector<std::string> recipients;  // default: the applicant
  Language language = Language::ro;
};
BOOST_DESCRIBE_STRUCT(Notification, (), (recipients, language))

enum class DeletionPolicy { Withdraw, Retain };
BOOST_DESCRIBE_ENUM(DeletionPolicy, Withdraw, Retain)

struct MPayIntegrationSpec {
  EnvironmentNames environments;
  Beneficiary beneficiary;
  Contract contract;
  Applicant applicant;
  std::optional<InformationSystem> informationSystem;
  std::optional<GenericService> genericService;
  Service service;
  Endpoints endpoints;
  std::optional<SystemCertificate> certificate;
  std::vector<BackOfficeUser> backOfficeUsers;
  std::optional<FunctionalTestData> functionalTests;
  Notification notification;
  Stage targetStage = Stage::Production;
  bool suspend = false;
  DeletionPolicy deletionPolicy = DeletionPolicy::Withdraw;
};
BOOST_DESCRIBE_STRUCT(MPayIntegrationSpec, (),
                      (environments, beneficiary, contract, applicant, informationSystem, genericService, service,
                       endpoints, certificate, backOfficeUsers, functionalTests, notification, targetStage, suspend,
                       deletionPolicy))

// sha256:<64 hex> of the bytes that the spec refers to. With these hashes the digest can be recomputed.
struct ContentHashes {
  std::optional<std::string> certificate;
  std::optional<std::string> logo;
  std::vector<std::string> users;  // one for each back-office user; "": the user has no certificate
};
BOOST_DESCRIBE_STRUCT(ContentHashes, (), (certificate, logo, users))

struct CertificateStatus {
  std::string subject;
  std::string issuer;
  std::string serial;
  std::string notBefore;
  std::string notAfter;
  std::string sha256;
  std::optional<std::string> sha1;                // in nginx's spelling
  std::optional<std::int64_t> expiresWithinDays;  // the latest warning; 0: the certificate expired
};
BOOST_DESCRIBE_STRUCT(CertificateStatus, (),
                      (subject, issuer, serial, notBefore, notAfter, sha256, sha1, expiresWithinDays))

// A certificate that was replaced and is still admitted.
struct EarlierCertificate {
  Stage stage = Stage::Testing;
  std::string sha256;
  std::string notAfter;
  std::optional<std::string> until;  // absent until the new one is live
};
BOOST_DESCRIBE_STRUCT(EarlierCertificate, (), (stage, sha256, notAfter, until))

// The request that waits for its certificate.
struct CertificateRequestStatus {
  std::string secretName;
  std::string publicKeySHA256;
  std::string pem;  // PKCS#10
};
BOOST_DESCRIBE_STRUCT(CertificateRequestStatus, (), (secretName, publicKeySHA256, pem))

// The revision that production serves.
struct ProductionStatus {
  std::string digest;
  std::int64_t revision = 0;
  std::string revisionName;  // the ControllerRevision
  std::string promotedAt;
  std::optional<CertificateStatus> certificate;
};
BOOST_DESCRIBE_STRUCT(ProductionStatus, (), (digest, revision, revisionName, promotedAt, certificate))

enum class TestOutcome { Passed, Failed, Unreachable };
BOOST_DESCRIBE_ENUM(TestOutcome, Passed, Failed, Unreachable)

// The last run of the functional tests.
struct FunctionalTestStatus {
  std::string runID;
  TestOutcome outcome = TestOutcome::Failed;
  std::string digest;  // the testingDigest that was tested
  std::string profile;
  std::string startedAt;
  std::string finishedAt;
  std::int64_t passed = 0, warned = 0, failed = 0, skipped = 0;  // checks
  std::vector<std::string> failedChecks;                         // identifiers, the required checks first
  std::optional<std::string> report;                             // the ConfigMap
  std::optional<std::string> reportProblem;                      // the reason why there is no report
  bool operator==(const FunctionalTestStatus&) const = default;
};
BOOST_DESCRIBE_STRUCT(FunctionalTestStatus, (),
                      (runID, outcome, digest, profile, startedAt, finishedAt, passed, warned, failed, skipped,
                       failedChecks, report, reportProblem))

struct MPayIntegrationStatus {
  std::int64_t observedGeneration = 0;
  std::optional<std::string> stage;  // reached so far: Testing, Production; absent before
  std::string phase;                 // for people
  std::optional<std::string> digest;
  std::optional<std::string> testingDigest;
  std::optional<ContentHashes> contentHashes;
  std::optional<CertificateStatus> certificate;
  std::optional<CertificateRequestStatus> certificateRequest;
  std::vector<EarlierCertificate> earlierCertificates;
  std::optional<ProductionStatus> production;
  std::optional<FunctionalTestStatus> functionalTests;
  std::vector<Condition> conditions;
};
BOOST_DESCRIBE_STRUCT(MPayIntegrationStatus, (),
                      (observedGeneration, stage, phase, digest, testingDigest, contentHashes, certificate,
                       certificateRequest, earlierCertificates, production, functionalTests, conditions))

struct MPayIntegration {
  static constexpr ResourceType kResource{kGroup, kVersion, "mpayintegrations", "MPayIntegration", true};
  ObjectMeta metadata;
  MPayIntegrationSpec spec;
  std::optional<MPayIntegrationStatus> status;
};
BOOST_DESCRIBE_STRUCT(MPayIntegration, (), (metadata, spec, status))

}  // namespace mpay::api
