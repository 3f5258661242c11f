#include "crypto/asn1.h"

#include "base/text.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <ctime>

namespace mpay::crypto {
namespace {

bool isWeakDigest(int nid) {
  return nid == NID_md4 || nid == NID_md5 || nid == NID_md5_sha1 || nid == NID_sha1 || nid == NID_ripemd160;
}

}  // namespace

std::string nameText(const X509_NAME* name) {
  return written([&](BIO* out) { X509_NAME_print_ex(out, name, 0, (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB)); });
}

std::optional<WallTime> timeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return WallTime(std::chrono::seconds(timegm(&parts)));  // the year 9999 does not fit into nanoseconds
}

bool isWeakSignature(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  const int nid = OBJ_obj2nid(object);
  if (nid == NID_rsassaPss) {
    // The digest is a parameter; its default is SHA-1.
    const Handle<RSA_PSS_PARAMS, RSA_PSS_PARAMS_free> parameters(
        static_cast<RSA_PSS_PARAMS*>(ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), algorithm->parameter)));
    ERR_clear_error();
    if (!parameters || !parameters->hashAlgorithm) return true;
    X509_ALGOR_get0(&object, nullptr, nullptr, parameters->hashAlgorithm);
    return isWeakDigest(OBJ_obj2nid(object));
  }
  int digest = NID_undef;
  return OBJ_find_sigid_algs(nid, &digest, nullptr) != 1 || isWeakDigest(digest);
}

std::optional<std::string> derOfPem(std::string_view text, std::string_view name) {
  const auto block = trimmed(text);
  const auto begin = "-----BEGIN " + std::string(name) + "-----", end = "-----END " + std::string(name) + "-----";
  if (!block.starts_with(begin) || !block.ends_with(end) || block.find(begin, 1) != std::string_view::npos)
    return std::nullopt;
  const Handle<BIO, BIO_free_all> in(BIO_new_mem_buf(block.data(), static_cast<int>(block.size())));
  char* label = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;
  if (PEM_read_bio(in.get(), &label, &header, &data, &length) != 1) {
    ERR_clear_error();
    return std::nullopt;
  }
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(length));
  OPENSSL_free(label);
  OPENSSL_free(header);
  OPENSSL_free(data);
  return der;
}

}  // namespace mpay::crypto
