// What a condition says, and who has to act on it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/meta.h"
#include "base/clock.h"
#include "base/result.h"

namespace mpay::onboarding {

enum class Attention {
  None,      // nobody has to do anything
  Working,   // the operator is at it, or tries again
  Awaiting,  // a person must act, not the one who edits the spec
  Fix,       // the user must edit something
};

struct Verdict {
  api::ConditionStatus status = api::ConditionStatus::Unknown;
  std::string reason{};
  std::string message{};
  Attention attention = Attention::Working;

  bool holds() const { return status == api::ConditionStatus::True; }
};

// True.
Verdict good(std::string reason, std::string message);
// False, by who has to act: nobody, the operator, somebody else, the user.
Verdict idle(std::string reason, std::string message);
Verdict working(std::string reason, std::string message);
Verdict awaiting(std::string reason, std::string message);
Verdict fix(std::string reason, std::string message);

// Nothing can be told while that is so.
Verdict unknown(const Error& error);

// Working while something is being read (reason Pending), else for the user to fix.
Verdict ofError(const Error& error);

// The condition that says so. Where its status is that of `before` (null: none) it keeps that time.
// A message over 4000 bytes is cut, between two characters.
api::Condition conditionOf(std::string_view type, const Verdict& verdict, std::int64_t generation,
                           const std::vector<api::Condition>* before, WallTime now);

}  // namespace mpay::onboarding
