#include "conformance/suite.h"

#include <fmt/format.h>

#include <algorithm>

#include "conformance/evidence.h"

namespace mpay::conformance {
namespace {

constexpr std::size_t kMaximumMessage = 500;
constexpr std::size_t kMaximumEvidence = 3;  // exchanges in one finding

bool isSelected(const Plan& plan, const Check& check) { return plan.only.empty() || plan.only.contains(check.id); }

// The reason why the check cannot be run; nothing if it can.
std::optional<std::string> whatIsMissing(Session& session, const Plan& plan, Need need) {
  if (need == Need::Nothing) return std::nullopt;
  const auto& known = session.known();
  if (!known.response) {
    const auto& reason = known.response.error().reason;
    const bool isConnected = reason != "Unreachable" && reason != "ForbiddenAddress" && reason != "TLSFailed";
    // If T1 and T2 are not run, no other check gives the reason.
    if (!isConnected && !isSelected(plan, *findCheck("T1")) && !isSelected(plan, *findCheck("T2")))
      return "no connection came about: " + known.response.error().message;
    if (!isConnected) return "no connection came about, see T1 and T2";
    if (need == Need::Connection) return std::nullopt;
    return "there is no answer to the genuine request, see T3";
  }
  if (need == Need::Connection || need == Need::Answer) return std::nullopt;
  if (!known.envelope) return "the answer is no SOAP envelope, see T3 and T4";
  if (need == Need::Envelope) return std::nullopt;
  if (need == Need::Signature || need == Need::ReadSignature) {
    const auto& v = known.verification;
    if (!v.present) return "the answer is not signed, see S1";
    if (need == Need::Signature || v.isRead) return std::nullopt;
    return v.has("SignatureTooLarge") ? "the signature is not read, see S2" : "the signature cannot be read, see S1";
  }
  if (!known.isLetIn()) return refusalOf(known);
  if (need == Need::LetIn) return std::nullopt;
  if (known.fault()) return "the genuine request was answered with a fault, see G1";
  if (need == Need::Success) return std::nullopt;
  if (!known.content()) return "it is not clear which content is meant, see T4, T6, S2 and S10";
  const auto* answer = session.orders();
  if (!answer) return "the answer is no GetOrderDetailsResponse, see T6";
  if (!answer->orders.empty()) return std::nullopt;
  return "there is no order in the answer, see G1";
}

Verdict verdictOf(Session& session, const Plan& plan, const Check& check) {
  if (const auto why = session.interruption()) return blocked(*why);
  auto missing = whatIsMissing(session, plan, check.need);
  auto verdict = missing ? blocked(std::move(*missing)) : check.judge(session);
  // Requests that came too late say nothing about the service.
  if (const auto why = session.interruption(); why && verdict.outcome != Outcome::pass) return blocked(*why);
  return verdict;
}

Finding findingOf(const Check& check, Verdict verdict, const Plan& plan) {
  Finding finding;
  finding.check = &check;
  finding.outcome = verdict.outcome;
  finding.message = printable(verdict.message, kMaximumMessage);
  finding.isBlocked = verdict.isBlocked;
  finding.isRequired = plan.profile.requires_(check.id);
  if (verdict.outcome == Outcome::fail || verdict.outcome == Outcome::warn) {
    verdict.shown.resize(std::min(verdict.shown.size(), kMaximumEvidence));
    for (const auto* exchange : verdict.shown) finding.evidence.push_back(evidenceOf(*exchange));
  }
  return finding;
}

}  // namespace

Verdict passed(std::string message, std::vector<const Exchange*> shown) {
  return {Outcome::pass, std::move(message), false, std::move(shown)};
}
Verdict warned(std::string message, std::vector<const Exchange*> shown) {
  return {Outcome::warn, std::move(message), false, std::move(shown)};
}
Verdict failed(std::string message, std::vector<const Exchange*> shown) {
  return {Outcome::fail, std::move(message), false, std::move(shown)};
}
Verdict notApplicable(std::string message) { return {Outcome::skipped, std::move(message), false, {}}; }
Verdict blocked(std::string message) { return {Outcome::skipped, std::move(message), true, {}}; }

const std::vector<const Check*>& allChecks() {
  static const auto all = [] {
    std::vector<const Check*> checks;
    for (const auto group : {transportChecks(), answerChecks(), requestChecks(), orderChecks(), paymentChecks()}) {
      for (const auto& check : group) checks.push_back(&check);
    }
    return checks;
  }();
  return all;
}

const Check* findCheck(std::string_view id) {
  for (const auto* check : allChecks()) {
    if (check->id == id) return check;
  }
  return nullptr;
}

std::string describeChecks() {
  const auto profile = Profile::standard();
  const std::pair<std::string_view, std::span<const Check>> groups[] = {{"Transport and envelope", transportChecks()},
                                                                        {"Security of answers", answerChecks()},
                                                                        {"Security of requests", requestChecks()},
                                                                        {"GetOrderDetails", orderChecks()},
                                                                        {"ConfirmOrderPayment", paymentChecks()}};
  std::string text;
  for (const auto& [title, checks] : groups) {
    text += fmt::format("## {}\n\n", title);
    for (const auto& check : checks) {
      text += fmt::format("### {}{}\n\n{}\n\n- Why: {}\n- To do: {}\n- Example: `{}`\n\n", check.id,
                          profile.requires_(check.id) ? "" : " (recommended)", check.sentence, check.why, check.advice,
                          check.example);
    }
  }
  text.pop_back();
  return text;
}

Report run(const Subject& subject, const Plan& plan, const Session::Ports& ports, const std::stop_token& stop,
           const std::function<void(const Finding&)>& onFinding) {
  Session session(subject, plan.limits, ports, stop);
  Report report{plan.profile, {}};
  for (const auto* check : allChecks()) {
    if (!isSelected(plan, *check)) continue;
    report.findings.push_back(findingOf(*check, verdictOf(session, plan, *check), plan));
    if (onFinding) onFinding(report.findings.back());
  }
  return report;
}

Report reportNotApplicable(const Plan& plan, const std::string& why) {
  Report report{plan.profile, {}};
  for (const auto* check : allChecks()) {
    if (isSelected(plan, *check)) report.findings.push_back(findingOf(*check, notApplicable(why), plan));
  }
  return report;
}

}  // namespace mpay::conformance
