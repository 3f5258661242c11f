#include "domain/digest.h"

#include "crypto/digest.h"

namespace mpay::domain {

std::string digestOf(const json::object& effect) { return crypto::digestText(json::canonical(effect)); }

}  // namespace mpay::domain
