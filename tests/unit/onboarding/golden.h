// Every plan that a test decides on is compared with the one on record, so that a change of the code's shape shows
// whether it changed a decision.
#pragma once

#include "onboarding/decide.h"

namespace mpay::onboarding {

// Compared at the end of the running test with golden/<suite>.json, which `GOLDEN=record` in the environment writes
// anew. Keys, hashes and times differ from run to run: they are numbered, and told from `now`.
void record(const Plan& plan, WallTime now);

}  // namespace mpay::onboarding
