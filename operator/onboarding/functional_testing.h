// Functional testing: what is to be run, what is remembered of it, and what it means for the integration. Pure.
//
// A run is intended, which is written down; then carried out by controllers/functional_test_controller.h; then its
// result is written down. Whatever is interrupted is carried out again as it was intended.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/test_record.h"
#include "onboarding/environment.h"
#include "onboarding/verdict.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// Why the service has no endpoint to test, by its modes of usage; nothing where it has one. GenericService is MPay's
// own page, InvoiceApi is called by the beneficiary.
std::optional<std::string> whyNotTested(std::span<const api::Mode> modes);

// What a run would test.
struct TestSubject {
  const api::MPayIntegration& integration;
  const std::string& testingDigest;
  const std::optional<crypto::Certificate>& certificate;
  const Settings& testing;  // with a tester
};

// Whether the form gives what a run needs; also a payable order where a run alone opens the gate, or where the profile
// requires a check of payments. Errors: Invalid with reason TestDataMissing.
Result<void> judgeTestData(const api::MPayIntegrationSpec& spec, const api::MPayEnvironmentSpec& testing);

// The intent that is to be remembered: the known one where it is still right, another one where what is tested has
// changed, where somebody asked, or where an unreachable web service is due to be tried again; none where nothing is to
// be run. `nextInstant` is moved to when that may change. `spec` must have passed judgeTestData.
std::optional<TestIntent> intendedOf(const TestSubject& subject, const TestRecord& record, const TestRequests& asked,
                                     WallTime now, std::optional<WallTime>& nextInstant);

// What FunctionalTestsPassed says of the runs alone: True Tested; False TestsRunning, TesterUnavailable,
// EndpointUnreachable, TestsFailed.
Verdict judgeTests(const TestRecord& record, const api::ObjectKey& integration);

// How a run went, in words: "40 of 42 checks passed, 2 skipped (run ..., profile Default)".
std::string describeRun(const api::FunctionalTestStatus& run);

// The ConfigMap with the report, in the integration's namespace: <name>-functional-tests, or with a hash in place of a
// name that is too long for that.
std::string reportName(const std::string& integration);

// Of what goes with the integration, in its namespace: reports, and requests for runs.
api::OwnerReference ownerReferenceTo(const api::MPayIntegration& integration);

// When an unreachable web service is tried again after so many attempts: a minute, doubled up to an hour, and some more
// so that many do not come back at once (`jitter`, 0 to 1).
WallTime retryOf(std::int64_t attempts, double jitter, WallTime now);

}  // namespace mpay::onboarding
