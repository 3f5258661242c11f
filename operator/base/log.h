// The log: one line an event, to standard error. Nothing secret is ever passed to it: errors carry
// names and sizes, not contents.
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace mpay {

// Sets pattern and level ("debug", "info", "warn", "error"). Called once, by main.
void setUpLog(std::string_view level);

// Runs f. Exceptions are bugs: what f throws is logged and goes no further, so that one call's bug does not end the
// thread, or the C library, that made it.
template <class F>
void guarded(std::string_view where, const F& f) noexcept {
  try {
    f();
  } catch (const std::exception& bug) {
    spdlog::error("internal error in {}: {}", where, bug.what());
  } catch (...) {
    spdlog::error("internal error of an unknown kind in {}", where);
  }
}

// The project's version, "0.1.0".
std::string_view version();

}  // namespace mpay
