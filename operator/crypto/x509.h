// X.509 certificates: parsed once, shared, never a private key.
#pragma once

#include <openssl/x509.h>

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
  // Exactly one certificate, DER or PEM; around the PEM block only white space.
  // Errors: Invalid with reason CertificateTooLarge (before anything is decoded),
  // PrivateKeyInPublicField (a key in PEM, PKCS#1, SEC 1, PKCS#8 or PKCS#12; nothing of it is
  // repeated), MalformedCertificate.
  static Result<Certificate> parse(std::string_view bytes);

  std::string subject() const;  // RFC 2253, UTF-8
  std::string issuer() const;
  std::string serial() const;  // lower-case hexadecimal
  WallTime notBefore() const;
  WallTime notAfter() const;
  std::string sha1() const;  // of the DER, lower-case hexadecimal, as nginx writes $ssl_client_fingerprint
  std::string sha256() const;
  std::string pem() const;

  bool isAuthority() const;  // basic constraints say CA
  // RSA's modulus in bits, 0 for other keys.
  int rsaBits() const;
  // "P-256", "P-384", ... of an EC key, else empty.
  std::string curve() const;
  // Signed with MD5 or SHA-1, or an algorithm unknown to OpenSSL.
  bool hasWeakSignature() const;
  bool allowsClientAuthentication() const;  // no extended key usage, or clientAuth in it
  bool allowsDigitalSignature() const;      // no key usage, or digitalSignature in it

  X509* get() const { return handle_.get(); }

 private:
  friend class Authorities;
  explicit Certificate(std::shared_ptr<X509> handle) : handle_(std::move(handle)) {}
  std::shared_ptr<X509> handle_;
};

// The authorities that certificates must chain to. Immutable; verification is thread-safe.
class Authorities {
 public:
  // A PEM bundle of CA certificates. Errors: Invalid with reason MalformedAuthorities or
  // PrivateKeyInPublicField.
  static Result<Authorities> parse(std::string_view pem);

  // Whether a chain (RFC 5280) leads from the certificate to a self-signed authority at that time.
  // Errors: Invalid with reason UntrustedIssuer. Validity of the certificate itself is judged apart.
  Result<void> verify(const Certificate& certificate, WallTime at) const;

  // Sorted by fingerprint, each once.
  std::string pem() const;
  const std::vector<Certificate>& certificates() const { return certificates_; }

 private:
  std::vector<Certificate> certificates_;
  std::shared_ptr<X509_STORE> store_;
};

}  // namespace mpay::crypto
