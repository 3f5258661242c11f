#include "crypto/crl.h"

#include "fuzz/pki.h"

using namespace mpay;

namespace {

void read(const std::string& bytes) {
  const auto& pki = fuzz::pki();
  const auto list = crypto::RevocationList::parse(bytes, pki.issuer, pki.now);
  if (!list) {
    fuzz::require(!list.error().reason.empty());
    return;
  }
  fuzz::require(list->nextUpdate() >= pki.now);
  (void)list->find(pki.leaf, "http://crl.example/");
}

// The same list with the issuer's name and signature; empty if it is no list.
std::string signedAnew(const unsigned char* data, std::size_t size) {
  const auto& pki = fuzz::pki();
  const crypto::Handle<X509_CRL, X509_CRL_free> list(d2i_X509_CRL(nullptr, &data, static_cast<long>(size)));
  if (!list) return "";
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(pki.issuer.get()));
  if (X509_CRL_sign(list.get(), pki.key.get(), EVP_sha256()) <= 0) return "";
  return crypto::derOf([&](unsigned char** out) { return i2d_X509_CRL(list.get(), out); });
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  return fuzz::feed(data, size, read, signedAnew);
}
