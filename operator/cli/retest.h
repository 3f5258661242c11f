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
  std::string output = "text";  // text, json, junit: which of the report's files
  std::chrono::seconds timeout{300};
};

// Creates an MPayTestRequest, says on `err` what it waits for, and prints the report of the run that answered it.
// Answers what to exit with: 0 where it passed, 1 where not, 2 where there was no run until the timeout, or until
// `stop`; then the request is taken back.
int retest(kube::Client& client, const RetestOptions& options, const Terminals& terminals, const std::stop_token& stop);

}  // namespace mpay::cli
