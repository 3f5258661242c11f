#include "ledger/revocation.h"

#include <algorithm>

#include "crypto/revocation.h"

namespace mpay::ledger {

const CheckedCertificate* RevocationRecord::find(const std::string& sha256) const {
  const auto found = std::find_if(certificates.begin(), certificates.end(),
                                  [&](const auto& certificate) { return certificate.sha256 == sha256; });
  return found == certificates.end() ? nullptr : &*found;
}

bool RevocationRecord::isRevoked(const std::string& sha256) const {
  const auto* found = find(sha256);
  return found && found->verdict == RevocationVerdict::Revoked;
}

bool isForGood(const CheckedCertificate& check) {
  return check.verdict == RevocationVerdict::Revoked && crypto::isForGood(check.reason.value_or(""));
}

}  // namespace mpay::ledger
