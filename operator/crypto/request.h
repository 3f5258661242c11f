// Private keys made by the operator, and the certificate requests (PKCS#10, RFC 2986) for them.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mpay::crypto {

// Secret bytes: overwritten when they are destroyed or moved from, never copied.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  ~SecretText();
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  SecretText(SecretText&& other) noexcept;
  SecretText& operator=(SecretText&& other) noexcept;
  std::string_view view() const { return text_; }

 private:
  std::string text_;
};

// Overwrites the whole buffer of a string, also behind the text's end, and empties the string.
void cleanse(std::string& text);

// The types of key that make() knows, by their usual names.
inline constexpr std::array<std::string_view, 5> kKeyTypes{"RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384"};

// The subject to certify. The authority decides which of it goes into the certificate.
struct RequestSubject {
  std::string commonName;          // at most 64 characters each, as X.520 has them
  std::string organization;        // a longer one is cut
  std::string idno;                // as organizationIdentifier "NTRMD-...", and as serialNumber
  std::string organizationalUnit;  // empty: none
};

// In the form of RFC 2253. Errors: Invalid InvalidSubject.
Result<std::string> textOf(const RequestSubject& subject);

// One private key. Immutable; copies share it. OpenSSL overwrites it when the last copy goes.
class PrivateKey {
 public:
  // Makes a key of one of kKeyTypes. Errors: Invalid InvalidField; Crypto.
  static Result<PrivateKey> make(std::string_view type);
  // Reads PEM that is not encrypted. Errors: Invalid MalformedKey; messages repeat nothing of the text.
  static Result<PrivateKey> parse(std::string_view pem);

  SecretText pem() const;               // PKCS#8
  std::string publicKeySha256() const;  // as Certificate::publicKeySha256
  // A request in PEM, for digitalSignature and clientAuth. Errors: Invalid InvalidSubject; Crypto.
  Result<std::string> request(const RequestSubject& subject) const;

  EVP_PKEY* get() const { return key_.get(); }

 private:
  explicit PrivateKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}
  std::shared_ptr<EVP_PKEY> key_;
};

// The content of a request.
struct CertificateRequest {
  std::string publicKeySha256;
  std::string subject;  // as textOf
};

// Reads a PKCS#10 in PEM, with nothing around it but white space, and verifies its signature. Errors: Invalid
// MalformedRequest.
Result<CertificateRequest> parseRequest(std::string_view pem);

}  // namespace mpay::crypto
