// What a CRL or an OCSP response says of a certificate, and where they are to be had.
#pragma once

#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
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

// The words of RFC 5280, 5.3.1 ("keyCompromise"), or "reason 7" for a code that it does not define; empty for a
// negative one, which stands for none.
std::string reasonText(long code);

// Whether a certificate that was revoked for such a reason stays revoked: all but none, unspecified and
// certificateHold.
bool isForGood(std::string_view reason);

// Of several words on one certificate the gravest counts: revoked for good, revoked, unknown, good. Of two that weigh
// the same it is the later one.
bool isGraver(const RevocationFinding& a, const RevocationFinding& b);

// How far the issuer's clock may be ahead of ours.
inline constexpr std::chrono::minutes kClockSkew{5};

// Where a certificate says that its CRL is: the URIs of its distribution points (RFC 5280, 4.2.1.13) in their order,
// without those of CRLs that another than its issuer signs or that hold some reasons only.
std::vector<std::string> distributionPoints(const Certificate& certificate);

// One name of a place where lists belong.
struct Place {
  std::string uri;  // as it is written; empty where it is a directory name
  std::shared_ptr<const X509_NAME> directory{};
};

// URIs are compared with scheme and host in small letters, directory names as RFC 5280, 7.1, has it.
bool isSamePlace(const Place& a, const Place& b);

// The URIs and directory names of a distribution point; a name that is relative to the issuer is completed. None where
// the point is null or named otherwise.
std::vector<Place> placesOf(DIST_POINT_NAME* point, const X509_NAME* issuer);

// All the names of the places where a certificate's lists belong, which are not all URIs.
std::vector<Place> listPlaces(const Certificate& certificate);

// Where a certificate says that an OCSP responder is (RFC 5280, 4.2.2.1), in their order.
std::vector<std::string> ocspResponders(const Certificate& certificate);

}  // namespace mpay::crypto
