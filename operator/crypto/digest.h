// Hashes and base64.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace mpay::crypto {

using Sha256 = std::array<unsigned char, 32>;
Sha256 sha256(std::string_view bytes);

// Lower-case hexadecimal.
std::string hex(const Sha256& digest);
std::string sha256Hex(std::string_view bytes);
std::string sha1Hex(std::string_view bytes);

// "sha256:<64 hex>", the form of every digest that people see.
std::string digestText(std::string_view bytes);

// RFC 4648, with padding, without line breaks.
std::string base64(std::string_view bytes);

// Strict: nothing unless the text is exactly the base64 above.
std::optional<std::string> fromBase64(std::string_view text);

}  // namespace mpay::crypto
