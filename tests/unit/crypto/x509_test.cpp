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
  EXPECT_EQ(certificate.signatureHash(), "SHA-256");
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

TEST(Certificate, KnowsTheHashUnderItsSignature) {
  const Authority old("Old Model CA", true);
  EXPECT_EQ(Certificate::parse(old.issue({.sha1 = true}).certificate)->signatureHash(), "SHA-1");
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

TEST(Certificate, MayBeInBase64WithoutAFrame) {
  const auto parsed = Certificate::parse(base64(identity().der).insert(64, "\n") + "\n");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->sha256(), sha256Hex(identity().der));
  EXPECT_EQ(reasonOf(base64(identity().der + "x")), "MalformedCertificate");
  EXPECT_EQ(reasonOf(base64("nothing of the kind")), "MalformedCertificate");
}

TEST(Certificate, IsNoPlaceToHideAPrivateKey) {
  const Identity who = authority().issue({.key = KeyKind::Rsa2048});
  const KeyForms forms = formsOf(who);
  const auto framed = [](const std::string& der) {
    return "-----BEGIN CERTIFICATE-----\n" + base64(der) + "\n-----END CERTIFICATE-----\n";
  };
  const std::pair<std::string, std::string> rows[] = {{"behind the certificate", who.der + forms.pkcs8},
                                                      {"the same, the older form", who.der + forms.traditional},
                                                      {"as if it were a certificate", framed(forms.pkcs8)},
                                                      {"behind one, in its PEM block", framed(who.der + forms.pkcs8)},
                                                      {"in base64", base64(forms.pkcs8)},
                                                      {"in base64, in PEM", base64(who.key)},
                                                      {"behind one, in base64", base64(who.der + forms.pkcs8)}};
  for (const auto& [name, bytes] : rows) {
    EXPECT_EQ(reasonOf(bytes), "PrivateKeyInPublicField") << name;
    EXPECT_EQ(parseIntermediates(bytes).error().reason, "PrivateKeyInPublicField") << name;
  }
  EXPECT_EQ(parseIntermediates(authority().certificate() + who.key).error().reason, "PrivateKeyInPublicField");
  EXPECT_EQ(parseIntermediates(authority().certificate() + framed(forms.pkcs8)).error().reason,
            "PrivateKeyInPublicField");
}

TEST(Certificate, TellsWhoItsSubjectIs) {
  CertificateOptions options;
  options.serialNumber = "1006601000255";
  options.organizationIdentifiers = {"NTRMD-1006601000255", "VATMD-0400123"};
  const auto certificate = *Certificate::parse(authority().issue(options).certificate);
  EXPECT_EQ(certificate.serialNumbers(), std::vector<std::string>{"1006601000255"});
  EXPECT_EQ(certificate.organizationIdentifiers(), options.organizationIdentifiers);
  EXPECT_TRUE(Certificate::parse(identity().certificate)->serialNumbers().empty());
}

TEST(Certificate, IsOfAKeyThatHasAFingerprint) {
  const Authority ca("Model CA");
  const auto renewed = ca.renewed({});
  const auto one = *Certificate::parse(ca.certificate()), two = *Certificate::parse(renewed.certificate());
  EXPECT_NE(one.sha256(), two.sha256());
  EXPECT_EQ(one.publicKeySha256(), two.publicKeySha256());
  EXPECT_NE(one.publicKeySha256(), Certificate::parse(identity().certificate)->publicKeySha256());
}

TEST(Intermediates, AreAFewAuthorities) {
  const auto reasonOfBundle = [](const std::string& bytes) {
    const auto parsed = parseIntermediates(bytes);
    return parsed ? "" : parsed.error().reason;
  };
  const std::string& one = authority().certificate();
  EXPECT_EQ(parseIntermediates(one + "a comment\n" + one).value().size(), 2u);
  EXPECT_EQ(parseIntermediates(one + one + one + one).value().size(), 4u);
  EXPECT_EQ(parseIntermediates(authority().issue({.authority = true}).der).value().size(), 1u);
  EXPECT_EQ(reasonOfBundle(one + one + one + one + one), "MalformedCertificate");
  EXPECT_EQ(reasonOfBundle(""), "MalformedCertificate");
  EXPECT_EQ(reasonOfBundle("nothing"), "MalformedCertificate");
  EXPECT_EQ(reasonOfBundle(one + one.substr(0, one.size() / 2)), "MalformedCertificate");
  EXPECT_EQ(reasonOfBundle(one + identity().certificate), "WrongUsage");
  EXPECT_EQ(reasonOfBundle(one + std::string(kMaximumCertificateBytes, '\n')), "CertificateTooLarge");
}

// Which path is found, among authorities that trust each other in every way that occurs.
class Paths : public ::testing::Test {
 protected:
  static std::string pem(const Identity& of) { return of.certificate; }
  static std::string pem(const Authority& of) { return of.certificate(); }

  // Whether a path is found where the environment trusts those and these are given; its length, 0 for none.
  static std::size_t length(const std::string& leaf, const std::string& trusted, const std::string& given = "",
                            std::chrono::seconds later = {}) {
    const auto intermediates = given.empty() ? Intermediates() : parseIntermediates(given).value();
    const auto path =
        Authorities::parse(trusted).value().verify(Certificate::parse(leaf).value(), now() + later, intermediates);
    if (!path) {
      EXPECT_EQ(path.error().reason, "UntrustedIssuer");
    }
    return path ? path->size() : 0;
  }
  // The same whichever comes first.
  static std::size_t lengthInAnyOrder(const std::string& leaf, std::vector<std::string> trusted,
                                      std::vector<std::string> given) {
    std::optional<std::size_t> found;
    std::sort(given.begin(), given.end());
    do {
      std::string all;
      for (const auto& one : given) all += one;
      std::string anchors;
      for (const auto& one : trusted) anchors += one;
      const auto now = length(leaf, anchors, all);
      EXPECT_EQ(now, found.value_or(now)) << "the order counts";
      found = now;
    } while (std::next_permutation(given.begin(), given.end()));
    return *found;
  }

  const Authority root{"Root"}, another{"Another root"};
};

TEST_F(Paths, LeadOverTheIntermediatesThatAreGiven) {
  const Authority policy = root.subordinate("Policy CA"), issuing = policy.subordinate("Issuing CA");
  const auto leaf = pem(issuing.issue());
  EXPECT_EQ(length(leaf, pem(root)), 0u);
  EXPECT_EQ(length(leaf, pem(root), pem(issuing)), 0u) << "one is missing";
  EXPECT_EQ(lengthInAnyOrder(leaf, {pem(root)}, {pem(issuing), pem(policy)}), 4u);
  EXPECT_EQ(length(leaf, pem(root) + pem(policy), pem(issuing)), 4u) << "the platform has one, the tenant gives one";
  EXPECT_EQ(length(leaf, pem(another), pem(issuing) + pem(policy)), 0u);
  EXPECT_EQ(length(leaf, pem(another), pem(issuing) + pem(policy) + pem(root)), 0u) << "a root that is given is none";
  EXPECT_EQ(length(leaf, pem(policy), pem(issuing)), 0u) << "without its root the platform's authority ends no path";
}

TEST_F(Paths, SayWhatIsMissing) {
  const Authority policy = root.subordinate("Policy CA"), issuing = policy.subordinate("Issuing CA");
  const auto path = Authorities::parse(pem(root))->verify(*Certificate::parse(pem(issuing.issue())), now(),
                                                          parseIntermediates(pem(issuing)).value());
  ASSERT_FALSE(path);
  EXPECT_NE(path.error().message.find("hold the authority CN=Policy CA"), std::string::npos) << path.error().message;
}

TEST_F(Paths, LeadToAnyOfSeveralRoots) {
  const auto leaf = pem(another.issue());
  EXPECT_EQ(length(leaf, pem(root) + pem(another)), 2u);
  EXPECT_EQ(length(leaf, pem(root)), 0u);
}

TEST_F(Paths, FollowAnAuthorityThroughItsRenewal) {
  const Authority later = root.renewed({.validFrom = -60, .validFor = 20L * 365 * 86400});
  const Authority expired = root.renewed({.validFrom = -7200, .validFor = -3600});
  const auto leaf = pem(root.issue());
  EXPECT_EQ(length(leaf, pem(later)), 2u) << "the renewed one alone";
  EXPECT_EQ(length(leaf, pem(root) + pem(later) + pem(expired)), 2u);
  EXPECT_EQ(length(leaf, pem(expired)), 0u);
  EXPECT_EQ(length(leaf, pem(expired) + pem(later)), 2u);
  EXPECT_EQ(length(pem(later.issue()), pem(root)), 2u) << "issued after the renewal, checked with the old one";
}

TEST_F(Paths, TellAuthoritiesOfOneNameApart) {
  const Authority same("Root"), again("Root");
  for (const auto* issuer : {&root, &same, &again}) {
    const auto leaf = pem(issuer->issue());
    EXPECT_EQ(length(leaf, pem(root) + pem(same) + pem(again)), 2u);
    EXPECT_EQ(length(leaf, pem(*issuer)), 2u);
  }
  EXPECT_EQ(length(pem(again.issue()), pem(root) + pem(same)), 0u);
  // Issuing authorities too.
  const Authority one = root.subordinate("Issuing CA"), two = root.subordinate("Issuing CA");
  EXPECT_EQ(lengthInAnyOrder(pem(one.issue()), {pem(root)}, {pem(one), pem(two)}), 3u);
  EXPECT_EQ(lengthInAnyOrder(pem(two.issue()), {pem(root)}, {pem(one), pem(two)}), 3u);
}

TEST_F(Paths, GoOverWhicheverCrossCertificateLeadsHome) {
  const auto byRoot = root.crossSign(another);
  const auto leaf = pem(another.issue());
  EXPECT_EQ(length(leaf, pem(root), pem(byRoot)), 3u);
  EXPECT_EQ(length(leaf, pem(another), pem(byRoot)), 2u) << "the shorter one";
  // One that leads to a stranger, one that has expired, and the right one, all of one name and key.
  const Authority stranger("Stranger");
  const auto byStranger = stranger.crossSign(another);
  const auto expired = root.crossSign(another, {.validFrom = -7200, .validFor = -3600});
  EXPECT_EQ(lengthInAnyOrder(leaf, {pem(root)}, {pem(byStranger), pem(expired), pem(byRoot)}), 3u);
  EXPECT_EQ(length(leaf, pem(root), pem(byStranger) + pem(expired)), 0u);
  // The platform's own bundle may hold such certificates, beside the root itself.
  EXPECT_EQ(length(leaf, pem(another) + pem(byStranger) + pem(byRoot)), 2u);
  // Two that certify each other, and nobody else does.
  const Authority left("Left"), right("Right");
  EXPECT_EQ(length(pem(left.issue()), pem(root), pem(right.crossSign(left)) + pem(left.crossSign(right))), 0u);
}

TEST_F(Paths, HoldAuthoritiesToTheirRules) {
  struct Row {
    std::string name;
    CertificateOptions options;
    std::size_t length;
  };
  const Row rows[] = {{"good", {}, 3},
                      {"expired", {.validFrom = -7200, .validFor = -3600}, 0},
                      {"not yet valid", {.validFrom = 3600}, 0},
                      {"may not sign certificates", {.signs = false}, 0},
                      {"may certify systems", {.pathLength = 0}, 3}};
  for (auto row : rows) {
    row.options.commonName = "Issuing CA";
    const Authority issuing = root.subordinate(row.options);
    EXPECT_EQ(length(pem(issuing.issue()), pem(root), pem(issuing)), row.length) << row.name;
  }
  // Which may certify systems alone, and certified an authority.
  const Authority last = root.subordinate(CertificateOptions{.commonName = "Last CA", .pathLength = 0});
  const Authority beyond = last.subordinate("Beyond");
  EXPECT_EQ(length(pem(beyond.issue()), pem(root), pem(last) + pem(beyond)), 0u);
  // Valid now, and not later.
  EXPECT_EQ(length(pem(root.issue()), pem(root), "", std::chrono::hours(24 * 364)), 2u);
  EXPECT_EQ(length(pem(root.issue()), pem(root), "", std::chrono::hours(24 * 3651)), 0u);
}

TEST_F(Paths, AreNotLookedForWithoutEnd) {
  // Authorities that all certify each other: the paths are too many to try.
  std::vector<Authority> authorities;
  for (int i = 0; i < 12; ++i) authorities.emplace_back("CA " + std::to_string(i));
  std::string trusted = pem(root);
  for (const auto& issuer : authorities) {
    for (const auto& subject : authorities) {
      if (&issuer != &subject) trusted += pem(issuer.crossSign(subject));
    }
  }
  EXPECT_EQ(length(pem(authorities[0].issue()), trusted), 0u);
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
