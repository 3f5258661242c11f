// Findings of a CRL or an OCSP response on a certificate, and the places that publish them.
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
  std::string reason{};                  // of the revocation, in RFC 5280's words ("keyCompromise"); empty: none given
  std::optional<WallTime> revokedAt{};   // of Revoked
  WallTime thisUpdate{};                 // the time that the finding describes
  std::optional<WallTime> nextUpdate{};  // the finding holds until then
};

// The words of RFC 5280, 5.3.1 ("keyCompromise"); "reason 7" for a code that the RFC does not define; empty for a
// negative code, which stands for none.
std::string reasonText(long code);

// True if a revocation for this reason is final. None, unspecified and certificateHold are not.
bool isForGood(std::string_view reason);

// Orders the findings on one certificate, the gravest first: revoked for good, revoked, unknown, good. Between equals
// the later one is graver.
bool isGraver(const RevocationFinding& a, const RevocationFinding& b);

// The issuer's clock may be ahead of ours by this much.
inline constexpr std::chrono::minutes kClockSkew{5};

// The URIs of a certificate's CRL distribution points (RFC 5280, 4.2.1.13), in their order. CRLs that another than its
// issuer signs, or that hold only some reasons, are left out.
std::vector<std::string> distributionPoints(const Certificate& certificate);

// One name of a place where lists are published.
struct Place {
  std::string uri;  // as written; empty: the name is a directory name
  std::shared_ptr<const X509_NAME> directory{};
};

// Compares URIs with scheme and host in lower case, and directory names by RFC 5280, 7.1.
bool isSamePlace(const Place& a, const Place& b);

// The URIs and directory names of a distribution point. A name relative to the issuer is completed. Empty if the point
// is null or has names of another kind.
std::vector<Place> placesOf(DIST_POINT_NAME* point, const X509_NAME* issuer);

// All names of the places of a certificate's lists, URIs and directory names.
std::vector<Place> listPlaces(const Certificate& certificate);

// The URIs of a certificate's OCSP responders (RFC 5280, 4.2.2.1), in their order.
std::vector<std::string> ocspResponders(const Certificate& certificate);

}  // namespace mpay::crypto
