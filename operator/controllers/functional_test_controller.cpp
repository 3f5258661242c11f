#include "controllers/functional_test_controller.h"

#include <random>

#include "base/log.h"
#include "base/random.h"
#include "base/stop.h"
#include "controllers/secrets.h"
#include "controllers/test_report.h"
#include "crypto/digest.h"
#include "onboarding/decide.h"

namespace mpay::controllers {
namespace {

using api::TestOutcome;
using onboarding::TestRecord;
using onboarding::TestResult;

constexpr std::size_t kNamedFailures = 3;
constexpr int kConflicts = 10;
constexpr Duration kPauseAfterConflict{100};
constexpr Duration kPauseAfterProblem{30'000};

// Calls it when it goes.
template <class F>
class AtEnd {
 public:
  explicit AtEnd(F f) : f_(std::move(f)) {}
  ~AtEnd() { f_(); }
  AtEnd(const AtEnd&) = delete;
  AtEnd& operator=(const AtEnd&) = delete;

 private:
  F f_;
};

double jitter() {
  static thread_local std::random_device source;
  return static_cast<double>(source()) / static_cast<double>(std::random_device::max());
}

// Notes whether there ever was more than no connection or no answer, which may pass by itself.
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

TestResult resultOf(const onboarding::TestIntent& intent, const conformance::Report& report, bool wasReached,
                    const std::string& startedAt, WallTime now) {
  TestResult result{intent.subject, intent.requests, 0, {}, {}, {}};
  auto& status = result.status;
  status.runID = intent.id;
  status.outcome = report.passed() ? TestOutcome::Passed : wasReached ? TestOutcome::Failed : TestOutcome::Unreachable;
  status.digest = intent.digest;
  status.profile = report.profile.name;
  status.startedAt = startedAt;
  status.finishedAt = formatTime(now);
  status.passed = report.count(conformance::Outcome::pass);
  status.warned = report.count(conformance::Outcome::warn);
  status.failed = report.count(conformance::Outcome::fail);
  status.skipped = report.count(conformance::Outcome::skipped);
  // What failed before what could not be judged because of that, and what blocks before what does not.
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

}  // namespace

FunctionalTestController::FunctionalTestController(kube::Client& client, const Clock& clock, Caches& caches,
                                                   runtime::EventRecorder& events, std::function<bool()> mayWrite,
                                                   std::function<void(const ObjectKey&)> wake)
    : client_(client),
      clock_(clock),
      caches_(caches),
      events_(events),
      mayWrite_(std::move(mayWrite)),
      wake_(std::move(wake)) {}

std::optional<FunctionalTestController::Place> FunctionalTestController::placeOf(const ObjectKey& key) {
  Place place;
  place.integration = caches_.integrations().get(key);
  if (!place.integration || place.integration->metadata.deletionTimestamp) return std::nullopt;
  place.environment = caches_.environments().get({"", place.integration->spec.environments.testing});
  if (!place.environment) return std::nullopt;
  place.outputs = caches_.outputs(*place.environment);
  const auto object = place.outputs->own(onboarding::memoryName(onboarding::kTests, key));
  auto record = contentOf<TestRecord>(object);
  if (!record || record->holder.uid != place.integration->metadata.uid) return std::nullopt;
  place.record = std::move(*record);
  place.version = object->metadata.resourceVersion.value_or("");
  return place;
}

void FunctionalTestController::reconsider(const ObjectKey& key) {
  const bool isActive = active_.with([&](const auto& all) { return all.contains(key); });
  if (!isActive) return;
  const auto place = placeOf(key);
  const bool mayRun = place && place->record.intended && !place->integration->spec.suspend;
  active_.with([&](auto& all) {
    const auto run = all.find(key);
    if (run != all.end() && (!mayRun || run->second.id != place->record.intended->id)) run->second.stop.request_stop();
  });
}

Result<runtime::Outcome> FunctionalTestController::reconcile(const ObjectKey& key, std::stop_token stop) {
  const auto place = placeOf(key);
  TRY(removeRequests(key, place, stop));
  if (place && place->record.intended && !place->integration->spec.suspend) return carryOut(*place, stop);
  if (!place || !place->record.intended) finished_.with([&](auto& all) { all.erase(key); });
  return runtime::Outcome{};
}

Result<runtime::Outcome> FunctionalTestController::carryOut(const Place& place, const std::stop_token& stop) {
  const auto key = place.integration->metadata.key();
  const auto& intent = *place.record.intended;
  auto finished = finished_.with([&](auto& all) {
    const auto found = all.find(key);
    return found != all.end() && found->second.id == intent.id ? std::optional(found->second) : std::nullopt;
  });
  if (finished) {
    TRY(finish(place, std::move(*finished), stop));
    return runtime::Outcome{};
  }
  // Nobody else may be asked for under this ServiceID: what is confirmed there could be shown to its holder.
  const auto claim = recall<onboarding::Claim>(*place.outputs, onboarding::kClaim, key);
  if (!claim || claim->serviceID != intent.serviceID || claim->holder.uid != place.record.holder.uid)
    return runtime::Outcome{};
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  if (intent.notApplicable) return begin(place, stop);
  const auto host = net::hostOf(intent.url);
  if (!hosts_.take(host, key)) return runtime::Outcome{};  // woken when it is free
  const AtEnd leave([&] {
    for (const auto& waiting : hosts_.leave(host)) wake_(waiting);
  });
  return begin(place, stop);
}

Result<runtime::Outcome> FunctionalTestController::begin(const Place& place, const std::stop_token& stop) {
  const auto key = place.integration->metadata.key();
  const auto& intent = *place.record.intended;
  std::stop_source running;
  const std::stop_callback forward(stop, [&] { running.request_stop(); });
  active_.with([&](auto& all) { all.insert_or_assign(key, Active{intent.id, running}); });
  const AtEnd notActive([&] { active_.with([&](auto& all) { all.erase(key); }); });
  // What changed before it could be told of.
  reconsider(key);
  const auto startedAt = formatTime(clock_.now());
  bool wasReached = true;
  auto report = run(place, running.get_token(), wasReached);
  if (running.stop_requested()) {
    spdlog::info("integration {}: functional tests {} are ended: {}", key.text(), intent.id,
                 stop.stop_requested() ? "the operator stops" : "they are not intended any more");
    return runtime::Outcome{};
  }
  if (!report && report.error().kind != ErrorKind::Invalid && report.error().kind != ErrorKind::Crypto)
    return fail(std::move(report).error());
  if (!report) {
    if (place.record.problem != report.error().message)
      spdlog::warn("integration {}: functional tests cannot begin: {}", key.text(), report.error().message);
    TRY(noteProblem(place, report.error().message, stop));
    return runtime::Outcome{kPauseAfterProblem + Duration(static_cast<std::int64_t>(jitter() * 15'000))};
  }
  Finished finished{intent.id, resultOf(intent, *report, wasReached, startedAt, clock_.now()),
                    renderReport(*place.integration, *report, intent.language, intent.id)};
  finished_.with([&](auto& all) { all.insert_or_assign(key, finished); });
  spdlog::info("integration {}: functional tests: {}, {}", key.text(), json::nameOf(finished.result.status.outcome),
               onboarding::describeRun(finished.result.status));
  TRY(finish(place, std::move(finished), stop));
  return runtime::Outcome{};
}

Result<FunctionalTestController::Pair> FunctionalTestController::readPair(const std::string& name,
                                                                          std::string_view what,
                                                                          const std::stop_token& stop) {
  const ObjectKey key{caches_.resourceNamespace(), name};
  auto read = kube::Api<api::Secret>(client_).get(key, stop);
  if (!read && (read.error().isForbidden() || read.error().isNotFound())) {
    return refuse("ReferenceNotFound",
                  fmt::format("the Secret {} with {} {}", key.text(), what,
                              read.error().isNotFound() ? "does not exist" : "may not be read by the operator"));
  }
  const GuardedSecret secret(TRY(std::move(read)));
  return Pair{decoded(secret.secret, "tls.crt"), crypto::SecretText(decoded(secret.secret, "tls.key"))};
}

Result<conformance::Subject> FunctionalTestController::subjectOf(const Place& place, const Pair& signing) {
  const auto& intent = *place.record.intended;
  auto signer = soap::Signer::parse(signing.certificate, signing.key.view());
  if (!signer) {
    return fail(within(fmt::format("the Secret {}/{} with the tester's key", caches_.resourceNamespace(),
                                   place.environment->spec.tester->signingKeySecretRef.name),
                       signer.error()));
  }
  auto registered = crypto::Certificate::parseBase64(intent.certificate);
  if (!registered) return fail(within("the certificate of the run", registered.error()));
  conformance::Subject subject{
      intent.serviceID,       std::move(*registered), std::move(*signer), soap::Algorithm::RsaSha1, {}, {}, {},
      place.record.holder.uid};
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
    for (const auto& paid : place.record.amounts) {
      if (paid.orderKey != subject.payable->key) continue;
      // Taken as unknown it would be read anew, and another amount paid.
      const auto remembered = soap::Amount::parse(paid.amount);
      if (!remembered) return refuse("InvalidField", "what is remembered of the payable order's amount is no amount");
      subject.payable->amount = *remembered;
      subject.payable->inParts = paid.inParts;
    }
  }
  return subject;
}

Result<conformance::Report> FunctionalTestController::run(const Place& place, const std::stop_token& stop,
                                                          bool& wasReached) {
  const auto& intent = *place.record.intended;
  const auto state = caches_.environmentState(*place.environment);
  // While the environment is being read nobody has to mend anything.
  if (!state.settings) return fail(ErrorKind::Cancelled, state.settings.error().message);
  const auto& tester = (*state.settings)->tester;
  if (!tester || !place.environment->spec.tester) return fail(ErrorKind::Cancelled, "the environment has no tester");
  if (!*tester && onboarding::isBeingRead(tester->error())) return fail(ErrorKind::Cancelled, tester->error().message);
  if (!*tester) return fail(tester->error());
  const auto& settings = **tester;
  conformance::Plan plan;
  plan.profile = conformance::Profile::of(intent.profile);
  plan.limits.total = settings.deadline;
  plan.limits.request = settings.timeout;
  if (intent.notApplicable) return conformance::reportNotApplicable(plan, *intent.notApplicable);
  const auto& declared = *place.environment->spec.tester;
  const auto signing = TRY(readPair(declared.signingKeySecretRef.name, "the tester's key", stop));
  const auto subject = TRY(subjectOf(place, signing));
  std::optional<Pair> client;
  if (declared.clientCertificateSecretRef)
    client = TRY(readPair(declared.clientCertificateSecretRef->name, "the tester's client certificate", stop));
  const auto& shown = client ? *client : signing;
  const auto endpoint = TRY(conformance::HttpsEndpoint::of(
      {intent.url, settings.authorities, settings.permitted, shown.certificate, std::string(shown.key.view())}));
  if (place.record.problem) TRY(noteProblem(place, std::nullopt, stop));
  spdlog::info("integration {}: functional tests {} begin at {}", place.integration->metadata.key().text(), intent.id,
               intent.url);
  Observed observed(*endpoint);
  // What keeps the amount from being written down is no failure of the web service: the run is repeated.
  std::optional<Error> unwritten;
  const auto record = [&](soap::Amount amount, bool inParts) {
    auto recorded = recordAmount(place, {subject.payable->key, amount.text(), inParts}, stop);
    if (!recorded) unwritten = recorded.error();
    return recorded;
  };
  auto report = conformance::run(subject, plan, {observed, clock_, randomId, record}, stop);
  if (unwritten) return fail(std::move(*unwritten));
  wasReached = observed.wasReached();
  return report;
}

// The record as it is now, changed and written; what others write meanwhile is kept.
Result<void> FunctionalTestController::write(const Place& place, const std::function<void(TestRecord&)>& change,
                                             const std::stop_token& stop) {
  const auto key = place.integration->metadata.key();
  for (int attempt = 0;; ++attempt) {
    const auto now = placeOf(key);
    if (!now || now->record.holder != place.record.holder) return fail(ErrorKind::Cancelled, "the integration is gone");
    auto record = now->record;
    change(record);
    if (record == now->record) return {};
    auto metadata = onboarding::memoryMeta(now->environment->spec.outputNamespace, onboarding::kTests,
                                           now->environment->metadata.name.value_or(""), key);
    metadata.resourceVersion = now->version;
    auto written = now->outputs->ensure(onboarding::remember(std::move(metadata), record), stop);
    if (written) return {};
    // A watch is about to tell what the other one wrote.
    if (!written.error().isConflict() || attempt == kConflicts) return fail(std::move(written).error());
    if (!sleepUnlessStopped(kPauseAfterConflict, stop)) return fail(ErrorKind::Cancelled, "stopping");
  }
}

Result<void> FunctionalTestController::recordAmount(const Place& place, const onboarding::PayableAmount& amount,
                                                    const std::stop_token& stop) {
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  return write(
      place,
      [&](TestRecord& record) {
        auto& amounts = record.amounts;
        for (const auto& known : amounts) {
          if (known.orderKey == amount.orderKey) return;
        }
        if (amounts.size() >= onboarding::kAmountsKept) amounts.erase(amounts.begin());
        amounts.push_back(amount);
      },
      stop);
}

Result<void> FunctionalTestController::noteProblem(const Place& place, std::optional<std::string> problem,
                                                   const std::stop_token& stop) {
  return write(
      place, [&](TestRecord& record) { record.problem = std::move(problem); }, stop);
}

// The report before the record: once it says that the run has ended, nothing of it is left to do.
Result<void> FunctionalTestController::finish(const Place& place, Finished finished, const std::stop_token& stop) {
  const auto key = place.integration->metadata.key();
  auto& status = finished.result.status;
  if (finished.report) {
    status.reportProblem = TRY(writeReport(client_, *finished.report, mayWrite_, stop));
    if (!status.reportProblem) status.report = finished.report->metadata.name;
    finished.report.reset();
    finished_.with([&](auto& all) { all.insert_or_assign(key, finished); });
  }
  TRY(write(
      place,
      [&](TestRecord& record) {
        record.last = finished.result;
        record.problem.reset();
        if (record.intended && record.intended->id == finished.id) record.intended.reset();
      },
      stop));
  finished_.with([&](auto& all) { all.erase(key); });
  const bool passed = status.outcome == TestOutcome::Passed;
  events_.record(runtime::referenceTo(*place.integration),
                 passed ? runtime::EventType::Normal : runtime::EventType::Warning,
                 passed ? "FunctionalTestsPassed" : "FunctionalTestsFailed", "Test",
                 passed || finished.result.blocking.empty()
                     ? onboarding::describeRun(status)
                     : fmt::format("{}: {}", onboarding::describeRun(status), finished.result.blocking.front()));
  return {};
}

Result<void> FunctionalTestController::removeRequests(const ObjectKey& key, const std::optional<Place>& place,
                                                      const std::stop_token& stop) {
  const auto requests = caches_.testRequests(key);
  if (requests.empty()) return {};
  const auto integration = caches_.integrations().get(key);
  const auto environment =
      integration ? caches_.environments().get({"", integration->spec.environments.testing}) : nullptr;
  const bool isInVain = !integration || (environment && !environment->spec.tester);
  // Only once the status has the run: whoever asked waits for the request to go, and reads it there.
  const auto* last = place && place->record.last ? &*place->record.last : nullptr;
  const bool isTold = last && integration && integration->status && integration->status->functionalTests &&
                      integration->status->functionalTests->runID == last->status.runID;
  for (const auto& request : requests) {
    const auto uid = request->metadata.uid.value_or("");
    const bool isAnswered =
        isTold && std::find(last->requests.begin(), last->requests.end(), uid) != last->requests.end();
    if (request->metadata.deletionTimestamp || (!isInVain && !isAnswered)) continue;
    if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
    auto removed = kube::Api<api::MPayTestRequest>(client_).remove(request->metadata.key(), {uid, ""}, stop);
    // A right that is missing keeps no run from being carried out.
    if (!removed && removed.error().isForbidden()) {
      spdlog::warn("integration {}: {}", key.text(), removed.error().message);
    } else if (!removed && !removed.error().isConflict()) {
      return fail(std::move(removed).error());
    }
  }
  return {};
}

}  // namespace mpay::controllers
