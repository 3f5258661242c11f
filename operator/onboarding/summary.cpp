// The conditions of the status, and their summary: Ready, Reconciling and Stalled (docs/domain.md).
#include "onboarding/conditions.h"

namespace mpay::onboarding {
namespace {

struct Summary {
  Verdict ready = idle("", "");
  Verdict reconciling = idle("Idle", "nothing is under way");
  Verdict stalled = idle("NotStalled", "nothing must be edited");
  std::string phase{};
  bool isBeingWritten = false;  // Ready and Reconciling wait for a write
};

std::string phaseOf(Awaited awaited) {
  switch (awaited) {
    case Awaited::ServiceID: return "Awaiting ServiceID";
    case Awaited::Certificate: return "Awaiting certificate";
    case Awaited::FunctionalTesting: return "Functional testing";
    case Awaited::Validation: break;
  }
  return "Awaiting validation";
}

Summary summaryOf(const SummaryQuestion& question, std::span<const Verdict* const> gates) {
  const bool toProduction = question.integration.spec.targetStage == api::Stage::Production;
  const Verdict* toFix = nullptr;
  const Verdict* first = nullptr;
  for (const auto* verdict : gates) {
    if (verdict->holds()) continue;
    if (!first) first = verdict;
    if (!toFix && verdict->attention == Attention::Fix) toFix = verdict;
  }
  const auto& reached = toProduction ? question.promoted : question.testing;
  Summary summary;
  if (question.integration.spec.suspend) {
    summary.ready = idle("Suspended", "spec.suspend is true: everything stays as it is");
    summary.phase = "Suspended";
  } else if (toFix) {
    summary.ready = idle(toFix->reason, toFix->message);
    summary.stalled = good(toFix->reason, toFix->message);
    summary.phase = "Stalled";
  } else if (reached.holds()) {
    summary.ready = good(toProduction ? "Production" : "Testing", reached.message);
    summary.phase = toProduction ? "In production" : "In testing";
  } else if (first && first->attention == Attention::Awaiting) {
    summary.ready = idle(std::string(reasonOf(first->awaited)), first->message);
    summary.phase = phaseOf(first->awaited);
  } else if (first) {
    summary.ready = idle(first->reason, first->message);
    summary.reconciling = good(first->reason, first->message);
    summary.phase = "Working";
    summary.isBeingWritten = first->attention == Attention::Writing;
  }
  return summary;
}

}  // namespace

std::vector<std::string> summarise(const SummaryQuestion& question, api::MPayIntegrationStatus& status) {
  const auto& integration = question.integration;
  const std::pair<std::string_view, const Verdict*> all[] = {{"PrerequisitesMet", &question.prerequisites},
                                                             {"CertificateTrusted", &question.certificate},
                                                             {"Submitted", &question.submitted},
                                                             {"TestEnvironmentReady", &question.testing},
                                                             {"FunctionalTestsPassed", &question.functional},
                                                             {"Validated", &question.validated},
                                                             {"Promoted", &question.promoted},
                                                             {"Notified", &question.notified}};
  const std::size_t count = integration.spec.targetStage == api::Stage::Production ? 7 : 4;
  std::vector<const Verdict*> gates;
  for (std::size_t i = 0; i < count; ++i) gates.push_back(all[i].second);
  const auto summary = summaryOf(question, gates);
  status.phase = summary.phase;
  if (question.promoted.holds() || question.serves) {
    status.stage = "Production";
  } else if (question.testing.holds()) {
    status.stage = "Testing";
  }
  const auto* before = integration.status ? &integration.status->conditions : nullptr;
  status.observedGeneration = integration.metadata.generation.value_or(0);
  const auto add = [&](std::string_view type, const Verdict& verdict) {
    status.conditions.push_back(conditionOf(type, verdict, status.observedGeneration, before, question.now));
  };
  for (const auto& [type, verdict] : all) add(type, *verdict);
  add("Ready", summary.ready);
  add("Reconciling", summary.reconciling);
  add("Stalled", summary.stalled);
  std::vector<std::string> beingWritten;
  for (const auto& [type, verdict] : all) {
    if (verdict->attention == Attention::Writing) beingWritten.emplace_back(type);
  }
  if (summary.isBeingWritten) beingWritten.insert(beingWritten.end(), {"Ready", "Reconciling"});
  return beingWritten;
}

}  // namespace mpay::onboarding
