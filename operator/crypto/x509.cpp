#include "crypto/x509.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "crypto/asn1.h"
#include "crypto/digest.h"
#include "crypto/handle.h"

namespace mpay::crypto {
namespace {

using Bio = Handle<BIO, BIO_free_all>;

tl::unexpected<Error> malformed(std::string_view what) {
  return refuse("MalformedCertificate",
                fmt::format("{}; give exactly one X.509 certificate, DER or PEM, as STISC issued it", what));
}

std::string nameText(const X509_NAME* name) {
  const Bio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), name, 0, (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB));
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

// Whether DER bytes are key material of any of the usual forms.
bool isKeyDer(std::string_view bytes) {
  const auto* begin = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto length = static_cast<long>(bytes.size());
  const auto* at = begin;
  if (const Handle<EVP_PKEY, EVP_PKEY_free> key(d2i_AutoPrivateKey(nullptr, &at, length)); key) return true;
  at = begin;
  if (const Handle<PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free> key(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, length));
      key) {
    return true;
  }
  at = begin;
  if (const Handle<PKCS12, PKCS12_free> store(d2i_PKCS12(nullptr, &at, length)); store) return true;
  at = begin;
  // An encrypted PKCS#8 is an X509_SIG, and so is a DigestInfo: either way no certificate.
  const Handle<X509_SIG, X509_SIG_free> sealed(d2i_X509_SIG(nullptr, &at, length));
  return sealed != nullptr;
}

bool holdsPrivateKey(std::string_view bytes) {
  if (bytes.find("PRIVATE KEY") != std::string_view::npos) return true;
  const bool key = !bytes.starts_with("-----BEGIN") && isKeyDer(bytes);
  ERR_clear_error();
  return key;
}

constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view kEnd = "-----END CERTIFICATE-----";

std::shared_ptr<X509> share(X509* handle) { return {handle, X509_free}; }

Result<std::shared_ptr<X509>> fromDer(std::string_view der) {
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  auto handle = share(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!handle) return malformed("the bytes are not an X.509 certificate");
  if (at != end) return malformed("bytes follow the certificate");
  // Extensions are decoded here, so that later readers on several threads only read.
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

}  // namespace

Result<Certificate> Certificate::parse(std::string_view bytes) {
  if (bytes.size() > kMaximumCertificateBytes) {
    return refuse("CertificateTooLarge", fmt::format("{} bytes are no certificate; at most {} are looked at",
                                                     bytes.size(), kMaximumCertificateBytes));
  }
  if (holdsPrivateKey(bytes)) {
    return refuse("PrivateKeyInPublicField",
                  "a private key was given where a public certificate belongs; treat that key as disclosed, request "
                  "a new certificate, and give only the .cer");
  }
  if (bytes.find(kBegin) == std::string_view::npos) return Certificate(TRY(fromDer(bytes)));
  const auto text = trimmed(bytes);
  if (!text.starts_with(kBegin) || !text.ends_with(kEnd))
    return malformed("something else stands around the PEM block");
  if (text.find(kBegin, 1) != std::string_view::npos) return malformed("there is more than one certificate");
  return Certificate(TRY(fromPemBlock(text)));
}

std::string Certificate::subject() const { return nameText(X509_get_subject_name(get())); }
std::string Certificate::issuer() const { return nameText(X509_get_issuer_name(get())); }

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

namespace {
std::string derOf(X509* certificate) {
  unsigned char* data = nullptr;
  const int length = i2d_X509(certificate, &data);
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(std::max(length, 0)));
  OPENSSL_free(data);
  return der;
}
}  // namespace

std::string Certificate::sha1() const { return sha1Hex(derOf(get())); }
std::string Certificate::sha256() const { return sha256Hex(derOf(get())); }

std::string Certificate::pem() const {
  const Bio out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), get());
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

bool Certificate::isAuthority() const { return X509_get_extension_flags(get()) & EXFLAG_CA; }

int Certificate::rsaBits() const {
  EVP_PKEY* key = X509_get0_pubkey(get());
  return key && EVP_PKEY_is_a(key, "RSA") ? EVP_PKEY_get_bits(key) : 0;
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

bool Certificate::hasWeakSignature() const {
  int digest = NID_undef;
  if (X509_get_signature_info(get(), &digest, nullptr, nullptr, nullptr) != 1) return true;
  return isWeakDigest(digest);
}

bool Certificate::allowsClientAuthentication() const {
  const auto flags = X509_get_extension_flags(get());
  return !(flags & EXFLAG_XKUSAGE) || (X509_get_extended_key_usage(get()) & XKU_SSL_CLIENT);
}

bool Certificate::allowsDigitalSignature() const {
  return X509_get_key_usage(get()) & KU_DIGITAL_SIGNATURE;  // all bits where the extension is absent
}

Result<Authorities> Authorities::parse(std::string_view pem) {
  if (holdsPrivateKey(pem)) return refuse("PrivateKeyInPublicField", "the authorities hold a private key");
  if (pem.size() > (std::size_t{1} << 20))
    return refuse("MalformedAuthorities", "the authorities are larger than 1 MiB");
  Authorities authorities;
  std::string_view rest = pem;
  while (true) {
    const auto begin = rest.find(kBegin);
    if (begin == std::string_view::npos) break;
    const auto end = rest.find(kEnd, begin);
    if (end == std::string_view::npos) return refuse("MalformedAuthorities", "the last PEM block has no end");
    auto handle = fromPemBlock(rest.substr(begin, end + kEnd.size() - begin));
    if (!handle)
      return refuse("MalformedAuthorities",
                    fmt::format("authority {}: the PEM block is damaged", authorities.certificates_.size() + 1));
    Certificate certificate(std::move(*handle));
    if (!certificate.isAuthority()) {
      return refuse("MalformedAuthorities", fmt::format("{} is not a certification authority", certificate.subject()));
    }
    authorities.certificates_.push_back(std::move(certificate));
    rest.remove_prefix(end + kEnd.size());
  }
  if (authorities.certificates_.empty())
    return refuse("MalformedAuthorities", "there is no PEM certificate in the authorities");
  auto& all = authorities.certificates_;
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.sha256() < b.sha256(); });
  all.erase(std::unique(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.sha256() == b.sha256(); }),
            all.end());
  authorities.store_ = {X509_STORE_new(), X509_STORE_free};
  for (const auto& certificate : all) X509_STORE_add_cert(authorities.store_.get(), certificate.get());
  return authorities;
}

Result<void> Authorities::verify(const Certificate& certificate, WallTime at) const {
  const Handle<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store_.get(), certificate.get(), nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(at));
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  const bool verified = X509_verify_cert(context.get()) == 1;
  const int problem = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  if (verified) return {};
  return refuse("UntrustedIssuer",
                fmt::format("the certificate of {}, issued by {}, does not chain to an authority of "
                            "the environment: {}",
                            certificate.subject(), certificate.issuer(), X509_verify_cert_error_string(problem)));
}

std::string Authorities::pem() const {
  std::string text;
  for (const auto& certificate : certificates_) text += certificate.pem();
  return text;
}

}  // namespace mpay::crypto
