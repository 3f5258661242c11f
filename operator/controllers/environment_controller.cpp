#include "controllers/environment_controller.h"

#include <algorithm>

#include "base/log.h"
#include "controllers/departures.h"
#include "crypto/digest.h"
#include "onboarding/rotation.h"

namespace mpay::controllers {
namespace {

std::set<api::ObjectKey> credentialsOf(const api::MPayEnvironment& environment, const std::string& namespace_) {
  std::set<api::ObjectKey> keys;
  for (const auto& channel : environment.spec.notifications.channels) {
    if (channel.smtp && channel.smtp->credentialsSecretRef)
      keys.insert({namespace_, channel.smtp->credentialsSecretRef->name});
  }
  return keys;
}

const api::ContentSource* testerAuthorities(const api::MPayEnvironment& environment) {
  const auto& tester = environment.spec.tester;
  return tester && tester->authorities ? &*tester->authorities : nullptr;
}

void tellAuthorities(runtime::EventRecorder& events, const api::MPayEnvironment& environment,
                     const onboarding::Verdict& authorities, const std::vector<api::Condition>* before,
                     const std::vector<api::Condition>& now) {
  const auto* condition = api::findCondition(now, "AuthoritiesValid");
  const auto* known = before ? api::findCondition(*before, "AuthoritiesValid") : nullptr;
  if (!authorities.warns || (known && known->message == condition->message)) return;
  events.record(runtime::referenceTo(environment), runtime::EventType::Warning, condition->reason, "Watch",
                condition->message);
}

}  // namespace

EnvironmentController::EnvironmentController(kube::Client& client, const Clock& clock, cluster::Caches& caches,
                                             cluster::Claims& claims, runtime::EventRecorder& events,
                                             std::function<bool()> mayWrite)
    : client_(client),
      clock_(clock),
      caches_(caches),
      claims_(claims),
      events_(events),
      mayWrite_(std::move(mayWrite)) {}

void EnvironmentController::readRecords(const api::MPayEnvironment& environment, const cluster::Outputs& outputs) {
  const std::string name = environment.metadata.name.value_or("");
  auto read = ledger::Assignments::read(outputs.ofComponent(ledger::kAssignment),
                                        environment.spec.tenants.idnoLabel.has_value());
  claims_.assign(environment.metadata.uid.value_or(""), std::move(read.assignments));
  std::map<std::string, Damage> damaged;
  const auto place = [&](const std::string& record) {
    return fmt::format("ConfigMap {}/{}", outputs.namespaceName(), record);
  };
  for (const auto& [record, problem] : read.problems)
    damaged[record] = {"MalformedAssignment", fmt::format("{} assigns nothing: {}", place(record), problem)};
  for (const auto& object : outputs.ofComponent(ledger::kWithdrawal)) {
    if (ledger::contentOf<ledger::WithdrawalRecord>(object)) continue;
    const auto record = object->metadata.name.value_or("");
    damaged[record] = {
        "MalformedWithdrawal",
        fmt::format("{} cannot be read, so production goes on; restore it, or delete it, which counts as "
                    "a deletion of that moment",
                    place(record))};
  }
  const auto before = damaged_.with([&](auto& all) { return std::exchange(all[name], damaged); });
  for (const auto& [record, damage] : damaged) {
    if (const auto told = before.find(record); told != before.end() && told->second == damage) continue;
    events_.record(runtime::referenceTo(environment), runtime::EventType::Warning, damage.reason, "Read", damage.words);
  }
}

Result<std::shared_ptr<const onboarding::Settings>> EnvironmentController::settingsOf(
    const api::MPayEnvironment& environment) {
  const auto content = caches_.content(environment.spec.trust.authorities, caches_.resourceNamespace());
  const auto* tls = testerAuthorities(environment);
  const auto ofTester = tls ? caches_.content(*tls, caches_.resourceNamespace()) : onboarding::Content{};
  const auto summary = [](const onboarding::Content& bytes) {
    return !bytes ? std::string() : *bytes ? crypto::sha256Hex(**bytes) : bytes->error().message;
  };
  const std::string name = environment.metadata.name.value_or("");
  Examined now{environment.metadata.uid.value_or(""), environment.metadata.generation.value_or(0), summary(content),
               summary(ofTester)};
  return examined_.with([&](auto& all) {
    auto& known = all[name];
    if (known.uid == now.uid && known.generation == now.generation && known.authorities == now.authorities &&
        known.testerAuthorities == now.testerAuthorities)
      return known.settings;
    now.settings = onboarding::examineEnvironment(environment, content, ofTester);
    known = std::move(now);
    return known.settings;
  });
}

Result<runtime::Outcome> EnvironmentController::reconcile(const api::ObjectKey& key, std::stop_token stop) {
  auto environment = caches_.environments().get(key);
  if (!environment) {
    caches_.forgetReferences("environment " + key.name);
    publishers_.with([&](auto& all) { all.erase(key.name); });
    caches_.forget(key.name);
    std::set<std::string> left;
    for (const auto& other : caches_.environments().list()) left.insert(other->metadata.uid.value_or(""));
    claims_.keepOnly(left);
    return runtime::Outcome{};
  }
  std::vector<const api::ContentSource*> sources{&environment->spec.trust.authorities};
  if (const auto* tls = testerAuthorities(*environment)) sources.push_back(tls);
  caches_.refer("environment " + key.name, sources, {}, caches_.resourceNamespace(),
                credentialsOf(*environment, caches_.resourceNamespace()));
  const auto outputs = caches_.outputs(*environment);
  const bool ending = environment->metadata.deletionTimestamp.has_value();
  // Asked before the fragments are read: an integration that has left by now is in none of the fragments read.
  const auto keptBy = ending ? whatKeeps(*environment, *outputs) : std::nullopt;
  if (ending && !keptBy && environment->spec.deletionPolicy == api::EnvironmentDeletionPolicy::Delete) {
    TRY(outputs->removeAggregatesBut({}, stop));
    TRY(outputs->removePoliciesBut({}, stop));
    TRY(setFinalizer(*environment, false, stop));
    return runtime::Outcome{};
  }
  if (!ending && TRY(setFinalizer(*environment, true, stop))) {
    environment = caches_.environments().get(key);
    if (!environment) return runtime::Outcome{};
  }

  cluster::EnvironmentState state = caches_.environmentState(*environment);
  state.generation = environment->metadata.generation.value_or(0);
  state.settings = settingsOf(*environment);
  if (const auto problem = outputs->problem()) {
    state.settings = refuse(
        "OutputNamespaceUnavailable",
        fmt::format("the output namespace {} cannot be read: {}", environment->spec.outputNamespace, problem->message));
  }
  state.synced = outputs->synced();
  // Published also while the settings are unusable: a withdrawn integration must leave.
  Result<cluster::Publisher::Outcome> published;
  if (state.synced) {
    readRecords(*environment, *outputs);
    const auto publisher = publishers_.with([&](auto& all) {
      auto& slot = all[key.name];
      if (!slot) slot = std::make_shared<cluster::Publisher>();
      return slot;
    });
    const auto uid = environment->metadata.uid.value_or("");
    claims_.publishing(uid);
    published = publisher->publish({*environment, state.settings ? *state.settings : nullptr}, *outputs,
                                   clock_.monotonic(), stop);
    if (published && !published->wait) {
      state.aggregateProblem = published->conflict;
      if (published->aggregated) state.aggregated = published->aggregated;
    }
    if (published && published->wait) claims_.notLookedAt(uid);
    if (published && published->aggregated)
      claims_.published(uid, ledger::heldByOthers(*claims_.assignments(uid), publisher->fragments()));
  }
  caches_.publish(key.name, state);
  if (published && published->wait && (ending || environment->status)) return runtime::Outcome{published->wait};
  if (ending && !keptBy) {
    // Nothing can be written where the namespace went first.
    if (!published && !published.error().isNotFound()) return fail(published.error());
    TRY(setFinalizer(*environment, false, stop));
    return runtime::Outcome{};
  }
  // Reading anew after a restart changes nothing in the status.
  const bool isReading = state.settings ? !state.synced : onboarding::isBeingRead(state.settings.error());
  if (isReading && environment->status) return runtime::Outcome{};
  onboarding::Publication publication;
  publication.keptBy = keptBy;
  if (!state.settings) publication.unusable = state.settings.error();
  if (!published) publication.failed = published.error();
  publication.read = state.synced;
  publication.conflict = state.aggregateProblem;
  std::optional<WallTime> nextInstant;
  const auto authorities =
      state.settings ? onboarding::judgeAuthorities((*state.settings)->authorities,
                                                    environment->spec.trust.certificates.expiryWarnings, clock_.now(),
                                                    nextInstant, (*state.settings)->certificates)
                     : onboarding::unknown(state.settings.error());
  TRY(writeStatus(*environment, publication, authorities, state.aggregated->size(), stop));
  auto done = TRY(std::move(published));
  if (done.unrestored) return fail(std::move(*done.unrestored));
  return soonest(lookAgain(clock_, nextInstant), runtime::Outcome{done.wait});
}

Result<bool> EnvironmentController::setFinalizer(const api::MPayEnvironment& environment, bool wanted,
                                                 const std::stop_token& stop) {
  return patchFinalizer(client_, caches_.environments(), environment, ledger::kEnvironmentFinalizer, wanted, mayWrite_,
                        stop);
}

Result<void> EnvironmentController::writeStatus(const api::MPayEnvironment& environment,
                                                const onboarding::Publication& publication,
                                                const onboarding::Verdict& authorities, std::size_t integrations,
                                                const std::stop_token& stop) {
  api::MPayEnvironmentStatus status;
  status.observedGeneration = environment.metadata.generation.value_or(0);
  status.integrations = static_cast<std::int64_t>(integrations);
  status.conditions = onboarding::environmentConditions(
      environment, onboarding::judgePublication(publication, environment.spec.outputNamespace), authorities,
      clock_.now());
  if (environment.status && json::equal(*environment.status, status)) return {};
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  auto written = kube::Api<api::MPayEnvironment>(client_).applyStatus(environment, status, stop);
  if (!written) return written.error().isNotFound() ? Result<void>{} : fail(written.error());
  caches_.environments().remember(std::move(*written));
  const auto* before = environment.status ? &environment.status->conditions : nullptr;
  tellReady(events_, environment, before, status.conditions);
  tellAuthorities(events_, environment, authorities, before, status.conditions);
  return {};
}

std::optional<std::string> EnvironmentController::whatKeeps(const api::MPayEnvironment& environment,
                                                            const cluster::Outputs& outputs) const {
  if (const auto users = caches_.integrationsOf(environment.metadata.name.value_or("")); !users.empty())
    return fmt::format("{} integrations that use it, the first is {}", users.size(), users.front().text());
  if (!outputs.synced()) {
    const auto problem = outputs.problem();
    return fmt::format("the output namespace {} to be read{}", outputs.namespaceName(),
                       problem ? ": " + problem->message : "");
  }
  for (const auto& object : outputs.ofComponent(ledger::kWithdrawal)) {
    const auto record = ledger::remembered<ledger::WithdrawalRecord>(*object);
    if (!record) return fmt::format("{} to be restored: it cannot be read", object->metadata.name.value_or(""));
    if (record->dueAt) {
      return fmt::format("the withdrawal of {}/{}, which is due at {}", record->holder.namespace_, record->holder.name,
                         *record->dueAt);
    }
  }
  // An integration that names another environment now may not have left this one yet. Once this environment is gone,
  // nothing would end its service.
  for (const auto& object : outputs.ofComponent(ledger::kFragment)) {
    const auto fragment = ledger::remembered<ledger::Fragment>(*object);
    if (!fragment) return fmt::format("{} to be restored: it cannot be read", object->metadata.name.value_or(""));
    const api::ObjectKey key{fragment->holder.namespace_, fragment->holder.name};
    // A retained integration of production stays.
    if (!cluster::recall<ledger::WithdrawalRecord>(outputs, key)) return fmt::format("{} to leave it", key.text());
  }
  return std::nullopt;
}

}  // namespace mpay::controllers
