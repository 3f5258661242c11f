// The record of a claim: what belongs, in one environment, to the integration that claimed it first.
#pragma once

#include <string>
#include <vector>

#include "ledger/fragment.h"
#include "ledger/holder.h"
#include "ledger/memory.h"

namespace mpay::ledger {

struct Claim {
  static constexpr std::string_view kName = kClaim;
  Holder holder;
  std::string serviceID;
  std::vector<std::string> certificates;  // SHA-256 fingerprints, sorted
  std::vector<std::string> addresses;     // canonical prefixes
  bool operator==(const Claim&) const = default;
};
BOOST_DESCRIBE_STRUCT(Claim, (), (holder, serviceID, certificates, addresses))

// The claim that an integration must hold before the fragment is published.
Claim claimOf(const Fragment& fragment);

}  // namespace mpay::ledger
