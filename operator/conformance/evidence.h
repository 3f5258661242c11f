// Excerpts of messages for reports: enough for a developer, and nothing personal or secret.
#pragma once

#include <string>
#include <string_view>

#include "conformance/report.h"
#include "conformance/session.h"

namespace mpay::conformance {

// A message as soap::excerpt shows it, without long numbers (13 digits are a person's code) and characters that are not
// plain, at most some 4 KiB. What is no XML is shown by its first 200 characters.
std::string excerptOf(std::string_view message);

// UTF-8 without control characters, those that reorder text, long numbers and what is beyond `most` bytes.
std::string printable(std::string_view text, std::size_t most);

Evidence evidenceOf(const Exchange& exchange);

}  // namespace mpay::conformance
