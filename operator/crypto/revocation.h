// What a CRL or an OCSP response says of a certificate, and where they are to be had.
#pragma once

#include <string>
#include <vector>

#include "crypto/x509.h"

namespace mpay::crypto {

enum class RevocationState { Good, Revoked, Unknown };

struct RevocationFinding {
  RevocationState state = RevocationState::Unknown;
  std::string reason{};                  // why it was revoked, in RFC 5280's words ("keyCompromise"); empty: not said
  std::optional<WallTime> revokedAt{};   // of Revoked
  WallTime thisUpdate{};                 // of when this is
  std::optional<WallTime> nextUpdate{};  // until when this can be relied on
};

// How far the issuer's clock may be ahead of ours.
inline constexpr std::chrono::minutes kClockSkew{5};

// Where a certificate says that its CRL is: the URIs of its distribution points (RFC 5280, 4.2.1.13) in their order,
// without those of CRLs that another than its issuer signs or that hold some reasons only.
std::vector<std::string> distributionPoints(const Certificate& certificate);

// Where a certificate says that an OCSP responder is (RFC 5280, 4.2.2.1), in their order.
std::vector<std::string> ocspResponders(const Certificate& certificate);

}  // namespace mpay::crypto
