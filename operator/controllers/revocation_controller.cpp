#include "controllers/revocation_controller.h"

#include "base/log.h"
#include "controllers/withdrawal.h"

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
  for (const auto& environment : caches_.environments().list()) {
    const auto outputs = caches_.outputs(*environment);
    if (outputs->synced()) outcome = soonest(outcome, TRY(check(key, *environment, *outputs, stop)));
  }
  return outcome;
}

Result<runtime::Outcome> RevocationController::check(const ObjectKey& key, const api::MPayEnvironment& environment,
                                                     Outputs& outputs, const std::stop_token& stop) {
  const std::string name = environment.metadata.name.value_or("");
  const auto settings = caches_.environmentState(name).settings;
  const auto object = outputs.own(memoryName(onboarding::kRevocation, key));
  if (!object || !settings) return runtime::Outcome{};
  const auto& rules = (*settings)->revocation;
  const bool atHome = isAtHome(caches_.integrations().get(key), name);
  const auto fragmentName = memoryName(onboarding::kFragment, key);
  const auto before = onboarding::remembered<RevocationRecord>(*object);
  if (!before || rules.mode == api::RevocationMode::None || (!atHome && !outputs.own(fragmentName))) {
    TRY(outputs.remove(object->metadata.name.value_or(""), stop));
    return runtime::Outcome{};
  }
  runtime::Outcome outcome;
  std::map<std::string, RevocationChecker::Answer> answers;
  for (const auto& check : before->certificates) {
    const auto certificate = TRY(crypto::Certificate::parseBase64(check.certificate));
    const auto issuer = TRY(crypto::Certificate::parseBase64(check.issuer));
    auto answer = checker_.ask({certificate, issuer, rules}, stop);
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "stopping");
    if (!answer.finding) spdlog::debug("integration {}: revocation: {}", key.text(), answer.finding.error().message);
    outcome = soonest(outcome, {answer.nextLook});
    answers.emplace(check.sha256, std::move(answer));
  }
  // What is to be checked may have become something else meanwhile.
  auto after = recall<RevocationRecord>(outputs, onboarding::kRevocation, key);
  if (!after) return outcome;
  for (auto& check : after->certificates) {
    const auto answer = answers.find(check.sha256);
    if (answer != answers.end())
      check = onboarding::afterLook(std::move(check), answer->second.finding, answer->second.isFirst);
  }
  const auto remember = [&](std::string_view component, const auto& content) {
    return outputs.ensure(
        onboarding::remember(onboarding::memoryMeta(environment.spec.outputNamespace, component, name, key), content),
        stop);
  };
  TRY(remember(onboarding::kRevocation, *after));
  tell(key, environment, *before, *after);
  // Nobody else writes what is left of an integration that was deleted, or names another environment now.
  auto fragment = recall<onboarding::Fragment>(outputs, onboarding::kFragment, key);
  if (atHome || !fragment || environment.spec.trust.revocation.onRevoked == api::RevokedPolicy::Report) return outcome;
  std::set<std::string> revoked;
  for (const auto& check : after->certificates) {
    if (check.verdict == RevocationVerdict::Revoked) revoked.insert(check.sha256);
  }
  if (takeOut(*fragment, revoked)) TRY(remember(onboarding::kFragment, *fragment));
  return outcome;
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
