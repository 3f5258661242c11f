// Certificate revocation lists (RFC 5280, section 5).
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/revocation.h"

namespace mpay::crypto {

// The largest list that is looked at: some three hundred thousand revoked certificates.
inline constexpr std::size_t kMaximumListBytes = std::size_t{16} << 20;

// A complete list of one issuer, whose signature was verified. Immutable; copies share it; thread-safe.
class RevocationList {
 public:
  // One list, DER or PEM, and nothing else. Errors: Invalid with reason ListTooLarge (before anything is decoded),
  // MalformedList, WrongIssuer (of another name, or of one that may not sign lists), BadSignature (also with SHA-1 or
  // MD5), UnsupportedList (a delta or an indirect list, one that leaves certificates or reasons out, a critical
  // extension that is not understood), ListNotYetValid, ListOutdated (also where it does not say when the next one
  // comes).
  static Result<RevocationList> parse(std::string_view bytes, const Certificate& issuer, WallTime now);

  // What it says of a certificate of that issuer. `source` is where the list came from: a list that says where it
  // belongs counts for that place and for certificates that name it, since an issuer may have several. Errors: Invalid
  // with reason WrongIssuer, UnsupportedList (it is not this certificate's).
  Result<RevocationFinding> find(const Certificate& certificate, std::string_view source) const;

  WallTime nextUpdate() const { return nextUpdate_; }

 private:
  explicit RevocationList(std::shared_ptr<X509_CRL> handle) : handle_(std::move(handle)) {}

  std::shared_ptr<X509_CRL> handle_;
  std::vector<std::string> places_;  // of the issuing distribution point; empty: it is the issuer's only one
  WallTime nextUpdate_{};
};

}  // namespace mpay::crypto
