#include "controllers/environment_controller.h"

#include <algorithm>

#include "base/log.h"
#include "crypto/digest.h"
#include "onboarding/rendering.h"

namespace mpay::controllers {
namespace {

using api::ConditionStatus;

std::vector<ObjectKey> secretsOf(const api::MPayEnvironment& environment, const std::string& namespace_) {
  std::vector<ObjectKey> keys;
  for (const auto& channel : environment.spec.notifications.channels) {
    if (channel.smtp && channel.smtp->credentialsSecretRef)
      keys.push_back({namespace_, channel.smtp->credentialsSecretRef->name});
  }
  return keys;
}

}  // namespace

EnvironmentController::EnvironmentController(kube::Client& client, const Clock& clock, Caches& caches,
                                             std::function<bool()> mayWrite)
    : client_(client), clock_(clock), caches_(caches), mayWrite_(std::move(mayWrite)) {}

Result<std::shared_ptr<const onboarding::Settings>> EnvironmentController::settingsOf(
    const api::MPayEnvironment& environment) {
  const auto content = caches_.content(environment.spec.trust.authorities, caches_.resourceNamespace());
  const std::string name = environment.metadata.name.value_or("");
  Examined now{environment.metadata.uid.value_or(""), environment.metadata.generation.value_or(0),
               !content   ? ""
               : *content ? crypto::sha256Hex(**content)
                          : content->error().message};
  return examined_.with([&](auto& all) {
    auto& known = all[name];
    if (known.uid == now.uid && known.generation == now.generation && known.authorities == now.authorities)
      return known.settings;
    now.settings = onboarding::examineEnvironment(environment, content);
    known = std::move(now);
    return known.settings;
  });
}

Result<runtime::Outcome> EnvironmentController::reconcile(const ObjectKey& key, std::stop_token stop) {
  const auto environment = caches_.environments().get(key);
  if (!environment) {
    caches_.refer("environment " + key.name, {}, {}, "");
    return runtime::Outcome{};
  }
  caches_.refer("environment " + key.name, {&environment->spec.trust.authorities}, {}, caches_.resourceNamespace(),
                secretsOf(*environment, caches_.resourceNamespace()));
  const auto outputs = caches_.outputs(*environment);
  if (environment->metadata.deletionTimestamp) return finish(*environment, *outputs, stop);
  TRY(setFinalizer(*environment, true, stop));

  EnvironmentState state = caches_.environmentState(key.name);
  state.settings = settingsOf(*environment);
  if (const auto problem = outputs->problem()) {
    state.settings = refuse(
        "OutputNamespaceUnavailable",
        fmt::format("the output namespace {} cannot be read: {}", environment->spec.outputNamespace, problem->message));
  }
  std::optional<Error> retry;
  state.synced = outputs->synced();
  if (state.settings && state.synced) {
    onboarding::Fragments fragments;
    std::map<std::string, std::string> hashes;
    for (const auto& object : outputs->configMaps().list()) {
      const auto component = object->metadata.labels.find(std::string(onboarding::kComponent));
      const auto name = object->metadata.name.value_or("");
      if (component == object->metadata.labels.end() || component->second != onboarding::kFragment ||
          !outputs->own(name))
        continue;
      auto fragment = onboarding::remembered<onboarding::Fragment>(*object);
      // A fragment that somebody damaged: its integration restores it, and until then nothing changes.
      if (!fragment) return fail(std::move(fragment).error());
      fragments.emplace(name, std::move(*fragment));
      hashes[name] = crypto::sha256Hex(object->data.at("content.json"));
    }
    const auto rendered = onboarding::renderAggregates(**state.settings, fragments);
    std::vector<Result<bool>> written;
    for (const auto& configMap : rendered.configMaps) written.push_back(outputs->ensure(configMap, stop));
    for (const auto& policy : rendered.networkPolicies) written.push_back(outputs->ensure(policy, stop));
    state.aggregateProblem.clear();
    for (const auto& result : written) {
      if (result) continue;
      if (result.error().reason == "NameConflict") {
        state.aggregateProblem = result.error().message;
      } else {
        retry = result.error();
      }
    }
    if (!retry && state.aggregateProblem.empty()) state.aggregated = std::move(hashes);
  }
  caches_.publish(key.name, state);
  TRY(writeStatus(*environment, state, stop));
  if (retry) return fail(*retry);
  return runtime::Outcome{};
}

Result<bool> EnvironmentController::setFinalizer(const api::MPayEnvironment& environment, bool wanted,
                                                 const std::stop_token& stop) {
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  return patchFinalizer(client_, caches_.environments(), environment, onboarding::kEnvironmentFinalizer, wanted, stop);
}

Result<void> EnvironmentController::writeStatus(const api::MPayEnvironment& environment, const EnvironmentState& state,
                                                const std::stop_token& stop) {
  api::MPayEnvironmentStatus status;
  status.observedGeneration = environment.metadata.generation.value_or(0);
  status.integrations = static_cast<std::int64_t>(state.aggregated.size());
  const std::string now = formatTime(clock_.now());
  const auto add = [&](std::string type, ConditionStatus value, std::string reason, std::string message) {
    api::Condition condition{std::move(type),   value, status.observedGeneration, now, std::move(reason),
                             std::move(message)};
    const auto* old = environment.status ? api::findCondition(environment.status->conditions, condition.type) : nullptr;
    if (old && old->status == condition.status) condition.lastTransitionTime = old->lastTransitionTime;
    status.conditions.push_back(std::move(condition));
  };
  const bool pending = !state.settings && state.settings.error().reason == "Pending";
  if (environment.metadata.deletionTimestamp) {
    const auto users = caches_.integrationsOf(environment.metadata.name.value_or(""));
    add("Ready", ConditionStatus::False, "InUse",
        fmt::format("deletion waits for {} integrations that use it, the first is {}", users.size(),
                    users.empty() ? "none" : users.front().text()));
  } else if (!state.settings) {
    add("Ready", ConditionStatus::False, state.settings.error().reason, state.settings.error().message);
  } else if (!state.aggregateProblem.empty()) {
    add("Ready", ConditionStatus::False, "NameConflict", state.aggregateProblem);
  } else {
    add("Ready", ConditionStatus::True, "Published",
        fmt::format("the gateway's objects in {} are up to date", environment.spec.outputNamespace));
  }
  const bool stalled = !pending && (!state.settings || !state.aggregateProblem.empty());
  add("Reconciling", pending ? ConditionStatus::True : ConditionStatus::False, pending ? "Pending" : "Idle",
      pending ? "references are being read" : "nothing is under way");
  add("Stalled", stalled ? ConditionStatus::True : ConditionStatus::False,
      stalled ? status.conditions.front().reason : "NotStalled",
      stalled ? status.conditions.front().message : "nothing must be edited");
  if (environment.status && json::equal(*environment.status, status)) return {};
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  auto written = kube::Api<api::MPayEnvironment>(client_).applyStatus(environment, status, stop);
  if (!written) return written.error().isNotFound() ? Result<void>{} : fail(written.error());
  caches_.environments().remember(std::move(*written));
  return {};
}

Result<runtime::Outcome> EnvironmentController::finish(const api::MPayEnvironment& environment, Outputs& outputs,
                                                       const std::stop_token& stop) {
  const std::string name = environment.metadata.name.value_or("");
  if (!caches_.integrationsOf(name).empty()) {
    TRY(writeStatus(environment, caches_.environmentState(name), stop));
    return runtime::Outcome{};
  }
  if (environment.spec.deletionPolicy == api::EnvironmentDeletionPolicy::Delete) {
    for (const auto& object : outputs.configMaps().list())
      TRY(outputs.remove(object->metadata.name.value_or(""), stop));
  }
  TRY(setFinalizer(environment, false, stop));
  return runtime::Outcome{};
}

}  // namespace mpay::controllers
