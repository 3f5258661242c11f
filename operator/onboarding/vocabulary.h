// The decision speaks of rules, records and published files by their plain names.
#pragma once

namespace mpay::domain {}
namespace mpay::ledger {}
namespace mpay::gateway {}

namespace mpay::onboarding {

using namespace domain;
using namespace ledger;
using namespace gateway;

}  // namespace mpay::onboarding
