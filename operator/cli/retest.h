// `kubectl mpay test NAME`: asks the operator to run the functional tests of an integration, and waits for the report.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "cli/test.h"
#include "kube/client.h"

namespace mpay::cli {

struct RetestOptions {
  std::string name;
  std::string namespace_;
  std::string output = "text";  // text, json or junit: selects one of the report's files
  std::chrono::seconds timeout{300};
};

// Creates an MPayTestRequest, tells on `err` what it waits for, and prints the report of the run that answers it.
// Returns the exit code: 0 if the run passed, 1 if it did not, 2 if there was no run before the timeout or `stop`. In
// the last case the request is deleted.
int retest(kube::Client& client, const RetestOptions& options, const Terminals& terminals, const std::stop_token& stop);

}  // namespace mpay::cli
