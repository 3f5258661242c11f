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
  std::set<std::string, std::less<>> only{};  // the checks to run; empty: all
  Limits limits{};
};

// Runs the checks on this thread, as long as the plan's limits allow. `onFinding` gets each finding at once. Checks
// that are cancelled or too late are skipped and keep the run from passing. The subject must outlive the call.
Report run(const Subject& subject, const Plan& plan, const Session::Ports& ports, const std::stop_token& stop,
           const std::function<void(const Finding&)>& onFinding = {});

// The report for a service without an endpoint: every check is skipped for that reason, and the report passes.
Report reportNotApplicable(const Plan& plan, const std::string& why);

}  // namespace mpay::conformance
