// Names that nobody else takes.
#pragma once

#include <string>

namespace mpay {

// 128 random bits, in lower-case hexadecimal: another at each call.
std::string randomId();

}  // namespace mpay
