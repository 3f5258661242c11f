#include "crypto/revocation.h"
#include "domain/certificate_policy.h"
#include "fuzz/pki.h"

using namespace mpay;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  static const auto authorities = crypto::Authorities::parse(fuzz::textOf("issuer.pem")).value();
  if (bytes.find("-----BEGIN") != std::string::npos) {
    (void)crypto::Authorities::parse(bytes);
    (void)crypto::parseIntermediates(bytes);
  }
  const auto certificate = crypto::Certificate::parse(bytes);
  if (!certificate) {
    fuzz::require(!certificate.error().reason.empty());
    return 0;
  }
  fuzz::require(bytes.find("PRIVATE KEY") == std::string::npos);
  const auto again = crypto::Certificate::parse(certificate->pem());
  fuzz::require(again && again->sha256() == certificate->sha256());
  (void)certificate->subject();
  (void)certificate->issuer();
  (void)certificate->serial();
  (void)certificate->organizationIdentifiers();
  (void)certificate->serialNumbers();
  (void)crypto::distributionPoints(*certificate);
  (void)crypto::ocspResponders(*certificate);
  (void)domain::judgeCertificate(*certificate, {}, authorities, {}, "1006601000255", fuzz::pki().now);
  return 0;
}
