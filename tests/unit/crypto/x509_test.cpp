#include "crypto/x509.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "crypto/digest.h"
#include "crypto/handle.h"
#include "support/pki.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

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

// The key of an identity in the forms that people publish by accident.
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

TEST(Certificate, TellsWhetherItsKeyIsSound) {
  struct Row {
    KeyKind key;
    std::string flaw, weakness;  // a part of the text; empty: none
  };
  const Row rows[] = {{KeyKind::Rsa2048, "", ""},
                      {KeyKind::RsaPss2048, "", ""},
                      {KeyKind::P256, "", ""},
                      {KeyKind::P384, "", ""},
                      {KeyKind::P521, "", ""},
                      {KeyKind::Rsa1024, "", "1024 bits"},
                      {KeyKind::RsaPss1024, "", "1024 bits"},
                      {KeyKind::Secp256k1, "", "the curve secp256k1"},
                      {KeyKind::Dsa2048, "", "the kind DSA"},
                      {KeyKind::Ed25519, "", "the kind ED25519"},
                      {KeyKind::RsaExponent1, "exponent is even, or below 3", "not sound"},
                      {KeyKind::RsaExponent2, "exponent is even, or below 3", "not sound"},
                      {KeyKind::RsaHugeExponent, "exponent is too large", "not sound"},
                      {KeyKind::RsaEvenModulus, "modulus is even", "not sound"},
                      {KeyKind::Rsa16392, "16392 bits", "not sound"}};
  const auto says = [](const std::string& said, const std::string& part) {
    return part.empty() ? said.empty() : said.find(part) != std::string::npos;
  };
  for (const auto& row : rows) {
    const auto certificate = Certificate::parse(authority().issue({.key = row.key}).certificate);
    ASSERT_TRUE(certificate) << certificate.error().message;
    EXPECT_PRED2(says, certificate->rsaFlaw(), row.flaw);
    EXPECT_PRED2(says, weaknessOfKey(*certificate), row.weakness);
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

// The path among authorities that certify each other in every way that occurs.
class Paths : public ::testing::Test {
 protected:
  static std::string pem(const Identity& of) { return of.certificate; }
  static std::string pem(const Authority& of) { return of.certificate(); }

  // The length of the path if the environment trusts `trusted` and the form gives `given`; 0: no path.
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
  // The same length for every order.
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
  // The same for issuing authorities.
  const Authority one = root.subordinate("Issuing CA"), two = root.subordinate("Issuing CA");
  EXPECT_EQ(lengthInAnyOrder(pem(one.issue()), {pem(root)}, {pem(one), pem(two)}), 3u);
  EXPECT_EQ(lengthInAnyOrder(pem(two.issue()), {pem(root)}, {pem(one), pem(two)}), 3u);
}

TEST_F(Paths, GoOverWhicheverCrossCertificateLeadsHome) {
  const auto byRoot = root.crossSign(another);
  const auto leaf = pem(another.issue());
  EXPECT_EQ(length(leaf, pem(root), pem(byRoot)), 3u);
  EXPECT_EQ(length(leaf, pem(another), pem(byRoot)), 2u) << "the shorter one";
  // Three of one name and key: one leads to a stranger, one has expired, and one is right.
  const Authority stranger("Stranger");
  const auto byStranger = stranger.crossSign(another);
  const auto expired = root.crossSign(another, {.validFrom = -7200, .validFor = -3600});
  EXPECT_EQ(lengthInAnyOrder(leaf, {pem(root)}, {pem(byStranger), pem(expired), pem(byRoot)}), 3u);
  EXPECT_EQ(length(leaf, pem(root), pem(byStranger) + pem(expired)), 0u);
  // The platform's own bundle may contain such certificates beside the root.
  EXPECT_EQ(length(leaf, pem(another) + pem(byStranger) + pem(byRoot)), 2u);
  // Two authorities that certify each other and that nobody else certifies.
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
  // This authority may certify systems only, and certified an authority.
  const Authority last = root.subordinate(CertificateOptions{.commonName = "Last CA", .pathLength = 0});
  const Authority beyond = last.subordinate("Beyond");
  EXPECT_EQ(length(pem(beyond.issue()), pem(root), pem(last) + pem(beyond)), 0u);
  // Valid now, expired later.
  EXPECT_EQ(length(pem(root.issue()), pem(root), "", std::chrono::hours(24 * 364)), 2u);
  EXPECT_EQ(length(pem(root.issue()), pem(root), "", std::chrono::hours(24 * 3651)), 0u);
}

TEST_F(Paths, AreNotLookedForWithoutEnd) {
  // Authorities that all certify each other have too many paths to try.
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

// The extensions of a system and of an authority, as a careful issuer writes them.
const std::vector<std::string> kSystem{"basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
                                       "extendedKeyUsage=clientAuth", "subjectKeyIdentifier=hash",
                                       "authorityKeyIdentifier=keyid"};
const std::vector<std::string> kAuthority{"basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
                                          "subjectKeyIdentifier=hash", "authorityKeyIdentifier=keyid"};

// Removes the extensions that begin like one of `without`, and adds `with`.
std::vector<std::string> changed(std::vector<std::string> extensions, const std::vector<std::string>& without,
                                 const std::vector<std::string>& with = {}) {
  for (const auto& name : without) std::erase_if(extensions, [&](const auto& line) { return line.starts_with(name); });
  extensions.insert(extensions.end(), with.begin(), with.end());
  return extensions;
}

CertificateOptions of(const std::string& name, std::vector<std::string> extensions) {
  CertificateOptions options;
  options.commonName = name;
  options.extensions = std::move(extensions);
  return options;
}

// OpenSSL 3.0 never frees the policyConstraints of a certificate without certificatePolicies that it verified: its
// policy cache returns early (42 bytes each). Nothing else here is exempt from leak checks.
struct OpenSslKeepsConstraints {
#ifdef __SANITIZE_ADDRESS__
  __lsan::ScopedDisabler exempt;
#endif
};

TEST_F(Paths, AreThoseThatTlsServersAccept) {
  [[maybe_unused]] const OpenSslKeepsConstraints exempt;
  struct Row {
    std::string name;
    std::vector<std::string> root, issuing, leaf;
    bool isPath;
  };
  const std::string keys = "subjectKeyIdentifier", issuers = "authorityKeyIdentifier", uses = "extendedKeyUsage";
  const Row rows[] = {
      {"as it should be", kAuthority, kAuthority, kSystem, true},
      {"a leaf without an authority key identifier", kAuthority, kAuthority, changed(kSystem, {issuers}), true},
      {"a leaf with nothing at all", kAuthority, kAuthority, {}, true},
      {"a root without a subject key identifier", changed(kAuthority, {keys, issuers}), changed(kAuthority, {issuers}),
       kSystem, true},
      {"authorities without key usage", changed(kAuthority, {"keyUsage"}), changed(kAuthority, {"keyUsage"}), kSystem,
       true},
      {"basic constraints that are not critical", changed(kAuthority, {"basic"}, {"basicConstraints=CA:TRUE"}),
       changed(kAuthority, {"basic"}, {"basicConstraints=CA:TRUE"}), kSystem, true},
      {"an authority for clients", kAuthority, changed(kAuthority, {}, {"extendedKeyUsage=clientAuth"}), kSystem, true},
      {"an issuing authority for servers", kAuthority, changed(kAuthority, {}, {"extendedKeyUsage=serverAuth"}),
       kSystem, false},
      {"a root for mail", changed(kAuthority, {}, {"extendedKeyUsage=emailProtection"}), kAuthority, kSystem, false},
      {"an issuing authority for any use", kAuthority,
       changed(kAuthority, {}, {"extendedKeyUsage=anyExtendedKeyUsage"}), kSystem, false},
      {"nsCertType server", kAuthority, kAuthority, changed(kSystem, {uses}, {"nsCertType=server"}), false},
      {"nsCertType client", kAuthority, kAuthority, changed(kSystem, {uses}, {"nsCertType=client"}), true},
      {"an authority of nsCertType emailCA", kAuthority, changed(kAuthority, {}, {"nsCertType=emailCA"}), kSystem,
       true},
      {"an unknown critical extension", kAuthority, kAuthority,
       changed(kSystem, {}, {"1.3.6.1.4.1.99999.1=critical,DER:0500"}), false},
      {"a required policy that is there", kAuthority,
       changed(kAuthority, {}, {"certificatePolicies=1.2.3.4", "policyConstraints=critical,requireExplicitPolicy:0"}),
       changed(kSystem, {}, {"certificatePolicies=1.2.3.4"}), true},
      {"a required policy that the leaf lacks", kAuthority,
       changed(kAuthority, {}, {"certificatePolicies=1.2.3.4", "policyConstraints=critical,requireExplicitPolicy:0"}),
       kSystem, false},
      {"a required policy that the authority lacks", kAuthority,
       changed(kAuthority, {}, {"policyConstraints=critical,requireExplicitPolicy:0"}),
       changed(kSystem, {}, {"certificatePolicies=1.2.3.4"}), false},
      {"another policy than the authority's", kAuthority,
       changed(kAuthority, {}, {"certificatePolicies=1.2.3.4", "policyConstraints=critical,requireExplicitPolicy:0"}),
       changed(kSystem, {}, {"certificatePolicies=1.2.3.5"}), false},
      {"any policy of the authority's", kAuthority,
       changed(kAuthority, {},
               {"certificatePolicies=2.5.29.32.0", "policyConstraints=critical,requireExplicitPolicy:0"}),
       changed(kSystem, {}, {"certificatePolicies=1.2.3.5"}), true},
      {"any policy, which is inhibited", kAuthority,
       changed(kAuthority, {},
               {"certificatePolicies=1.2.3.4", "inhibitAnyPolicy=critical,0",
                "policyConstraints=critical,requireExplicitPolicy:0"}),
       changed(kSystem, {}, {"certificatePolicies=2.5.29.32.0"}), false},
      {"policies that nobody requires", kAuthority, changed(kAuthority, {}, {"certificatePolicies=1.2.3.4"}),
       changed(kSystem, {}, {"certificatePolicies=1.2.3.5"}), true},
  };
  for (const auto& row : rows) {
    const Authority anchor(of("Anchor", row.root));
    const Authority issuing = anchor.subordinate(of("Issuing CA", row.issuing));
    const auto leaf = pem(issuing.issue(of("SIA", row.leaf)));
    EXPECT_EQ(length(leaf, pem(anchor), pem(issuing)), row.isPath ? 3u : 0u) << row.name << ", given";
    EXPECT_EQ(length(leaf, pem(anchor) + pem(issuing)), row.isPath ? 3u : 0u) << row.name << ", the platform's";
  }
}

TEST_F(Paths, AreAsLongAsTheGatewaysTake) {
  std::vector<Authority> authorities;
  authorities.push_back(root.subordinate("CA 1"));
  for (int i = 2; i <= 7; ++i) authorities.push_back(authorities.back().subordinate("CA " + std::to_string(i)));
  std::string trusted = pem(root);
  for (const auto& authority : authorities) trusted += pem(authority);
  EXPECT_EQ(length(pem(authorities[5].issue()), trusted), 8u);
  EXPECT_EQ(length(pem(authorities[6].issue()), trusted), 0u);
}

TEST_F(Paths, LeadFromASignerOfListsToTheSameAuthority) {
  const Authority signing = root.subordinate("Issuing CA"), lists = root.subordinate("Issuing CA"),
                  elsewhere = root.subordinate("Another CA"), stranger = another.subordinate("Issuing CA");
  const Authority expired =
      root.subordinate(CertificateOptions{.commonName = "Issuing CA", .validFrom = -7200, .validFor = -3600});
  const auto authorities =
      Authorities::parse(pem(root) + pem(another) + pem(signing) + pem(elsewhere) + pem(stranger) + pem(expired))
          .value();
  const auto issuer = *Certificate::parse(pem(signing));
  const auto of = [&](const std::string& given) {
    std::vector<std::string> names;
    for (const auto& signer :
         authorities.listSigners(issuer, now(), given.empty() ? Intermediates{} : parseIntermediates(given).value()))
      names.push_back(signer.sha256());
    return names;
  };
  EXPECT_TRUE(of("").empty()) << "of another name, of another root, expired";
  EXPECT_EQ(of(pem(lists)), std::vector<std::string>{Certificate::parse(pem(lists))->sha256()});
  // A root whose key was replaced, and which certified its new key.
  const Authority next("Root");
  const auto rolled = root.crossSign(next).certificate;
  const auto both = Authorities::parse(pem(root) + pem(next) + rolled).value();
  EXPECT_FALSE(both.listSigners(*Certificate::parse(pem(root)), now()).empty());
  EXPECT_TRUE(Authorities::parse(pem(root) + pem(next))->listSigners(*Certificate::parse(pem(root)), now()).empty())
      << "two authorities that have one name by chance";
}

TEST(Authorities, VerifyWhatTheyIssued) {
  const auto authorities = *Authorities::parse(authority().certificate());
  EXPECT_TRUE(authorities.verify(*Certificate::parse(identity().certificate), now()));
  for (const auto& stranger : {Authority("Other CA").issue(), test::selfSigned({}),
                               // The same name with another key.
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

TEST(Authorities, SayWhichBlockIsNotRead) {
  const std::string& pem = authority().certificate();
  const auto with = [&](std::string text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
    return text;
  };
  std::string damaged = pem;
  damaged[damaged.size() / 2] = '!';
  std::string incomplete = pem;
  incomplete.erase(incomplete.size() / 2, 65);
  const std::string end = "-----END CERTIFICATE-----\n", begin = "-----BEGIN CERTIFICATE-----\n";
  struct Row {
    std::string name, bundle, says;
  };
  const Row rows[] = {
      {"trusted", pem + with(pem, "CERTIFICATE", "TRUSTED CERTIFICATE") + pem, "block 2: it is TRUSTED CERTIFICATE"},
      {"the old name", with(pem, "CERTIFICATE", "X509 CERTIFICATE") + pem, "block 1: it is X509 CERTIFICATE"},
      {"a list", pem + with(pem, "CERTIFICATE", "X509 CRL"), "block 2: it is X509 CRL"},
      {"a name of bytes", pem + with(pem, "CERTIFICATE", "A\x1b[31m"), "block 2: it is something else"},
      {"damaged base64", pem + damaged + pem, "block 2: the PEM block is damaged"},
      {"incomplete", pem + pem + incomplete, "block 3: "},
      {"without its end", with(pem, end, "") + pem, "block 1: its end"},
      {"the last without its end", pem + with(pem, end, ""), "block 2: its end"},
      {"half an end", pem + with(pem, end, "-----END CERTIF"), "block 2: "},
      {"without its beginning", pem + with(pem, begin, "") + pem, "block 2: its beginning"},
      {"the first without its beginning", with(pem, begin, "") + pem, "block 1: its beginning"},
      {"a dash too few", pem + with(pem, "-----BEGIN", "----BEGIN"), "block 2: its beginning"},
      {"no authority", pem + identity().certificate, "block 2: "},
      {"another end", pem + with(pem, end, "-----END PKCS7-----\n"), "block 2: "},
  };
  for (const auto& row : rows) {
    const auto parsed = Authorities::parse(row.bundle);
    ASSERT_FALSE(parsed) << row.name;
    EXPECT_EQ(parsed.error().reason, "MalformedAuthorities") << row.name;
    EXPECT_NE(parsed.error().message.find(row.says), std::string::npos) << row.name << ": " << parsed.error().message;
  }
  EXPECT_EQ(Authorities::parse("a comment - with -- dashes\n" + pem)->certificates().size(), 1u);
}

}  // namespace
}  // namespace mpay::crypto
