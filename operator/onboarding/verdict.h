// What a condition says, and who has to act on it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/meta.h"
#include "base/clock.h"
#include "base/result.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

enum class Attention {
  None,      // nobody has to do anything
  Working,   // the operator is at it, or tries again
  Reading,   // the same: something that decides is being read
  Writing,   // the same: it is written, and read again
  Awaiting,  // a person must act, not the one who edits the spec
  Fix,       // the user must edit something
};

// What a person has to give, where Attention is Awaiting.
enum class Awaited { ServiceID, Certificate, FunctionalTesting, Validation };

struct Verdict {
  api::ConditionStatus status = api::ConditionStatus::Unknown;
  std::string reason{};
  std::string message{};
  Attention attention = Attention::Working;
  Awaited awaited = Awaited::Validation;

  bool holds() const { return status == api::ConditionStatus::True; }
  bool isBeingRead() const { return attention == Attention::Reading; }
  // The operator is at it, in whatever way.
  bool isUnderWay() const {
    return attention == Attention::Working || attention == Attention::Reading || attention == Attention::Writing;
  }
};

// True.
Verdict good(std::string reason, std::string message);
// False, by who has to act: nobody, the operator (at work, or writing), somebody else, the user.
Verdict idle(std::string reason, std::string message);
Verdict working(std::string reason, std::string message);
Verdict writing(std::string reason, std::string message);
// `reason` empty: reasonOf(awaited).
Verdict awaiting(Awaited awaited, std::string message, std::string reason = {});
Verdict fix(std::string reason, std::string message);

// "AwaitingServiceID".
std::string_view reasonOf(Awaited awaited);

// Nothing can be told while that is so.
Verdict unknown(const Error& error);

// False with reason Pending: nothing can be said before something is read.
Verdict reading(std::string message);

// The error of what cannot be answered before something is read, and how it is told from others.
Error beingRead(std::string message);
bool isBeingRead(const Error& error);

// reading() where that is so, else for the user to fix.
Verdict ofError(const Error& error);

// The condition that says so. Where its status is that of `before` (null: none) it keeps that time.
// A message over 4000 bytes is cut, between two characters.
api::Condition conditionOf(std::string_view type, const Verdict& verdict, std::int64_t generation,
                           const std::vector<api::Condition>* before, WallTime now);

}  // namespace mpay::onboarding
