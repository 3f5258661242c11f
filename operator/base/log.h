// The log: one line an event, to standard error. No caller passes secrets: errors carry names and sizes, not contents.
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace mpay {

// Sets pattern and level ("debug", "info", "warn", "error"). Called once, by main.
void setUpLog(std::string_view level);

// Runs f. An exception is a bug: guarded() logs it and ends it here, so that one call's bug ends neither the thread nor
// the C library that made the call.
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
