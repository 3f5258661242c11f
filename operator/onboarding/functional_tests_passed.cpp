#include "base/text.h"
#include "onboarding/conditions.h"
#include "onboarding/functional_testing.h"

namespace mpay::onboarding {
namespace {

constexpr std::size_t kMaximumProblem = 1024;  // limit of the status' schema

// The verdict of the runs; True where no tester runs any.
Verdict judgeRuns(const Snapshot& snapshot, const TestsPlanned& tests) {
  const auto& testing = snapshot.testing;
  if (!isTested(snapshot)) return good("NotTested", "the environment has no tester");
  if (testing.tests.nameTaken) return nameTaken("an object", memoryName(kTests, snapshot.integration->metadata.key()));
  if (const auto data = judgeTestData(snapshot.integration->spec, testing.settings->spec); !data)
    return ofError(data.error());
  if (const auto& tester = *testing.settings->tester; !tester) {
    if (isBeingRead(tester.error())) return ofError(tester.error());
    return working("TesterUnavailable", fmt::format("environment {}: {}; the platform has to correct it",
                                                    testing.settings->name, tester.error().message));
  }
  return judgeTests(*tests.record, snapshot.integration->metadata.key());
}

}  // namespace

TestsPlanned planTests(const Snapshot& snapshot, const Examination& form, const Verdict& submitted,
                       const Verdict& testing, WallTime now) {
  const auto& environment = snapshot.testing;
  TestsPlanned planned;
  if (!environment.settings || environment.tests.nameTaken) return planned;
  const auto& settings = *environment.settings;
  if (!settings.tester && !environment.tests.value) return planned;
  auto record = recordFor(environment.tests.value, holderOf(*snapshot.integration));
  if (record.last) planned.status = record.last->status;
  if (planned.status && planned.status->reportProblem)
    planned.status->reportProblem = cut(*planned.status->reportProblem, kMaximumProblem);
  const bool isTestable =
      settings.tester && submitted.holds() && judgeTestData(snapshot.integration->spec, settings.spec);
  if (!isTestable) {
    record.intended.reset();
  } else if (testing.holds()) {
    const TestSubject subject{*snapshot.integration, form.testingDigest, form.leaf, settings};
    record.intended = intendedOf(subject, record, snapshot.testRequests, now, planned.looksAgainAt);
  }
  if (!record.intended) record.problem.reset();
  planned.isWritten = environment.tests.value ? *environment.tests.value != record : record.intended.has_value();
  planned.record = std::move(record);
  return planned;
}

GateJudged judgeFunctional(const Snapshot& snapshot, const Examination& form, const Verdict& testing,
                           const TestsPlanned& tests) {
  const auto& live = snapshot.production.live;
  if (servesDeclared(snapshot, form)) {
    auto verdict = good("AsPromoted", fmt::format("revision {} keeps the records", live->number));
    // A run that fails after the promotion is reported, and takes nothing away.
    if (tests.status && tests.status->outcome != api::TestOutcome::Passed)
      verdict.message += fmt::format("; the last run did not pass: {}", describeRun(*tests.status));
    return {std::move(verdict), {}};
  }
  if (!testing.holds()) return {working("AwaitingTestEnvironment", "TestEnvironmentReady comes first"), {}};
  auto runs = judgeRuns(snapshot, tests);
  const auto& settings = *snapshot.testing.settings;
  const bool isOpenedByRuns =
      isTested(snapshot) && settings.spec.validation.functionalTesting == api::FunctionalTestingPolicy::Automatic;
  if (!runs.holds() || isOpenedByRuns) return {std::move(runs), {}};
  const Gate gate{snapshot.integration->metadata.key(),
                  snapshot.integration->metadata.uid.value_or(""),
                  settings.name,
                  api::Milestone::FunctionalTesting,
                  {api::Role::MPayRepresentative},
                  form.testingDigest,
                  settings.spec.validation.serviceAccounts,
                  live};
  auto judged = judgeRecords(gate, snapshot.records, snapshot.admission);
  auto verdict = ofGate(judged);
  if (isTested(snapshot)) verdict.message = fmt::format("{}; {}", runs.message, verdict.message);
  return {std::move(verdict), std::move(judged.counted)};
}

}  // namespace mpay::onboarding
