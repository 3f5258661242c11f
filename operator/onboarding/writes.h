// The writes of a decision in one environment: a slot for each record, and the one order of writing.
#pragma once

#include <optional>
#include <vector>

#include "onboarding/snapshot.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// An empty slot leaves the record as it is.
struct EnvironmentWrites {
  std::optional<RevocationRecord> revocation{};
  std::optional<Claim> claim{};
  std::optional<Fragment> fragment{};
  std::optional<api::ConfigMap> service{};  // the service document
  std::optional<TestRecord> tests{};
  std::optional<Notifications> notifications{};
};

// The objects in the order of writing: the checks, the claim, the content published under it, and the records that
// follow from that. Records that others write too are bound to the version that the snapshot read. `environment` must
// be declared where any slot is filled.
std::vector<api::ConfigMap> inOrder(const EnvironmentWrites& writes, const EnvironmentSnapshot& environment,
                                    const api::ObjectKey& integration);

}  // namespace mpay::onboarding
