#include "crypto/x509.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "crypto/digest.h"
#include "crypto/handle.h"
#include "support/pki.h"

namespace mpay::crypto {
namespace {

using test::Authority;
using test::CertificateOptions;
using test::Identity;
using test::KeyKind;

const Authority& authority() {
  static const Authority made("STISC Model CA");
  return made;
}

const Identity& identity() {
  static const Identity made = authority().issue({.commonName = "Primăria Model", .organizations = {"Model"}});
  return made;
}

WallTime now() { return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()); }

std::string reasonOf(std::string_view bytes) {
  const auto parsed = Certificate::parse(bytes);
  return parsed ? "" : parsed.error().reason;
}

std::string bytesOf(BIO* memory) {
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  return {text, static_cast<std::size_t>(length)};
}

// The key of an identity in the forms that people have by accident.
struct KeyForms {
  std::string pkcs8, pkcs8Encrypted, traditional, pkcs8EncryptedPem, traditionalPem;
};

KeyForms formsOf(const Identity& who) {
  const Handle<BIO, BIO_free_all> in(BIO_new_mem_buf(who.key.data(), static_cast<int>(who.key.size())));
  const Handle<EVP_PKEY, EVP_PKEY_free> key(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  const auto written = [](auto write) {
    const Handle<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
    EXPECT_EQ(write(out.get()), 1);
    return bytesOf(out.get());
  };
  char password[] = "example";
  const auto* cipher = EVP_aes_256_cbc();
  return {
      written([&](BIO* out) { return i2d_PKCS8PrivateKey_bio(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr); }),
      written([&](BIO* out) { return i2d_PKCS8PrivateKey_bio(out, key.get(), cipher, password, 7, nullptr, nullptr); }),
      written([&](BIO* out) { return i2d_PrivateKey_bio(out, key.get()); }), written([&](BIO* out) {
        return PEM_write_bio_PKCS8PrivateKey(out, key.get(), cipher, password, 7, nullptr, nullptr);
      }),
      written([&](BIO* out) {
        return PEM_write_bio_PrivateKey_traditional(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
      })};
}

TEST(Certificate, IsTheSameFromPemAndDer) {
  const auto pem = Certificate::parse(identity().certificate);
  const auto der = Certificate::parse(identity().der);
  ASSERT_TRUE(pem && der);
  EXPECT_EQ(pem->sha256(), der->sha256());
  EXPECT_EQ(pem->sha256(), sha256Hex(identity().der));
  EXPECT_EQ(pem->sha1(), sha1Hex(identity().der));
  EXPECT_EQ(pem->pem(), der->pem());
  EXPECT_TRUE(Certificate::parse("\n  " + identity().certificate + "\r\n\n"));
}

TEST(Certificate, TellsWhatItHolds) {
  const auto certificate = *Certificate::parse(identity().certificate);
  EXPECT_NE(certificate.subject().find("Primăria Model"), std::string::npos) << certificate.subject();
  EXPECT_NE(certificate.issuer().find("STISC Model CA"), std::string::npos) << certificate.issuer();
  EXPECT_LT(certificate.notBefore(), now());
  EXPECT_GT(certificate.notAfter(), now() + std::chrono::days(360));
  EXPECT_EQ(certificate.serial().find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_FALSE(certificate.isAuthority());
  EXPECT_FALSE(certificate.hasWeakSignature());
  EXPECT_TRUE(Certificate::parse(authority().certificate())->isAuthority());
}

TEST(Certificate, TellsItsKey) {
  struct Row {
    KeyKind key;
    int rsaBits;
    std::string curve;
  };
  const Row rows[] = {{KeyKind::Rsa1024, 1024, ""},
                      {KeyKind::Rsa2048, 2048, ""},
                      {KeyKind::P256, 0, "P-256"},
                      {KeyKind::P384, 0, "P-384"},
                      {KeyKind::Secp256k1, 0, "secp256k1"}};
  for (const auto& row : rows) {
    const auto certificate = Certificate::parse(authority().issue({.key = row.key}).certificate);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->rsaBits(), row.rsaBits);
    EXPECT_EQ(certificate->curve(), row.curve);
  }
}

TEST(Certificate, TellsWhatItMayBeUsedFor) {
  struct Row {
    std::string keyUsage, extendedKeyUsage;
    bool client, signature;
  };
  const Row rows[] = {{"critical,digitalSignature", "clientAuth", true, true},
                      {"critical,digitalSignature", "serverAuth", false, true},
                      {"critical,keyEncipherment", "clientAuth", true, false},
                      {"", "", true, true}};
  for (const auto& row : rows) {
    CertificateOptions options;
    options.keyUsage = row.keyUsage;
    options.extendedKeyUsage = row.extendedKeyUsage;
    const auto certificate = Certificate::parse(authority().issue(options).certificate);
    ASSERT_TRUE(certificate);
    EXPECT_EQ(certificate->allowsClientAuthentication(), row.client) << row.keyUsage << "|" << row.extendedKeyUsage;
    EXPECT_EQ(certificate->allowsDigitalSignature(), row.signature) << row.keyUsage << "|" << row.extendedKeyUsage;
  }
}

TEST(Certificate, KnowsAWeakSignature) {
  const Authority old("Old Model CA", true);
  EXPECT_TRUE(Certificate::parse(old.issue({.sha1 = true}).certificate)->hasWeakSignature());
}

TEST(Certificate, IsExactlyOne) {
  const std::string& pem = identity().certificate;
  const std::string& der = identity().der;
  EXPECT_EQ(reasonOf(""), "MalformedCertificate");
  EXPECT_EQ(reasonOf("not a certificate"), "MalformedCertificate");
  EXPECT_EQ(reasonOf(pem + pem), "MalformedCertificate");
  EXPECT_EQ(reasonOf("subject=CN = Model\n" + pem), "MalformedCertificate");
  EXPECT_EQ(reasonOf(pem + "more"), "MalformedCertificate");
  EXPECT_EQ(reasonOf(der + "x"), "MalformedCertificate");
  EXPECT_EQ(reasonOf(std::string_view(der).substr(0, der.size() - 1)), "MalformedCertificate");
  EXPECT_EQ(reasonOf(std::string_view(pem).substr(0, pem.size() / 2)), "MalformedCertificate");
  std::string damaged = pem;
  damaged[damaged.size() / 2] = '!';
  EXPECT_EQ(reasonOf(damaged), "MalformedCertificate");
  // Trailing bytes inside the PEM block.
  EXPECT_EQ(reasonOf("-----BEGIN CERTIFICATE-----\n" + base64(der + "x") + "\n-----END CERTIFICATE-----\n"),
            "MalformedCertificate");
}

TEST(Certificate, IsNotLookedAtWhenTooLarge) {
  EXPECT_EQ(reasonOf(std::string(kMaximumCertificateBytes + 1, 'x')), "CertificateTooLarge");
  EXPECT_EQ(reasonOf(std::string(kMaximumCertificateBytes, 'x')), "MalformedCertificate");
}

TEST(Certificate, IsNeverAPrivateKey) {
  for (const auto kind : {KeyKind::P256, KeyKind::Rsa2048}) {
    const Identity who = authority().issue({.key = kind});
    const KeyForms forms = formsOf(who);
    for (const auto& bytes : {who.key, forms.pkcs8, forms.pkcs8Encrypted, forms.traditional, forms.pkcs8EncryptedPem,
                              forms.traditionalPem, who.key + who.certificate, who.certificate + who.key}) {
      const auto parsed = Certificate::parse(bytes);
      ASSERT_FALSE(parsed);
      EXPECT_EQ(parsed.error().reason, "PrivateKeyInPublicField");
      EXPECT_EQ(parsed.error().message.find(who.key.substr(40, 20)), std::string::npos);
    }
  }
}

TEST(Authorities, VerifyWhatTheyIssued) {
  const auto authorities = *Authorities::parse(authority().certificate());
  EXPECT_TRUE(authorities.verify(*Certificate::parse(identity().certificate), now()));
  for (const auto& stranger : {Authority("Other CA").issue(), test::selfSigned({}),
                               // The same name, another key.
                               Authority("STISC Model CA").issue()}) {
    const auto verified = authorities.verify(*Certificate::parse(stranger.certificate), now());
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().reason, "UntrustedIssuer");
  }
}

TEST(Authorities, FollowAChain) {
  const Authority issuing = authority().subordinate("STISC Model Issuing CA");
  const auto leaf = *Certificate::parse(issuing.issue().certificate);
  EXPECT_FALSE(Authorities::parse(authority().certificate())->verify(leaf, now()));
  EXPECT_TRUE(Authorities::parse(authority().certificate() + issuing.certificate())->verify(leaf, now()));
}

TEST(Authorities, AreOneTextWhateverTheirOrder) {
  const Authority other("Other CA");
  const auto one = *Authorities::parse(authority().certificate() + other.certificate());
  const auto two =
      *Authorities::parse("a comment\n" + other.certificate() + authority().certificate() + other.certificate());
  EXPECT_EQ(one.pem(), two.pem());
  EXPECT_EQ(two.certificates().size(), 2u);
}

TEST(Authorities, AreNothingElse) {
  const auto reasonOfBundle = [](const std::string& pem) {
    const auto parsed = Authorities::parse(pem);
    return parsed ? "" : parsed.error().reason;
  };
  const std::string& pem = authority().certificate();
  EXPECT_EQ(reasonOfBundle(""), "MalformedAuthorities");
  EXPECT_EQ(reasonOfBundle("nothing"), "MalformedAuthorities");
  EXPECT_EQ(reasonOfBundle(pem + identity().certificate), "MalformedAuthorities");
  EXPECT_EQ(reasonOfBundle(pem + pem.substr(0, pem.size() / 2)), "MalformedAuthorities");
  EXPECT_EQ(reasonOfBundle(pem + authority().key()), "PrivateKeyInPublicField");
  EXPECT_EQ(reasonOfBundle(pem + std::string(std::size_t{1} << 20, '\n')), "MalformedAuthorities");
}

}  // namespace
}  // namespace mpay::crypto
