// What checks ask for and advise, in the languages of integrations. The English is in the tables of checks.
#pragma once

#include <string_view>

#include "base/language.h"
#include "conformance/check.h"

namespace mpay::conformance {

struct Wording {
  std::string_view sentence;  // what the guide asks for
  std::string_view advice;    // what the developer does about it
};

// The check's sentence and advice in that language; names of elements, faults, algorithms and the like are the same in
// all. Every check has all three.
Wording wordingOf(const Check& check, Language language);

}  // namespace mpay::conformance
