#include "onboarding/decide.h"

#include <algorithm>

#include "onboarding/conditions.h"

namespace mpay::onboarding {
namespace {

struct Writes {
  EnvironmentWrites testing{}, production{};
};

// True when the last claim written includes everything declared; later edits are not claimed yet.
bool isClaimed(const EnvironmentSnapshot& environment, const std::optional<Claim>& declared) {
  if (!environment.claimed || !declared) return false;
  const auto& claimed = *environment.claimed;
  const auto includes = [](const std::vector<std::string>& all, const std::vector<std::string>& some) {
    return std::all_of(some.begin(), some.end(),
                       [&](const auto& one) { return std::find(all.begin(), all.end(), one) != all.end(); });
  };
  return claimed.holder == declared->holder && claimed.serviceID == declared->serviceID &&
         includes(claimed.certificates, declared->certificates) && includes(claimed.addresses, declared->addresses);
}

// While suspended, published content stays. A damaged fragment would stop everybody's files, so it is restored all the
// same, if its content is known.
void keepRestored(const EnvironmentSnapshot& environment, bool isKnown, EnvironmentWrites& writes) {
  auto fragment = std::move(writes.fragment);
  writes = {};
  if (environment.isDamaged && isKnown) writes.fragment = std::move(fragment);
}

// Takes a revoked certificate out in every case, also while suspended, and writes the checks.
void writeRevocation(const EnvironmentSnapshot& environment, const RevocationRecord& checks, const Barred& barred,
                     EnvironmentWrites& writes) {
  if (!environment.declared || !environment.read) return;
  const auto& published = publishedIn(environment);
  if (!writes.fragment && published) {
    auto left = admissible(*published, barred);
    if (left != *published) writes.fragment = std::move(left);
  }
  writes.revocation = checksToWrite(environment, checks);
}

// Decides about a withdrawal that is recorded in production.
void judgeWithdrawal(const Snapshot& snapshot, const Examination& form, WallTime now, Plan& plan,
                     EnvironmentWrites& production) {
  const auto& withdrawal = snapshot.production.withdrawal;
  if (!withdrawal) {
    plan.carryOutWithdrawal = snapshot.production.isPredecessors;
    // The live revision says that the same service is back.
    plan.forgetWithdrawal =
        snapshot.production.isWithdrawalDamaged && snapshot.production.live && form.productionTenancy.holds();
    return;
  }
  const auto& spec = snapshot.integration->spec;
  const bool sameService =
      withdrawal->holder.idno == spec.beneficiary.idno && withdrawal->serviceID == spec.service.id.value_or("");
  const auto& tenancy = form.productionTenancy;
  plan.forgetWithdrawal = sameService && tenancy.holds();
  const bool isKnown = snapshot.production.declared && snapshot.namespaceLabels;
  plan.carryOutWithdrawal = !sameService || (isKnown && !tenancy.holds());
  // An interrupted withdrawal goes on: nothing that it removed comes back meanwhile.
  const auto due = withdrawal->dueAt ? parseTime(*withdrawal->dueAt) : std::nullopt;
  if (due && *due <= now && (plan.carryOutWithdrawal || plan.endProduction)) {
    production.fragment.reset();
    production.service.reset();
  }
}

void list(const EnvironmentSnapshot& environment, const Fragment& fragment, api::MPayIntegrationStatus& status) {
  const auto earlier = earlierIn(environment, fragment);
  status.earlierCertificates.insert(status.earlierCertificates.end(), earlier.begin(), earlier.end());
}

std::optional<Fragment> written(const std::optional<Issue>& issue) {
  return issue && issue->isWritten ? std::optional(issue->fragment) : std::nullopt;
}

std::optional<api::ProductionStatus> productionStatus(const Snapshot& snapshot) {
  const auto& production = snapshot.production;
  if (const auto& live = production.live)
    return api::ProductionStatus{live->revision.digest, live->number, live->name, live->revision.promotedAt,
                                 std::nullopt};
  // A state that cannot be read now still exists: its environments stay immutable.
  if (snapshot.integration->status && (production.liveProblem || !production.read))
    return snapshot.integration->status->production;
  return std::nullopt;
}

// The verdicts, each with its writes.
struct Judgement {
  Presented presented;
  Checks checks;
  Barred barredInTesting, barredInProduction;
  SubmittedJudged submitted;
  TestingJudged testing;
  TestsPlanned tests;
  GateJudged functional, validated;
  Serving serving;
  PromotedJudged promoted;
  Expiry expiry;
  NotifiedJudged notified;
};

Judgement judge(const Snapshot& snapshot, const Examination& form, const Conflicts& testingConflicts,
                const Conflicts& productionConflicts, WallTime now) {
  const auto& [inTesting, inProduction] = std::tie(snapshot.testing, snapshot.production);
  auto presented = presentedBy(snapshot, form);
  auto checks = checksFor(snapshot, form, presented, now);
  auto barredInTesting = barredIn(inTesting, checks.testing, snapshot, form, presented);
  auto barredInProduction = barredIn(inProduction, checks.production, snapshot, form, presented);
  auto submitted = judgeSubmitted(snapshot, form, testingConflicts, productionConflicts);
  auto testing = judgeTesting({snapshot,
                               form,
                               submitted.verdict,
                               testingConflicts,
                               {inTesting, barredInTesting, presented.presentsEarlier, now}});
  auto tests = planTests(snapshot, form, submitted.verdict, testing.verdict, now);
  auto functional = judgeFunctional(snapshot, form, testing.verdict, tests);
  auto validated = judgeValidated(snapshot, form, functional.verdict);
  auto serving = serveLive(snapshot, {inProduction, barredInProduction, presented.presentsEarlier, now}, presented,
                           whyWithheld(barredInProduction, checks.production, snapshot, presented));
  auto promoted = judgePromoted({snapshot, form, serving, submitted.certificate, submitted.verdict, testing.verdict,
                                 functional, validated, tests, now});
  auto expiry = judgeExpiry(snapshot, form, serving.certificate, now);
  auto notified = judgeNotified(snapshot, promoted.verdict, now);
  if (submitted.certificate.holds()) submitted.certificate.message += expiry.ofDeclared;
  promoted.verdict.message += expiry.ofServed;
  return {std::move(presented), std::move(checks),  std::move(barredInTesting), std::move(barredInProduction),
          std::move(submitted), std::move(testing), std::move(tests),           std::move(functional),
          std::move(validated), std::move(serving), std::move(promoted),        std::move(expiry),
          std::move(notified)};
}

api::MPayIntegrationStatus statusOf(const Snapshot& snapshot, const Examination& form, const Judgement& judged,
                                    WallTime now, std::vector<std::string>& beingWritten) {
  const auto& [inTesting, inProduction] = std::tie(snapshot.testing, snapshot.production);
  const auto& [testing, serving, expiry] = std::tie(judged.testing, judged.serving, judged.expiry);
  api::MPayIntegrationStatus status;
  status.functionalTests = judged.tests.status;
  status.production = productionStatus(snapshot);
  if (expiry.declared) status.certificate = expiry.declared->status;
  if (expiry.served) status.production->certificate = expiry.served->status;
  if (form.keys) status.certificateRequest = form.keys->open;
  if (!form.digest.empty()) {
    status.digest = form.digest;
    status.testingDigest = form.testingDigest;
    status.contentHashes = form.hashes;
  }
  if (snapshot.integration->spec.suspend) {
    // While suspended, the status shows the existing fragments.
    for (const auto* environment : {&inTesting, &inProduction}) {
      if (environment->fragment && environment->declared) list(*environment, *environment->fragment, status);
    }
  } else {
    // The fragment of an earlier integration is not shown.
    if (testing.issue && (testing.service || inTesting.fragment)) list(inTesting, testing.issue->fragment, status);
    if (serving.issue && (serving.service || inProduction.fragment))
      list(inProduction, serving.issue->fragment, status);
  }
  const bool serves = inProduction.live && inProduction.fragment && !serving.withheld && !serving.losesAll();
  beingWritten = summarise({*snapshot.integration, form.prerequisites, judged.submitted.certificate,
                            judged.submitted.verdict, testing.verdict, judged.functional.verdict,
                            judged.validated.verdict, judged.promoted.verdict, judged.notified.verdict, serves, now},
                           status);
  return status;
}

Writes writesOf(const Snapshot& snapshot, const Examination& form, Judgement& judged, WallTime now) {
  const auto& [inTesting, inProduction] = std::tie(snapshot.testing, snapshot.production);
  const auto& integration = *snapshot.integration;
  Told toldInTesting, toldInProduction;
  const auto& expiry = judged.expiry;
  const auto tell = [](Told& told, std::optional<Notification> one) {
    if (one) told.push_back(std::move(*one));
  };
  if (expiry.declared && judged.submitted.verdict.holds() && !expiry.isServed)
    tell(toldInTesting, warningOf(expiry.declared->status, inTesting, notificationsIn(inProduction), integration, now));
  if (expiry.served)
    tell(toldInProduction,
         warningOf(expiry.served->status, inProduction, notificationsIn(inTesting), integration, now));
  tell(toldInProduction, judged.notified.activation);
  for (auto& told : revocationsToTell(snapshot, api::Stage::Testing, now)) toldInTesting.push_back(std::move(told));
  for (auto& told : revocationsToTell(snapshot, api::Stage::Production, now))
    toldInProduction.push_back(std::move(told));

  Writes writes;
  writes.testing.claim = std::move(judged.submitted.testing);
  writes.testing.fragment = written(judged.testing.issue);
  writes.testing.service = std::move(judged.testing.service);
  if (judged.tests.isWritten) writes.testing.tests = std::move(judged.tests.record);
  writes.testing.notifications = notificationsToWrite(inTesting, std::move(toldInTesting), inProduction.live);
  writes.production.claim = std::move(judged.submitted.production);
  writes.production.fragment = written(judged.serving.issue);
  writes.production.service = std::move(judged.serving.service);
  writes.production.notifications = notificationsToWrite(inProduction, std::move(toldInProduction), inProduction.live);
  if (integration.spec.suspend) {
    keepRestored(inTesting, isClaimed(inTesting, form.testingClaim), writes.testing);
    keepRestored(inProduction, true, writes.production);
  }
  writeRevocation(inTesting, judged.checks.testing, judged.barredInTesting, writes.testing);
  writeRevocation(inProduction, judged.checks.production, judged.barredInProduction, writes.production);
  return writes;
}

// True when a verdict on the form waits for something that is being read.
bool waitsForReading(const Examination& form, const SubmittedJudged& submitted) {
  const Verdict* const verdicts[] = {&form.prerequisites, &submitted.certificate, &submitted.verdict,
                                     &form.testingTenancy};
  return std::any_of(std::begin(verdicts), std::end(verdicts),
                     [](const auto* verdict) { return verdict->isBeingRead(); });
}

}  // namespace

Plan decide(const Snapshot& snapshot, const Examination& form, const Conflicts& testing, const Conflicts& production,
            WallTime now) {
  const bool isSuspended = snapshot.integration->spec.suspend;
  auto judged = judge(snapshot, form, testing, production, now);
  Plan plan;
  plan.status = statusOf(snapshot, form, judged, now, plan.beingWritten);
  plan.nextInstant = earliestOf({form.nextInstant, judged.testing.issue ? judged.testing.issue->ends : std::nullopt,
                                 judged.serving.issue ? judged.serving.issue->ends : std::nullopt,
                                 judged.tests.looksAgainAt, judged.expiry.changes});
  plan.keys = planKeys(snapshot, form, judged.presented, judged.submitted.certificate.holds());
  if (!isSuspended) plan.revision = std::move(judged.promoted.revision);
  plan.provisioned = judged.testing.verdict.holds() && !isSuspended;
  auto writes = writesOf(snapshot, form, judged, now);
  plan.dropTesting = snapshot.testing.isDamaged && snapshot.testing.settings && !writes.testing.fragment &&
                     !waitsForReading(form, judged.submitted);
  plan.endTesting = form.testingTenancy.isRefused || snapshot.testing.isPredecessors;
  plan.endProduction = form.productionTenancy.isRefused;
  judgeWithdrawal(snapshot, form, now, plan, writes.production);
  const auto key = snapshot.integration->metadata.key();
  plan.testing = inOrder(writes.testing, snapshot.testing, key);
  plan.production = inOrder(writes.production, snapshot.production, key);
  return plan;
}

void explain(Plan& plan, const Error& failure) {
  for (auto& condition : plan.status.conditions) {
    const auto& waiting = plan.beingWritten;
    if (std::find(waiting.begin(), waiting.end(), condition.type) != waiting.end())
      condition.message += "; it is tried again: " + failure.message;
  }
}

}  // namespace mpay::onboarding
