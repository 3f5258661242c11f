#include "onboarding/conditions.h"

namespace mpay::onboarding {

GateJudged judgeValidated(const Snapshot& snapshot, const Examination& form, const Verdict& functional) {
  const auto& live = snapshot.production.live;
  if (servesDeclared(snapshot, form))
    return {good("AsPromoted", fmt::format("revision {} keeps the records", live->number)), {}};
  if (!isForProduction(snapshot)) return {idle("NotRequested", "targetStage is Testing"), {}};
  if (!functional.holds()) {
    if (functional.status == api::ConditionStatus::Unknown) return {functional, {}};
    return {working("AwaitingFunctionalTesting", "FunctionalTestsPassed comes first"), {}};
  }
  const auto& settings = *snapshot.production.settings;
  const Gate gate{snapshot.integration->metadata.key(),
                  snapshot.integration->metadata.uid.value_or(""),
                  settings.name,
                  api::Milestone::FinalValidation,
                  settings.spec.validation.roles,
                  form.digest,
                  settings.spec.validation.serviceAccounts,
                  live};
  auto judged = judgeRecords(gate, snapshot.records, snapshot.admission);
  return {ofGate(judged), std::move(judged.counted)};
}

}  // namespace mpay::onboarding
