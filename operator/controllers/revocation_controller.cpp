#include "controllers/revocation_controller.h"

#include "base/log.h"
#include "controllers/withdrawal.h"
#include "onboarding/admissible.h"

namespace mpay::controllers {
namespace {

using onboarding::memoryName;
using onboarding::RevocationRecord;
using onboarding::RevocationVerdict;

// Whether the integration's own reconciles write what it publishes in that environment.
bool isAtHome(const std::shared_ptr<const api::MPayIntegration>& integration, const std::string& environment) {
  if (!integration || integration->metadata.deletionTimestamp) return false;
  const auto& names = integration->spec.environments;
  return names.testing == environment || names.production == environment;
}

}  // namespace

Result<runtime::Outcome> RevocationController::reconcile(const ObjectKey& key, std::stop_token stop) {
  runtime::Outcome outcome;
  std::optional<Error> failed;
  for (const auto& environment : caches_.environments().list()) {
    if (environment->spec.stage != stage_) continue;
    const auto outputs = caches_.outputs(*environment);
    if (!outputs->synced()) continue;
    auto checked = check(key, *environment, *outputs, stop);
    if (checked) {
      outcome = soonest(outcome, *checked);
    } else if (!failed || !checked.error().isConflict()) {
      failed = std::move(checked).error();
    }
  }
  if (failed) return fail(std::move(*failed));
  return outcome;
}

RevocationRecord RevocationController::due(const ObjectKey& key, const api::MPayEnvironment& environment,
                                           const Outputs& outputs, const std::optional<RevocationRecord>& known,
                                           bool isChecked) {
  const std::string name = environment.metadata.name.value_or("");
  // The integration's own decision says what else is to be checked.
  if (isChecked && isAtHome(caches_.integrations().get(key), name)) return known.value_or(RevocationRecord{});
  const auto fragment = recall<onboarding::Fragment>(outputs, onboarding::kFragment, key);
  if (!isChecked || !fragment) return withoutSettled(known.value_or(RevocationRecord{}), clock_.now());
  const auto settings = caches_.environmentState(environment).settings;
  if (!settings) return known.value_or(RevocationRecord{});
  return checksOf(known, fragment, {}, {outputs.revoked()}, (*settings)->authorities, clock_.now());
}

Result<runtime::Outcome> RevocationController::check(const ObjectKey& key, const api::MPayEnvironment& environment,
                                                     Outputs& outputs, const std::stop_token& stop) {
  const std::string name = environment.metadata.name.value_or("");
  // Not of the settings: what else is wrong with an environment does not end its checks.
  const auto rules = onboarding::revocationOf(environment.spec.trust.revocation);
  if (!rules) return runtime::Outcome{};
  const bool isChecked = rules->mode != api::RevocationMode::None;
  const auto object = outputs.own(memoryName(onboarding::kRevocation, key));
  const auto known = contentOf<RevocationRecord>(object);
  const auto before = due(key, environment, outputs, known, isChecked);
  if (before.certificates.empty()) {
    if (object) TRY(outputs.remove(object->metadata.name.value_or(""), stop));
    return runtime::Outcome{};
  }
  runtime::Outcome outcome;
  RevocationRecord after;
  for (const auto& check : before.certificates) {
    after.certificates.push_back(check);
    const auto certificate = crypto::Certificate::parseBase64(check.certificate);
    const auto issuer = crypto::Certificate::parseBase64(check.issuer);
    // One that somebody damaged stays as it is known.
    if (!isChecked || !certificate || !issuer) continue;
    const auto answer = checker_.ask({*certificate, *issuer, *rules, onboarding::intermediatesOf(check.signers)}, stop);
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "stopping");
    if (answer.isBusy) {
      outcome = soonest(outcome, {answer.nextLook});
      continue;
    }
    if (!answer.finding) spdlog::debug("integration {}: revocation: {}", key.text(), answer.finding.error().message);
    outcome = soonest(outcome, {answer.nextLook});
    after.certificates.back() = onboarding::afterLook(check, answer.finding, answer.isFirst);
  }
  // Whoever decided meanwhile what is to be checked is heard: the write is bound to what was read before asking.
  auto metadata = onboarding::memoryMeta(environment.spec.outputNamespace, onboarding::kRevocation, name, key);
  metadata.resourceVersion = object ? object->metadata.resourceVersion : "";
  TRY(outputs.ensure(onboarding::remember(std::move(metadata), after), stop));
  tell(key, environment, known.value_or(RevocationRecord{}), after);
  TRY(takeOutLeft(key, environment, outputs, after, stop));
  return outcome;
}

// Nobody else writes what is left of an integration that was deleted, or names another environment now.
Result<void> RevocationController::takeOutLeft(const ObjectKey& key, const api::MPayEnvironment& environment,
                                               Outputs& outputs, const RevocationRecord& known,
                                               const std::stop_token& stop) {
  const std::string name = environment.metadata.name.value_or("");
  const auto object = outputs.own(memoryName(onboarding::kFragment, key));
  const auto fragment = contentOf<onboarding::Fragment>(object);
  if (isAtHome(caches_.integrations().get(key), name) || !fragment) return {};
  // What the platform assigned to others leaves by controllers/handover.h.
  const auto left = admissible(*fragment, onboarding::barredByRecords(environment.spec, {&known}, nullptr));
  if (left == *fragment) return {};
  auto metadata = onboarding::memoryMeta(environment.spec.outputNamespace, onboarding::kFragment, name, key);
  metadata.resourceVersion = object->metadata.resourceVersion;
  TRY(outputs.ensure(onboarding::remember(std::move(metadata), left), stop));
  return {};
}

void RevocationController::tell(const ObjectKey& key, const api::MPayEnvironment& environment,
                                const RevocationRecord& before, const RevocationRecord& after) {
  for (const auto& check : after.certificates) {
    if (check.verdict != RevocationVerdict::Revoked || before.isRevoked(check.sha256)) continue;
    const auto words = fmt::format("the certificate {} of {} {}", check.sha256, key.text(), describeRevocation(check));
    spdlog::warn("environment {}: {}", environment.metadata.name.value_or(""), words);
    events_.record(runtime::referenceTo(environment), runtime::EventType::Warning, "CertificateRevoked", "Check",
                   words);
  }
}

}  // namespace mpay::controllers
