// The operator as a whole: wires the parts together, starts and stops them in order.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "controllers/functional_test_controller.h"
#include "runtime/controller.h"

namespace mpay::app {

struct Options {
  std::optional<std::string> kubeconfig{};
  std::string resourceNamespace = "mpay-system";
  unsigned workers = runtime::kDefaultWorkers;
  unsigned testWorkers = controllers::kDefaultTestWorkers;
  std::chrono::seconds resync{std::chrono::hours(10)};
  bool leaderElection = true;
};

// Runs until `stop`, or until the lease is lost. Errors: the configuration's, and the reason that ended the run.
Result<void> runOperator(const Options& options, const std::stop_token& stop);

}  // namespace mpay::app
