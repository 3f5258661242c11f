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

// The largest certificate that is looked at.
inline constexpr std::size_t kMaximumCertificateBytes = 64 * 1024;

// One certificate. Immutable; copies share it.
class Certificate {
 public:
  // Exactly one certificate: DER, DER in base64, or PEM; around the PEM block only white space.
  // Errors: Invalid with reason CertificateTooLarge (before anything is decoded),
  // PrivateKeyInPublicField (a key as holdsPrivateKey() finds it, alone, behind the certificate or
  // in a PEM block of another name; nothing of it is repeated), MalformedCertificate.
  static Result<Certificate> parse(std::string_view bytes);
  // One that was remembered, as base64 of such bytes.
  static Result<Certificate> parseBase64(std::string_view text);

  std::string subject() const;  // RFC 2253, UTF-8
  std::string issuer() const;
  // The subject's values of these attributes, UTF-8, as they are: for comparison, not for people.
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
  // False where its key is of an algorithm or a curve that OpenSSL does not know; nothing can be verified with it.
  bool hasUsableKey() const;
  // "RSA", "RSA-PSS", "EC", "DSA", "ED25519", ... as OpenSSL calls it; empty where the key is not usable.
  std::string keyKind() const;
  // RSA's modulus in bits, 0 for other keys.
  int rsaBits() const;
  int modulusBits() const;  // the same, of RSASSA-PSS too
  // Why nobody should calculate with the numbers of a key of RSA or RSASSA-PSS: an exponent below 3, even or too large,
  // a modulus that is even or over 16,384 bits. Empty: nothing is wrong with them, or it is another kind of key.
  std::string rsaFlaw() const;
  // "P-256", "P-384", ... of an EC key, else empty.
  std::string curve() const;
  // "SHA-256", "SHA-1", ...: the hash under its signature; empty where that is unknown, or there is none.
  std::string signatureHash() const;
  bool allowsClientAuthentication() const;  // no extended key usage, or clientAuth in it
  bool allowsClientByNetscapeType() const;  // no nsCertType, or SSL client in it
  bool allowsDigitalSignature() const;      // no key usage, or digitalSignature in it
  bool signsCertificates() const;           // a key usage with keyCertSign in it
  // As an authority: basic constraints, key usage, extended key usage and nsCertType let a TLS server take it for the
  // issuer of a client's certificate.
  bool mayIssueClients() const;
  bool isSelfSigned() const;               // by its names and key identifiers; the signature is not looked at
  bool hasAlternativeNames() const;        // a subject alternative name
  bool hasExtensionsOfItsVersion() const;  // none, or it is of version 3

  X509* get() const { return handle_.get(); }

 private:
  friend Result<std::vector<Certificate>> certificatesIn(std::string_view pem);
  explicit Certificate(std::shared_ptr<X509> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<X509> handle_;
};

// What is wrong with the key of one who signs for others, an authority or an OCSP responder, as "has ..." or "is ...":
// RSA or RSASSA-PSS below 2048 bits or of unsound numbers, a curve that is not P-256, P-384 or P-521, DSA and all other
// kinds. Empty: nothing.
std::string weaknessOfKey(const Certificate& certificate);

// All the certificates of a PEM text; what stands between the blocks is passed over. Errors: as of
// Certificate::parse, with the number of the block that cannot be read, or is none of a certificate; Invalid
// MalformedCertificate also where there is none.
Result<std::vector<Certificate>> certificatesIn(std::string_view pem);

// Certificates between a system's and an authority, given by whoever wants to be trusted: candidates for a path, never
// its end.
using Intermediates = std::vector<Certificate>;

inline constexpr std::size_t kMaximumIntermediates = 4;

// A PEM bundle of CA certificates, or one in DER; text around the blocks is passed over.
// Errors: as of Certificate::parse, and Invalid WrongUsage where one is no CA certificate.
Result<Intermediates> parseIntermediates(std::string_view bytes);

// From a certificate to the authority that ends the path: the certificate first, each issued by the next.
using Path = std::vector<Certificate>;

// A path has at most so many certificates. docs/gateway.md gives nginx two less as ssl_verify_depth, which counts what
// stands between the ends.
inline constexpr std::size_t kLongestPath = 8;

// The authorities that certificates must chain to. Immutable; verification is thread-safe.
class Authorities {
 public:
  // A PEM bundle of CA certificates. Errors: Invalid with reason MalformedAuthorities, which names the block that is
  // none by its number, or PrivateKeyInPublicField.
  static Result<Authorities> parse(std::string_view pem);

  // The path (RFC 5280, section 6, with any policy) from the certificate of a TLS client to one of the self-signed
  // authorities at that time, over authorities and `intermediates`. It is the path that OpenSSL makes in a TLS server
  // that trusts all of the authorities, when the client sends the path's intermediates along: what is accepted here
  // nginx and HAProxy accept. All choices of intermediates are tried; `problem`, where given, says of each path what is
  // wrong with it (empty: nothing), and the first one without counts. Errors: Invalid with reason UntrustedIssuer.
  // Revocation is not looked at.
  Result<Path> verify(const Certificate& certificate, WallTime at, const Intermediates& intermediates = {},
                      const std::function<std::string(const Path&)>& problem = {}) const;

  // The other certificates under the issuer's name, among the authorities and `intermediates`, whose path leads to the
  // same authority as the issuer's own: an authority may sign its lists with another key than its certificates (RFC
  // 5280, 6.3.3 f).
  std::vector<Certificate> listSigners(const Certificate& issuer, WallTime at,
                                       const Intermediates& intermediates = {}) const;

  // Those of the authorities that issued a certificate, by names, key usage and signature; itself is none of them.
  std::vector<Certificate> issuersOf(const Certificate& certificate) const;

  std::string pem() const;
  // Each once: the self-signed ones first, then sorted by fingerprint. OpenSSL takes the first of several issuers of
  // one name and key, and from a self-signed one a path need not go on.
  const std::vector<Certificate>& certificates() const { return certificates_; }

 private:
  std::vector<Certificate> certificates_;
  std::shared_ptr<X509_STORE> store_;  // of the same, as a TLS server has them; not changed any more
};

}  // namespace mpay::crypto
