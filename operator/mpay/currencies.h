// The currencies in which an order may be.
#pragma once

#include <string_view>

namespace mpay::soap {

// An active alphabetic code of ISO 4217, in capitals: "MDL". Codes that were withdrawn are none.
bool isCurrency(std::string_view code);

}  // namespace mpay::soap
