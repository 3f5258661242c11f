#include "cluster/secrets.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "support/pki.h"

namespace mpay::cluster {
namespace {

api::Secret secretWith(const std::map<std::string, std::string>& values) {
  api::Secret secret;
  secret.metadata.name = "s";
  secret.metadata.annotations["kubectl.kubernetes.io/last-applied-configuration"] = "values";
  for (const auto& [key, bytes] : values) secret.data[key] = crypto::base64(bytes);
  return secret;
}

TEST(PublicSecret, KeepsWhatIsPublicAndOfTheRestOnlyWhatIsWrongWithIt) {
  const test::Authority authority, another;
  const auto identity = authority.issue({});
  const std::string bundle = authority.certificate() + another.certificate();
  const std::string png = "\x89PNG\r\n\x1a\n and so on";
  const auto kept = PublicSecret::of(secretWith({{"tls.crt", identity.certificate},
                                                 {"tls.key", identity.key},
                                                 {"ca.pem", bundle},
                                                 {"chain.pem", authority.certificate() + identity.certificate},
                                                 {"logo.png", png},
                                                 {"password", "correct horse"}}));
  EXPECT_EQ(kept.values.at("tls.crt").value(), identity.certificate);
  EXPECT_EQ(kept.values.at("ca.pem").value(), bundle);
  EXPECT_EQ(kept.values.at("chain.pem").value(), authority.certificate() + identity.certificate)
      << "whether it is a bundle of authorities is judged where it is used";
  EXPECT_EQ(kept.values.at("logo.png").value(), png);
  EXPECT_EQ(kept.values.at("tls.key").error().reason, "PrivateKeyInPublicField");
  EXPECT_EQ(kept.values.at("password").error().reason, "MalformedCertificate");
  EXPECT_EQ(kept.values.at("password").error().message.find("horse"), std::string::npos);
}

TEST(KeyedSecret, KeepsOfTheKeysTheirPublicHalves) {
  const auto key = crypto::PrivateKey::make("P-256").value();
  const auto request = key.request({"a", "b", "", ""}).value();
  const auto certificate = test::Authority().certify(request).certificate;
  auto secret = secretWith({{"tls.key", std::string(key.pem().view())},
                            {"tls.csr", request},
                            {"tls.crt", certificate},
                            {"renewal.key", "no key"},
                            {"renewal.csr", "no request"},
                            {"password", "correct horse"}});
  secret.type = "kubernetes.io/tls";
  secret.metadata.resourceVersion = "7";
  const auto kept = KeyedSecret::of(secret).content;
  EXPECT_EQ(kept.type, "kubernetes.io/tls");
  EXPECT_EQ(kept.resourceVersion, "7");
  EXPECT_FALSE(kept.immutable);
  EXPECT_FALSE(kept.current.empty);
  EXPECT_EQ(kept.current.publicKeySha256, key.publicKeySha256());
  EXPECT_EQ(kept.current.request, request);
  EXPECT_EQ(kept.certificate, certificate);
  EXPECT_TRUE(kept.hasCertificate);
  EXPECT_FALSE(kept.renewal.empty) << "what is no key is not nothing";
  EXPECT_EQ(kept.renewal.publicKeySha256, "");
  EXPECT_EQ(kept.renewal.request, "");

  // A key in the certificate's place is not empty, and is not kept.
  const auto wrong = KeyedSecret::of(secretWith({{"tls.key", ""}, {"tls.crt", std::string(key.pem().view())}})).content;
  EXPECT_TRUE(wrong.current.empty);
  EXPECT_TRUE(wrong.renewal.empty);
  EXPECT_TRUE(wrong.hasCertificate);
  EXPECT_EQ(wrong.certificate, "");
}

TEST(MailCredentials, AreAUserNameAndAPassword) {
  const auto kept = MailCredentials::of(secretWith({{"username", "mpay"}, {"password", "word"}, {"more", "x"}}));
  EXPECT_EQ(kept.username, "mpay");
  EXPECT_EQ(kept.password, "word");
  EXPECT_FALSE(MailCredentials::of(secretWith({{"username", "mpay"}})).password);
}

}  // namespace
}  // namespace mpay::cluster
