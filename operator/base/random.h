// Names that nobody else takes.
#pragma once

#include <string>

namespace mpay {

// 128 random bits, in lower-case hexadecimal: another at each call.
std::string randomId();

// From 0 to 1, so that many who try again do not come back at once. Thread-safe.
double jitter();

}  // namespace mpay
