// Private keys that are made here, and the requests (PKCS#10, RFC 2986) for certificates of them.
#pragma once

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mpay::crypto {

// Secret bytes: overwritten where they are destroyed or moved from, never copied.
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

// Overwrites what a string holds, also behind its end, and empties it.
void cleanse(std::string& text);

// The kinds of key that are made, by the names that people use.
inline constexpr std::array<std::string_view, 5> kKeyTypes{"RSA-2048", "RSA-3072", "RSA-4096", "P-256", "P-384"};

// Whose the certificate will be. The authority decides what it takes of it.
struct RequestSubject {
  std::string commonName;          // at most 64 characters each, as X.520 has them
  std::string organization;        // a longer one is cut
  std::string idno;                // as organizationIdentifier "NTRMD-...", and as serialNumber
  std::string organizationalUnit;  // empty: none
};

// As people read it, RFC 2253. Errors: Invalid InvalidSubject.
Result<std::string> textOf(const RequestSubject& subject);

// One private key. Immutable; copies share it. OpenSSL overwrites it when the last one goes.
class PrivateKey {
 public:
  // One of kKeyTypes. Errors: Invalid InvalidField; Crypto.
  static Result<PrivateKey> make(std::string_view type);
  // PEM, not encrypted. Errors: Invalid MalformedKey; nothing of it is repeated.
  static Result<PrivateKey> parse(std::string_view pem);

  SecretText pem() const;               // PKCS#8
  std::string publicKeySha256() const;  // as Certificate::publicKeySha256
  // A request in PEM, which asks for digitalSignature and clientAuth. Errors: Invalid InvalidSubject; Crypto.
  Result<std::string> request(const RequestSubject& subject) const;

  EVP_PKEY* get() const { return key_.get(); }

 private:
  explicit PrivateKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)) {}
  std::shared_ptr<EVP_PKEY> key_;
};

// What a request says.
struct CertificateRequest {
  std::string publicKeySha256;
  std::string subject;  // as textOf
};

// A PKCS#10 in PEM whose signature holds, and nothing around it but white space. Errors: Invalid MalformedRequest.
Result<CertificateRequest> parseRequest(std::string_view pem);

}  // namespace mpay::crypto
