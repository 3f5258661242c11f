// The Online Certificate Status Protocol (RFC 6960), from the side of who asks.
#pragma once

#include <openssl/ocsp.h>

#include <memory>
#include <string>
#include <string_view>

#include "crypto/revocation.h"

namespace mpay::crypto {

// The largest response that is looked at.
inline constexpr std::size_t kMaximumOcspBytes = std::size_t{256} << 10;

// How old a response may be that does not say when the next one comes.
inline constexpr std::chrono::hours kLongestWithoutNextUpdate{1};

// One question about one certificate. Immutable; copies share it.
class OcspQuery {
 public:
  // With a nonce (RFC 8954). Errors: Crypto.
  static Result<OcspQuery> of(const Certificate& certificate, const Certificate& issuer);

  // What is sent: application/ocsp-request.
  const std::string& request() const { return request_; }

  // What the response says; the gravest where several of its parts are about the certificate, by whatever hash they
  // name it, and are of now. It must be signed by the issuer, or by a certificate that the issuer itself issued for
  // OCSP signing and that is in date, of a key and a signature as strong as an authority's, and with digitalSignature
  // where it has a key usage; whether that one is revoked is not asked (RFC 6960, 4.2.2.2.1). Errors: Invalid with
  // reason ResponseTooLarge (before anything is decoded), MalformedResponse, ResponderRefused (an error status:
  // tryLater, unauthorized ...), UnauthorizedSigner, BadSignature (also with SHA-1 or MD5), WrongNonce (one that has
  // none is accepted: many responders sign in advance), WrongCertificate (nothing about this one), ResponseNotYetValid,
  // ResponseOutdated, UnsupportedResponse (a critical extension that is not understood).
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
