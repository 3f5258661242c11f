// FunctionalTestsPassed, and which run comes next.
#include "onboarding/decision.h"

#include "base/text.h"

namespace mpay::onboarding {
namespace {

constexpr std::size_t kMaximumProblem = 1024;  // of the status' schema

}  // namespace

void Decision::planTests() {
  const auto& environment = in.testing;
  if (!environment.settings || !environment.foreignTests.empty()) return;
  const auto& settings = *environment.settings;
  if (!settings.tester && !environment.tests) return;
  tests = recordFor(environment.tests, holderOf(integration()));
  if (tests->last) plan.status.functionalTests = tests->last->status;
  if (auto& run = plan.status.functionalTests; run && run->reportProblem)
    run->reportProblem = cut(*run->reportProblem, kMaximumProblem);
  const bool isTestable = settings.tester && submitted.holds() && judgeTestData(spec(), settings.spec);
  if (!isTestable) {
    tests->intended.reset();
  } else if (testing.holds()) {
    const TestSubject subject{integration(), form.testingDigest, form.leaf, settings};
    tests->intended = intendedOf(subject, *tests, in.testRequests, now, plan.nextInstant);
  }
  if (!tests->intended) tests->problem.reset();
  if (environment.tests == tests || (!environment.tests && !tests->intended)) return;
  auto metadata = memoryMeta(settings.spec.outputNamespace, kTests, settings.name, key());
  metadata.resourceVersion = environment.testsVersion.value_or("");
  plan.testing.push_back(remember(std::move(metadata), *tests));
}

Verdict Decision::judgeRuns() const {
  if (!isTested()) return good("NotTested", "the environment has no tester");
  if (!in.testing.foreignTests.empty()) return nameTaken("an object", in.testing.foreignTests);
  if (const auto data = judgeTestData(spec(), in.testing.settings->spec); !data) return ofError(data.error());
  if (const auto& tester = *in.testing.settings->tester; !tester) {
    if (tester.error().reason == "Pending") return ofError(tester.error());
    return working("TesterUnavailable", fmt::format("environment {}: {}; the platform has to correct it",
                                                    in.testing.settings->name, tester.error().message));
  }
  return judgeTests(*tests, key());
}

void Decision::judgeFunctional() {
  planTests();
  if (servesCurrent()) {
    functional = good("AsPromoted", fmt::format("revision {} keeps the records", live()->number));
    // What fails after the promotion is told, and takes nothing away.
    if (const auto& run = plan.status.functionalTests; run && run->outcome != api::TestOutcome::Passed)
      functional.message += fmt::format("; the last run did not pass: {}", describeRun(*run));
  } else if (!testing.holds()) {
    functional = working("AwaitingTestEnvironment", "TestEnvironmentReady comes first");
  } else if (const auto runs = judgeRuns();
             !runs.holds() || (isTested() && in.testing.settings->spec.validation.functionalTesting ==
                                                 api::FunctionalTestingPolicy::Automatic)) {
    functional = runs;
  } else {
    Gate gate{key(),
              integration().metadata.uid.value_or(""),
              in.testing.settings->name,
              api::Milestone::FunctionalTesting,
              {api::Role::MPayRepresentative},
              form.testingDigest,
              in.testing.settings->spec.validation.serviceAccounts,
              live()};
    auto verdict = judgeRecords(gate, in.records, in.admission);
    functional = ofGate(verdict);
    if (isTested()) functional.message = fmt::format("{}; {}", runs.message, functional.message);
    functionalRecords = std::move(verdict.counted);
  }
}

}  // namespace mpay::onboarding
