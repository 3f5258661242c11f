#include "support/pki.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <png.h>

#include <memory>
#include <stdexcept>
#include <utility>

#include "support/extensions.h"

namespace mpay::test {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Cert = std::shared_ptr<X509>;

using Parameters = std::vector<std::pair<const char*, BIGNUM*>>;

// A key of these numbers, which are freed.
EVP_PKEY* keyOf(const char* kind, int selection, const Parameters& numbers) {
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  for (const auto& [name, number] : numbers) OSSL_PARAM_BLD_push_BN(builder, name, number);
  OSSL_PARAM* parameters = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr);
  EVP_PKEY* key = nullptr;
  EVP_PKEY_fromdata_init(context);
  EVP_PKEY_fromdata(context, &key, selection, parameters);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(parameters);
  OSSL_PARAM_BLD_free(builder);
  for (const auto& [name, number] : numbers) BN_free(number);
  return key;
}

EVP_PKEY* generated(EVP_PKEY_CTX* context) {
  EVP_PKEY* key = nullptr;
  EVP_PKEY_generate(context, &key);
  EVP_PKEY_CTX_free(context);
  return key;
}

EVP_PKEY* makeRsaPss(int bits) {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA-PSS", nullptr);
  EVP_PKEY_keygen_init(context);
  EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits);
  return generated(context);
}

// Uses the group of RFC 5114, 2.3: making a new group takes seconds.
EVP_PKEY* makeDsa() {
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "DHX", nullptr);
  EVP_PKEY_keygen_init(context);
  char name[] = "dh_2048_256";
  const OSSL_PARAM group[] = {OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, sizeof name - 1),
                              OSSL_PARAM_END};
  EVP_PKEY_CTX_set_params(context, group);
  EVP_PKEY* known = generated(context);
  Parameters numbers;
  for (const char* number : {OSSL_PKEY_PARAM_FFC_P, OSSL_PKEY_PARAM_FFC_Q, OSSL_PKEY_PARAM_FFC_G}) {
    BIGNUM* value = nullptr;
    EVP_PKEY_get_bn_param(known, number, &value);
    numbers.emplace_back(number, value);
  }
  EVP_PKEY_free(known);
  EVP_PKEY* parameters = keyOf("DSA", EVP_PKEY_KEY_PARAMETERS, numbers);
  EVP_PKEY_CTX* keys = EVP_PKEY_CTX_new_from_pkey(nullptr, parameters, nullptr);
  EVP_PKEY_keygen_init(keys);
  EVP_PKEY* key = generated(keys);
  EVP_PKEY_free(parameters);
  return key;
}

// The modulus is random, so nobody knows its factors.
EVP_PKEY* makeUnsound(int bits, bool isOdd, const char* exponent) {
  BIGNUM* modulus = BN_new();
  BN_rand(modulus, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD);
  if (!isOdd) BN_clear_bit(modulus, 0);
  BIGNUM* e = nullptr;
  BN_hex2bn(&e, exponent);
  return keyOf("RSA", EVP_PKEY_PUBLIC_KEY, {{OSSL_PKEY_PARAM_RSA_N, modulus}, {OSSL_PKEY_PARAM_RSA_E, e}});
}

Key makeKey(KeyKind kind) {
  EVP_PKEY* key = nullptr;
  switch (kind) {
    case KeyKind::Rsa1024: key = EVP_RSA_gen(1024); break;
    case KeyKind::Rsa2048: key = EVP_RSA_gen(2048); break;
    case KeyKind::RsaPss1024: key = makeRsaPss(1024); break;
    case KeyKind::RsaPss2048: key = makeRsaPss(2048); break;
    case KeyKind::P256: key = EVP_EC_gen("P-256"); break;
    case KeyKind::P384: key = EVP_EC_gen("P-384"); break;
    case KeyKind::P521: key = EVP_EC_gen("P-521"); break;
    case KeyKind::Secp256k1: key = EVP_EC_gen("secp256k1"); break;
    case KeyKind::Dsa2048: key = makeDsa(); break;
    case KeyKind::Ed25519: key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"); break;
    case KeyKind::RsaExponent1: key = makeUnsound(2048, true, "1"); break;
    case KeyKind::RsaExponent2: key = makeUnsound(2048, true, "2"); break;
    case KeyKind::RsaHugeExponent: key = makeUnsound(4096, true, "10000000000000001"); break;
    case KeyKind::RsaEvenModulus: key = makeUnsound(2048, false, "10001"); break;
    case KeyKind::Rsa16392: key = makeUnsound(16392, true, "10001"); break;
  }
  if (!key) throw std::runtime_error("no key");
  return {key, EVP_PKEY_free};
}

std::string text(BIO* bio) {
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(length));
  BIO_free(bio);
  return out;
}

void extend(X509* certificate, X509* issuer, const std::string& line) {
  X509_add_ext(certificate, makeExtension(line, certificate, issuer).get(), -1);
}

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  if (!value.empty()) extend(certificate, issuer, std::string(OBJ_nid2sn(nid)) + "=" + value);
}

void extendAsUsual(X509* x, X509* signer, const CertificateOptions& options) {
  std::string constraints = options.authority ? "critical,CA:TRUE" : "critical,CA:FALSE";
  if (options.pathLength >= 0) constraints += ",pathlen:" + std::to_string(options.pathLength);
  extend(x, signer, NID_basic_constraints, constraints);
  const std::string authoritysUsage = options.signs ? "critical,keyCertSign,cRLSign" : "critical,cRLSign";
  extend(x, signer, NID_key_usage, options.authority ? authoritysUsage : options.keyUsage);
  if (!options.authority) extend(x, signer, NID_ext_key_usage, options.extendedKeyUsage);
  extend(x, signer, NID_subject_alt_name, options.alternativeNames);
  extend(x, signer, NID_crl_distribution_points, options.distributionPoints);
  extend(x, signer, NID_info_access, options.informationAccess);
  extend(x, signer, NID_subject_key_identifier, "hash");
  extend(x, signer, NID_authority_key_identifier, "keyid");
}

// Ed25519 has its own hash.
bool signWith(X509* certificate, EVP_PKEY* key, const CertificateOptions& options) {
  const EVP_MD* hash = EVP_PKEY_is_a(key, "ED25519") ? nullptr : options.sha1 ? EVP_sha1() : EVP_sha256();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* padding = nullptr;
  EVP_DigestSignInit(context, &padding, hash, nullptr, key);
  if (options.pss) {
    EVP_PKEY_CTX_set_rsa_padding(padding, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_rsa_pss_saltlen(padding, RSA_PSS_SALTLEN_DIGEST);
  }
  const bool isSigned = X509_sign_ctx(certificate, context) > 0;
  EVP_MD_CTX_free(context);
  return isSigned;
}

Identity sign(const CertificateOptions& options, const Key& key, EVP_PKEY* issuerKey, X509* issuer,
              Cert* made = nullptr) {
  Cert certificate(X509_new(), X509_free);
  X509* x = certificate.get();
  X509_set_version(x, options.version - 1);
  unsigned char serial[12];
  RAND_bytes(serial, sizeof serial);
  serial[0] = static_cast<unsigned char>((serial[0] & 0x7f) | 1);
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x));
  BN_free(number);
  X509_gmtime_adj(X509_getm_notBefore(x), options.validFrom);
  X509_gmtime_adj(X509_getm_notAfter(x), options.validFor);
  X509_set_pubkey(x, key.get());
  X509_NAME* name = X509_get_subject_name(x);
  const auto add = [&](const char* field, const std::string& value) {
    if (value.empty()) return;
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(value.c_str()), -1,
                               -1, 0);
  };
  for (const auto& organization : options.organizations) add("O", organization);
  for (const auto& identifier : options.organizationIdentifiers) add("organizationIdentifier", identifier);
  add("serialNumber", options.serialNumber);
  add("CN", options.commonName);
  X509* signer = issuer ? issuer : x;
  X509_set_issuer_name(x, X509_get_subject_name(signer));
  if (!options.extensions) extendAsUsual(x, signer, options);
  for (const auto& line : options.extensions.value_or(std::vector<std::string>{})) extend(x, signer, line);
  if (!signWith(x, issuerKey, options)) throw std::runtime_error("not signed");

  Identity identity;
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, x);
  identity.certificate = text(bio);
  bio = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  identity.key = text(bio);
  bio = BIO_new(BIO_s_mem());
  i2d_X509_bio(bio, x);
  identity.der = text(bio);
  if (made) *made = certificate;
  return identity;
}

}  // namespace

struct Authority::Handles {
  std::string name;
  Key key;
  Cert certificate;
};

Authority::Authority(const std::string& name, bool sha1) : handles_(std::make_unique<Handles>()) {
  handles_->name = name;
  handles_->key = makeKey(KeyKind::P256);
  CertificateOptions options;
  options.commonName = name;
  options.authority = true;
  options.sha1 = sha1;
  options.validFor = 3650L * 86400;
  identity_ = sign(options, handles_->key, handles_->key.get(), nullptr, &handles_->certificate);
}

Authority::Authority(CertificateOptions options) : handles_(std::make_unique<Handles>()) {
  options.authority = true;
  handles_->name = options.commonName;
  handles_->key = makeKey(options.key);
  identity_ = sign(options, handles_->key, handles_->key.get(), nullptr, &handles_->certificate);
}

Authority::Authority(std::unique_ptr<Handles> handles, Identity identity)
    : handles_(std::move(handles)), identity_(std::move(identity)) {}

Authority Authority::subordinate(const std::string& name) const {
  CertificateOptions options;
  options.commonName = name;
  return subordinate(options);
}

Authority Authority::subordinate(CertificateOptions options) const {
  auto handles = std::make_unique<Handles>();
  handles->key = makeKey(options.key);
  options.authority = true;
  handles->name = options.commonName;
  Identity identity =
      sign(options, handles->key, handles_->key.get(), handles_->certificate.get(), &handles->certificate);
  return Authority(std::move(handles), std::move(identity));
}

Identity Authority::crossSign(const Authority& other, CertificateOptions options) const {
  options.authority = true;
  options.commonName = other.handles_->name;
  return sign(options, other.handles_->key, handles_->key.get(), handles_->certificate.get());
}

Authority Authority::renewed(CertificateOptions options) const {
  auto handles = std::make_unique<Handles>();
  handles->key = handles_->key;
  handles->name = handles_->name;
  options.commonName = handles_->name;
  options.authority = true;
  Identity identity = sign(options, handles->key, handles->key.get(), nullptr, &handles->certificate);
  return Authority(std::move(handles), std::move(identity));
}

Authority::~Authority() = default;
Authority::Authority(Authority&&) noexcept = default;

Identity Authority::issue(const CertificateOptions& options) const {
  return sign(options, makeKey(options.key), handles_->key.get(), handles_->certificate.get());
}

Identity Authority::certify(const std::string& request, const CertificateOptions& options) const {
  BIO* in = BIO_new_mem_buf(request.data(), static_cast<int>(request.size()));
  X509_REQ* parsed = PEM_read_bio_X509_REQ(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  const Key key(parsed ? X509_REQ_get_pubkey(parsed) : nullptr, EVP_PKEY_free);
  X509_REQ_free(parsed);
  if (!key) throw std::runtime_error("no request");
  Identity identity = sign(options, key, handles_->key.get(), handles_->certificate.get());
  identity.key.clear();
  return identity;
}

Identity selfSigned(const CertificateOptions& options) {
  const Key key = makeKey(options.key);
  return sign(options, key, key.get(), nullptr);
}

std::string samplePng(unsigned width, unsigned height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGB;
  std::vector<png_byte> pixels(std::size_t{3} * width * height, 0x40);
  png_alloc_size_t size = 0;
  if (!png_image_write_to_memory(&image, nullptr, &size, 0, pixels.data(), 0, nullptr)) throw std::runtime_error("png");
  std::string bytes(size, '\0');
  png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr);
  bytes.resize(size);
  return bytes;
}

}  // namespace mpay::test
