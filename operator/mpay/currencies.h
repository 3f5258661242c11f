// The currencies of orders.
#pragma once

#include <string_view>

namespace mpay::soap {

// True for an active alphabetic code of ISO 4217 in capitals, such as "MDL". False for withdrawn codes.
bool isCurrency(std::string_view code);

}  // namespace mpay::soap
