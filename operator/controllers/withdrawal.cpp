#include "controllers/withdrawal.h"

#include <algorithm>

#include "base/log.h"
#include "onboarding/rendering.h"

namespace mpay::controllers {
namespace {

using onboarding::memoryName;

std::chrono::seconds delayOf(const api::MPayEnvironmentSpec& spec) {
  return std::chrono::ceil<std::chrono::seconds>(
      parseDuration(spec.withdrawal.delay).value_or(std::chrono::minutes(15)));
}

}  // namespace

Result<runtime::Outcome> lookAgain(const Clock& clock, const std::optional<WallTime>& at) {
  if (!at) return runtime::Outcome{};
  const auto wait = std::max(*at - clock.now(), std::chrono::seconds(0));
  return runtime::Outcome{std::min<Duration>(wait, std::chrono::hours(24))};
}

Result<runtime::Outcome> Withdrawal::withdraw(const ObjectKey& key, bool retain, const std::stop_token& stop) {
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
    loadClaims(claims_, name, *outputs);
    if (environment->spec.stage == api::Stage::Production) {
      const auto next = TRY(withdrawProduction(key, *environment, retain, stop));
      if (next.requeueAfter)
        outcome.requeueAfter = std::min(outcome.requeueAfter.value_or(*next.requeueAfter), *next.requeueAfter);
      continue;
    }
    for (const auto component : {onboarding::kFragment, onboarding::kClaim})
      TRY(outputs->remove(memoryName(component, key), stop));
    if (const auto& registrar = environment->spec.registrar.configMap)
      TRY(outputs->remove(onboarding::serviceName(*registrar, key), stop));
    claims_.release(name, key);
  }
  return outcome;
}

Result<runtime::Outcome> Withdrawal::withdrawProduction(const ObjectKey& key, const api::MPayEnvironment& environment,
                                                        bool retain, const std::stop_token& stop) {
  const auto& spec = environment.spec;
  const std::string name = environment.metadata.name.value_or("");
  Outputs& outputs = *caches_.outputs(environment);
  const auto claim = recall<onboarding::Claim>(outputs, onboarding::kClaim, key);
  const auto revisions = outputs.revisions(key);
  auto record = recall<onboarding::WithdrawalRecord>(outputs, onboarding::kWithdrawal, key);
  const WallTime now = clock_.now();
  if (!record && revisions.empty()) {
    // Never promoted: nothing serves, the claim is all there is.
    TRY(outputs.remove(memoryName(onboarding::kClaim, key), stop));
    claims_.release(name, key);
    return runtime::Outcome{};
  }
  if (!record) {
    record = onboarding::WithdrawalRecord{claim ? claim->holder : onboarding::Holder{key.namespace_, key.name, "", ""},
                                          claim ? claim->serviceID : "", formatTime(now), std::nullopt};
    if (!retain) record->dueAt = formatTime(now + delayOf(spec));
    const auto metadata = onboarding::ownedMeta(spec.outputNamespace, memoryName(onboarding::kWithdrawal, key),
                                                onboarding::kWithdrawal, name, key);
    TRY(outputs.ensure(onboarding::remember(metadata, *record), stop));
    spdlog::info("integration {}: deleted; production ends at {}", key.text(),
                 record->dueAt.value_or("no time, it is retained"));
  }
  if (!record->dueAt) return runtime::Outcome{};
  const auto due = parseTime(*record->dueAt).value_or(now);
  if (now < due) return lookAgain(clock_, due);
  // What admits goes first, the record of the withdrawal last: whatever is interrupted is taken up again.
  TRY(outputs.remove(memoryName(onboarding::kFragment, key), stop));
  if (const auto& registrar = spec.registrar.configMap)
    TRY(outputs.remove(onboarding::serviceName(*registrar, key), stop));
  for (const auto& revision : revisions) TRY(outputs.remove(*revision, stop));
  for (const auto component : {onboarding::kEffects, onboarding::kClaim})
    TRY(outputs.remove(memoryName(component, key), stop));
  claims_.release(name, key);
  TRY(outputs.remove(memoryName(onboarding::kWithdrawal, key), stop));
  spdlog::info("integration {}: withdrawn from production", key.text());
  return runtime::Outcome{};
}

}  // namespace mpay::controllers
