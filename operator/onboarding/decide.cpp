// decide(): the steps in order, and what suspension and a withdrawal make of the plan.
#include "onboarding/decide.h"

#include <algorithm>

#include "onboarding/decision.h"

namespace mpay::onboarding {
namespace {

// While suspended what is published stays. A fragment that is damaged is restored all the same, where it is known that
// it says what was published: it would stop everybody's files.
void keepRestored(const EnvironmentSnapshot& environment, bool isKnown, std::vector<api::ConfigMap>& objects) {
  std::erase_if(objects, [&](const auto& object) { return !environment.isDamaged || !isKnown || !isFragment(object); });
}

// Whether what is declared was claimed when the integration wrote last: what was edited since then was not.
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

void suspend(Plan& plan, const Snapshot& snapshot, const Examination& examination) {
  keepRestored(snapshot.testing, isClaimed(snapshot.testing, examination.testingClaim), plan.testing);
  keepRestored(snapshot.production, true, plan.production);
  plan.revision.reset();
  // What is said is what is there.
  plan.status.earlierCertificates.clear();
  for (const auto* environment : {&snapshot.testing, &snapshot.production}) {
    if (environment->fragment && environment->declared) listEarlier(*environment, *environment->fragment, plan.status);
  }
}

void judgeWithdrawal(Plan& plan, const Snapshot& snapshot, const Examination& examination, WallTime now) {
  const auto& withdrawal = snapshot.production.withdrawal;
  if (!withdrawal) {
    plan.carryOutWithdrawal = snapshot.production.isAnothers;
    return;
  }
  const auto& spec = snapshot.integration->spec;
  const bool sameService =
      withdrawal->holder.idno == spec.beneficiary.idno && withdrawal->serviceID == spec.service.id.value_or("");
  const auto& tenancy = examination.productionTenancy;
  plan.forgetWithdrawal = sameService && tenancy.holds();
  const bool isKnown = snapshot.production.declared && snapshot.namespaceLabels;
  plan.carryOutWithdrawal = !sameService || (isKnown && !tenancy.holds());
  // One that was interrupted is gone on with: nothing that it took away comes back meanwhile.
  const auto due = withdrawal->dueAt ? parseTime(*withdrawal->dueAt) : std::nullopt;
  if (due && *due <= now && (plan.carryOutWithdrawal || plan.endProduction)) {
    std::erase_if(plan.production,
                  [](const auto& object) { return isFragment(object) || componentOf(object.metadata) == kService; });
  }
}

}  // namespace

Plan decide(const Snapshot& snapshot, const Examination& examination, const Conflicts& testing,
            const Conflicts& production, WallTime now) {
  const auto& live = snapshot.production.live;
  Decision decision{.in = snapshot,
                    .form = examination,
                    .testingConflicts = testing,
                    .productionConflicts = production,
                    .now = now,
                    .promotedWith = live ? certificateIn(live->revision.certificate) : std::nullopt,
                    .presentsEarlier = isEarlierPresented(snapshot, examination)};
  decision.plan.nextInstant = examination.nextInstant;
  decision.planChecks();
  decision.judgeClaims();
  decision.judgeTesting();
  decision.judgeFunctional();
  decision.judgeValidated();
  decision.judgePromoted();
  decision.judgeExpiry();
  decision.judgeNotified();
  decision.tellOfRevoked(snapshot.testing, decision.tellInTesting);
  decision.tellOfRevoked(snapshot.production, decision.tellInProduction);
  decision.intend(snapshot.testing, decision.tellInTesting, decision.plan.testing);
  decision.intend(snapshot.production, decision.tellInProduction, decision.plan.production);
  decision.planKeys();
  auto& status = decision.plan.status;
  if (!examination.digest.empty()) {
    status.digest = examination.digest;
    status.testingDigest = examination.testingDigest;
    status.contentHashes = examination.hashes;
  }
  decision.summarise();
  Plan plan = std::move(decision.plan);
  plan.provisioned = decision.testing.holds() && !snapshot.integration->spec.suspend;
  if (snapshot.integration->spec.suspend) suspend(plan, snapshot, examination);
  decision.planRevocation(snapshot.testing, decision.testingChecks, plan.testing);
  decision.planRevocation(snapshot.production, decision.productionChecks, plan.production);
  plan.dropTesting = snapshot.testing.isDamaged && snapshot.testing.settings &&
                     std::none_of(plan.testing.begin(), plan.testing.end(), isFragment) && !decision.waitsForReading();
  plan.endTesting = examination.testingTenancy.reason == "NamespaceNotPermitted" || snapshot.testing.isAnothers;
  plan.endProduction = examination.productionTenancy.reason == "NamespaceNotPermitted";
  judgeWithdrawal(plan, snapshot, examination, now);
  return plan;
}

void explain(api::MPayIntegrationStatus& status, const Error& failure) {
  for (auto& condition : status.conditions) {
    if (condition.reason == "Provisioning" || condition.reason == "Promoting")
      condition.message += "; it is tried again: " + failure.message;
  }
}

}  // namespace mpay::onboarding
