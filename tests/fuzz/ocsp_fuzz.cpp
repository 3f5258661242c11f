#include "crypto/ocsp.h"

#include "fuzz/pki.h"

using namespace mpay;

namespace {

void read(const std::string& bytes) {
  const auto& pki = fuzz::pki();
  static const auto query = crypto::OcspQuery::of(pki.leaf, pki.issuer).value();
  const auto finding = query.read(bytes, pki.now);
  if (!finding) {
    fuzz::require(!finding.error().reason.empty());
    return;
  }
  fuzz::require(finding->nextUpdate && *finding->nextUpdate >= pki.now);
  fuzz::require(!finding->revokedAt || finding->state == crypto::RevocationState::Revoked);
}

// The same response with the issuer's signature; empty if it is no response.
std::string signedAnew(const unsigned char* data, std::size_t size) {
  const auto& pki = fuzz::pki();
  const crypto::Handle<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
      d2i_OCSP_RESPONSE(nullptr, &data, static_cast<long>(size)));
  if (!response) return "";
  const crypto::Handle<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(OCSP_response_get1_basic(response.get()));
  if (!basic || OCSP_basic_sign(basic.get(), pki.issuer.get(), pki.key.get(), EVP_sha256(), nullptr, 0) != 1) return "";
  const crypto::Handle<OCSP_RESPONSE, OCSP_RESPONSE_free> anew(
      OCSP_response_create(OCSP_response_status(response.get()), basic.get()));
  if (!anew) return "";
  return crypto::derOf([&](unsigned char** out) { return i2d_OCSP_RESPONSE(anew.get(), out); });
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  return fuzz::feed(data, size, read, signedAnew);
}
