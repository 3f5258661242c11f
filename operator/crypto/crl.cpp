#include "crypto/crl.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "crypto/asn1.h"
#include "crypto/handle.h"

namespace mpay::crypto {
namespace {

using Decoded = Handle<X509_CRL, X509_CRL_free>;

Result<Decoded> decoded(std::string_view bytes) {
  if (bytes.size() > kMaximumListBytes) {
    return refuse("ListTooLarge",
                  fmt::format("a list of {} bytes; at most {} are looked at", bytes.size(), kMaximumListBytes));
  }
  const auto pem = derOfPem(bytes, "X509 CRL");
  const std::string_view der = pem ? *pem : bytes;
  const auto* at = reinterpret_cast<const unsigned char*>(der.data());
  const auto* end = at + der.size();
  Decoded handle(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  ERR_clear_error();
  if (!handle || at != end) return refuse("MalformedList", "the bytes are not one certificate revocation list");
  return handle;
}

std::string isOfIssuer(X509_CRL* list, X509* issuer) {
  if (X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(issuer)) != 0)
    return "the list is of another issuer than the certificate";
  if (!(X509_get_key_usage(issuer) & KU_CRL_SIGN)) return "the issuer's key usage does not allow it to sign lists";
  return "";
}

std::string isSigned(X509_CRL* list, X509* issuer) {
  const X509_ALGOR* algorithm = nullptr;
  X509_CRL_get0_signature(list, nullptr, &algorithm);
  if (isWeakSignature(algorithm)) return "the list is signed with SHA-1, MD5 or an unknown algorithm";
  EVP_PKEY* key = X509_get0_pubkey(issuer);
  const bool holds = key && X509_CRL_verify(list, key) == 1;
  ERR_clear_error();
  return holds ? "" : "the list's signature is not its issuer's";
}

// The issuing distribution point is the only critical extension that is understood (RFC 5280, 5.2 and 5.3).
std::string isUnderstood(X509_CRL* list, X509*) {
  if (X509_CRL_get_ext_by_NID(list, NID_delta_crl, -1) >= 0) return "the list is a delta of another one";
  for (int at = -1; (at = X509_CRL_get_ext_by_critical(list, 1, at)) >= 0;) {
    if (OBJ_obj2nid(X509_EXTENSION_get_object(X509_CRL_get_ext(list, at))) != NID_issuing_distribution_point)
      return "the list has a critical extension that is not understood";
  }
  STACK_OF(X509_REVOKED)* entries = X509_CRL_get_REVOKED(list);
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    if (X509_REVOKED_get_ext_by_critical(sk_X509_REVOKED_value(entries, i), 1, -1) >= 0)
      return "an entry of the list has a critical extension: it is of another issuer, or not understood";
  }
  return "";
}

// One rule: its reason, and a function that says what is wrong (empty: nothing).
struct ListCheck {
  std::string_view reason;
  std::string (*problem)(X509_CRL*, X509* issuer);
};

// The signature is checked before anything that the list says of itself.
constexpr ListCheck kChecks[] = {
    {"WrongIssuer", isOfIssuer}, {"BadSignature", isSigned}, {"UnsupportedList", isUnderstood}};

// Errors: the reason of the first check that fails.
Result<void> judged(X509_CRL* list, X509* signer) {
  for (const auto& check : kChecks) {
    if (auto problem = check.problem(list, signer); !problem.empty())
      return refuse(std::string(check.reason), std::move(problem));
  }
  return {};
}

// The places in the list's issuing distribution point. Errors: UnsupportedList if the list is incomplete for
// certificates of information systems.
Result<std::vector<Place>> placesOfList(const X509_CRL* list) {
  int critical = 0;
  const Handle<ISSUING_DIST_POINT, ISSUING_DIST_POINT_free> point(
      static_cast<ISSUING_DIST_POINT*>(X509_CRL_get_ext_d2i(list, NID_issuing_distribution_point, &critical, nullptr)));
  ERR_clear_error();
  if (!point) {
    if (critical == -1) return std::vector<Place>{};  // the list has no such extension
    return refuse("UnsupportedList", "the list's issuing distribution point cannot be read, or is there twice");
  }
  if (point->indirectCRL > 0) return refuse("UnsupportedList", "the list is an indirect one");
  if (point->onlyCA > 0 || point->onlyattr > 0)
    return refuse("UnsupportedList", "the list is not about certificates of information systems");
  if (point->onlysomereasons) return refuse("UnsupportedList", "the list is about some reasons only");
  auto places = placesOf(point->distpoint, X509_CRL_get_issuer(list));
  if (point->distpoint && places.empty())
    return refuse("UnsupportedList", "the list names the place where it belongs by no URI and no directory name");
  return places;
}

std::string bytesOf(const ASN1_INTEGER* serial) {
  std::string bytes(ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? "-" : "");
  return bytes.append(reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)),
                      static_cast<std::size_t>(ASN1_STRING_length(serial)));
}

// Stands for a reason that cannot be read: RFC 5280 defines no such code. "None" would be wrong, because such a
// revocation can be lifted.
constexpr std::int32_t kUnreadableReason = 999;

std::int32_t reasonOf(X509_REVOKED* entry) {
  int critical = 0;
  const Handle<ASN1_ENUMERATED, ASN1_ENUMERATED_free> reason(
      static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &critical, nullptr)));
  std::int64_t code = OCSP_REVOKED_STATUS_NOSTATUS;
  const bool isRead = reason && ASN1_ENUMERATED_get_int64(&code, reason.get()) == 1 && code >= 0 && code < 256;
  ERR_clear_error();
  if (!reason && critical == -1) return OCSP_REVOKED_STATUS_NOSTATUS;  // the entry has no reason
  return isRead ? static_cast<std::int32_t>(code) : kUnreadableReason;
}

}  // namespace

Result<RevocationList> RevocationList::parse(std::string_view bytes, const Certificate& issuer, WallTime now,
                                             std::span<const Certificate> signers) {
  const auto decodedList = TRY(decoded(bytes));
  X509_CRL* handle = decodedList.get();
  RevocationList list;
  auto isIssuers = judged(handle, issuer.get());
  for (const auto& signer : signers) {
    const bool isNamed = X509_NAME_cmp(X509_CRL_get_issuer(handle), X509_get_subject_name(issuer.get())) == 0;
    if (!isIssuers && isNamed && judged(handle, signer.get())) isIssuers = {};
  }
  TRY(std::move(isIssuers));
  list.places_ = TRY(placesOfList(handle));
  const auto thisUpdate = timeOf(X509_CRL_get0_lastUpdate(handle));
  const auto nextUpdate = timeOf(X509_CRL_get0_nextUpdate(handle));
  if (!thisUpdate) return refuse("MalformedList", "the list does not say when it was made");
  if (*thisUpdate > now + kClockSkew)
    return refuse("ListNotYetValid", fmt::format("the list is of {}", formatTime(*thisUpdate)));
  if (!nextUpdate) return refuse("ListOutdated", "the list does not say when the next one comes (RFC 5280, 5.1.2.5)");
  if (*nextUpdate < now) {
    return refuse("ListOutdated", fmt::format("the list should have been replaced at {}", formatTime(*nextUpdate)));
  }
  list.thisUpdate_ = *thisUpdate;
  list.nextUpdate_ = *nextUpdate;
  list.issuer_ =
      std::shared_ptr<const X509_NAME>(X509_NAME_dup(X509_CRL_get_issuer(handle)),
                                       [](const X509_NAME* name) { X509_NAME_free(const_cast<X509_NAME*>(name)); });
  // Our entries take a seventh of the memory of OpenSSL's.
  auto entries = std::make_shared<std::vector<Entry>>();
  STACK_OF(X509_REVOKED)* revoked = X509_CRL_get_REVOKED(handle);
  entries->reserve(static_cast<std::size_t>(std::max(0, sk_X509_REVOKED_num(revoked))));
  for (int i = 0; i < sk_X509_REVOKED_num(revoked); ++i) {
    X509_REVOKED* entry = sk_X509_REVOKED_value(revoked, i);
    const auto reason = reasonOf(entry);
    // This reason releases a certificate that was on hold.
    if (reason == OCSP_REVOKED_STATUS_REMOVEFROMCRL) continue;
    entries->push_back(
        {bytesOf(X509_REVOKED_get0_serialNumber(entry)), timeOf(X509_REVOKED_get0_revocationDate(entry)), reason});
  }
  std::sort(entries->begin(), entries->end(), [](const auto& a, const auto& b) {
    if (a.serial != b.serial) return a.serial < b.serial;
    return isForGood(reasonText(a.reason)) && !isForGood(reasonText(b.reason));
  });
  list.entries_ = std::move(entries);
  return list;
}

Result<RevocationFinding> RevocationList::find(const Certificate& certificate, std::string_view source) const {
  X509* leaf = certificate.get();
  if (X509_NAME_cmp(issuer_.get(), X509_get_issuer_name(leaf)) != 0)
    return refuse("WrongIssuer", "the list is of another issuer than the certificate");
  if (!places_.empty()) {
    auto named = listPlaces(certificate);
    if (std::all_of(named.begin(), named.end(), [](const auto& place) { return place.directory != nullptr; }))
      named.push_back({std::string(source)});
    const bool belongs = std::any_of(places_.begin(), places_.end(), [&](const auto& place) {
      return std::any_of(named.begin(), named.end(), [&](const auto& other) { return isSamePlace(place, other); });
    });
    if (!belongs) {
      const auto& place = places_.front();
      return refuse("UnsupportedList", fmt::format("the list belongs to {}, and the certificate is of another place",
                                                   place.directory ? nameText(place.directory.get()) : place.uri));
    }
  }
  RevocationFinding finding{.state = RevocationState::Good, .thisUpdate = thisUpdate_, .nextUpdate = nextUpdate_};
  const auto serial = bytesOf(X509_get0_serialNumber(leaf));
  const auto entry = std::lower_bound(entries_->begin(), entries_->end(), serial,
                                      [](const Entry& a, const std::string& b) { return a.serial < b; });
  if (entry == entries_->end() || entry->serial != serial) return finding;
  finding.state = RevocationState::Revoked;
  finding.revokedAt = entry->revokedAt;
  finding.reason = reasonText(entry->reason);
  return finding;
}

}  // namespace mpay::crypto
