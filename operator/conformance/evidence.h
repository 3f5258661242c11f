// Excerpts of messages for reports: enough for a developer, and nothing personal or secret.
#pragma once

#include <string>
#include <string_view>

#include "conformance/report.h"
#include "conformance/session.h"

namespace mpay::conformance {

// A message as soap::excerpt shows it, at most some 4 KiB, without long numbers (13 digits are a person's code) and
// without characters that are not plain. If the message is no XML, its first 200 characters.
std::string excerptOf(std::string_view message);

// The text as UTF-8 in at most `most` bytes, without control characters, characters that reorder text, and long
// numbers.
std::string printable(std::string_view text, std::size_t most);

Evidence evidenceOf(const Exchange& exchange);

}  // namespace mpay::conformance
