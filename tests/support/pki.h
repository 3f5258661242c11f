// Keys, certificates and an image, made at test time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mpay::test {

enum class KeyKind {
  Rsa1024,
  Rsa2048,
  RsaPss1024,
  RsaPss2048,
  P256,
  P384,
  P521,
  Secp256k1,
  Dsa2048,
  Ed25519,
  // Unsound public keys; they cannot sign.
  RsaExponent1,
  RsaExponent2,
  RsaHugeExponent,
  RsaEvenModulus,
  Rsa16392,
};

struct CertificateOptions {
  std::string commonName = "SIA Model";
  std::vector<std::string> organizations = {};
  std::string serialNumber = "";  // in the subject, such as a person's or a company's code
  std::vector<std::string> organizationIdentifiers = {};
  KeyKind key = KeyKind::P256;
  long validFrom = -3600;        // seconds from now
  long validFor = 365L * 86400;  // seconds from now; negative: expired
  bool authority = false;
  bool sha1 = false;
  std::string keyUsage = "critical,digitalSignature";      // in the syntax of openssl.cnf; not for an authority
  std::string extendedKeyUsage = "clientAuth,serverAuth";  // empty: no extension
  std::string alternativeNames = "";                       // "DNS:localhost,IP:127.0.0.1"
  std::string distributionPoints = "";                     // "URI:http://127.0.0.1:1/a.crl"
  std::string informationAccess = "";                      // "OCSP;URI:http://127.0.0.1:1/"
  bool signs = true;                                       // an authority's key usage includes keyCertSign
  int pathLength = -1;                                     // for an authority; negative: any
  // Replaces all the extensions above, in the syntax of openssl.cnf: "basicConstraints=critical,CA:TRUE".
  std::optional<std::vector<std::string>> extensions = {};
  int version = 3;
  bool pss = false;  // signed with RSASSA-PSS if the signer's key is RSA
};

struct Identity {
  std::string certificate;  // PEM
  std::string key;          // PEM, PKCS#8
  std::string der;          // the certificate
};

// A certification authority.
class Authority {
 public:
  explicit Authority(const std::string& name = "STISC Model CA", bool sha1 = false);
  // Uses the options' key, validity, extensions and hash.
  explicit Authority(CertificateOptions options);
  ~Authority();
  Authority(Authority&&) noexcept;
  const std::string& certificate() const { return identity_.certificate; }
  const std::string& key() const { return identity_.key; }
  Identity issue(const CertificateOptions& options = {}) const;
  // Certifies the key of a PKCS#10 in PEM and uses nothing else of it. The result has no key, because the authority
  // never had it.
  Identity certify(const std::string& request, const CertificateOptions& options = {}) const;
  // Makes an authority and certifies it.
  Authority subordinate(const std::string& name) const;
  // The same with the options' key, validity and hash.
  Authority subordinate(CertificateOptions options) const;
  // Certifies the name and key of another authority.
  Identity crossSign(const Authority& other, CertificateOptions options = {}) const;
  // The same authority with a new certificate, as after a renewal.
  Authority renewed(CertificateOptions options) const;

 private:
  struct Handles;
  Authority(std::unique_ptr<Handles> handles, Identity identity);
  std::unique_ptr<Handles> handles_;
  Identity identity_;
};

// Signed by its own key.
Identity selfSigned(const CertificateOptions& options);

// A PNG of that size.
std::string samplePng(unsigned width, unsigned height);

}  // namespace mpay::test
