// X.509 certificates: parsed once, shared, never a private key.
#pragma once

#include <openssl/x509.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace mpay::crypto {

// The largest certificate that is decoded.
inline constexpr std::size_t kMaximumCertificateBytes = 64 * 1024;

// One certificate. Immutable; copies share it.
class Certificate {
 public:
  // Reads exactly one certificate: DER, DER in base64, or PEM with nothing around the block but white space.
  // Errors: Invalid with reason CertificateTooLarge (found before anything is decoded), MalformedCertificate, or
  // PrivateKeyInPublicField. The last one means a key that holdsPrivateKey() finds: alone, behind the certificate, or
  // in a PEM block of another name. Messages repeat nothing of the key.
  static Result<Certificate> parse(std::string_view bytes);
  // Reads base64 that the operator stored earlier.
  static Result<Certificate> parseBase64(std::string_view text);

  std::string subject() const;  // RFC 2253, UTF-8
  std::string issuer() const;
  // The subject's values of these attributes, UTF-8, unescaped: for comparison, not for people.
  std::vector<std::string> organizationIdentifiers() const;  // 2.5.4.97
  std::vector<std::string> serialNumbers() const;            // 2.5.4.5
  std::string serial() const;                                // lower-case hexadecimal
  WallTime notBefore() const;
  WallTime notAfter() const;
  std::string sha1() const;  // of the DER, lower-case hexadecimal, as nginx writes $ssl_client_fingerprint
  std::string sha256() const;
  std::string publicKeySha256() const;  // of the SubjectPublicKeyInfo, lower-case hexadecimal
  std::string pem() const;
  std::string der() const;

  bool isAuthority() const;  // basic constraints say CA
  // False if OpenSSL does not know the key's algorithm or curve; nothing can be verified with such a key.
  bool hasUsableKey() const;
  // "RSA", "RSA-PSS", "EC", "DSA", "ED25519", ... as OpenSSL calls it; empty if the key is not usable.
  std::string keyKind() const;
  // RSA's modulus in bits, 0 for other keys.
  int rsaBits() const;
  int modulusBits() const;  // the same, and RSASSA-PSS's too
  // The reason why the numbers of an RSA or RSASSA-PSS key are unsound: an exponent that is below 3, even or too large,
  // or a modulus that is even or over 16,384 bits. Empty: they are sound, or the key is of another kind.
  std::string rsaFlaw() const;
  // "P-256", "P-384", ... of an EC key, else empty.
  std::string curve() const;
  // "SHA-256", "SHA-1", ...: the hash of its signature; empty if the hash is unknown or there is none.
  std::string signatureHash() const;
  bool allowsClientAuthentication() const;  // no extended key usage, or clientAuth in it
  bool allowsClientByNetscapeType() const;  // no nsCertType, or SSL client in it
  bool allowsDigitalSignature() const;      // no key usage, or digitalSignature in it
  bool signsCertificates() const;           // a key usage with keyCertSign in it
  // True if a TLS server may take the certificate for the issuer of a client's: basic constraints, key usage, extended
  // key usage and nsCertType allow it.
  bool mayIssueClients() const;
  bool isSelfSigned() const;               // by names and key identifiers; the signature is not verified
  bool hasAlternativeNames() const;        // a subject alternative name
  bool hasExtensionsOfItsVersion() const;  // no extensions, or version 3

  X509* get() const { return handle_.get(); }

 private:
  friend Result<std::vector<Certificate>> certificatesIn(std::string_view pem);
  explicit Certificate(std::shared_ptr<X509> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<X509> handle_;
};

// The weakness of the key of an authority or an OCSP responder, as "has ..." or "is ...": RSA or RSASSA-PSS below 2048
// bits or with unsound numbers, a curve other than P-256, P-384 and P-521, DSA, or any other kind. Empty: none.
std::string weaknessOfKey(const Certificate& certificate);

// All the certificates of a PEM text; text between the blocks is skipped. Errors: as of Certificate::parse, with the
// number of the block that cannot be read or is no certificate; Invalid MalformedCertificate also if the text has no
// block.
Result<std::vector<Certificate>> certificatesIn(std::string_view pem);

// Certificates between a system's certificate and an authority. The system's owner gives them: they are candidates for
// a path, never its end.
using Intermediates = std::vector<Certificate>;

inline constexpr std::size_t kMaximumIntermediates = 4;

// Reads a PEM bundle of CA certificates, or one in DER; text around the blocks is skipped. Errors: as of
// Certificate::parse, and Invalid WrongUsage if one is no CA certificate.
Result<Intermediates> parseIntermediates(std::string_view bytes);

// From a certificate to the authority that ends the path: the certificate first, each issued by the next.
using Path = std::vector<Certificate>;

// The most certificates in a path. docs/gateway.md gives nginx two fewer as ssl_verify_depth, which counts the
// certificates between the ends.
inline constexpr std::size_t kLongestPath = 8;

// The authorities that certificates must chain to. Immutable; verification is thread-safe.
class Authorities {
 public:
  // Reads a PEM bundle of CA certificates. Errors: Invalid with reason MalformedAuthorities, which gives the number of
  // the block that is no CA certificate, or PrivateKeyInPublicField.
  static Result<Authorities> parse(std::string_view pem);

  // The path (RFC 5280, section 6, with any policy) at a time, from the certificate of a TLS client over authorities
  // and `intermediates` to a self-signed authority. It is the path that OpenSSL builds in a TLS server that trusts all
  // of the authorities, if the client sends the path's intermediates: nginx and HAProxy accept it too.
  // All choices of intermediates are tried. `problem`, if given, returns the problem of a path (empty: none); the first
  // path without a problem counts. Revocation is not checked. Errors: Invalid with reason UntrustedIssuer.
  Result<Path> verify(const Certificate& certificate, WallTime at, const Intermediates& intermediates = {},
                      const std::function<std::string(const Path&)>& problem = {}) const;

  // The other certificates under the issuer's name, among the authorities and `intermediates`, whose path leads to the
  // same authority as the issuer's own. An authority may sign its lists and its certificates with different keys (RFC
  // 5280, 6.3.3 f).
  std::vector<Certificate> listSigners(const Certificate& issuer, WallTime at,
                                       const Intermediates& intermediates = {}) const;

  // The authorities that issued a certificate, by names, key usage and signature. The certificate itself is left out.
  std::vector<Certificate> issuersOf(const Certificate& certificate) const;

  std::string pem() const;
  // Each once: the self-signed ones first, then sorted by fingerprint. OpenSSL takes the first of several issuers with
  // the same name and key, and a path may end at a self-signed one.
  const std::vector<Certificate>& certificates() const { return certificates_; }

 private:
  std::vector<Certificate> certificates_;
  std::shared_ptr<X509_STORE> store_;  // the same certificates, as a TLS server has them; not changed after
                                       // construction
};

}  // namespace mpay::crypto
