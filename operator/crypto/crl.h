// Certificate revocation lists (RFC 5280, section 5).
#pragma once

#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/revocation.h"

namespace mpay::crypto {

// The largest list that is decoded: some hundred and fifty thousand revoked certificates. Decoding takes seven times
// the list's bytes of memory; the result takes about as much as the list's bytes.
inline constexpr std::size_t kMaximumListBytes = std::size_t{8} << 20;

// A complete list of one issuer, with a verified signature. Immutable; copies share it; thread-safe.
class RevocationList {
 public:
  // Parses one list, DER or PEM, and nothing else. The signer must be the issuer or one of `signers`, which are other
  // certificates under the issuer's name (Authorities::listSigners).
  // Errors: Invalid with reason
  // - ListTooLarge: found before anything is decoded;
  // - MalformedList;
  // - WrongIssuer: of another name, or of an issuer that may not sign lists;
  // - BadSignature: also with SHA-1 or MD5;
  // - UnsupportedList: a delta or an indirect list, a list that leaves certificates or reasons out, or a critical
  //   extension that is not understood;
  // - ListNotYetValid;
  // - ListOutdated: also if the list does not say when the next one comes.
  static Result<RevocationList> parse(std::string_view bytes, const Certificate& issuer, WallTime now,
                                      std::span<const Certificate> signers = {});

  // The list's finding on a certificate of the same issuer; the gravest if there are several entries.
  // An issuer may have several lists. A list that names its places counts only for certificates that name one of these
  // places. If a certificate names no URI, `source`, the place that the list came from, counts as named too.
  // Errors: Invalid with reason WrongIssuer, or UnsupportedList if the list is for other certificates.
  Result<RevocationFinding> find(const Certificate& certificate, std::string_view source) const;

  WallTime thisUpdate() const { return thisUpdate_; }
  WallTime nextUpdate() const { return nextUpdate_; }

 private:
  struct Entry {
    std::string serial;  // the integer's bytes, after a minus if it is negative
    std::optional<WallTime> revokedAt;
    std::int32_t reason;  // RFC 5280, 5.3.1; -1: none given
  };

  RevocationList() = default;

  std::shared_ptr<const std::vector<Entry>> entries_;  // sorted by serial; for equal serials the gravest first
  std::shared_ptr<const X509_NAME> issuer_;
  std::vector<Place> places_;  // in the issuing distribution point; empty: this is the issuer's only list
  WallTime thisUpdate_{}, nextUpdate_{};
};

}  // namespace mpay::crypto
