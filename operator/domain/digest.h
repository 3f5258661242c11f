// The digest that people validate.
#pragma once

#include <string>

#include "json/codec.h"

namespace mpay::domain {

// sha256:<64 hex> over the canonical JSON of an effect (onboarding/effect.h).
std::string digestOf(const json::object& effect);

}  // namespace mpay::domain
