#include "onboarding/certificate_policy.h"

#include <gtest/gtest.h>

#include "support/pki.h"

namespace mpay::onboarding {
namespace {

using test::CertificateOptions;
using test::KeyKind;

class CertificatePolicyTest : public ::testing::Test {
 protected:
  std::string reasonFor(const std::string& bytes) const {
    const auto authorities = crypto::Authorities::parse(authority.certificate()).value();
    const auto certificate = crypto::Certificate::parse(bytes);
    if (!certificate) return certificate.error().reason;
    const auto judged = judgeCertificate(*certificate, authorities, {}, systemClock().now());
    return judged ? "" : judged.error().reason;
  }
  std::string reasonFor(const std::function<void(CertificateOptions&)>& change) const {
    CertificateOptions options;
    change(options);
    return reasonFor(authority.issue(options).certificate);
  }
  const test::Authority authority;
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
}  // namespace mpay::onboarding
