// The Online Certificate Status Protocol (RFC 6960), from the client's side.
#pragma once

#include <openssl/ocsp.h>

#include <memory>
#include <string>
#include <string_view>

#include "crypto/revocation.h"

namespace mpay::crypto {

// The largest response that is decoded.
inline constexpr std::size_t kMaximumOcspBytes = std::size_t{256} << 10;

// The greatest age of a response that does not say when the next one comes.
inline constexpr std::chrono::hours kLongestWithoutNextUpdate{1};

// One question about one certificate. Immutable; copies share it.
class OcspQuery {
 public:
  // With a nonce (RFC 8954). Errors: Crypto.
  static Result<OcspQuery> of(const Certificate& certificate, const Certificate& issuer);

  // The body to send: application/ocsp-request.
  const std::string& request() const { return request_; }

  // The response's finding. If several of its parts are about the certificate, by whatever hash they name it, and are
  // current, the gravest finding counts.
  // The signer must be the issuer, or a certificate that the issuer itself made for OCSP signing: in date, with a key
  // and a signature as strong as an authority's, and with digitalSignature if it has a key usage. The signer's own
  // revocation is not checked (RFC 6960, 4.2.2.2.1).
  // Errors: Invalid with reason
  // - ResponseTooLarge: found before anything is decoded;
  // - MalformedResponse;
  // - ResponderRefused: an error status (tryLater, unauthorized ...);
  // - UnauthorizedSigner;
  // - BadSignature: also with SHA-1 or MD5;
  // - WrongNonce: a response without a nonce is accepted, because many responders sign in advance;
  // - WrongCertificate: the response is not about this certificate;
  // - ResponseNotYetValid, ResponseOutdated;
  // - UnsupportedResponse: a critical extension that is not understood.
  Result<RevocationFinding> read(std::string_view response, WallTime now) const;

 private:
  OcspQuery(std::shared_ptr<OCSP_REQUEST> handle, Certificate certificate, Certificate issuer, std::string request)
      : handle_(std::move(handle)),
        certificate_(std::move(certificate)),
        issuer_(std::move(issuer)),
        request_(std::move(request)) {}

  std::shared_ptr<OCSP_REQUEST> handle_;
  Certificate certificate_, issuer_;
  std::string request_;
};

}  // namespace mpay::crypto
