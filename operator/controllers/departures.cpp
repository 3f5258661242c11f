#include "controllers/departures.h"

#include <algorithm>

#include "base/log.h"

namespace mpay::controllers {
namespace {

using ledger::memoryName;
using onboarding::Cause;
using onboarding::FragmentFate;

ledger::Holder holderOf(const api::ObjectKey& key) { return {key.namespace_, key.name, "", ""}; }

Result<void> removePublished(cluster::Outputs& outputs, const api::ObjectKey& key, const std::stop_token& stop) {
  TRY(outputs.remove(memoryName(ledger::kFragment, key), stop));
  for (const auto& document : outputs.servicesOf(key)) TRY(outputs.remove(document->metadata.name.value_or(""), stop));
  return {};
}

}  // namespace

runtime::Outcome soonest(const runtime::Outcome& a, const runtime::Outcome& b) {
  if (!a.requeueAfter || !b.requeueAfter) return a.requeueAfter ? a : b;
  return *a.requeueAfter < *b.requeueAfter ? a : b;
}

runtime::Outcome lookAgain(const Clock& clock, const std::optional<WallTime>& at) {
  if (!at) return {};
  const auto wait = std::max(*at - clock.now(), std::chrono::seconds(0));
  return {std::min<Duration>(wait, std::chrono::hours(24))};
}

Result<runtime::Outcome> Departures::withdraw(const api::ObjectKey& key, bool retain,
                                              const api::EnvironmentNames* named, const std::stop_token& stop) {
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
    auto left = leave(key, *environment, retain ? Cause::Retained : Cause::Deleted, stop);
    if (left) {
      outcome = soonest(outcome, *left);
    } else if (left.error().kind == ErrorKind::Timeout && left.error().retryAfter) {
      waiting = std::move(left).error();
    } else {
      return fail(std::move(left).error());
    }
  }
  if (waiting) return fail(std::move(*waiting));
  return outcome;
}

Result<runtime::Outcome> Departures::leaveFormer(const api::ObjectKey& key, const api::EnvironmentNames& named,
                                                 bool testingToo, const std::stop_token& stop) {
  runtime::Outcome outcome;
  for (const auto& environment : caches_.environments().list()) {
    const std::string name = environment->metadata.name.value_or("");
    if (name == named.testing || name == named.production) continue;
    const auto outputs = caches_.outputs(*environment);
    // An output namespace that is not read yet wakes the integration once it is.
    if (!outputs->synced() || !outputs->holdsAnythingOf(key)) continue;
    if (environment->spec.stage == api::Stage::Production || testingToo)
      outcome = soonest(outcome, TRY(leave(key, *environment, Cause::NotNamed, stop)));
  }
  return outcome;
}

Result<runtime::Outcome> Departures::leave(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                           Cause cause, const std::stop_token& stop) {
  loadClaims(claims_, environment, *caches_.outputs(environment));
  const auto departing = gather(key, environment);
  const auto departure = decideDeparture(departing, cause, holderOf(key), clock_.now());
  TRY(carryOut(key, environment, departing, departure, stop));
  if (departure.unrestored) return fail(*departure.unrestored);
  return lookAgain(clock_, departure.looksAgainAt);
}

Result<void> Departures::handOver(const api::ObjectKey& key, const std::stop_token& stop) {
  for (const auto& environment : caches_.environments().list()) {
    const auto uid = environment->metadata.uid.value_or("");
    const auto assignments = claims_.assignments(uid);
    if (assignments->empty()) continue;
    const auto outputs = caches_.outputs(*environment);
    if (!outputs->synced()) continue;
    loadClaims(claims_, *environment, *outputs);
    onboarding::Departing departing{environment->spec};
    departing.fragment = outputs->kept<ledger::Fragment>(key);
    departing.claim = outputs->kept<ledger::Claim>(key);
    departing.barred.assignments = assignments;
    const auto departure = decideDeparture(departing, Cause::Reassigned, holderOf(key), clock_.now());
    TRY(carryOut(key, *environment, departing, departure, stop));
    if (departure.fate != FragmentFate::Stays)
      spdlog::info("integration {}: {}", key.text(),
                   departure.fate == FragmentFate::Goes
                       ? "its ServiceID was assigned to another; nothing of it is published"
                       : "what was assigned to others is published no more");
    claims_.yield(uid, key, *assignments);
  }
  return {};
}

onboarding::Departing Departures::gather(const api::ObjectKey& key, const api::MPayEnvironment& environment) const {
  const auto outputs = caches_.outputs(environment);
  onboarding::Departing departing{environment.spec};
  departing.fragment = outputs->kept<ledger::Fragment>(key);
  // The environment's controller restores a fragment that was seen whole, as it was.
  departing.isDamaged = departing.fragment.version && !departing.fragment.value &&
                        !caches_.environmentState(environment).aggregated->contains(memoryName(ledger::kFragment, key));
  departing.claim = outputs->kept<ledger::Claim>(key);
  departing.withdrawal = outputs->kept<ledger::WithdrawalRecord>(key);
  departing.promoted = promoted(*outputs, key);
  departing.isPublished = departing.fragment.version || !outputs->servicesOf(key).empty();
  departing.hasRevisions = !outputs->revisions(key).empty();
  if (!departing.isDamaged) return departing;
  // Only a fragment that is restored asks what must not be in it.
  ledger::RevocationRecord known;
  for (const auto& [sha256, check] : *outputs->revoked()) known.certificates.push_back(check);
  for (const auto& other : caches_.environments().list()) {
    const auto others = caches_.outputs(*other);
    if (environment.spec.trust.revocation.onRevoked != api::RevokedPolicy::Report) {
      if (auto read = others->expectRead("the records of what is revoked"); !read)
        departing.barredUnknown = std::move(read).error();
    }
    const auto record = cluster::recall<ledger::RevocationRecord>(*others, key);
    if (record)
      known.certificates.insert(known.certificates.end(), record->certificates.begin(), record->certificates.end());
  }
  departing.barred = onboarding::barredByRecords(environment.spec, {&known},
                                                 claims_.assignments(environment.metadata.uid.value_or("")));
  return departing;
}

Result<void> Departures::carryOut(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                  const onboarding::Departing& from, const onboarding::Departure& departure,
                                  const std::stop_token& stop) {
  cluster::Outputs& outputs = *caches_.outputs(environment);
  if (departure.withdrawal) {
    TRY(outputs.put(key, *departure.withdrawal, from.withdrawal.version, stop));
    spdlog::info("integration {}: production ends at {}", key.text(),
                 departure.withdrawal->dueAt.value_or("no time, it is retained"));
  }
  if (departure.fate == FragmentFate::Goes) TRY(removePublished(outputs, key, stop));
  if (departure.fate == FragmentFate::IsReplaced)
    TRY(outputs.put(key, *departure.fragment, from.fragment.version, stop));
  if (departure.isRestored)
    spdlog::warn("integration {}: {} was damaged, and is restored from its revision", key.text(),
                 memoryName(ledger::kFragment, key));
  if (departure.claim) TRY(outputs.put(key, *departure.claim, from.claim.version, stop));
  if (!departure.ends || !TRY(end(key, environment, stop))) return {};
  if (departure.forgetsTests) TRY(outputs.remove(memoryName(ledger::kTests, key), stop));
  if (departure.hasServed) spdlog::info("integration {}: withdrawn from production", key.text());
  return {};
}

// Objects that admit go first, the record of the withdrawal last: an interrupted departure is taken up again.
Result<bool> Departures::end(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                             const std::stop_token& stop) {
  cluster::Outputs& outputs = *caches_.outputs(environment);
  TRY(removePublished(outputs, key, stop));
  // The newest last: an older one must not become what was promoted. Testing has none: what it finds is of a production
  // that had its name before, and is not its to remove.
  const bool isProduction = environment.spec.stage == api::Stage::Production;
  auto revisions =
      isProduction ? outputs.revisions(key) : std::vector<std::shared_ptr<const api::ControllerRevision>>{};
  std::sort(revisions.begin(), revisions.end(), [](const auto& a, const auto& b) { return a->revision < b->revision; });
  for (const auto& revision : revisions) {
    TRY(outputs.remove(*revision, stop));
    // Somebody's finalizer may keep it.
    const auto left = outputs.revisions(key);
    if (std::any_of(left.begin(), left.end(), [&](const auto& one) { return one->revision == revision->revision; }))
      return false;
  }
  for (const auto component : {ledger::kNotifications, ledger::kClaim})
    TRY(outputs.remove(memoryName(component, key), stop));
  claims_.release(environment.metadata.uid.value_or(""), key);
  if (isProduction) TRY(outputs.remove(memoryName(ledger::kWithdrawal, key), stop));
  return true;
}

}  // namespace mpay::controllers
