#include "controllers/withdrawal.h"

#include <algorithm>

#include "base/log.h"
#include "onboarding/admissible.h"
#include "onboarding/environment.h"

namespace mpay::controllers {
namespace {

using onboarding::memoryName;

// Whose production it is: by what was promoted, else by what is published, else by what was claimed.
onboarding::WithdrawalRecord recordOf(const Outputs& outputs, const ObjectKey& key) {
  onboarding::WithdrawalRecord record{{key.namespace_, key.name, "", ""}, "", "", std::nullopt};
  const auto note = [&](const auto& source) {
    if (!source) return false;
    record.holder = source->holder;
    record.serviceID = source->serviceID;
    return true;
  };
  if (!note(promoted(outputs, key)) && !note(recall<onboarding::Fragment>(outputs, onboarding::kFragment, key)))
    note(recall<onboarding::Claim>(outputs, onboarding::kClaim, key));
  return record;
}

}  // namespace

runtime::Outcome soonest(const runtime::Outcome& a, const runtime::Outcome& b) {
  if (!a.requeueAfter || !b.requeueAfter) return a.requeueAfter ? a : b;
  return *a.requeueAfter < *b.requeueAfter ? a : b;
}

Result<runtime::Outcome> lookAgain(const Clock& clock, const std::optional<WallTime>& at) {
  if (!at) return runtime::Outcome{};
  const auto wait = std::max(*at - clock.now(), std::chrono::seconds(0));
  return runtime::Outcome{std::min<Duration>(wait, std::chrono::hours(24))};
}

Result<runtime::Outcome> Withdrawal::withdraw(const ObjectKey& key, bool retain, const api::EnvironmentNames* named,
                                              const std::stop_token& stop) {
  runtime::Outcome outcome;
  std::optional<Error> waiting;
  for (const auto& environment : caches_.environments().list()) {
    const std::string name = environment->metadata.name.value_or("");
    const auto outputs = caches_.outputs(*environment);
    if (!outputs->synced()) {
      // The finalizer must not go before the withdrawal is recorded.
      if (named && (name == named->testing || name == named->production)) {
        const auto problem = outputs->problem();
        waiting = Error{ErrorKind::Timeout,
                        fmt::format("deletion waits for the output namespace of environment {} to be read{}", name,
                                    problem ? ": " + problem->message : "")};
        waiting->retryAfter = std::chrono::seconds(problem ? 10 : 1);
      }
      continue;
    }
    loadClaims(claims_, *environment, *outputs);
    if (environment->spec.stage == api::Stage::Production) {
      outcome = soonest(outcome, TRY(withdrawProduction(key, *environment, retain, stop)));
    } else {
      TRY(endTesting(key, *environment, stop));
      // Not where it only left the environment: its payments there keep their PaymentIDs.
      TRY(outputs->remove(memoryName(onboarding::kTests, key), stop));
    }
  }
  if (waiting) return fail(std::move(*waiting));
  return outcome;
}

Result<void> Withdrawal::endTesting(const ObjectKey& key, const api::MPayEnvironment& environment,
                                    const std::stop_token& stop) {
  Outputs& outputs = *caches_.outputs(environment);
  for (const auto component : {onboarding::kFragment, onboarding::kEffects, onboarding::kClaim})
    TRY(outputs.remove(memoryName(component, key), stop));
  for (const auto& document : outputs.servicesOf(key)) TRY(outputs.remove(document->metadata.name.value_or(""), stop));
  claims_.release(environment.metadata.uid.value_or(""), key);
  return {};
}

Result<void> Withdrawal::restore(const ObjectKey& key, const api::MPayEnvironment& environment,
                                 const std::stop_token& stop) {
  Outputs& outputs = *caches_.outputs(environment);
  const auto object = outputs.own(memoryName(onboarding::kFragment, key));
  // What was seen whole the environment's controller restores, as it was.
  if (!object || contentOf<onboarding::Fragment>(object) ||
      caches_.environmentState(environment).aggregated->contains(object->metadata.name.value_or("")))
    return {};
  auto fragment = promoted(outputs, key);
  if (!fragment) return {};
  onboarding::RevocationRecord known;
  for (const auto& [sha256, check] : *outputs.revoked()) known.certificates.push_back(check);
  for (const auto& other : caches_.environments().list()) {
    if (environment.spec.trust.revocation.onRevoked == api::RevokedPolicy::Report) break;
    const auto others = caches_.outputs(*other);
    TRY(others->expectRead("the records of what is revoked"));
    const auto record = recall<onboarding::RevocationRecord>(*others, onboarding::kRevocation, key);
    if (record)
      known.certificates.insert(known.certificates.end(), record->certificates.begin(), record->certificates.end());
  }
  const auto barred = onboarding::barredByRecords(environment.spec, {&known},
                                                  claims_.assignments(environment.metadata.uid.value_or("")));
  if (isServiceTaken(*fragment, barred)) return outputs.remove(object->metadata.name.value_or(""), stop);
  fragment = admissible(std::move(*fragment), barred);
  auto metadata = onboarding::memoryMeta(environment.spec.outputNamespace, onboarding::kFragment,
                                         environment.metadata.name.value_or(""), key);
  metadata.resourceVersion = object->metadata.resourceVersion;
  TRY(outputs.ensure(onboarding::remember(std::move(metadata), *fragment), stop));
  spdlog::warn("integration {}: {} was damaged, and is restored from its revision", key.text(),
               object->metadata.name.value_or(""));
  return {};
}

Result<runtime::Outcome> Withdrawal::leave(const ObjectKey& key, const api::EnvironmentNames& named, bool testingToo,
                                           const std::stop_token& stop) {
  runtime::Outcome outcome;
  for (const auto& environment : caches_.environments().list()) {
    const std::string name = environment->metadata.name.value_or("");
    if (name == named.testing || name == named.production) continue;
    const auto outputs = caches_.outputs(*environment);
    // What is in a namespace that is not read yet tells of itself once it is.
    if (!outputs->synced() || !outputs->holdsAnythingOf(key)) continue;
    loadClaims(claims_, *environment, *outputs);
    if (environment->spec.stage == api::Stage::Production) {
      outcome = soonest(outcome, TRY(withdrawProduction(key, *environment, false, stop)));
    } else if (testingToo) {
      TRY(endTesting(key, *environment, stop));
    }
  }
  return outcome;
}

Result<runtime::Outcome> Withdrawal::withdrawProduction(const ObjectKey& key, const api::MPayEnvironment& environment,
                                                        bool retain, const std::stop_token& stop) {
  const auto& spec = environment.spec;
  const std::string name = environment.metadata.name.value_or("");
  Outputs& outputs = *caches_.outputs(environment);
  auto revisions = outputs.revisions(key);
  auto record = recall<onboarding::WithdrawalRecord>(outputs, onboarding::kWithdrawal, key);
  const WallTime now = clock_.now();
  const bool published = outputs.own(memoryName(onboarding::kFragment, key)) || !outputs.servicesOf(key).empty();
  if (!record && revisions.empty() && !published) {
    // Never promoted: nothing serves.
    for (const auto component : {onboarding::kEffects, onboarding::kClaim})
      TRY(outputs.remove(memoryName(component, key), stop));
    claims_.release(environment.metadata.uid.value_or(""), key);
    return runtime::Outcome{};
  }
  const auto metadata = onboarding::memoryMeta(spec.outputNamespace, onboarding::kWithdrawal, name, key);
  if (!record) {
    record = recordOf(outputs, key);
    record->deletedAt = formatTime(now);
    if (!retain) record->dueAt = formatTime(now + onboarding::withdrawalDelay(spec));
    TRY(outputs.ensure(onboarding::remember(metadata, *record), stop));
    spdlog::info("integration {}: deleted; production ends at {}", key.text(),
                 record->dueAt.value_or("no time, it is retained"));
  }
  const auto isOver = [&] { return record->dueAt && parseTime(*record->dueAt) <= now; };
  if (!isOver()) TRY(restore(key, environment, stop));
  if (!record->dueAt) return runtime::Outcome{};
  const auto due = parseTime(*record->dueAt);
  if (!due) {
    // Somebody edited it: what cannot be read is not due.
    record->dueAt = formatTime(now + onboarding::withdrawalDelay(spec));
    TRY(outputs.ensure(onboarding::remember(metadata, *record), stop));
    return lookAgain(clock_, parseTime(*record->dueAt));
  }
  if (now < *due) return lookAgain(clock_, due);
  // What admits goes first, the record of the withdrawal last: whatever is interrupted is taken up again.
  TRY(outputs.remove(memoryName(onboarding::kFragment, key), stop));
  for (const auto& document : outputs.servicesOf(key)) TRY(outputs.remove(document->metadata.name.value_or(""), stop));
  // The newest last: an older one must not become what was promoted.
  std::sort(revisions.begin(), revisions.end(), [](const auto& a, const auto& b) { return a->revision < b->revision; });
  for (const auto& revision : revisions) {
    TRY(outputs.remove(*revision, stop));
    // Somebody's finalizer may keep it. That it goes is told.
    const auto left = outputs.revisions(key);
    if (std::any_of(left.begin(), left.end(), [&](const auto& one) { return one->revision == revision->revision; }))
      return runtime::Outcome{};
  }
  for (const auto component : {onboarding::kEffects, onboarding::kClaim})
    TRY(outputs.remove(memoryName(component, key), stop));
  claims_.release(environment.metadata.uid.value_or(""), key);
  TRY(outputs.remove(memoryName(onboarding::kWithdrawal, key), stop));
  spdlog::info("integration {}: withdrawn from production", key.text());
  return runtime::Outcome{};
}

}  // namespace mpay::controllers
