// Functional testing: the runs to intend, the record of runs, and the verdict on them. Pure.
//
// A run is intended, and the intent is written down. Then effects/functional_test_run.h carries it out, and its result
// is written down. An interrupted run is carried out again as it was intended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/test_record.h"
#include "onboarding/environment.h"
#include "onboarding/verdict.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// The reason, by its modes of usage, why the service has no endpoint to test; nothing where it has one. GenericService
// is MPay's own page, InvoiceApi is called by the beneficiary.
std::optional<std::string> whyNotTested(std::span<const api::Mode> modes);

// The subject of a run.
struct TestSubject {
  const api::MPayIntegration& integration;
  const std::string& testingDigest;
  const std::optional<crypto::Certificate>& certificate;
  const Settings& testing;  // with a tester
};

// Judges whether the form gives the data that a run needs. A payable order is needed too where a run alone opens the
// gate, or where the profile requires a check of payments. Errors: Invalid with reason TestDataMissing.
Result<void> judgeTestData(const api::MPayIntegrationSpec& spec, const api::MPayEnvironmentSpec& testing);

// The intent to remember: the known one while it is right; a new one when the subject has changed, when somebody asked,
// or when an unreachable web service is due to be tried again; none when nothing is to be run. `nextInstant` is moved
// to the time when that may change. `spec` must have passed judgeTestData.
std::optional<TestIntent> intendedOf(const TestSubject& subject, const TestRecord& record, const TestRequests& asked,
                                     WallTime now, std::optional<WallTime>& nextInstant);

// The verdict of FunctionalTestsPassed on the runs alone: True Tested; False TestsRunning, TesterUnavailable,
// EndpointUnreachable, TestsFailed.
Verdict judgeTests(const TestRecord& record, const api::ObjectKey& integration);

// The outcome of a run in words: "40 of 42 checks passed, 2 skipped (run ..., profile Default)".
std::string describeRun(const api::FunctionalTestStatus& run);

// The name of the ConfigMap with the report, in the integration's namespace: <name>-functional-tests. A hash replaces a
// name that is too long.
std::string reportName(const std::string& integration);

// The owner of objects in the integration's namespace that go with it: reports, and requests for runs.
api::OwnerReference ownerReferenceTo(const api::MPayIntegration& integration);

// The time of the next try after so many attempts at an unreachable web service: a minute later, doubled up to an hour,
// plus an addition by `jitter` (0 to 1), so that many do not come back at once.
WallTime retryOf(std::int64_t attempts, double jitter, WallTime now);

}  // namespace mpay::onboarding
