// Compares every plan that a test decides with the recorded one, so that a refactoring shows whether it changed a
// decision.
#pragma once

#include "onboarding/decide.h"

namespace mpay::onboarding {

// Compares the plan at the end of the running test with golden/<suite>.json; `GOLDEN=record` in the environment writes
// that file anew. Keys, hashes and times differ from run to run: keys and hashes are numbered, times are given relative
// to `now`.
void record(const Plan& plan, WallTime now);

}  // namespace mpay::onboarding
