#include "ledger/claim.h"

#include <algorithm>

namespace mpay::ledger {

Claim claimOf(const Fragment& fragment) {
  Claim claim{fragment.holder, fragment.serviceID, {}, fragment.addresses};
  for (const auto& certificate : fragment.certificates) claim.certificates.push_back(certificate.sha256);
  claim.addresses.insert(claim.addresses.end(), fragment.posAddresses.begin(), fragment.posAddresses.end());
  std::sort(claim.certificates.begin(), claim.certificates.end());
  std::sort(claim.addresses.begin(), claim.addresses.end());
  claim.addresses.erase(std::unique(claim.addresses.begin(), claim.addresses.end()), claim.addresses.end());
  return claim;
}

}  // namespace mpay::ledger
