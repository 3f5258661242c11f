#include "support/pki.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <png.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace mpay::test {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Cert = std::shared_ptr<X509>;

Key makeKey(KeyKind kind) {
  EVP_PKEY* key = nullptr;
  switch (kind) {
    case KeyKind::Rsa1024: key = EVP_RSA_gen(1024); break;
    case KeyKind::Rsa2048: key = EVP_RSA_gen(2048); break;
    case KeyKind::P256: key = EVP_EC_gen("P-256"); break;
    case KeyKind::P384: key = EVP_EC_gen("P-384"); break;
    case KeyKind::Secp256k1: key = EVP_EC_gen("secp256k1"); break;
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

void extend(X509* certificate, X509* issuer, int nid, const std::string& value) {
  if (value.empty()) return;
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension) throw std::runtime_error("bad extension " + value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

Identity sign(const CertificateOptions& options, const Key& key, EVP_PKEY* issuerKey, X509* issuer,
              Cert* made = nullptr) {
  Cert certificate(X509_new(), X509_free);
  X509* x = certificate.get();
  X509_set_version(x, 2);
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
  if (!X509_sign(x, issuerKey, options.sha1 ? EVP_sha1() : EVP_sha256())) throw std::runtime_error("not signed");

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
