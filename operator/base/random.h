// Random names that do not collide.
#pragma once

#include <string>

namespace mpay {

// 128 random bits in lower-case hexadecimal, new at each call.
std::string randomId();

}  // namespace mpay
