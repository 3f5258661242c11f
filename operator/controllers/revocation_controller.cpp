#include "controllers/revocation_controller.h"

#include "base/log.h"
#include "controllers/departures.h"
#include "onboarding/admissible.h"

namespace mpay::controllers {
namespace {

using ledger::memoryName;
using ledger::RevocationRecord;
using ledger::RevocationVerdict;

// True when the integration's own reconciles write what it publishes in that environment.
bool isAtHome(const std::shared_ptr<const api::MPayIntegration>& integration, const std::string& environment) {
  if (!integration || integration->metadata.deletionTimestamp) return false;
  const auto& names = integration->spec.environments;
  return names.testing == environment || names.production == environment;
}

}  // namespace

Result<runtime::Outcome> RevocationController::reconcile(const api::ObjectKey& key, std::stop_token stop) {
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

RevocationRecord RevocationController::due(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                           const cluster::Outputs& outputs,
                                           const std::optional<RevocationRecord>& known, bool isChecked) {
  const std::string name = environment.metadata.name.value_or("");
  // The integration's own decision chooses what else to check.
  if (isChecked && isAtHome(caches_.integrations().get(key), name)) return known.value_or(RevocationRecord{});
  const auto fragment = cluster::recall<ledger::Fragment>(outputs, key);
  if (!isChecked || !fragment) return onboarding::withoutSettled(known.value_or(RevocationRecord{}), clock_.now());
  const auto settings = caches_.environmentState(environment).settings;
  if (!settings) return known.value_or(RevocationRecord{});
  return onboarding::checksOf(known, fragment, {}, {outputs.revoked()}, (*settings)->authorities, clock_.now());
}

Result<runtime::Outcome> RevocationController::check(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                                     cluster::Outputs& outputs, const std::stop_token& stop) {
  // Read from the declaration, not from the settings: other faults of an environment do not end its checks.
  const auto rules = onboarding::revocationOf(environment.spec.trust.revocation);
  if (!rules) return runtime::Outcome{};
  const bool isChecked = rules->mode != api::RevocationMode::None;
  const auto known = outputs.kept<RevocationRecord>(key);
  auto after = due(key, environment, outputs, known.value, isChecked);
  if (after.certificates.empty()) {
    TRY(outputs.remove(memoryName(ledger::kRevocation, key), stop));
    return runtime::Outcome{};
  }
  runtime::Outcome outcome;
  for (auto& check : after.certificates) {
    const auto certificate = crypto::Certificate::parseBase64(check.certificate);
    const auto issuer = crypto::Certificate::parseBase64(check.issuer);
    // A check that somebody damaged stays as it is known.
    if (!isChecked || !certificate || !issuer) continue;
    const auto answer = checker_.ask({*certificate, *issuer, *rules, ledger::intermediatesOf(check.signers)}, stop);
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "stopping");
    outcome = soonest(outcome, {answer.nextLook});
    if (answer.isBusy) continue;
    if (!answer.finding) spdlog::debug("integration {}: revocation: {}", key.text(), answer.finding.error().message);
    check = onboarding::afterLook(check, answer.finding, answer.isFirst);
  }
  // Bound to the version that was read before asking. If the decision wrote other checks meanwhile, the next look asks
  // for those. Answers are remembered, so no place is asked twice.
  TRY(outputs.put(key, after, known.version, stop));
  tell(key, environment, known.value.value_or(RevocationRecord{}), after);
  TRY(dropRevoked(key, environment, outputs, after, stop));
  return outcome;
}

// Nobody else writes the fragment of an integration that was deleted, or that names another environment now.
Result<void> RevocationController::dropRevoked(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                               cluster::Outputs& outputs, const RevocationRecord& known,
                                               const std::stop_token& stop) {
  if (isAtHome(caches_.integrations().get(key), environment.metadata.name.value_or(""))) return {};
  onboarding::Departing departing{environment.spec};
  departing.fragment = outputs.kept<ledger::Fragment>(key);
  departing.barred = onboarding::barredByRecords(environment.spec, {&known}, nullptr);
  const auto departure = decideDeparture(departing, onboarding::Cause::Revoked, {}, clock_.now());
  if (departure.fragment) TRY(outputs.put(key, *departure.fragment, departing.fragment.version, stop));
  return {};
}

void RevocationController::tell(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                const RevocationRecord& before, const RevocationRecord& after) {
  for (const auto& check : after.certificates) {
    if (check.verdict != RevocationVerdict::Revoked || before.isRevoked(check.sha256)) continue;
    const auto words =
        fmt::format("the certificate {} of {} {}", check.sha256, key.text(), onboarding::describeRevocation(check));
    spdlog::warn("environment {}: {}", environment.metadata.name.value_or(""), words);
    events_.record(runtime::referenceTo(environment), runtime::EventType::Warning, "CertificateRevoked", "Check",
                   words);
  }
}

}  // namespace mpay::controllers
