// Random names that do not collide.
#pragma once

#include <string>

namespace mpay {

// 128 random bits in lower-case hexadecimal, new at each call.
std::string randomId();

// From 0 to 1, so that many who try again do not come back at once. Thread-safe.
double jitter();

}  // namespace mpay
