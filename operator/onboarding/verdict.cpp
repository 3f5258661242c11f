#include "onboarding/verdict.h"

#include "base/text.h"

namespace mpay::onboarding {
namespace {

using api::ConditionStatus;

constexpr std::size_t kMessageKept = 4000;

Verdict isFalse(std::string reason, std::string message, Attention attention) {
  return {ConditionStatus::False, std::move(reason), std::move(message), attention};
}

}  // namespace

Verdict good(std::string reason, std::string message) {
  return {ConditionStatus::True, std::move(reason), std::move(message), Attention::None};
}
Verdict idle(std::string reason, std::string message) {
  return isFalse(std::move(reason), std::move(message), Attention::None);
}
Verdict working(std::string reason, std::string message) {
  return isFalse(std::move(reason), std::move(message), Attention::Working);
}
Verdict awaiting(std::string reason, std::string message) {
  return isFalse(std::move(reason), std::move(message), Attention::Awaiting);
}
Verdict fix(std::string reason, std::string message) {
  return isFalse(std::move(reason), std::move(message), Attention::Fix);
}

Verdict unknown(const Error& error) {
  return {api::ConditionStatus::Unknown, error.reason.empty() ? "Invalid" : error.reason, error.message,
          Attention::Working};
}

Verdict ofError(const Error& error) {
  if (error.reason == "Pending") return working("Pending", error.message);
  return fix(error.reason.empty() ? "Invalid" : error.reason, error.message);
}

api::Condition conditionOf(std::string_view type, const Verdict& verdict, std::int64_t generation,
                           const std::vector<api::Condition>* before, WallTime now) {
  api::Condition condition{std::string(type), verdict.status, generation,
                           formatTime(now),   verdict.reason, std::string(cut(verdict.message, kMessageKept))};
  const auto* old = before ? api::findCondition(*before, type) : nullptr;
  if (old && old->status == condition.status) condition.lastTransitionTime = old->lastTransitionTime;
  return condition;
}

}  // namespace mpay::onboarding
