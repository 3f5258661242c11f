#include "crypto/request.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "crypto/asn1.h"
#include "crypto/digest.h"
#include "crypto/handle.h"

namespace mpay::crypto {
namespace {

using Bio = Handle<BIO, BIO_free_all>;
using Name = Handle<X509_NAME, X509_NAME_free>;
using Request = Handle<X509_REQ, X509_REQ_free>;

constexpr std::size_t kMaximumKeyBytes = 64 * 1024;
constexpr std::size_t kMaximumCharacters = 64;  // ub-common-name, ub-organization-name and the like (RFC 5280, A.1)

tl::unexpected<Error> failed(std::string_view what) {
  char reason[256] = "no reason given";
  if (const auto code = ERR_peek_last_error()) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return fail(ErrorKind::Crypto, fmt::format("OpenSSL does not {}: {}", what, reason));
}

// Cuts UTF-8 to its first characters.
std::string_view shortened(std::string_view text) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (begins && ++characters > kMaximumCharacters) return text.substr(0, i);
  }
  return text;
}

Result<Name> nameOf(const RequestSubject& subject) {
  Name name(X509_NAME_new());
  const std::string identifier = subject.idno.empty() ? "" : "NTRMD-" + subject.idno;
  const std::tuple<int, std::string_view, std::string_view> parts[] = {
      {NID_countryName, "country", "MD"},
      {NID_organizationName, "organization", shortened(subject.organization)},
      {NID_organizationIdentifier, "IDNO", identifier},
      {NID_serialNumber, "IDNO", subject.idno},
      {NID_organizationalUnitName, "organizational unit", subject.organizationalUnit},
      {NID_commonName, "common name", subject.commonName}};
  for (const auto& [nid, what, value] : parts) {
    if (value.empty()) continue;
    // OpenSSL enforces the bounds of X.520 and chooses the string type.
    if (X509_NAME_add_entry_by_NID(name.get(), nid, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.data()),
                                   static_cast<int>(value.size()), -1, 0) != 1) {
      ERR_clear_error();
      return refuse("InvalidSubject", fmt::format("the {} is too long for a certificate ({} characters at most), or no "
                                                  "text; give another",
                                                  what, kMaximumCharacters));
    }
  }
  if (subject.commonName.empty() || subject.organization.empty())
    return refuse("InvalidSubject", "a request needs a common name and an organization");
  return name;
}

void freeExtensions(STACK_OF(X509_EXTENSION) * stack) { sk_X509_EXTENSION_pop_free(stack, X509_EXTENSION_free); }

bool extend(X509_REQ* request) {
  const Handle<STACK_OF(X509_EXTENSION), freeExtensions> extensions(sk_X509_EXTENSION_new_null());
  for (const auto& [nid, value] :
       {std::pair{NID_key_usage, "critical,digitalSignature"}, std::pair{NID_ext_key_usage, "clientAuth"}}) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    if (!extension) return false;
    sk_X509_EXTENSION_push(extensions.get(), extension);
  }
  return X509_REQ_add_extensions(request, extensions.get()) == 1;
}

std::string fingerprintOf(EVP_PKEY* key) {
  return sha256Hex(derOf([&](unsigned char** out) { return i2d_PUBKEY(key, out); }));
}

// Refuses to ask a terminal for the password of an encrypted key.
int noPassword(char*, int, int, void*) { return -1; }

}  // namespace

void cleanse(std::string& text) {
  text.resize(text.capacity());
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

SecretText::~SecretText() { cleanse(text_); }
SecretText::SecretText(SecretText&& other) noexcept : text_(other.text_) { cleanse(other.text_); }
SecretText& SecretText::operator=(SecretText&& other) noexcept {
  if (this == &other) return *this;
  cleanse(text_);
  text_ = other.text_;
  cleanse(other.text_);
  return *this;
}

Result<std::string> textOf(const RequestSubject& subject) { return nameText(TRY(nameOf(subject)).get()); }

Result<PrivateKey> PrivateKey::make(std::string_view type) {
  EVP_PKEY* key = nullptr;
  if (type == "RSA-2048") {
    key = EVP_RSA_gen(2048);
  } else if (type == "RSA-3072") {
    key = EVP_RSA_gen(3072);
  } else if (type == "RSA-4096") {
    key = EVP_RSA_gen(4096);
  } else if (type == "P-256" || type == "P-384") {
    key = EVP_EC_gen(std::string(type).c_str());
  } else {
    return refuse("InvalidField",
                  fmt::format("there is no kind of key of that name; there are {}", fmt::join(kKeyTypes, ", ")));
  }
  if (!key) return failed("make a key");
  return PrivateKey({key, EVP_PKEY_free});
}

Result<PrivateKey> PrivateKey::parse(std::string_view pem) {
  const auto malformed = [] {
    ERR_clear_error();
    return refuse("MalformedKey", "the bytes are no private key in PEM, or it is encrypted");
  };
  if (pem.size() > kMaximumKeyBytes) return malformed();
  const Bio in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, noPassword, nullptr), EVP_PKEY_free);
  if (!key) return malformed();
  return PrivateKey(std::move(key));
}

SecretText PrivateKey::pem() const {
  return SecretText(written(
      [&](BIO* out) { PEM_write_bio_PKCS8PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); }));
}

std::string PrivateKey::publicKeySha256() const { return fingerprintOf(key_.get()); }

Result<std::string> PrivateKey::request(const RequestSubject& subject) const {
  const auto name = TRY(nameOf(subject));
  const Request request(X509_REQ_new());
  if (X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_subject_name(request.get(), name.get()) != 1 ||
      X509_REQ_set_pubkey(request.get(), key_.get()) != 1 || !extend(request.get()) ||
      X509_REQ_sign(request.get(), key_.get(), EVP_sha256()) <= 0) {
    return failed("make a request");
  }
  return written([&](BIO* out) { PEM_write_bio_X509_REQ(out, request.get()); });
}

Result<CertificateRequest> parseRequest(std::string_view pem) {
  const auto malformed = [](std::string what) {
    ERR_clear_error();
    return refuse("MalformedRequest", std::move(what));
  };
  const auto der = derOfPem(pem, "CERTIFICATE REQUEST");
  if (!der || der->size() > kMaximumKeyBytes) return malformed("the text is no one PKCS#10 in PEM");
  const auto* at = reinterpret_cast<const unsigned char*>(der->data());
  const auto* end = at + der->size();
  const Request request(d2i_X509_REQ(nullptr, &at, static_cast<long>(der->size())));
  if (!request || at != end) return malformed("the bytes are no PKCS#10");
  EVP_PKEY* key = X509_REQ_get0_pubkey(request.get());
  if (!key || X509_REQ_verify(request.get(), key) != 1) return malformed("the signature of the PKCS#10 does not hold");
  return CertificateRequest{fingerprintOf(key), nameText(X509_REQ_get_subject_name(request.get()))};
}

}  // namespace mpay::crypto
