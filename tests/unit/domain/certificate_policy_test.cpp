#include "domain/certificate_policy.h"

#include <gtest/gtest.h>

#include "support/pki.h"

namespace mpay::domain {
namespace {

using test::CertificateOptions;
using test::KeyKind;

class CertificatePolicyTest : public ::testing::Test {
 protected:
  std::string reasonFor(const std::string& bytes) const {
    const auto authorities = crypto::Authorities::parse(authority.certificate()).value();
    const auto certificate = crypto::Certificate::parse(bytes);
    if (!certificate) return certificate.error().reason;
    const auto judged = judgeCertificate(*certificate, intermediates, authorities, policy, kIdno, systemClock().now());
    note = judged ? judged->note : "";
    return judged ? "" : judged.error().reason;
  }
  std::string reasonFor(const std::function<void(CertificateOptions&)>& change) const {
    CertificateOptions options;
    change(options);
    return reasonFor(authority.issue(options).certificate);
  }
  const test::Authority authority;
  static constexpr auto kIdno = "1006601000255";
  CertificatePolicy policy;
  crypto::Intermediates intermediates;
  mutable std::string note;  // of the last accepted certificate
};

TEST_F(CertificatePolicyTest, AcceptsWhatStiscIssues) {
  EXPECT_EQ(reasonFor([](auto&) {}), "");
  EXPECT_EQ(reasonFor([](auto& o) { o.key = KeyKind::Rsa2048; }), "");
  EXPECT_EQ(reasonFor([](auto& o) { o.extendedKeyUsage = ""; }), "");
  EXPECT_EQ(reasonFor([](auto& o) { o.keyUsage = ""; }), "");
  EXPECT_EQ(reasonFor(authority.issue({}).der), "") << "DER";
  EXPECT_EQ(reasonFor("\n\n" + authority.issue({}).certificate + "\n \n"), "") << "white space around PEM";
}

TEST_F(CertificatePolicyTest, RefusesWithTheReason) {
  const test::Authority other("Another CA");
  const auto good = authority.issue({});
  const std::pair<std::string, std::string> rows[] = {
      {std::string(crypto::kMaximumCertificateBytes + 1, 'x'), "CertificateTooLarge"},
      {good.key, "PrivateKeyInPublicField"},
      {good.certificate + good.key, "PrivateKeyInPublicField"},
      {"", "MalformedCertificate"},
      {"-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n", "MalformedCertificate"},
      {good.der.substr(0, good.der.size() - 1), "MalformedCertificate"},
      {good.der + "x", "MalformedCertificate"},
      {good.certificate + good.certificate, "MalformedCertificate"},
      {"subject=CN\n" + good.certificate, "MalformedCertificate"},
      {authority.certificate(), "WrongUsage"},
      {other.issue({}).certificate, "UntrustedIssuer"},
      {test::selfSigned({}).certificate, "UntrustedIssuer"},
  };
  for (const auto& [bytes, reason] : rows) EXPECT_EQ(reasonFor(bytes), reason) << bytes.substr(0, 60);
  EXPECT_EQ(reasonFor([](auto& o) { o.extendedKeyUsage = "serverAuth"; }), "WrongUsage");
  EXPECT_EQ(reasonFor([](auto& o) { o.keyUsage = "critical,keyEncipherment"; }), "WrongUsage");
  EXPECT_EQ(reasonFor([](auto& o) { o.key = KeyKind::Rsa1024; }), "WeakCertificate");
  EXPECT_EQ(reasonFor([](auto& o) { o.key = KeyKind::Secp256k1; }), "WeakCertificate");
  EXPECT_EQ(reasonFor([](auto& o) { o.sha1 = true; }), "WeakCertificate");
  EXPECT_EQ(reasonFor([](auto& o) { o.validFrom = 3600; }), "CertificateNotYetValid");
  EXPECT_EQ(reasonFor([](auto& o) { o.validFor = -10; }), "CertificateExpired");
}

TEST_F(CertificatePolicyTest, HoldsKeysAndUsageToItsRules) {
  struct Row {
    std::string name;
    CertificateOptions options;
    std::string reason;
  };
  const auto with = [](std::vector<std::string> extensions) {
    CertificateOptions options;
    options.extensions = std::move(extensions);
    return options;
  };
  CertificateOptions nameless{.commonName = ""}, alternative{.commonName = "", .alternativeNames = "DNS:a.example"};
  CertificateOptions old = with({});
  old.version = 1;
  CertificateOptions mixed = with({"keyUsage=digitalSignature"});
  mixed.version = 1;
  const Row rows[] = {
      {"nothing but a key", with({}), ""},
      {"version 1", old, ""},
      {"version 1 with extensions", mixed, "UntrustedIssuer"},
      {"names nobody", nameless, "UntrustedIssuer"},
      {"names a host alone", alternative, ""},
      {"nsCertType server", with({"nsCertType=server"}), "WrongUsage"},
      {"nsCertType client and server", with({"nsCertType=client,server"}), ""},
      {"nsCertType of an authority", with({"nsCertType=client,sslCA"}), ""},
      {"may sign certificates", with({"keyUsage=digitalSignature,keyCertSign"}), "WrongUsage"},
      {"may agree on keys alone", with({"keyUsage=keyAgreement"}), "WrongUsage"},
      {"any use", with({"extendedKeyUsage=anyExtendedKeyUsage"}), "WrongUsage"},
      {"RSASSA-PSS", {.key = KeyKind::RsaPss2048}, "WeakCertificate"},
      {"DSA", {.key = KeyKind::Dsa2048}, "WeakCertificate"},
      {"Ed25519", {.key = KeyKind::Ed25519}, "WeakCertificate"},
      {"P-521", {.key = KeyKind::P521}, "WeakCertificate"},
      {"exponent 1", {.key = KeyKind::RsaExponent1}, "WeakCertificate"},
      {"exponent 2", {.key = KeyKind::RsaExponent2}, "WeakCertificate"},
      {"an exponent of 65 bits", {.key = KeyKind::RsaHugeExponent}, "WeakCertificate"},
      {"an even modulus", {.key = KeyKind::RsaEvenModulus}, "WeakCertificate"},
      {"a modulus of 16,392 bits", {.key = KeyKind::Rsa16392}, "WeakCertificate"},
  };
  for (const auto& row : rows) EXPECT_EQ(reasonFor(authority.issue(row.options).certificate), row.reason) << row.name;
}

TEST_F(CertificatePolicyTest, BoundsTheKeysOfAuthorities) {
  const std::pair<KeyKind, std::string> rows[] = {
      {KeyKind::Rsa2048, ""},
      {KeyKind::RsaPss2048, ""},
      {KeyKind::P384, ""},
      {KeyKind::P521, ""},
      {KeyKind::Rsa1024, "WeakCertificate"},
      {KeyKind::RsaPss1024, "WeakCertificate"},
      {KeyKind::Secp256k1, "WeakCertificate"},
      {KeyKind::Dsa2048, "WeakCertificate"},
      {KeyKind::Ed25519, "WeakCertificate"},
  };
  for (const auto& [kind, reason] : rows) {
    const auto issuing = authority.subordinate(CertificateOptions{.commonName = "Issuing CA", .key = kind});
    intermediates = crypto::parseIntermediates(issuing.certificate()).value();
    EXPECT_EQ(reasonFor(issuing.issue({}).certificate), reason) << static_cast<int>(kind);
    intermediates.clear();
    const test::Authority root(CertificateOptions{.commonName = "Root", .key = kind});
    const auto leaf = crypto::Certificate::parse(root.issue({}).certificate).value();
    const auto judged = judgeCertificate(leaf, {}, crypto::Authorities::parse(root.certificate()).value(), policy,
                                         kIdno, systemClock().now());
    EXPECT_EQ(judged ? "" : judged.error().reason, reason) << "a root, " << static_cast<int>(kind);
  }
}

TEST_F(CertificatePolicyTest, HoldsTheWayToTheAuthorityToItsRules) {
  const auto reasonOver = [&](const CertificateOptions& options) {
    const auto issuing = authority.subordinate(options);
    intermediates = crypto::parseIntermediates(issuing.certificate()).value();
    return reasonFor(issuing.issue({}).certificate);
  };
  EXPECT_EQ(reasonOver({}), "");
  EXPECT_EQ(reasonOver({.key = KeyKind::Rsa2048}), "");
  EXPECT_EQ(reasonOver({.key = KeyKind::Rsa1024}), "WeakCertificate");
  EXPECT_EQ(reasonOver({.sha1 = true}), "WeakCertificate");
  // If there are a weak and a good path, the good one counts, whichever is found first.
  const auto issuing = authority.subordinate(CertificateOptions{.sha1 = true});
  const auto weak = issuing.certificate(), good = authority.crossSign(issuing).certificate;
  for (const auto& given : {weak + good, good + weak}) {
    intermediates = crypto::parseIntermediates(given).value();
    EXPECT_EQ(reasonFor(issuing.issue({}).certificate), "");
  }
  policy.curves = {"P-384"};
  EXPECT_EQ(reasonFor([](auto& o) { o.key = KeyKind::P384; }), "") << "the rule is about systems' keys";
  policy.signatureHashes = {"SHA-512"};
  EXPECT_EQ(reasonFor([](auto& o) { o.key = KeyKind::P384; }), "WeakCertificate");
  // A certificate that is trusted for itself may have any signature.
  const test::Authority old("Old CA", true);
  const auto leaf = crypto::Certificate::parse(old.issue({}).certificate).value();
  EXPECT_TRUE(judgeCertificate(leaf, {}, crypto::Authorities::parse(old.certificate()).value(), {}, kIdno,
                               systemClock().now()));
}

TEST_F(CertificatePolicyTest, ComparesTheSubjectWithTheBeneficiary) {
  struct Row {
    std::string name;
    std::vector<std::string> organizationIdentifiers;
    std::string serialNumber;
    std::string required;  // the reason where a match is required
    bool noted;            // where no match is required
  };
  const std::string idno = kIdno, other = "1010600034203";
  const Row rows[] = {{"names nobody", {}, "", "SubjectMismatch", false},
                      {"its register number", {"NTRMD-" + idno}, "", "", false},
                      {"the bare number", {idno}, "", "", false},
                      {"as its serial number", {}, idno, "", false},
                      {"both", {"NTRMD-" + idno}, "NTRMD-" + idno, "", false},
                      {"another's", {"NTRMD-" + other}, "", "SubjectMismatch", true},
                      {"another's serial number", {}, other, "SubjectMismatch", true},
                      {"another's identifier decides", {"NTRMD-" + other}, idno, "SubjectMismatch", true},
                      {"its own identifier decides", {"NTRMD-" + idno}, other, "", false},
                      {"its own and another's", {"NTRMD-" + idno, "NTRMD-" + other}, "", "SubjectMismatch", true},
                      {"a VAT number beside it", {"VATMD-0400123", "NTRMD-" + idno}, "", "", false},
                      {"a VAT number, and the serial number", {"VATMD-0400123"}, idno, "", false},
                      {"a VAT number alone", {"VATMD-0400123"}, "", "SubjectMismatch", false},
                      {"of another country", {"NTRRO-" + idno}, "", "SubjectMismatch", false},
                      {"a person's", {}, "IDCMD-2001234567890", "SubjectMismatch", false},
                      {"with a letter", {}, "100660100025x", "SubjectMismatch", false},
                      {"within something longer", {}, idno + "0", "SubjectMismatch", false},
                      {"in small letters", {"ntrmd-" + idno}, "", "SubjectMismatch", false}};
  for (const auto& row : rows) {
    const auto issued = [&](auto& o) {
      o.organizationIdentifiers = row.organizationIdentifiers;
      o.serialNumber = row.serialNumber;
    };
    policy.subjectMustMatch = false;
    EXPECT_EQ(reasonFor(issued), "") << row.name;
    EXPECT_EQ(!note.empty(), row.noted) << row.name << ": " << note;
    policy.subjectMustMatch = true;
    EXPECT_EQ(reasonFor(issued), row.required) << row.name;
  }
}

TEST_F(CertificatePolicyTest, NeverRepeatsAKey) {
  const auto good = authority.issue({});
  const auto refused = crypto::Certificate::parse(good.key);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message.find(good.key.substr(30, 20)), std::string::npos);
}

TEST(Authorities, AreSortedOnceAndNeverAKey) {
  const test::Authority a("A"), b("B");
  const auto one = crypto::Authorities::parse(a.certificate() + b.certificate() + a.certificate());
  const auto two = crypto::Authorities::parse(b.certificate() + "\ncomment\n" + a.certificate());
  ASSERT_TRUE(one && two);
  EXPECT_EQ(one->pem(), two->pem());
  EXPECT_EQ(one->certificates().size(), 2u);
  EXPECT_EQ(crypto::Authorities::parse(a.certificate() + a.key()).error().reason, "PrivateKeyInPublicField");
  EXPECT_EQ(crypto::Authorities::parse("").error().reason, "MalformedAuthorities");
  EXPECT_EQ(crypto::Authorities::parse(a.issue({}).certificate).error().reason, "MalformedAuthorities");
}

}  // namespace
}  // namespace mpay::domain
