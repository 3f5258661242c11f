// xs:dateTime of XML Schema 1.0, in answers and in the Timestamps of WS-Security.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace mpay::soap {

// True for "2025-07-10T09:26:29.463", "2025-07-10T24:00:00Z", "12025-02-28T00:00:00+14:00". The day must exist; there
// is no year 0000 and no second 60; 24:00:00 is the end of its day.
bool isDateTime(std::string_view text);

// The instant in milliseconds; finer fractions are dropped. A time without a zone is read as UTC. None if the text is
// no dateTime, or not in the years 0001 to 9999.
std::optional<std::chrono::sys_time<std::chrono::milliseconds>> instantOf(std::string_view text);

}  // namespace mpay::soap
