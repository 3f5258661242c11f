#include "crypto/x509.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/text.h"
#include "crypto/asn1.h"
#include "crypto/digest.h"
#include "crypto/handle.h"
#include "crypto/key_search.h"

namespace mpay::crypto {
namespace {

tl::unexpected<Error> malformed(std::string what) { return refuse("MalformedCertificate", std::move(what)); }

tl::unexpected<Error> keyGiven() {
  return refuse("PrivateKeyInPublicField",
                "a private key was given where a public certificate belongs; treat that key as disclosed, request "
                "a new certificate, and give only the .cer");
}

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

std::shared_ptr<X509> share(X509* handle) { return {handle, X509_free}; }

Result<std::shared_ptr<X509>> fromDer(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  auto handle = share(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!handle) {
    if (holdsPrivateKey(der)) return keyGiven();
    return malformed("the bytes are not an X.509 certificate");
  }
  if (at != end) {
    if (holdsPrivateKey({reinterpret_cast<const char*>(at), static_cast<std::size_t>(end - at)})) return keyGiven();
    return malformed("bytes follow the certificate");
  }
  // Extensions are decoded here, so that later readers on several threads change nothing.
  X509_check_purpose(handle.get(), -1, 0);
  if (X509_get_extension_flags(handle.get()) & EXFLAG_INVALID) {
    ERR_clear_error();
    return malformed("the certificate's extensions are malformed");
  }
  return handle;
}

Result<std::shared_ptr<X509>> fromPemBlock(std::string_view block) {
  const auto der = derOfPem(block, "CERTIFICATE");
  if (!der) return malformed("the PEM block is damaged");
  return fromDer(*der);
}

Result<std::shared_ptr<X509>> exactlyOne(std::string_view bytes) {
  if (bytes.find(kBegin) == std::string_view::npos) {
    const auto inner = fromFramelessBase64(bytes);
    return fromDer(inner ? *inner : bytes);
  }
  const auto text = trimmed(bytes);
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd))
    return malformed("something else stands around the PEM block");
  if (text.find(kBegin, 1) != std::string_view::npos) return malformed("there is more than one certificate");
  return fromPemBlock(text);
}

}  // namespace

Result<Certificate> Certificate::parse(std::string_view bytes) {
  if (bytes.size() > kMaximumCertificateBytes) {
    return refuse("CertificateTooLarge", fmt::format("{} bytes are no certificate; at most {} are looked at",
                                                     bytes.size(), kMaximumCertificateBytes));
  }
  if (holdsPrivateKey(bytes)) return keyGiven();
  auto handle = exactlyOne(bytes);
  if (!handle) {
    Error error = std::move(handle).error();
    if (error.reason == "MalformedCertificate")
      error.message += "; give exactly one X.509 certificate, DER or PEM, as STISC issued it";
    return fail(std::move(error));
  }
  return Certificate(std::move(*handle));
}

Result<Certificate> Certificate::parseBase64(std::string_view text) { return parse(fromBase64(text).value_or("")); }

std::string Certificate::subject() const { return nameText(X509_get_subject_name(get())); }
std::string Certificate::issuer() const { return nameText(X509_get_issuer_name(get())); }

namespace {
std::vector<std::string> attributesOf(const X509_NAME* name, int nid) {
  std::vector<std::string> values;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
    unsigned char* text = nullptr;
    const int length = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (length < 0) continue;
    values.emplace_back(reinterpret_cast<char*>(text), static_cast<std::size_t>(length));
    OPENSSL_free(text);
  }
  ERR_clear_error();
  return values;
}
}  // namespace

std::vector<std::string> Certificate::organizationIdentifiers() const {
  return attributesOf(X509_get_subject_name(get()), NID_organizationIdentifier);
}
std::vector<std::string> Certificate::serialNumbers() const {
  return attributesOf(X509_get_subject_name(get()), NID_serialNumber);
}

std::string Certificate::serial() const {
  const Handle<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(get()), nullptr));
  char* text = BN_bn2hex(number.get());
  std::string hex(text);
  OPENSSL_free(text);
  std::transform(hex.begin(), hex.end(), hex.begin(),
                 [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
  return hex;
}

WallTime Certificate::notBefore() const { return timeOf(X509_get0_notBefore(get())).value_or(WallTime()); }
WallTime Certificate::notAfter() const { return timeOf(X509_get0_notAfter(get())).value_or(WallTime()); }

std::string Certificate::der() const {
  return derOf([&](unsigned char** out) { return i2d_X509(get(), out); });
}

std::string Certificate::sha1() const { return sha1Hex(der()); }
std::string Certificate::sha256() const { return sha256Hex(der()); }

std::string Certificate::publicKeySha256() const {
  return sha256Hex(derOf([&](unsigned char** out) { return i2d_X509_PUBKEY(X509_get_X509_PUBKEY(get()), out); }));
}

std::string Certificate::pem() const {
  return written([&](BIO* out) { PEM_write_bio_X509(out, get()); });
}

bool Certificate::isAuthority() const { return X509_get_extension_flags(get()) & EXFLAG_CA; }

bool Certificate::hasUsableKey() const { return X509_get0_pubkey(get()) != nullptr; }

std::string Certificate::keyKind() const {
  EVP_PKEY* key = X509_get0_pubkey(get());
  const char* name = key ? EVP_PKEY_get0_type_name(key) : nullptr;
  return name ? name : "";
}

int Certificate::rsaBits() const { return keyKind() == "RSA" ? EVP_PKEY_get_bits(X509_get0_pubkey(get())) : 0; }

int Certificate::modulusBits() const {
  return keyKind().starts_with("RSA") ? EVP_PKEY_get_bits(X509_get0_pubkey(get())) : 0;
}

std::string Certificate::rsaFlaw() const {
  if (!keyKind().starts_with("RSA")) return "";
  const auto number = [&](const char* name) {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(X509_get0_pubkey(get()), name, &value);
    return Handle<BIGNUM, BN_free>(value);
  };
  const auto modulus = number(OSSL_PKEY_PARAM_RSA_N), exponent = number(OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || !exponent) return "it lacks a modulus or an exponent";
  const int bits = BN_num_bits(modulus.get());
  if (!BN_is_odd(modulus.get())) return "its modulus is even";
  if (bits > OPENSSL_RSA_MAX_MODULUS_BITS)
    return fmt::format("its modulus has {} bits, more than {}", bits, OPENSSL_RSA_MAX_MODULUS_BITS);
  if (!BN_is_odd(exponent.get()) || BN_is_one(exponent.get())) return "its exponent is even, or below 3";
  // TLS libraries refuse to calculate with these numbers.
  if (BN_cmp(modulus.get(), exponent.get()) <= 0 ||
      (bits > OPENSSL_RSA_SMALL_MODULUS_BITS && BN_num_bits(exponent.get()) > OPENSSL_RSA_MAX_PUBEXP_BITS))
    return "its exponent is too large";
  return "";
}

std::string Certificate::curve() const {
  EVP_PKEY* key = X509_get0_pubkey(get());
  if (!key || !EVP_PKEY_is_a(key, "EC")) return "";
  char name[80] = "";
  std::size_t length = 0;
  if (EVP_PKEY_get_group_name(key, name, sizeof name, &length) != 1) return "unknown";
  const char* nist = EC_curve_nid2nist(OBJ_sn2nid(name));
  return nist ? nist : name;
}

std::string weaknessOfKey(const Certificate& certificate) {
  if (const auto flaw = certificate.rsaFlaw(); !flaw.empty())
    return fmt::format("has an RSA key that is not sound: {}", flaw);
  if (const int bits = certificate.modulusBits(); bits > 0)
    return bits < 2048 ? fmt::format("has an RSA key of {} bits, at least 2048 are needed", bits) : "";
  constexpr std::string_view kCurves[] = {"P-256", "P-384", "P-521"};
  const auto curve = certificate.curve();
  if (std::find(std::begin(kCurves), std::end(kCurves), curve) != std::end(kCurves)) return "";
  return fmt::format("has a key of {}; RSA, P-256, P-384 and P-521 are accepted",
                     !curve.empty()                  ? "the curve " + curve
                     : certificate.keyKind().empty() ? "an unknown kind"
                                                     : "the kind " + certificate.keyKind());
}

std::string Certificate::signatureHash() const {
  int digest = NID_undef;
  if (X509_get_signature_info(get(), &digest, nullptr, nullptr, nullptr) != 1) return "";
  switch (digest) {
    case NID_undef: return "";
    case NID_sha1: return "SHA-1";
    case NID_sha224: return "SHA-224";
    case NID_sha256: return "SHA-256";
    case NID_sha384: return "SHA-384";
    case NID_sha512: return "SHA-512";
    default: return OBJ_nid2sn(digest);
  }
}

bool Certificate::allowsClientAuthentication() const {
  const auto flags = X509_get_extension_flags(get());
  return !(flags & EXFLAG_XKUSAGE) || (X509_get_extended_key_usage(get()) & XKU_SSL_CLIENT);
}

bool Certificate::allowsClientByNetscapeType() const {
  const Handle<ASN1_BIT_STRING, ASN1_BIT_STRING_free> types(
      static_cast<ASN1_BIT_STRING*>(X509_get_ext_d2i(get(), NID_netscape_cert_type, nullptr, nullptr)));
  ERR_clear_error();
  return !types || ASN1_BIT_STRING_get_bit(types.get(), 0) == 1;
}

bool Certificate::signsCertificates() const {
  return (X509_get_extension_flags(get()) & EXFLAG_KUSAGE) && (X509_get_key_usage(get()) & KU_KEY_CERT_SIGN);
}

bool Certificate::mayIssueClients() const { return X509_check_purpose(get(), X509_PURPOSE_SSL_CLIENT, 1) > 0; }

bool Certificate::isSelfSigned() const { return X509_get_extension_flags(get()) & EXFLAG_SS; }

bool Certificate::hasAlternativeNames() const { return X509_get_ext_by_NID(get(), NID_subject_alt_name, -1) >= 0; }

bool Certificate::hasExtensionsOfItsVersion() const {
  return X509_get_version(get()) >= X509_VERSION_3 || X509_get_ext_count(get()) == 0;
}

bool Certificate::allowsDigitalSignature() const {
  return X509_get_key_usage(get()) & KU_DIGITAL_SIGNATURE;  // all bits where the extension is absent
}

namespace {

constexpr std::string_view kAnyBegin = "-----BEGIN ", kAnyEnd = "-----END ", kDashes = "-----";

// A block's name for messages. A name that is not plain becomes "something else".
std::string nameOfBlock(std::string_view block) {
  block.remove_prefix(kAnyBegin.size());
  const auto name = block.substr(0, std::min<std::size_t>(block.find(kDashes), 40));
  const bool isPlain = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ';
  });
  return isPlain ? std::string(name) : "something else";
}

// Takes the next PEM block off a text; `rest` then begins behind the block. Errors: the reason why it cannot be read.
Result<std::string_view> takeBlock(std::string_view& rest) {
  const auto begin = rest.find(kAnyBegin), end = rest.find(kAnyEnd);
  if (begin == std::string_view::npos || end < begin)
    return malformed("its beginning, -----BEGIN CERTIFICATE-----, is missing or damaged");
  const auto next = rest.find(kAnyBegin, begin + 1);
  if (end == std::string_view::npos || next < end)
    return malformed("its end, -----END CERTIFICATE-----, is missing or damaged");
  const auto dashes = rest.find(kDashes, end + kAnyEnd.size());
  const auto behind = dashes == std::string_view::npos ? rest.size() : dashes + kDashes.size();
  const auto block = rest.substr(begin, behind - begin);
  rest.remove_prefix(behind);
  if (!block.starts_with(kBegin))
    return malformed(
        fmt::format("it is {}, which is not read; give it as CERTIFICATE, or leave it out", nameOfBlock(block)));
  return block;
}

}  // namespace

Result<std::vector<Certificate>> certificatesIn(std::string_view pem) {
  if (holdsPrivateKey(pem)) return keyGiven();
  std::vector<Certificate> all;
  for (std::string_view rest = pem; rest.find(kAnyBegin) != rest.npos || rest.find(kAnyEnd) != rest.npos;) {
    const auto where = fmt::format("block {}", all.size() + 1);
    const auto block = takeBlock(rest);
    if (!block) return fail(within(where, block.error()));
    auto handle = fromPemBlock(*block);
    if (!handle) return fail(within(where, std::move(handle).error()));
    all.push_back(Certificate(std::move(*handle)));
  }
  if (all.empty()) return malformed("there is no PEM certificate");
  return all;
}

Result<Intermediates> parseIntermediates(std::string_view bytes) {
  if (bytes.size() > kMaximumCertificateBytes) {
    return refuse("CertificateTooLarge",
                  fmt::format("{} bytes are no few intermediate certificates; at most {} are looked at", bytes.size(),
                              kMaximumCertificateBytes));
  }
  Intermediates all;
  if (bytes.find(kAnyBegin) == std::string_view::npos) {
    all.push_back(TRY(Certificate::parse(bytes)));
  } else {
    all = TRY(certificatesIn(bytes));
  }
  if (all.size() > kMaximumIntermediates) {
    return refuse("MalformedCertificate",
                  fmt::format("there are {} certificates; give the authorities between the certificate and those of "
                              "the environment, at most {}",
                              all.size(), kMaximumIntermediates));
  }
  for (const auto& certificate : all) {
    if (!certificate.isAuthority())
      return refuse("WrongUsage", certificate.subject() + " is no certification authority, and leads nowhere");
  }
  return all;
}

}  // namespace mpay::crypto
