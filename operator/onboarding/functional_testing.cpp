#include "onboarding/functional_testing.h"

#include <algorithm>

#include "crypto/digest.h"
#include "json/codec.h"

namespace mpay::onboarding {
namespace {

constexpr std::size_t kIdDigits = 16;
constexpr std::size_t kRequestsAnswered = 1000;  // a run's limit: its record must not outgrow an object

// Identifies the subject of a run, for comparison with that of the next one.
std::string subjectOf(const TestSubject& subject, const std::optional<std::string>& notApplicable) {
  const auto& tester = *subject.testing.spec.tester;
  const auto& orders = subject.integration.spec.functionalTests;
  const json::value all = json::object{
      {"digest", subject.testingDigest},
      {"orders", orders && !notApplicable ? json::encode(*orders) : json::value(nullptr)},
      {"profile", json::encode(tester.profile)},
      {"signatureAlgorithm", tester.signatureAlgorithm},
      {"uid", subject.integration.metadata.uid.value_or("")},
  };
  return crypto::digestText(json::canonical(all));
}

TestIntent intentFor(const TestSubject& subject, std::string hash, std::optional<std::string> notApplicable,
                     TestRequests requests, std::int64_t attempt, WallTime now) {
  const auto& spec = subject.integration.spec;
  TestIntent intent;
  intent.subject = std::move(hash);
  intent.digest = subject.testingDigest;
  intent.url = spec.endpoints.testing ? spec.endpoints.testing->url : "";
  intent.serviceID = spec.service.id.value_or("");
  if (subject.certificate) intent.certificate = crypto::base64(subject.certificate->der());
  if (!notApplicable) intent.orders = spec.functionalTests;
  intent.profile = subject.testing.spec.tester->profile;
  intent.signatureAlgorithm = subject.testing.spec.tester->signatureAlgorithm;
  intent.notApplicable = std::move(notApplicable);
  intent.language = spec.notification.language;
  intent.requests = std::move(requests);
  intent.attempt = attempt;
  intent.intendedAt = formatTime(now);
  const auto of = json::canonical(json::encode(intent)) + subject.integration.metadata.uid.value_or("");
  intent.id = "run-" + crypto::sha256Hex(of).substr(0, kIdDigits);
  return intent;
}

std::string kubectlTest(const api::ObjectKey& integration) {
  return fmt::format("kubectl mpay test {} -n {}", integration.name, integration.namespace_);
}

std::string whereToRead(const api::FunctionalTestStatus& run) {
  if (run.report) return fmt::format("ConfigMap {} has the report", *run.report);
  return fmt::format("there is no report: {}", run.reportProblem.value_or("it was not written"));
}

}  // namespace

std::optional<std::string> whyNotTested(std::span<const api::Mode> modes) {
  const auto isCalled = [](api::Mode mode) {
    return mode == api::Mode::OnlineRedirect || mode == api::Mode::ExistingOrder || mode == api::Mode::PosTerminal;
  };
  if (std::any_of(modes.begin(), modes.end(), isCalled)) return std::nullopt;
  return "MPay calls no endpoint of this service in its modes of usage";
}

Result<void> judgeTestData(const api::MPayIntegrationSpec& spec, const api::MPayEnvironmentSpec& testing) {
  if (whyNotTested(spec.service.modes)) return {};
  const auto& orders = spec.functionalTests;
  if (!spec.endpoints.testing)
    return refuse("TestDataMissing", "endpoints.testing has to say where the web service is, so that it can be tested");
  if (!orders || !orders->known || !orders->unknown) {
    return refuse("TestDataMissing",
                  "functionalTests has to name an order that the testing web service knows (known) and one that it "
                  "does not know (unknown), so that it can be tested");
  }
  const auto isOfPayments = [](const auto& id) { return id == "C1" || id == "C2" || id == "C4" || id == "C5"; };
  const auto& required = testing.tester ? testing.tester->profile.required : std::vector<std::string>{};
  if (!orders->payable && (testing.validation.functionalTesting == api::FunctionalTestingPolicy::Automatic ||
                           std::any_of(required.begin(), required.end(), isOfPayments))) {
    return refuse("TestDataMissing",
                  "functionalTests has to name an order that may be paid (payable): the environment asks that "
                  "confirmations of payments are tested");
  }
  const auto& known = orders->known->orderKey;
  const auto& unknown = orders->unknown->orderKey;
  const auto payable = orders->payable ? orders->payable->orderKey : "";
  if (known == unknown || known == payable || unknown == payable)
    return refuse("TestDataMissing", "functionalTests.known, unknown and payable have to be different orders");
  return {};
}

std::optional<TestIntent> intendedOf(const TestSubject& subject, const TestRecord& record, const TestRequests& asked,
                                     WallTime now, std::optional<WallTime>& nextInstant) {
  auto notApplicable = whyNotTested(subject.integration.spec.service.modes);
  auto hash = subjectOf(subject, notApplicable);
  // The next run answers requests that came meanwhile: this one may have looked already.
  if (record.intended && record.intended->subject == hash) return record.intended;
  const auto* last = record.last && record.last->subject == hash ? &*record.last : nullptr;
  TestRequests open;
  bool isAsked = false;
  for (const auto& request : asked) {
    const auto answers = [&](const TestRequests& by) { return std::find(by.begin(), by.end(), request) != by.end(); };
    const bool isAnswered = record.last && answers(record.last->requests);
    if (!isAnswered && open.size() >= kRequestsAnswered) continue;  // the next run answers it
    isAsked = isAsked || !isAnswered;
    // Answered requests that could not be deleted are kept too, or they would count as new.
    open.push_back(request);
  }
  if (last && !isAsked) {
    if (!last->retryAt) return std::nullopt;
    const auto due = parseTime(*last->retryAt).value_or(now);
    if (now < due) {
      noteInstant(nextInstant, due, now);
      return std::nullopt;
    }
  }
  return intentFor(subject, std::move(hash), std::move(notApplicable), std::move(open), last ? last->attempt : 0, now);
}

Verdict judgeTests(const TestRecord& record, const api::ObjectKey& integration) {
  const bool isSame = record.last && (!record.intended || record.intended->subject == record.last->subject);
  // A run that repeats a passed one takes nothing away until it ends.
  if (isSame && record.last->status.outcome == api::TestOutcome::Passed)
    return good("Tested", describeRun(record.last->status) + "; " + whereToRead(record.last->status));
  if (record.intended && record.problem)
    return working("TesterUnavailable", fmt::format("the web service cannot be tested: {}; the platform has to mend "
                                                    "that, and it is tried again",
                                                    *record.problem));
  if (isSame && record.last->status.outcome == api::TestOutcome::Unreachable) {
    return working("EndpointUnreachable",
                   fmt::format("{}; it is tried again{}, and at once by {}",
                               record.last->blocking.empty() ? "no connection to the web service came about"
                                                             : record.last->blocking.front(),
                               record.last->retryAt ? " at " + *record.last->retryAt : "", kubectlTest(integration)));
  }
  if (record.intended) {
    return working("TestsRunning", fmt::format("the web service at {} is being tested, or queued for that (run {})",
                                               record.intended->url, record.intended->id));
  }
  if (!record.last) return working("TestsRunning", "the web service is about to be tested");
  const auto& run = record.last->status;
  const auto unnamed = run.failedChecks.size() - std::min(run.failedChecks.size(), record.last->blocking.size());
  return fix("TestsFailed",
             fmt::format("{}{}. {}; mend the web service, then {}", fmt::join(record.last->blocking, "; "),
                         unnamed != 0 ? fmt::format("; and {} more", unnamed) : "", whereToRead(run),
                         kubectlTest(integration)));
}

std::string describeRun(const api::FunctionalTestStatus& run) {
  std::string text = fmt::format("{} checks passed", run.passed);
  const std::pair<std::int64_t, std::string_view> others[] = {
      {run.warned, "with a warning"}, {run.failed, "failed"}, {run.skipped, "skipped"}};
  for (const auto& [count, word] : others) {
    if (count != 0) text += fmt::format(", {} {}", count, word);
  }
  return text + fmt::format(" at {} ({}, profile {})", run.finishedAt, run.runID, run.profile);
}

std::string reportName(const std::string& integration) {
  constexpr std::string_view suffix = "-functional-tests";
  constexpr std::size_t longest = 253;
  const bool fits = integration.size() + suffix.size() <= longest;
  return (fits ? integration : "mpay-" + crypto::sha256Hex(integration).substr(0, 2 * kIdDigits)) + std::string(suffix);
}

api::OwnerReference ownerReferenceTo(const api::MPayIntegration& integration) {
  api::OwnerReference owner;
  owner.apiVersion = api::MPayIntegration::kResource.apiVersion();
  owner.kind = api::MPayIntegration::kResource.kind;
  owner.name = integration.metadata.name.value_or("");
  owner.uid = integration.metadata.uid.value_or("");
  return owner;
}

WallTime retryOf(std::int64_t attempts, double jitter, WallTime now) {
  constexpr std::chrono::seconds kFirst{60}, kMost{3600};
  auto wait = kFirst;
  for (std::int64_t i = 1; i < attempts && wait < kMost; ++i) wait *= 2;
  wait = std::min(wait, kMost);
  return now + wait + std::chrono::seconds(static_cast<std::int64_t>(jitter * static_cast<double>(wait.count()) / 4));
}

}  // namespace mpay::onboarding
