// Messages as a report may show them.
#pragma once

#include <string>
#include <string_view>

#include "mpay/xml.h"

namespace mpay::soap {

// The largest excerpt, in bytes.
inline constexpr std::size_t kMaximumExcerpt = 4'000;

// The document, indented, for people; a longer one is cut and ends in "...".
// The text of three kinds of element stays: MPay's that tell nothing about a person, WS-Security's that hold no key,
// and those of a fault. All other text, also of unknown elements, becomes "***". Attributes other than those of
// WS-Security, SOAP and XML Schema become "***" too. Comments are left out.
std::string excerpt(const Document& document, std::size_t most = kMaximumExcerpt);

}  // namespace mpay::soap
