// Functional testing: all checks, one after the other, against one endpoint.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>

#include "conformance/report.h"
#include "conformance/session.h"

namespace mpay::conformance {

struct Plan {
  Profile profile = Profile::standard();
  std::set<std::string, std::less<>> only{};  // these checks; empty: all
  Limits limits{};
};

// Runs the checks, on this thread, for as long as the plan's limits allow. `onFinding` is told of each as soon as it is
// judged. What is cancelled or too late is skipped and keeps the run from passing. The subject must outlive the call.
Report run(const Subject& subject, const Plan& plan, const Session::Ports& ports, const std::stop_token& stop,
           const std::function<void(const Finding&)>& onFinding = {});

// The report of a service that has no endpoint: everything is skipped, for that reason, and it passes.
Report reportNotApplicable(const Plan& plan, const std::string& why);

}  // namespace mpay::conformance
