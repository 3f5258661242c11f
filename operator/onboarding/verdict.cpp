#include "onboarding/verdict.h"

#include "base/text.h"

namespace mpay::onboarding {
namespace {

using api::ConditionStatus;

constexpr std::size_t kMessageKept = 4000;
constexpr std::string_view kPending = "Pending";

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
Verdict writing(std::string reason, std::string message) {
  return isFalse(std::move(reason), std::move(message), Attention::Writing);
}
Verdict awaiting(Awaited awaited, std::string message) {
  return awaiting(awaited, std::move(message), std::string(reasonOf(awaited)));
}
Verdict awaiting(Awaited awaited, std::string message, std::string reason) {
  auto verdict = isFalse(std::move(reason), std::move(message), Attention::Awaiting);
  verdict.awaited = awaited;
  return verdict;
}
std::string_view reasonOf(Awaited awaited) {
  switch (awaited) {
    case Awaited::ServiceID: return "AwaitingServiceID";
    case Awaited::Certificate: return "AwaitingCertificate";
    case Awaited::FunctionalTesting: return "AwaitingFunctionalTesting";
    case Awaited::Validation: break;
  }
  return "AwaitingValidation";
}
Verdict fix(std::string reason, std::string message) {
  return isFalse(std::move(reason), std::move(message), Attention::Fix);
}

Verdict unknown(const Error& error) {
  return {api::ConditionStatus::Unknown, error.reason.empty() ? "Invalid" : error.reason, error.message,
          Attention::Working};
}

Verdict reading(std::string message) { return isFalse(std::string(kPending), std::move(message), Attention::Reading); }

Error beingRead(std::string message) {
  Error error{ErrorKind::Invalid, std::move(message), std::string(kPending)};
  error.state = ErrorState::BeingRead;
  return error;
}

bool isBeingRead(const Error& error) { return error.state == ErrorState::BeingRead; }

Verdict ofError(const Error& error) {
  if (isBeingRead(error)) return reading(error.message);
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
