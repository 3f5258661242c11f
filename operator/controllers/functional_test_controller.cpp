#include "controllers/functional_test_controller.h"

#include "base/log.h"
#include "base/random.h"
#include "effects/test_report.h"
#include "onboarding/decide.h"

namespace mpay::controllers {
namespace {

using api::TestOutcome;
using ledger::TestRecord;
using ledger::TestResult;

constexpr Duration kPauseAfterProblem{30'000};

// Calls the function on destruction.
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

}  // namespace

FunctionalTestController::FunctionalTestController(kube::Client& client, const Clock& clock, cluster::Caches& caches,
                                                   runtime::EventRecorder& events, std::function<bool()> mayWrite,
                                                   std::function<void(const api::ObjectKey&)> wake)
    : client_(client),
      clock_(clock),
      caches_(caches),
      events_(events),
      mayWrite_(std::move(mayWrite)),
      wake_(std::move(wake)) {}

std::optional<FunctionalTestController::Place> FunctionalTestController::placeOf(const api::ObjectKey& key) {
  Place place;
  place.integration = caches_.integrations().get(key);
  if (!place.integration || place.integration->metadata.deletionTimestamp) return std::nullopt;
  place.environment = caches_.environments().get({"", place.integration->spec.environments.testing});
  if (!place.environment) return std::nullopt;
  place.outputs = caches_.outputs(*place.environment);
  auto record = cluster::recall<TestRecord>(*place.outputs, key);
  if (!record || record->holder.uid != place.integration->metadata.uid) return std::nullopt;
  place.record = std::move(*record);
  return place;
}

void FunctionalTestController::reconsider(const api::ObjectKey& key) {
  const bool isActive = active_.with([&](const auto& all) { return all.contains(key); });
  if (!isActive) return;
  const auto place = placeOf(key);
  const bool mayRun = place && place->record.intended && !place->integration->spec.suspend;
  active_.with([&](auto& all) {
    const auto run = all.find(key);
    if (run != all.end() && (!mayRun || run->second.id != place->record.intended->id)) run->second.stop.request_stop();
  });
}

Result<runtime::Outcome> FunctionalTestController::reconcile(const api::ObjectKey& key, std::stop_token stop) {
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
  // The ServiceID must be claimed by this integration: what a run confirms could be shown to the ServiceID's holder.
  const auto claim = cluster::recall<ledger::Claim>(*place.outputs, key);
  if (!claim || claim->serviceID != intent.serviceID || claim->holder.uid != place.record.holder.uid)
    return runtime::Outcome{};
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  if (intent.notApplicable) return begin(place, stop);
  const auto host = net::hostOf(intent.url);
  if (!hosts_.take(host, key)) return runtime::Outcome{};  // woken when the host is free
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
  // Catches changes that came before the run was registered.
  reconsider(key);
  const auto startedAt = formatTime(clock_.now());
  auto finishedRun = run(place, running.get_token());
  if (running.stop_requested()) {
    spdlog::info("integration {}: functional tests {} are ended: {}", key.text(), intent.id,
                 stop.stop_requested() ? "the operator stops" : "they are not intended any more");
    return runtime::Outcome{};
  }
  if (!finishedRun && finishedRun.error().kind != ErrorKind::Invalid && finishedRun.error().kind != ErrorKind::Crypto)
    return fail(std::move(finishedRun).error());
  if (!finishedRun) {
    const auto& problem = finishedRun.error().message;
    if (place.record.problem != problem)
      spdlog::warn("integration {}: functional tests cannot begin: {}", key.text(), problem);
    TRY(noteProblem(place, problem, stop));
    return runtime::Outcome{kPauseAfterProblem + Duration(static_cast<std::int64_t>(jitter() * 15'000))};
  }
  Finished finished{intent.id, effects::resultOf(intent, *finishedRun, startedAt, clock_.now()),
                    effects::renderReport(*place.integration, finishedRun->report, intent.language, intent.id)};
  finished_.with([&](auto& all) { all.insert_or_assign(key, finished); });
  spdlog::info("integration {}: functional tests: {}, {}", key.text(), json::nameOf(finished.result.status.outcome),
               onboarding::describeRun(finished.result.status));
  TRY(finish(place, std::move(finished), stop));
  return runtime::Outcome{};
}

// Changes written by others meanwhile are kept.
Result<void> FunctionalTestController::write(const Place& place, const std::function<void(TestRecord&)>& change,
                                             const std::stop_token& stop) {
  const auto key = place.integration->metadata.key();
  TRY(place.outputs->update<TestRecord>(
      key,
      [&](const std::optional<TestRecord>& known) -> Result<std::optional<TestRecord>> {
        const auto integration = caches_.integrations().get(key);
        const bool isThere = integration && !integration->metadata.deletionTimestamp &&
                             integration->metadata.uid == place.integration->metadata.uid;
        if (!isThere || !known || known->holder != place.record.holder)
          return fail(ErrorKind::Cancelled, "the integration is gone");
        auto next = *known;
        change(next);
        return next == *known ? std::nullopt : std::optional(std::move(next));
      },
      stop));
  return {};
}

Result<effects::FinishedRun> FunctionalTestController::run(const Place& place, const std::stop_token& stop) {
  const auto state = caches_.environmentState(*place.environment);
  // While the environment is being read nobody has to correct anything.
  if (!state.settings) return fail(ErrorKind::Cancelled, state.settings.error().message);
  const auto& tester = (*state.settings)->tester;
  if (!tester || !place.environment->spec.tester) return fail(ErrorKind::Cancelled, "the environment has no tester");
  if (!*tester && onboarding::isBeingRead(tester->error())) return fail(ErrorKind::Cancelled, tester->error().message);
  if (!*tester) return fail(tester->error());
  const auto begins = [&]() -> Result<void> {
    if (place.record.problem) TRY(noteProblem(place, std::nullopt, stop));
    spdlog::info("integration {}: functional tests {} begin at {}", place.integration->metadata.key().text(),
                 place.record.intended->id, place.record.intended->url);
    return {};
  };
  return effects::runFunctionalTests(
      client_, clock_, {place.record, *place.environment, **tester, caches_.resourceNamespace()},
      {begins, [&](const ledger::PayableAmount& amount) { return recordAmount(place, amount, stop); }}, stop);
}

Result<void> FunctionalTestController::recordAmount(const Place& place, const ledger::PayableAmount& amount,
                                                    const std::stop_token& stop) {
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  return write(
      place,
      [&](TestRecord& record) {
        auto& amounts = record.amounts;
        for (const auto& known : amounts) {
          if (known.orderKey == amount.orderKey) return;
        }
        if (amounts.size() >= ledger::kAmountsKept) amounts.erase(amounts.begin());
        amounts.push_back(amount);
      },
      stop);
}

Result<void> FunctionalTestController::noteProblem(const Place& place, const std::optional<std::string>& problem,
                                                   const std::stop_token& stop) {
  return write(
      place, [&](TestRecord& record) { record.problem = problem; }, stop);
}

// Writes the report before the record: once the record tells that the run has ended, nothing is left to do.
Result<void> FunctionalTestController::finish(const Place& place, Finished finished, const std::stop_token& stop) {
  const auto key = place.integration->metadata.key();
  auto& status = finished.result.status;
  if (finished.report) {
    status.reportProblem = TRY(effects::writeReport(client_, *finished.report, mayWrite_, stop));
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

Result<void> FunctionalTestController::removeRequests(const api::ObjectKey& key, const std::optional<Place>& place,
                                                      const std::stop_token& stop) {
  const auto requests = caches_.testRequests(key);
  if (requests.empty()) return {};
  const auto integration = caches_.integrations().get(key);
  const auto environment =
      integration ? caches_.environments().get({"", integration->spec.environments.testing}) : nullptr;
  const bool isInVain = !integration || (environment && !environment->spec.tester);
  // A request is removed only when the status contains the run: its author waits for the removal, then reads the run
  // there.
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
    // A missing right to remove requests does not prevent runs.
    if (!removed && removed.error().isForbidden()) {
      spdlog::warn("integration {}: {}", key.text(), removed.error().message);
    } else if (!removed && !removed.error().isConflict()) {
      return fail(std::move(removed).error());
    }
  }
  return {};
}

}  // namespace mpay::controllers
