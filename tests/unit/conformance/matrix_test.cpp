// Each defect of the sample beneficiary is found by its check, and otherwise only by checks that follow from it.
#include <map>
#include <set>

#include "unit/conformance/world.h"

namespace mpay::test {
namespace {

using conformance::Outcome;

struct Row {
  std::string defect;
  std::string wrong;     // the checks that fail or warn; no others do
  std::string reason{};  // part of the message of the first one
  std::string payable = "PAYABLE-1";
};

const std::vector<Row> kMatrix{
    // Transport and envelope
    {"redirect", "T3", "redirects with status 307"},
    {"soap-1.2-content-type", "T3", "application/soap+xml"},
    {"html", "T3", "text/html"},
    {"refuses-soap-action", "T3", "status 415"},
    {"refuses-every-action", "T3", "SOAPAction is refused: status 500, a fault ActionNotSupported"},
    {"wants-empty-action", "T3", "an empty one is taken: status 500, a fault ActionNotSupported"},
    {"endless", "T3", "larger than 1048576 bytes"},
    {"bomb", "T3", "Content-Encoding: gzip"},
    {"big-header", "T3", "headers are larger"},
    {"reset", "T3", "did not arrive whole"},
    {"body-first", "T4", "Header"},
    {"dtd", "T4", "document type declaration"},
    {"xml-1.1", "T4", "another version of XML"},
    {"two-bodies", "T4 S2", ""},  // the signature cannot cover the content if there are two
    {"fault-200", "T5", "status 200"},
    {"qualified-faultcode", "T5", "faultcode is in a namespace"},
    {"unknown-header", "T4", "{urn:model}Routing must be understood"},
    {"latin-charset", "T3", "charset is \"iso-8859-1\", the answer is in UTF-8"},
    {"response-name", "T6", "{https://mpay.gov.md}GetOrderDetailsResult"},
    {"response-namespace", "T6", "{http://mpay.gov.md}"},
    // Security of answers
    {"unsigned", "S1", "MissingSignature"},
    {"other-actors-security", "S1 S9", "one for another actor is there"},
    {"very-many-references", "S2", "40 References"},
    {"body-unsigned", "S2", "does not cover the Body"},
    {"timestamp-unsigned", "S2", "does not cover the Timestamp"},
    {"wrapping", "S2", "SignatureWrapping"},
    {"tampered", "S3", "Body"},
    {"reformatted", "S4(warn)", "blank text"},
    {"wrong-key", "S5", "not the registered one"},
    {"issuer-serial", "S6(warn)", "X509IssuerSerial"},
    {"other-token", "S6", "names another certificate"},
    {"key-info-none", "S6", "no KeyInfo"},
    {"thumbprint", "S6", "ThumbprintSHA1"},
    {"key-value", "S6", "KeyValue alone"},
    {"key-info-namespace", "S6", "KeyInfo is of another namespace: \"urn:model\""},
    {"serial-hex", "S6", "no decimal integer"},
    {"serial-beside", "S6", "not the registered certificate's"},
    {"serial-other", "S6", "not the registered certificate's"},
    {"token-not-certificate", "S6", "the token is no certificate"},
    {"rsa-sha512", "S7", "rsa-sha512"},
    {"mixed-digest", "S7(warn)", "sha256"},
    {"undeclared-algorithm", "S7(warn)", "declared was RSA-SHA1"},
    {"inclusive-c14n", "S8", "REC-xml-c14n"},
    {"relative-namespace", "S8", "the namespace \"relative\" is relative"},
    {"str-transform", "S8", "the Reference to #STR-1 has the transform http://docs.oasis-open.org/"},
    {"no-transforms", "S8", "has the transform none"},
    {"stale-timestamp", "S9", "TimestampExpired"},
    {"future-timestamp", "S9", "TimestampInFuture"},
    {"no-timestamp", "S9", "TimestampMissing"},
    {"timestamp-namespace", "S9", "a Timestamp of another namespace is there: \"urn:model\""},
    {"no-expires", "S9", "the Timestamp has no Expires"},
    {"local-time", "S9", "TimestampNotUtc"},
    {"endless-timestamp", "S9", "ImplausibleLifetime"},
    {"day-timestamp", "S9", "ImplausibleLifetime"},
    {"hours-timestamp", "S9(warn)", "holds for 2h"},
    {"replay", "S9 G11 G12 G13 C3", "Replay"},  // the first answer does not fit these questions
    {"duplicate-ids", "S10", "DuplicateId: more than one element has the id \"TS-"},
    {"plain-ids", "S10", "UnqualifiedId"},
    {"token-plain-id", "S10", "BinarySecurityToken is no wsu:Id"},
    {"digit-ids", "S2", "an Id may not begin with a digit"},
    // Security of requests
    {"accepts-unsigned", "R1", "accepted"},
    {"redirects-refused", "R1 R2 R3 R4 R5 R6 R7", "redirected with status 307"},
    {"ignores-digests", "R2 R3", "accepted"},  // SignatureValue is not checked either, so any key is accepted
    {"any-key", "R3", "accepted"},
    {"accepts-timestamp-alone", "R4", "accepted"},
    {"accepts-expired", "R5", "accepted"},
    {"accepts-future", "R6", "accepted"},
    {"accepts-no-timestamp", "R7", "accepted"},
    {"refuses-genuine", "R8", "AuthenticationFailed"},
    {"refuses-rsa-sha1", "R8", "RSA-SHA1"},
    {"no-security", "R1 R8", "accepted"},
    // Forms of MPay's that the service refuses; the service is judged in another form.
    {"refuses-prefixes", "R8", "with prefixes was refused"},
    {"wants-prefixes", "R8", "with MPay's namespace as default was refused"},
    {"refuses-prefix-lists", "R8", "with an InclusiveNamespaces PrefixList was refused"},
    {"refuses-short-timestamps", "R8", "whose Timestamp holds for 60 s was refused"},
    // GetOrderDetails
    {"known-missing", "G1", "UnknownOrder"},
    {"other-service-id", "G2", "ServiceID"},
    {"other-order-key", "G2", "OrderKey"},
    {"member-order", "G3", "alphabetical"},
    {"unknown-member", "G3", "Vat"},
    {"singular-flags", "G3", "the guide's own table misleads"},
    {"text-between", "G3", "text between"},
    {"obsolete-members", "G3(warn)", "BankName is obsolete since guide 1.2"},
    {"no-reason", "G4", "Reason is required"},
    {"long-reason", "G4(warn)", "51 characters"},
    {"long-name", "G4", "61 characters"},
    {"long-both", "G4", "61 characters; 60 are allowed; a warning: "},
    {"no-customer", "G4(warn)", "CustomerID is not there; the guide requires it now"},
    {"bare-properties", "G4(warn)", "DisplayName is not there; the guide requires it now"},
    {"bad-amount", "G4", "AmountDue"},
    {"empty-total", "G4", "TotalAmountDue is empty"},
    {"nil-total", "G4", "TotalAmountDue is nil"},
    {"two-totals", "G3 G4", "more than once"},
    {"known-comma", "G4", "TotalAmountDue is no decimal number"},
    {"payable-comma", "G4", "of the payable order, GetOrderDetailsResponse/GetOrderDetailsResult/OrderDetails"},
    {"element-in-value", "G4", "Reason holds an element"},
    {"nil-customer", "G4", "CustomerID is nil"},
    {"no-such-day", "G4", "IssuedAt is no xs:dateTime"},
    {"lower-case-status", "G5", "active"},
    {"customer-type", "G5", "Company"},
    {"empty-customer-type", "G5", "CustomerType is \"\""},
    {"no-currency", "G5", "\"LEI\", which is no code of ISO 4217"},
    {"no-lines", "G6", "no line"},
    {"wrong-sum", "G6", "add up to 235.50"},
    {"too-much", "G6", "add up to 1000.00, more than the TotalAmountDue of 234.50"},
    {"negative-line", "G6", "AmountDue is negative"},
    {"other-currency", "G6", "currency is not MDL"},
    {"other-amount", "G6", "239.50, not of 234.50"},
    {"no-bank-code", "G7", "BankCode"},
    {"bad-iban", "G7", "IBAN"},
    {"no-account", "G7(warn)", "DestinationAccount is not there; the guide requires it now"},
    {"empty-account", "G7(warn)", "is empty"},
    {"no-total", "G8", "TotalAmountDue is missing"},
    {"no-russian", "G9", "Language ru"},
    {"no-capitals", "G9", "Language RO"},
    {"needs-language", "G9", "without Language"},
    {"unstable", "G10", "other amounts"},
    {"accepts-unknown-service", "G11 C3", "an order was given"},
    {"unknown-service-internal", "G11 C3", "InternalError"},
    {"unknown-order-internal", "G12", "InternalError"},
    {"invents-orders", "G12", "an order was given"},
    {"ignores-length", "G13", "an order was given"},
    // ConfirmOrderPayment
    {"confirmation-content", "C1", "must be empty"},
    {"confirmation-unsigned", "C1", "signature"},
    {"refuses-repeated", "C2", "InvoiceAlreadyPaid"},
    {"counts-repeated", "C2", "counted again"},
    {"counts-repeated", "C2 C5", "counted again", "PARTIAL-1"},  // the remainder is wrong then
    {"remembers-last", "C2 C5", "P1, sent again after P2", "PARTIAL-1"},
    {"confirms-unknown", "C3", "unknown order"},
    {"confirms-other-services", "C3", "not a fault UnknownService but status 500, a fault UnknownOrder"},
    {"invalid-service", "C3(warn)", "UnknownService says what is wrong"},
    {"refuses-empty-account", "C4", "with an empty DestinationAccount: status 500, a fault InvalidParameter"},
    {"refuses-invoice-ids", "C4", "with an InvoiceID: status 500, a fault InvalidParameter"},
    {"refuses-line-properties", "C4", "with Properties of lines: status 500, a fault InvalidParameter"},
    {"refuses-properties", "C4", "with Properties of lines: status 500, a fault InvalidParameter; with Properties: "},
    {"never-paid", "C5", "Active"},
    {"never-paid", "C5", "TotalAmountDue is 150.00, not 50.00", "PARTIAL-1"},
    {"never-paid", "C5", "lines' AmountDue is 150.00, not 50.00", "LINES-1"},
    {"paid-at-once", "C5", "Paid, though 50.00 is due", "PARTIAL-1"},
    {"paid-at-once", "C5", "Paid, though 50.00 is due", "LINES-1"},
    {"comma-when-paid", "C5", "after it was paid an amount of the order cannot be read: "},
    {"comma-when-paid", "C5", "after it was paid an amount of the order cannot be read: ", "PARTIAL-1"},
    {"forgets-amounts", "C5", "no longer says what is due", "LINES-1"},
};

// Defects that end the beneficiary's process or its connection are tested one by one.
const std::set<std::string> kElsewhere{"does-not-listen", "tls-1.1", "self-signed", "drip", "tls-stalls"};

std::set<std::string> listedDefects() {
  std::set<std::string> names;
  std::istringstream lines(
      test::run({"/usr/bin/python3", MPAY_SOURCE_DIR "/tests/support/beneficiary.py", "--list-defects"}).output);
  for (std::string line; std::getline(lines, line);) names.insert(line.substr(0, line.find('\t')));
  return names;
}

TEST_F(Conformance, FindsEachDefectByItsCheckAlone) {
  const Beneficiary beneficiary;
  for (const auto& row : kMatrix) {
    SCOPED_TRACE(row.defect + " " + row.payable);
    auto subject = subjectOf(beneficiary);
    subject.payable->key = row.payable;
    const auto report = run(
        beneficiary, row.defect + (row.payable == "PARTIAL-1" || row.payable == "LINES-1" ? "+token" : ""), subject);
    EXPECT_EQ(wrongIn(report), row.wrong) << all(report);
    const auto first = row.wrong.substr(0, row.wrong.find_first_of(" ("));
    EXPECT_NE(find(report, first).message.find(row.reason), std::string::npos) << find(report, first).message;
    EXPECT_EQ(find(report, first).evidence.empty(), false);
    // Warnings and failures of the recommended checks let it pass.
    const bool isFatal = row.wrong.find("(warn)") == std::string::npos && row.wrong != "G9" && row.wrong != "G13";
    EXPECT_EQ(report.passed(), !isFatal) << all(report);
  }
}

TEST_F(Conformance, HasADefectForEveryCheckAndARowForEveryDefect) {
  std::set<std::string> defects = kElsewhere, found{"T1", "T2"};  // see below
  for (const auto& row : kMatrix) {
    defects.insert(row.defect);
    found.insert(row.wrong.substr(0, row.wrong.find_first_of(" (")));
  }
  EXPECT_EQ(defects, listedDefects());
  for (const auto* check : conformance::allChecks()) EXPECT_TRUE(found.contains(std::string(check->id))) << check->id;
  EXPECT_EQ(conformance::allChecks().size(), 6u + 10 + 8 + 13 + 5);
}

TEST_F(Conformance, PassesTheCorrectBeneficiaryInAllItsForms) {
  const Beneficiary beneficiary;
  for (const std::string form : {"token", "subject-key-identifier", "x509"}) {
    for (const auto algorithm : {soap::Algorithm::RsaSha1, soap::Algorithm::RsaSha256}) {
      for (const std::string payable : {"PAYABLE-1", "PARTIAL-1", "LINES-1", "ADVANCE-1"}) {
        const auto names = form + (algorithm == soap::Algorithm::RsaSha256 ? "+rsa-sha256" : "");
        SCOPED_TRACE(names + " " + payable);
        auto subject = subjectOf(beneficiary);
        subject.algorithm = algorithm;
        subject.payable->key = payable;
        const auto report = run(beneficiary, names, subject);
        EXPECT_TRUE(report.passed());
        EXPECT_EQ(report.count(Outcome::pass), static_cast<int>(conformance::allChecks().size())) << all(report);
      }
    }
  }
  for (const std::string names :
       {"unsigned-faults", "invalid-parameter", "empty-result", "both-ids", "seven-references", "xades", "chain",
        "key-name", "key-name+x509", "other-actors", "next-actor", "midnight", "property-types"}) {
    const auto report = run(beneficiary, names, subjectOf(beneficiary));
    EXPECT_TRUE(report.passed());
    EXPECT_EQ(report.count(Outcome::pass), static_cast<int>(conformance::allChecks().size())) << names << all(report);
  }
}

TEST_F(Conformance, WarnsOfWhatMPaysPublishedAnswerHas) {
  const Beneficiary beneficiary;
  const auto report = run(beneficiary, "published-sample+x509", subjectOf(beneficiary));
  EXPECT_EQ(wrongIn(report), "G4(warn)") << all(report);
  EXPECT_TRUE(report.passed());
}

TEST_F(Conformance, TakesASecondOrSo) {
  const Beneficiary beneficiary;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(run(beneficiary, "", subjectOf(beneficiary)).passed());
  // Takes half a second on an idle machine.
  EXPECT_LT(std::chrono::steady_clock::now() - start, kSanitized ? 30s : 5s);
}

TEST_F(Conformance, RefusesSha1OnlyWhereThatIsWhatIsDeclared) {
  const Beneficiary beneficiary;
  auto subject = subjectOf(beneficiary);
  subject.algorithm = soap::Algorithm::RsaSha256;
  const auto report = run(beneficiary, "rsa-sha256+refuses-rsa-sha1", subject);
  EXPECT_EQ(wrongIn(report), "R8") << all(report);
  EXPECT_EQ(find(report, "C5").outcome, Outcome::pass);
}

TEST_F(Conformance, NamesSeveralDefectsAtOnce) {
  const Beneficiary beneficiary;
  const auto report = run(beneficiary, "unsigned+fault-200+member-order+accepts-expired+unknown-order-internal",
                          subjectOf(beneficiary));
  EXPECT_EQ(wrongIn(report), "T5 S1 R5 G3 G12") << all(report);
  // Nothing is paid on the basis of an answer that anybody could have written.
  EXPECT_TRUE(find(report, "C1").isBlocked);
}

}  // namespace
}  // namespace mpay::test
