#include "crypto/revocation.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "base/text.h"
#include "crypto/asn1.h"
#include "crypto/handle.h"

namespace mpay::crypto {
namespace {

// Only this many places of a certificate are used.
constexpr std::size_t kMaximumPlaces = 8;

bool isPrintable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

void keep(std::vector<std::string>& places, std::string place) {
  if (isPrintable(place) && places.size() < kMaximumPlaces) places.push_back(std::move(place));
}

// The URI with scheme and host in lower case, the rest unchanged.
std::string comparable(const std::string& uri) {
  const auto scheme = uri.find(':');
  if (scheme == std::string::npos) return uri;
  std::string text = lowered(uri.substr(0, scheme)) + uri.substr(scheme);
  if (text.compare(scheme, 3, "://") != 0) return text;
  const auto begin = scheme + 3, end = std::min(text.find_first_of("/?#", begin), text.size());
  const auto at = text.substr(begin, end - begin).rfind('@');
  const auto host = at == std::string::npos ? begin : begin + at + 1;
  return text.replace(host, end - host, lowered(text.substr(host, end - host)));
}

std::shared_ptr<const X509_NAME> copyOf(const X509_NAME* name) {
  return {X509_NAME_dup(name), [](const X509_NAME* copy) { X509_NAME_free(const_cast<X509_NAME*>(copy)); }};
}

constexpr std::string_view kUnspecified = "unspecified", kHold = "certificateHold";

int weightOf(const RevocationFinding& finding) {
  switch (finding.state) {
    case RevocationState::Good: return 0;
    case RevocationState::Unknown: return 1;
    case RevocationState::Revoked: return isForGood(finding.reason) ? 3 : 2;
  }
  return 0;
}

}  // namespace

std::string reasonText(long code) {
  constexpr std::string_view kReasons[] = {
      kUnspecified,    "keyCompromise",        "cACompromise", "affiliationChanged",
      "superseded",    "cessationOfOperation", kHold,          "",
      "removeFromCRL", "privilegeWithdrawn",   "aACompromise"};
  if (code < 0) return "";
  const auto index = static_cast<std::size_t>(code);
  const bool isDefined = index < std::size(kReasons) && !kReasons[index].empty();
  return isDefined ? std::string(kReasons[index]) : fmt::format("reason {}", code);
}

bool isForGood(std::string_view reason) { return !reason.empty() && reason != kUnspecified && reason != kHold; }

bool isGraver(const RevocationFinding& a, const RevocationFinding& b) {
  return std::pair(weightOf(a), a.thisUpdate) > std::pair(weightOf(b), b.thisUpdate);
}

bool isSamePlace(const Place& a, const Place& b) {
  if (!a.directory != !b.directory) return false;
  return a.directory ? X509_NAME_cmp(a.directory.get(), b.directory.get()) == 0
                     : comparable(a.uri) == comparable(b.uri);
}

std::vector<Place> placesOf(DIST_POINT_NAME* point, const X509_NAME* issuer) {
  std::vector<Place> places;
  if (!point) return places;
  if (point->type == 1) {
    if (DIST_POINT_set_dpname(point, issuer) == 1 && point->dpname) places.push_back({"", copyOf(point->dpname)});
    ERR_clear_error();
    return places;
  }
  for (int i = 0; i < sk_GENERAL_NAME_num(point->name.fullname); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(point->name.fullname, i), &type);
    if (type == GEN_DIRNAME) places.push_back({"", copyOf(static_cast<const X509_NAME*>(value))});
    if (type != GEN_URI) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    places.push_back({std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                  static_cast<std::size_t>(ASN1_STRING_length(text)))});
  }
  return places;
}

std::vector<Place> listPlaces(const Certificate& certificate) {
  std::vector<Place> places;
  const Handle<CRL_DIST_POINTS, CRL_DIST_POINTS_free> points(static_cast<CRL_DIST_POINTS*>(
      X509_get_ext_d2i(certificate.get(), NID_crl_distribution_points, nullptr, nullptr)));
  ERR_clear_error();
  if (!points) return places;
  for (int i = 0; i < sk_DIST_POINT_num(points.get()); ++i) {
    const DIST_POINT* point = sk_DIST_POINT_value(points.get(), i);
    if (point->reasons || point->CRLissuer) continue;
    for (auto& place : placesOf(point->distpoint, X509_get_issuer_name(certificate.get())))
      places.push_back(std::move(place));
  }
  return places;
}

std::vector<std::string> distributionPoints(const Certificate& certificate) {
  std::vector<std::string> places;
  for (auto& place : listPlaces(certificate)) {
    if (!place.directory) keep(places, std::move(place.uri));
  }
  return places;
}

std::vector<std::string> ocspResponders(const Certificate& certificate) {
  std::vector<std::string> places;
  STACK_OF(OPENSSL_STRING)* found = X509_get1_ocsp(certificate.get());
  ERR_clear_error();
  for (int i = 0; i < sk_OPENSSL_STRING_num(found); ++i) keep(places, sk_OPENSSL_STRING_value(found, i));
  X509_email_free(found);
  return places;
}

}  // namespace mpay::crypto
