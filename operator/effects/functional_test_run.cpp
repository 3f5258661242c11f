#include "effects/functional_test_run.h"

#include "base/random.h"
#include "cluster/secrets.h"
#include "conformance/endpoint.h"
#include "conformance/suite.h"
#include "crypto/digest.h"
#include "onboarding/functional_testing.h"

namespace mpay::effects {
namespace {

using api::TestOutcome;

constexpr std::size_t kNamedFailures = 3;

// Notes whether any call had more than no connection or no answer, which may pass by itself.
class Observed final : public conformance::Endpoint {
 public:
  explicit Observed(conformance::Endpoint& inner) : inner_(inner) {}
  Result<net::Response> post(std::string_view operation, const std::string& envelope, Duration timeout,
                             const std::stop_token& stop) override {
    auto response = inner_.post(operation, envelope, timeout, stop);
    wasReached_ =
        wasReached_ || response || !(response.error().reason.empty() || response.error().reason == "Unreachable");
    wasAsked_ = true;
    return response;
  }
  bool wasReached() const { return wasReached_ || !wasAsked_; }

 private:
  conformance::Endpoint& inner_;
  bool wasReached_ = false, wasAsked_ = false;
};

std::string decoded(const api::Secret& secret, const std::string& name) {
  const auto value = secret.data.find(name);
  return value == secret.data.end() ? "" : crypto::fromBase64(value->second).value_or("");
}

// A certificate and its key, of a Secret in the operator's namespace.
struct Pair {
  std::string certificate;
  crypto::SecretText key;
};

// Errors: ReferenceNotFound, naming `what`.
Result<Pair> readPair(kube::Client& client, const api::ObjectKey& key, std::string_view what,
                      const std::stop_token& stop) {
  auto read = kube::Api<api::Secret>(client).get(key, stop);
  if (!read && (read.error().isForbidden() || read.error().isNotFound())) {
    return refuse("ReferenceNotFound",
                  fmt::format("the Secret {} with {} {}", key.text(), what,
                              read.error().isNotFound() ? "does not exist" : "may not be read by the operator"));
  }
  const cluster::GuardedSecret secret(TRY(std::move(read)));
  return Pair{decoded(secret.secret, "tls.crt"), crypto::SecretText(decoded(secret.secret, "tls.key"))};
}

Result<conformance::Subject> subjectOf(const RunQuestion& question, const Pair& signing) {
  const auto& intent = *question.record.intended;
  auto signer = soap::Signer::parse(signing.certificate, signing.key.view());
  if (!signer) {
    return fail(within(fmt::format("the Secret {}/{} with the tester's key", question.resourceNamespace,
                                   question.environment.spec.tester->signingKeySecretRef.name),
                       signer.error()));
  }
  auto registered = crypto::Certificate::parseBase64(intent.certificate);
  if (!registered) return fail(within("the certificate of the run", registered.error()));
  conformance::Subject subject{
      intent.serviceID,          std::move(*registered), std::move(*signer), soap::Algorithm::RsaSha1, {}, {}, {},
      question.record.holder.uid};
  subject.algorithm = soap::parseAlgorithm(intent.signatureAlgorithm).value_or(soap::Algorithm::RsaSha1);
  if (!intent.orders || !intent.orders->known || !intent.orders->unknown)
    return refuse("TestDataMissing", "what is remembered of the run is damaged: it names no orders");
  const auto& known = *intent.orders->known;
  const auto amount = soap::Amount::parse(known.amount);
  if (!amount) return refuse("InvalidField", "functionalTests.known.amount is no amount");
  subject.known = {known.orderKey, *amount, known.currency};
  subject.unknownKey = intent.orders->unknown->orderKey;
  if (intent.orders->payable) {
    subject.payable = conformance::PayableOrder{intent.orders->payable->orderKey, {}, {}};
    for (const auto& paid : question.record.amounts) {
      if (paid.orderKey != subject.payable->key) continue;
      // An amount treated as unknown would be read anew, and another one paid.
      const auto remembered = soap::Amount::parse(paid.amount);
      if (!remembered) return refuse("InvalidField", "what is remembered of the payable order's amount is no amount");
      subject.payable->amount = *remembered;
      subject.payable->inParts = paid.inParts;
    }
  }
  return subject;
}

}  // namespace

Result<FinishedRun> runFunctionalTests(kube::Client& client, const Clock& clock, const RunQuestion& question,
                                       const RunHooks& hooks, const std::stop_token& stop) {
  const auto& intent = *question.record.intended;
  const auto& settings = question.settings;
  conformance::Plan plan;
  plan.profile = conformance::Profile::of(intent.profile.name, intent.profile.required, intent.profile.recommended);
  plan.limits.total = settings.deadline;
  plan.limits.request = settings.timeout;
  if (intent.notApplicable) return FinishedRun{conformance::reportNotApplicable(plan, *intent.notApplicable)};
  const auto& declared = *question.environment.spec.tester;
  const auto read = [&](const std::string& name, std::string_view what) {
    return readPair(client, {question.resourceNamespace, name}, what, stop);
  };
  const auto signing = TRY(read(declared.signingKeySecretRef.name, "the tester's key"));
  const auto subject = TRY(subjectOf(question, signing));
  std::optional<Pair> own;
  if (declared.clientCertificateSecretRef)
    own = TRY(read(declared.clientCertificateSecretRef->name, "the tester's client certificate"));
  const auto& shown = own ? *own : signing;
  const auto endpoint = TRY(conformance::HttpsEndpoint::of(
      {intent.url, settings.authorities, settings.permitted, shown.certificate, std::string(shown.key.view())}));
  TRY(hooks.begins());
  Observed observed(*endpoint);
  // A record that cannot be written is no failure of the web service: the run is repeated.
  std::optional<Error> unwritten;
  const auto record = [&](soap::Amount amount, bool inParts) {
    auto recorded = hooks.recordAmount({subject.payable->key, amount.text(), inParts});
    if (!recorded) unwritten = recorded.error();
    return recorded;
  };
  auto report = conformance::run(subject, plan, {observed, clock, randomId, record}, stop);
  if (unwritten) return fail(std::move(*unwritten));
  return FinishedRun{std::move(report), observed.wasReached()};
}

ledger::TestResult resultOf(const ledger::TestIntent& intent, const FinishedRun& run, const std::string& startedAt,
                            WallTime now) {
  const auto& report = run.report;
  ledger::TestResult result{intent.subject, intent.requests, 0, {}, {}, {}};
  auto& status = result.status;
  status.runID = intent.id;
  status.outcome = report.passed()  ? TestOutcome::Passed
                   : run.wasReached ? TestOutcome::Failed
                                    : TestOutcome::Unreachable;
  status.digest = intent.digest;
  status.profile = report.profile.name;
  status.startedAt = startedAt;
  status.finishedAt = formatTime(now);
  status.passed = report.count(conformance::Outcome::pass);
  status.warned = report.count(conformance::Outcome::warn);
  status.failed = report.count(conformance::Outcome::fail);
  status.skipped = report.count(conformance::Outcome::skipped);
  // Blocking failures come first, then other blocking findings (not judged because of a failure), then failures that do
  // not block.
  const auto note = [&](const conformance::Finding& finding) {
    status.failedChecks.emplace_back(finding.check->id);
    if (finding.blocks() && result.blocking.size() < kNamedFailures)
      result.blocking.push_back(fmt::format("{}: {}", finding.check->id, finding.message));
  };
  using Choice = bool (*)(const conformance::Finding&);
  const Choice order[] = {
      [](const auto& f) { return f.outcome == conformance::Outcome::fail && f.blocks(); },
      [](const auto& f) { return f.outcome != conformance::Outcome::fail && f.blocks(); },
      [](const auto& f) { return f.outcome == conformance::Outcome::fail && !f.blocks(); },
  };
  for (const auto isChosen : order) {
    for (const auto& finding : report.findings) {
      if (isChosen(finding)) note(finding);
    }
  }
  if (status.outcome == TestOutcome::Unreachable) {
    result.attempt = intent.attempt + 1;
    result.retryAt = formatTime(onboarding::retryOf(result.attempt, jitter(), now));
  }
  return result;
}

}  // namespace mpay::effects
