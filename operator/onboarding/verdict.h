// The verdict of a condition, and who has to act on it.
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
  Working,   // the operator works on it, or tries again
  Reading,   // the same: it reads something that decides
  Writing,   // the same: it writes something, and reads it again
  Awaiting,  // a person other than the author of the spec must act
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
  bool warns = false;  // somebody should be told, whatever the status

  bool holds() const { return status == api::ConditionStatus::True; }
  bool isBeingRead() const { return attention == Attention::Reading; }
  // The operator works on it, in whatever way.
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
Verdict awaiting(Awaited awaited, std::string message);  // with reasonOf(awaited)
Verdict awaiting(Awaited awaited, std::string message, std::string reason);
Verdict fix(std::string reason, std::string message);

// "AwaitingServiceID".
std::string_view reasonOf(Awaited awaited);

// Unknown, because of this error.
Verdict unknown(const Error& error);

// False with reason Pending: nothing can be said before something is read.
Verdict reading(std::string message);

// The error of a question that needs something that is still being read, and the test for that error.
Error beingRead(std::string message);
bool isBeingRead(const Error& error);

// reading() for such an error; otherwise the user has to fix it.
Verdict ofError(const Error& error);

// The condition for a verdict. It keeps the time of `before` (null: none) where the status is the same.
// A message over 4000 bytes is cut, between two characters.
api::Condition conditionOf(std::string_view type, const Verdict& verdict, std::int64_t generation,
                           const std::vector<api::Condition>* before, WallTime now);

}  // namespace mpay::onboarding
