// The conditions of the status, and what they come to: Ready, Reconciling and Stalled (docs/domain.md).
#include "onboarding/decision.h"

namespace mpay::onboarding {

void Decision::summarise() {
  const std::pair<std::string_view, const Verdict*> all[] = {{"PrerequisitesMet", &form.prerequisites},
                                                             {"CertificateTrusted", &certificate},
                                                             {"Submitted", &submitted},
                                                             {"TestEnvironmentReady", &testing},
                                                             {"FunctionalTestsPassed", &functional},
                                                             {"Validated", &validated},
                                                             {"Promoted", &promoted},
                                                             {"Notified", &notified}};
  const std::size_t gates = toProduction() ? 7 : 4;
  const Verdict* stalled = nullptr;
  const Verdict* first = nullptr;
  for (std::size_t i = 0; i < gates; ++i) {
    const Verdict* verdict = all[i].second;
    if (verdict->holds()) continue;
    if (!first) first = verdict;
    if (!stalled && verdict->attention == Attention::Fix) stalled = verdict;
  }
  const bool reached = toProduction() ? promoted.holds() : testing.holds();
  Verdict ready, reconciling, stalledCondition;
  ready = idle("", "");
  reconciling = idle("Idle", "nothing is under way");
  stalledCondition = idle("NotStalled", "nothing must be edited");
  auto& phase = plan.status.phase;
  if (spec().suspend) {
    ready = idle("Suspended", "spec.suspend is true: everything stays as it is");
    phase = "Suspended";
  } else if (stalled) {
    ready = idle(stalled->reason, stalled->message);
    stalledCondition = good(stalled->reason, stalled->message);
    phase = "Stalled";
  } else if (reached) {
    ready = good(toProduction() ? "Production" : "Testing", toProduction() ? promoted.message : testing.message);
    phase = toProduction() ? "In production" : "In testing";
  } else if (first && first->attention == Attention::Awaiting) {
    const bool named = first->reason.starts_with("Awaiting");
    ready = idle(named ? first->reason : "AwaitingValidation", first->message);
    phase = ready.reason == "AwaitingServiceID"           ? "Awaiting ServiceID"
            : ready.reason == "AwaitingCertificate"       ? "Awaiting certificate"
            : ready.reason == "AwaitingFunctionalTesting" ? "Functional testing"
                                                          : "Awaiting validation";
  } else if (first) {
    ready = idle(first->reason, first->message);
    reconciling = good(first->reason, first->message);
    phase = "Working";
  }
  if (promoted.holds() || (live() && in.production.fragment && !unadmitted && !losesAll())) {
    plan.status.stage = "Production";
  } else if (testing.holds()) {
    plan.status.stage = "Testing";
  }
  const auto* before = integration().status ? &integration().status->conditions : nullptr;
  const std::int64_t generation = integration().metadata.generation.value_or(0);
  const auto add = [&](std::string_view type, const Verdict& verdict) {
    plan.status.conditions.push_back(conditionOf(type, verdict, generation, before, now));
  };
  for (const auto& [type, verdict] : all) add(type, *verdict);
  add("Ready", ready);
  add("Reconciling", reconciling);
  add("Stalled", stalledCondition);
  plan.status.observedGeneration = generation;
}

}  // namespace mpay::onboarding
