#include "cli/retest.h"

#include <iostream>

#include "api/test_request.h"
#include "api/wire.h"
#include "base/stop.h"
#include "base/text.h"
#include "onboarding/functional_testing.h"

namespace mpay::cli {
namespace {

constexpr std::chrono::milliseconds kPause{500};

const api::Condition* conditionOf(const api::MPayIntegration& integration) {
  return integration.status ? api::findCondition(integration.status->conditions, "FunctionalTestsPassed") : nullptr;
}

std::optional<api::FunctionalTestStatus> runOf(const api::MPayIntegration& integration) {
  return integration.status ? integration.status->functionalTests : std::nullopt;
}

std::string fileOf(const std::string& output) {
  return output == "json" ? "report.json" : output == "junit" ? "junit.xml" : "report.txt";
}

Result<api::MPayIntegration> integrationOf(kube::Client& client, const api::ObjectKey& key,
                                           const std::stop_token& stop) {
  auto integration = kube::Api<api::MPayIntegration>(client).get(key, stop);
  if (!integration && integration.error().isNotFound()) {
    return refuse("NotFound", fmt::format("there is no MPayIntegration {} in namespace {}; kubectl get mpi -n {} lists "
                                          "those that there are",
                                          key.name, key.namespace_, key.namespace_));
  }
  return integration;
}

Result<api::MPayTestRequest> ask(kube::Client& client, const api::MPayIntegration& integration,
                                 const std::stop_token& stop) {
  const auto key = integration.metadata.key();
  api::MPayTestRequest request;
  request.metadata.namespace_ = key.namespace_;
  // Leaves room for the suffix.
  request.metadata.generateName = key.name.substr(0, 200) + "-";
  request.metadata.ownerReferences = {onboarding::ownerReferenceTo(integration)};
  request.spec.integration.name = key.name;
  auto created = kube::Api<api::MPayTestRequest>(client).create(request, stop);
  if (!created && created.error().isForbidden()) {
    return refuse("Forbidden", fmt::format("you may not ask for tests in namespace {}: that needs the verb create on "
                                           "mpaytestrequests, as ClusterRole mpay-beneficiary has it",
                                           key.namespace_));
  }
  return created;
}

// Waits for the run that answers the request. Errors: Timeout if there is none in time.
Result<api::FunctionalTestStatus> await(kube::Client& client, const RetestOptions& options,
                                        const api::MPayTestRequest& request, const std::string& earlier,
                                        std::ostream& err, const std::stop_token& stop) {
  const auto deadline = systemClock().monotonic() + options.timeout;
  std::string told;
  while (systemClock().monotonic() < deadline && !stop.stop_requested()) {
    // The operator deletes a request once the status shows its run.
    const auto there = kube::Api<api::MPayTestRequest>(client).get(request.metadata.key(), stop);
    if (!there && !there.error().isNotFound()) return fail(there.error());
    const auto integration = TRY(integrationOf(client, {options.namespace_, options.name}, stop));
    const auto* condition = conditionOf(integration);
    const auto now = condition ? fmt::format("{}: {}", condition->reason, condition->message)
                               : "the operator has not looked at it yet";
    if (!there || there->metadata.uid != request.metadata.uid) {
      if (const auto run = runOf(integration); run && run->runID != earlier) return *run;
      return refuse("NotRun",
                    "the request was taken away without a run; perhaps its environment has no tester. "
                    "FunctionalTestsPassed says " +
                        now);
    }
    if (integration.spec.suspend) return refuse("Suspended", "spec.suspend is true: nothing is tested until it is not");
    if (now != told) err << "waiting: " << now << std::endl;
    told = now;
    (void)sleepUnlessStopped(kPause, stop);
  }
  return fail(ErrorKind::Timeout, stop.stop_requested()
                                      ? "interrupted; the request is taken back"
                                      : fmt::format("there was no run within {}; the request is taken back. What it "
                                                    "waited for: {}",
                                                    humanDuration(options.timeout), told));
}

Result<int> run(kube::Client& client, const RetestOptions& options, const Terminals& terminals,
                const std::stop_token& stop) {
  const auto integration = TRY(integrationOf(client, {options.namespace_, options.name}, stop));
  const auto before = runOf(integration);
  const auto request = TRY(ask(client, integration, stop));
  const auto answered = await(client, options, request, before ? before->runID : "", terminals.err, stop);
  if (!answered) {
    (void)kube::Api<api::MPayTestRequest>(client).remove(request.metadata.key(),
                                                         {request.metadata.uid.value_or(""), ""});
    return fail(answered.error());
  }
  const bool passed = answered->outcome == api::TestOutcome::Passed;
  std::string problem = answered->reportProblem.value_or("");
  std::string report;
  if (answered->report) {
    const auto object = kube::Api<api::ConfigMap>(client).get({options.namespace_, *answered->report}, stop);
    if (!object) {
      problem = object.error().isForbidden()
                    ? fmt::format("you may not read ConfigMap {} in namespace {}, as who holds view there may",
                                  *answered->report, options.namespace_)
                    : object.error().message;
    } else if (const auto file = object->data.find(fileOf(options.output)); file != object->data.end()) {
      // Others may write the ConfigMap, so control characters must not reach the terminal. JSON and JUnit contain none.
      report = plain(file->second, ' ', "\n\t");
    } else {
      problem = fmt::format("ConfigMap {} has no {}", *answered->report, fileOf(options.output));
    }
  }
  if (!report.empty()) {
    terminals.out << report << (report.ends_with('\n') ? "" : "\n") << std::flush;
  } else {
    terminals.err << fmt::format("{}: {}\nthere is no report to print: {}\n", passed ? "passed" : "not passed",
                                 onboarding::describeRun(*answered), problem);
  }
  return passed ? 0 : 1;
}

}  // namespace

int retest(kube::Client& client, const RetestOptions& options, const Terminals& terminals,
           const std::stop_token& stop) {
  const auto code = run(client, options, terminals, stop);
  if (code) return *code;
  terminals.err << "error: " << code.error().message << "\n";
  return 2;
}

}  // namespace mpay::cli
