#include "controllers/integration_controller.h"

#include <algorithm>

#include "base/log.h"
#include "controllers/environment_controller.h"
#include "crypto/digest.h"
#include "onboarding/rendering.h"

namespace mpay::controllers {
namespace {

using onboarding::memoryName;

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

}  // namespace

IntegrationController::IntegrationController(kube::Client& client, const Clock& clock, Caches& caches, Claims& claims,
                                             runtime::EventRecorder& events, std::function<bool()> mayWrite)
    : client_(client),
      clock_(clock),
      caches_(caches),
      claims_(claims),
      events_(events),
      withdrawal_(clock, caches, claims),
      mayWrite_(std::move(mayWrite)) {}

Result<runtime::Outcome> IntegrationController::reconcile(const ObjectKey& key, std::stop_token stop) {
  auto integration = caches_.integrations().get(key);
  if (!integration) {
    caches_.refer("integration " + key.text(), {}, {}, "");
    return withdrawal_.withdraw(key, false, stop);
  }
  if (integration->metadata.deletionTimestamp) {
    const auto outcome =
        TRY(withdrawal_.withdraw(key, integration->spec.deletionPolicy == api::DeletionPolicy::Retain, stop));
    TRY(patchFinalizer(client_, caches_.integrations(), *integration, onboarding::kFinalizer, false, mayWrite_, stop));
    return outcome;
  }
  if (TRY(patchFinalizer(client_, caches_.integrations(), *integration, onboarding::kFinalizer, true, mayWrite_,
                         stop))) {
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
      if (const auto production = caches_.environments().get({"", integration->spec.environments.production}))
        return withdrawal_.withdrawProduction(key, *production, false, stop);
    }
    return lookAgain(clock_, next);
  }
  return fail(Error{ErrorKind::Api, "the outputs do not settle", "Unsettled"});
}

std::shared_ptr<Outputs> IntegrationController::outputsOf(const std::string& environment) {
  const auto object = caches_.environments().get({"", environment});
  return object ? caches_.outputs(*object) : nullptr;
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
  loadClaims(claims_, name, *outputs);
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
    const auto service = onboarding::serviceName(snapshot.settings->spec.registrar.configMap.value(), key);
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

}  // namespace mpay::controllers
