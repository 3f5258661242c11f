// The log: one line an event, to standard error. Nothing secret is ever passed to it: errors carry
// names and sizes, not contents.
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace mpay {

// Sets pattern and level ("debug", "info", "warn", "error"). Called once, by main.
void setUpLog(std::string_view level);

// The project's version, "0.1.0".
std::string_view version();

}  // namespace mpay
