#include "crypto/revocation.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "crypto/asn1.h"
#include "crypto/handle.h"

namespace mpay::crypto {
namespace {

// A certificate that names more is asked for these.
constexpr std::size_t kMaximumPlaces = 8;

bool isPrintable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

void keep(std::vector<std::string>& places, std::string place) {
  if (isPrintable(place) && places.size() < kMaximumPlaces) places.push_back(std::move(place));
}

}  // namespace

std::vector<std::string> urisOf(const DIST_POINT_NAME* point) {
  std::vector<std::string> uris;
  if (!point || point->type != 0) return uris;
  for (int i = 0; i < sk_GENERAL_NAME_num(point->name.fullname); ++i) {
    int type = 0;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(point->name.fullname, i), &type);
    if (type != GEN_URI) continue;
    const auto* text = static_cast<const ASN1_STRING*>(value);
    uris.emplace_back(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                      static_cast<std::size_t>(ASN1_STRING_length(text)));
  }
  return uris;
}

std::vector<std::string> distributionPoints(const Certificate& certificate) {
  std::vector<std::string> places;
  const Handle<CRL_DIST_POINTS, CRL_DIST_POINTS_free> points(static_cast<CRL_DIST_POINTS*>(
      X509_get_ext_d2i(certificate.get(), NID_crl_distribution_points, nullptr, nullptr)));
  ERR_clear_error();
  if (!points) return places;
  for (int i = 0; i < sk_DIST_POINT_num(points.get()); ++i) {
    const DIST_POINT* point = sk_DIST_POINT_value(points.get(), i);
    if (point->reasons || point->CRLissuer) continue;
    for (auto& uri : urisOf(point->distpoint)) keep(places, std::move(uri));
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
