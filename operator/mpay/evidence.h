// Messages as a report may show them.
#pragma once

#include <string>
#include <string_view>

#include "mpay/xml.h"

namespace mpay::soap {

// What an excerpt is at most, in bytes.
inline constexpr std::size_t kMaximumExcerpt = 4'000;

// The document, indented, for people; longer ones are cut and end in "...". Text stays where its element is one of
// MPay's that say nothing of a person, of WS-Security's that hold no key, or of a fault; all other text, also of
// elements that nobody knows, becomes "***". So do attributes but those of WS-Security, SOAP and XML Schema. Comments
// are left out.
std::string excerpt(const Document& document, std::size_t most = kMaximumExcerpt);

}  // namespace mpay::soap
