// Requirements and advice of the checks in the languages of integrations. The English is in the tables of checks.
#pragma once

#include <string_view>

#include "base/language.h"
#include "conformance/check.h"

namespace mpay::conformance {

struct Wording {
  std::string_view sentence;  // the guide's requirement
  std::string_view advice;    // the developer's remedy
};

// The check's sentence and advice in `language`. Names of elements, faults, algorithms and the like are the same in all
// languages. Every check has all three.
Wording wordingOf(const Check& check, Language language);

}  // namespace mpay::conformance
