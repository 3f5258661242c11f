// xs:dateTime, as XML Schema 1.0 has it: in answers, and in the Timestamps of WS-Security.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace mpay::soap {

// "2025-07-10T09:26:29.463", "2025-07-10T24:00:00Z", "12025-02-28T00:00:00+14:00". The day has to exist; there is no
// year 0000 and no second 60; 24:00:00 is the end of its day.
bool isDateTime(std::string_view text);

// The same in milliseconds, what is finer dropped; one without a zone is read as if it were in UTC. None where it is no
// dateTime, or not of the years 0001 to 9999.
std::optional<std::chrono::sys_time<std::chrono::milliseconds>> instantOf(std::string_view text);

}  // namespace mpay::soap
