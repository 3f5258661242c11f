// Finds private keys where something public belongs.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mpay::crypto {

// True if the bytes are a private key or contain one: PKCS#1, SEC 1, PKCS#8 (encrypted or not) or PKCS#12; in PEM, in
// DER, or in base64 without a frame anywhere in a text; as UTF-8, UTF-16 or UTF-32, with or without a byte order mark.
// A DER key behind other bytes is not found: the caller that decodes those bytes asks again for the rest.
bool holdsPrivateKey(std::string_view bytes);

// Decodes a text of nothing but base64 and white space; nothing for every other text.
std::optional<std::string> fromFramelessBase64(std::string_view text);

}  // namespace mpay::crypto
