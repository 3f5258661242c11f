// One run of the functional tests, as it was intended: reads the tester's keys, calls the web service, and returns the
// findings. Keeps nothing.
#pragma once

#include <functional>

#include "conformance/report.h"
#include "kube/client.h"
#include "ledger/test_record.h"
#include "mpay/messages.h"
#include "onboarding/environment.h"

namespace mpay::effects {

struct RunQuestion {
  const ledger::TestRecord& record;            // with an intent
  const api::MPayEnvironment& environment;     // with a tester
  const onboarding::TesterSettings& settings;  // of that tester
  const std::string& resourceNamespace;        // of the tester's Secrets
};

struct RunHooks {
  std::function<Result<void>()> begins;  // called before the first call of the web service
  // Called before an amount is paid; later runs must pay the same amount again.
  std::function<Result<void>(const ledger::PayableAmount&)> recordAmount;
};

struct FinishedRun {
  conformance::Report report;
  bool wasReached = true;  // false: every call had no connection or no answer, which may pass by itself
};

// Errors: Invalid and Crypto where somebody must correct the tester or the test data; those of the hooks; those of the
// API.
Result<FinishedRun> runFunctionalTests(kube::Client& client, const Clock& clock, const RunQuestion& question,
                                       const RunHooks& hooks, const std::stop_token& stop);

// The result as the record keeps it.
ledger::TestResult resultOf(const ledger::TestIntent& intent, const FinishedRun& run, const std::string& startedAt,
                            WallTime now);

}  // namespace mpay::effects
