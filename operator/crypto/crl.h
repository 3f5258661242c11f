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

// The largest list that is looked at: some hundred and fifty thousand revoked certificates. While it is decoded it
// takes seven times its bytes; what is kept of it takes about as much as the bytes.
inline constexpr std::size_t kMaximumListBytes = std::size_t{8} << 20;

// A complete list of one issuer, whose signature was verified. Immutable; copies share it; thread-safe.
class RevocationList {
 public:
  // One list, DER or PEM, and nothing else. It is the issuer's where the issuer signed it, or one of `signers`, which
  // are other certificates under its name (Authorities::listSigners). Errors: Invalid with reason ListTooLarge (before
  // anything is decoded), MalformedList, WrongIssuer (of another name, or of one that may not sign lists), BadSignature
  // (also with SHA-1 or MD5), UnsupportedList (a delta or an indirect list, one that leaves certificates or reasons
  // out, a critical extension that is not understood), ListNotYetValid, ListOutdated (also where it does not say when
  // the next one comes).
  static Result<RevocationList> parse(std::string_view bytes, const Certificate& issuer, WallTime now,
                                      std::span<const Certificate> signers = {});

  // What it says of a certificate of that issuer; the gravest where there are several entries. An issuer may have
  // several lists: one that says where it belongs counts for certificates that name that place; where a certificate
  // names no URI, `source`, from where the list came, may be the place too. Errors: Invalid with reason WrongIssuer,
  // UnsupportedList (it is not this certificate's).
  Result<RevocationFinding> find(const Certificate& certificate, std::string_view source) const;

  WallTime thisUpdate() const { return thisUpdate_; }
  WallTime nextUpdate() const { return nextUpdate_; }

 private:
  struct Entry {
    std::string serial;  // the integer's bytes, with a minus where it is negative
    std::optional<WallTime> revokedAt;
    std::int32_t reason;  // RFC 5280, 5.3.1; -1: not said
  };

  RevocationList() = default;

  std::shared_ptr<const std::vector<Entry>> entries_;  // sorted by serial, the gravest of one serial first
  std::shared_ptr<const X509_NAME> issuer_;
  std::vector<Place> places_;  // of the issuing distribution point; empty: it is the issuer's only one
  WallTime thisUpdate_{}, nextUpdate_{};
};

}  // namespace mpay::crypto
