#include "controllers/integration_controller.h"

#include <algorithm>

#include "base/log.h"
#include "controllers/environment_controller.h"
#include "crypto/digest.h"

namespace mpay::controllers {
namespace {

using onboarding::memoryName;

template <class T>
std::optional<T> recall(const Outputs& outputs, std::string_view component, const ObjectKey& key) {
  const auto object = outputs.own(memoryName(component, key));
  if (!object) return std::nullopt;
  auto content = onboarding::remembered<T>(*object);
  if (!content) return std::nullopt;
  return std::move(*content);
}

// The revision that production serves: the last one.
void recallRevision(const Outputs& outputs, const ObjectKey& key, onboarding::EnvironmentSnapshot& into) {
  std::shared_ptr<const api::ControllerRevision> last;
  for (const auto& revision : outputs.revisions(key)) {
    if (!last || revision->revision > last->revision) last = revision;
  }
  if (!last) return;
  auto content = json::decode<onboarding::Revision>(last->data);
  auto verified = content ? onboarding::verifyRevision(*content) : Result<void>(fail(content.error()));
  if (!verified) {
    into.liveProblem = verified.error();
    return;
  }
  into.live = onboarding::NumberedRevision{last->revision, last->metadata.name.value_or(""),
                                           last->metadata.creationTimestamp.value_or(""), std::move(*content)};
}

Error pending(std::string what) { return Error{ErrorKind::Invalid, std::move(what), "Pending"}; }

Result<runtime::Outcome> lookAgain(const Clock& clock, const std::optional<WallTime>& at) {
  if (!at) return runtime::Outcome{};
  const auto wait = std::max(*at - clock.now(), std::chrono::seconds(0));
  return runtime::Outcome{std::min<Duration>(wait, std::chrono::hours(24))};
}

}  // namespace

IntegrationController::IntegrationController(kube::Client& client, const Clock& clock, Caches& caches, Claims& claims,
                                             runtime::EventRecorder& events, std::function<bool()> mayWrite)
    : client_(client),
      clock_(clock),
      caches_(caches),
      claims_(claims),
      events_(events),
      mayWrite_(std::move(mayWrite)) {}

Result<runtime::Outcome> IntegrationController::reconcile(const ObjectKey& key, std::stop_token stop) {
  auto integration = caches_.integrations().get(key);
  if (!integration) {
    caches_.refer("integration " + key.text(), {}, {}, "");
    return withdraw(key, stop, false);
  }
  if (integration->metadata.deletionTimestamp) {
    const auto outcome = TRY(withdraw(key, stop, integration->spec.deletionPolicy == api::DeletionPolicy::Retain));
    TRY(patchFinalizer(client_, caches_.integrations(), *integration, onboarding::kFinalizer, false, stop));
    return outcome;
  }
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  if (TRY(patchFinalizer(client_, caches_.integrations(), *integration, onboarding::kFinalizer, true, stop))) {
    integration = caches_.integrations().get(key);
    if (!integration) return runtime::Outcome{};
  }
  // Each round sees what the one before wrote; a promotion takes three.
  for (int round = 0; round < 6; ++round) {
    auto decided = decide(integration);
    if (!decided && decided.error().reason == "Pending") return runtime::Outcome{};  // a watch will tell
    if (!decided) return fail(decided.error());
    if (TRY(write(*decided, stop))) continue;
    TRY(writeStatus(*decided, stop));
    auto next = decided->plan.nextInstant;
    if (const auto& withdrawal = decided->snapshot.production.withdrawal;
        withdrawal && !decided->plan.forgetWithdrawal) {
      // Another integration of this name is still being withdrawn.
      if (const auto outputs = outputsOf(integration->spec.environments.production)) {
        return withdrawProduction(key, *outputs, *decided->snapshot.production.settings, false, stop);
      }
    }
    return lookAgain(clock_, next);
  }
  return fail(Error{ErrorKind::Api, "the outputs do not settle", "Unsettled"});
}

std::shared_ptr<Outputs> IntegrationController::outputsOf(const std::string& environment) {
  const auto object = caches_.environments().get({"", environment});
  return object ? caches_.outputs(*object) : nullptr;
}

void IntegrationController::loadClaims(const std::string& environment, const Outputs& outputs) {
  std::vector<onboarding::Claim> written;
  for (const auto& object : outputs.ofComponent(onboarding::kClaim)) {
    if (auto claim = onboarding::remembered<onboarding::Claim>(*object)) written.push_back(std::move(*claim));
  }
  claims_.load(environment, written);
}

onboarding::EnvironmentSnapshot IntegrationController::readEnvironment(const std::string& name, const ObjectKey& key) {
  onboarding::EnvironmentSnapshot snapshot;
  const auto outputs = outputsOf(name);
  if (!outputs) {
    snapshot.problem =
        Error{ErrorKind::Invalid, fmt::format("environment {} does not exist; the platform creates it", name),
              "EnvironmentNotFound"};
    return snapshot;
  }
  const auto state = caches_.environmentState(name);
  if (state.settings) {
    snapshot.settings = *state.settings;
  } else {
    snapshot.problem = state.settings.error();
  }
  snapshot.aggregateProblem = state.aggregateProblem;
  if (!outputs->synced()) {
    if (snapshot.settings) snapshot.problem = pending("the output namespace is being read");
    snapshot.settings = nullptr;
    return snapshot;
  }
  snapshot.read = true;
  loadClaims(name, *outputs);
  snapshot.withdrawal = recall<onboarding::WithdrawalRecord>(*outputs, onboarding::kWithdrawal, key);
  snapshot.effect = recall<onboarding::EffectRecord>(*outputs, onboarding::kEffects, key);
  if (const auto fragment = outputs->own(memoryName(onboarding::kFragment, key))) {
    if (auto content = onboarding::remembered<onboarding::Fragment>(*fragment)) {
      snapshot.fragment = std::move(*content);
      const auto aggregated = state.aggregated.find(memoryName(onboarding::kFragment, key));
      snapshot.aggregated = aggregated != state.aggregated.end() &&
                            aggregated->second == crypto::sha256Hex(fragment->data.at("content.json"));
    }
  }
  if (snapshot.settings) {
    const auto& registrar = snapshot.settings->spec.registrar.configMap;
    const auto service = (registrar ? registrar->name : "mpay-services") + "-" + onboarding::hashOf(key);
    snapshot.service = outputs->own(service);
    for (const auto& wanted : {service, memoryName(onboarding::kFragment, key), memoryName(onboarding::kClaim, key)}) {
      if (outputs->isForeign(wanted)) snapshot.foreign = wanted;
    }
  }
  recallRevision(*outputs, key, snapshot);
  return snapshot;
}

Result<onboarding::Snapshot> IntegrationController::read(
    const std::shared_ptr<const api::MPayIntegration>& integration) {
  const auto& spec = integration->spec;
  const ObjectKey key = integration->metadata.key();
  std::vector<const api::ContentSource*> sources;
  std::vector<const api::ContentReference*> references;
  if (spec.certificate) sources.push_back(&*spec.certificate);
  if (spec.service.logo) references.push_back(&*spec.service.logo);
  for (const auto& user : spec.backOfficeUsers) {
    if (user.signatureCertificate) sources.push_back(&*user.signatureCertificate);
  }
  caches_.refer("integration " + key.text(), sources, references, key.namespace_);

  onboarding::Snapshot snapshot;
  snapshot.integration = integration;
  snapshot.namespaceLabels = caches_.namespaceLabels(key.namespace_);
  if (spec.certificate) snapshot.certificate = caches_.content(*spec.certificate, key.namespace_);
  if (spec.service.logo) snapshot.logo = caches_.content(*spec.service.logo, key.namespace_);
  for (const auto& user : spec.backOfficeUsers) {
    if (user.signatureCertificate)
      snapshot.users.push_back(caches_.content(*user.signatureCertificate, key.namespace_));
  }
  snapshot.testing = readEnvironment(spec.environments.testing, key);
  snapshot.production = readEnvironment(spec.environments.production, key);
  for (const auto* environment : {&snapshot.testing, &snapshot.production}) {
    if (!environment->settings && environment->problem && environment->problem->reason == "Pending")
      return fail(*environment->problem);
  }
  snapshot.records = caches_.records(key);
  snapshot.admission = caches_.admission();
  return snapshot;
}

Result<IntegrationController::Round> IntegrationController::decide(
    const std::shared_ptr<const api::MPayIntegration>& integration) {
  Round round{TRY(read(integration)), {}, {}, {}, {}};
  const WallTime now = clock_.now();
  round.examination = onboarding::examine(round.snapshot, now);
  const auto& names = integration->spec.environments;
  if (round.examination.testingClaim && !integration->spec.suspend) {
    round.testing = claims_.reserve(names.testing, *round.examination.testingClaim,
                                    round.snapshot.testing.settings->addresses.shared);
    if (round.examination.productionClaim && !round.testing.service && !round.testing.certificate) {
      round.production = claims_.reserve(names.production, *round.examination.productionClaim,
                                         round.snapshot.production.settings->addresses.shared);
    }
  }
  round.plan = onboarding::decide(round.snapshot, round.examination, round.testing, round.production, now);
  return round;
}

Result<bool> IntegrationController::write(const Round& round, const std::stop_token& stop) {
  const auto& names = round.snapshot.integration->spec.environments;
  bool written = false;
  const auto ensure = [&](const std::string& environment, const std::vector<api::ConfigMap>& desired) -> Result<void> {
    const auto outputs = outputsOf(environment);
    for (const auto& object : desired) {
      auto result = outputs->ensure(object, stop);
      if (!result && result.error().reason == "NameConflict") continue;  // the condition says so
      written = TRY(std::move(result)) || written;
    }
    return {};
  };
  TRY(ensure(names.testing, round.plan.testing));
  TRY(ensure(names.production, round.plan.production));
  if (round.plan.forgetWithdrawal) {
    TRY(outputsOf(names.production)
            ->remove(memoryName(onboarding::kWithdrawal, round.snapshot.integration->metadata.key()), stop));
    written = true;
  }
  // The revision last: all that it rests on is in place. It is what makes production serve.
  if (round.plan.revision && !written) {
    TRY(outputsOf(names.production)->create(*round.plan.revision, stop));
    spdlog::info("integration {}: promoted, revision {}", round.snapshot.integration->metadata.key().text(),
                 round.plan.revision->revision);
    written = true;
  }
  return written;
}

Result<void> IntegrationController::writeStatus(const Round& round, const std::stop_token& stop) {
  const auto& integration = *round.snapshot.integration;
  const auto current = caches_.integrations().get(integration.metadata.key());
  const auto& known =
      current && current->metadata.uid == integration.metadata.uid ? current->status : integration.status;
  if (known && json::equal(*known, round.plan.status)) return {};
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  auto written = kube::Api<api::MPayIntegration>(client_).applyStatus(integration, round.plan.status, stop);
  if (!written) return written.error().isNotFound() ? Result<void>{} : fail(written.error());
  caches_.integrations().remember(std::move(*written));
  tell(round);
  return {};
}

// One Event for each new reason of Ready. Who holds what is told to the platform only.
void IntegrationController::tell(const Round& round) {
  const auto& integration = *round.snapshot.integration;
  const auto* ready = api::findCondition(round.plan.status.conditions, "Ready");
  const auto* stalled = api::findCondition(round.plan.status.conditions, "Stalled");
  const auto* before = integration.status ? api::findCondition(integration.status->conditions, "Ready") : nullptr;
  if (before && before->reason == ready->reason && before->message == ready->message) return;
  const bool warning = stalled->status == api::ConditionStatus::True;
  events_.record(runtime::referenceTo(integration), warning ? runtime::EventType::Warning : runtime::EventType::Normal,
                 ready->reason, "Reconcile", ready->message);
  const auto& names = integration.spec.environments;
  const std::tuple<const onboarding::Conflicts&, const std::string&, const std::optional<onboarding::Claim>&> both[] = {
      {round.testing, names.testing, round.examination.testingClaim},
      {round.production, names.production, round.examination.productionClaim}};
  for (const auto& [conflicts, name, claim] : both) {
    const auto environment = caches_.environments().get({"", name});
    if (!conflicts.any() || !environment || !claim) continue;
    events_.record(runtime::referenceTo(*environment), runtime::EventType::Warning, "ClaimConflict", "Claim",
                   fmt::format("{} claims what {} hold", integration.metadata.key().text(),
                               fmt::join(claims_.holders(name, *claim), ", ")));
  }
}

Result<runtime::Outcome> IntegrationController::withdraw(const ObjectKey& key, const std::stop_token& stop,
                                                         bool retain) {
  runtime::Outcome outcome;
  for (const auto& environment : caches_.environments().list()) {
    const std::string name = environment->metadata.name.value_or("");
    const auto outputs = caches_.outputs(*environment);
    if (!outputs->synced()) {
      // The finalizer must not go before the withdrawal is recorded.
      Error waiting{ErrorKind::Timeout, fmt::format("the output namespace of environment {} is not read yet", name)};
      waiting.retryAfter = std::chrono::seconds(outputs->problem() ? 10 : 1);
      return fail(std::move(waiting));
    }
    loadClaims(name, *outputs);
    if (environment->spec.stage == api::Stage::Production) {
      onboarding::Settings settings;
      settings.name = name;
      settings.spec = environment->spec;
      settings.withdrawalDelay = std::chrono::ceil<std::chrono::seconds>(
          parseDuration(environment->spec.withdrawal.delay).value_or(std::chrono::minutes(15)));
      const auto next = TRY(withdrawProduction(key, *outputs, settings, retain, stop));
      if (next.requeueAfter)
        outcome.requeueAfter = std::min(outcome.requeueAfter.value_or(*next.requeueAfter), *next.requeueAfter);
      continue;
    }
    for (const auto component : {onboarding::kFragment, onboarding::kClaim})
      TRY(outputs->remove(memoryName(component, key), stop));
    if (environment->spec.registrar.configMap) {
      TRY(outputs->remove(environment->spec.registrar.configMap->name + "-" + onboarding::hashOf(key), stop));
    }
    claims_.release(name, key);
  }
  return outcome;
}

Result<runtime::Outcome> IntegrationController::withdrawProduction(const ObjectKey& key, Outputs& outputs,
                                                                   const onboarding::Settings& settings, bool retain,
                                                                   const std::stop_token& stop) {
  const auto claim = recall<onboarding::Claim>(outputs, onboarding::kClaim, key);
  const auto revisions = outputs.revisions(key);
  auto record = recall<onboarding::WithdrawalRecord>(outputs, onboarding::kWithdrawal, key);
  const WallTime now = clock_.now();
  if (!record && revisions.empty()) {
    // Never promoted: nothing serves, the claim is all there is.
    TRY(outputs.remove(memoryName(onboarding::kClaim, key), stop));
    claims_.release(settings.name, key);
    return runtime::Outcome{};
  }
  if (!record) {
    record = onboarding::WithdrawalRecord{claim ? claim->holder : onboarding::Holder{key.namespace_, key.name, "", ""},
                                          claim ? claim->serviceID : "", formatTime(now), std::nullopt};
    if (!retain) record->dueAt = formatTime(now + settings.withdrawalDelay);
    const auto metadata = onboarding::ownedMeta(settings.spec.outputNamespace, memoryName(onboarding::kWithdrawal, key),
                                                onboarding::kWithdrawal, settings.name, key);
    TRY(outputs.ensure(onboarding::remember(metadata, *record), stop));
    spdlog::info("integration {}: deleted; production ends at {}", key.text(),
                 record->dueAt.value_or("no time, it is retained"));
  }
  if (!record->dueAt) return runtime::Outcome{};
  const auto due = parseTime(*record->dueAt).value_or(now);
  if (now < due) return lookAgain(clock_, due);
  // What admits goes first, the record of the withdrawal last: whatever is interrupted is taken up again.
  TRY(outputs.remove(memoryName(onboarding::kFragment, key), stop));
  if (settings.spec.registrar.configMap)
    TRY(outputs.remove(settings.spec.registrar.configMap->name + "-" + onboarding::hashOf(key), stop));
  for (const auto& revision : revisions) TRY(outputs.remove(*revision, stop));
  for (const auto component : {onboarding::kEffects, onboarding::kClaim})
    TRY(outputs.remove(memoryName(component, key), stop));
  claims_.release(settings.name, key);
  TRY(outputs.remove(memoryName(onboarding::kWithdrawal, key), stop));
  spdlog::info("integration {}: withdrawn from production", key.text());
  return runtime::Outcome{};
}

}  // namespace mpay::controllers
