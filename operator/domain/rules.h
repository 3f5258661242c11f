// Small rules on texts and numbers. Source: docs/domain.md, "Fields".
#pragma once

#include <string>
#include <string_view>

namespace mpay::domain {

// Thirteen digits; the last is the sum of d[i] * 7,3,1 (repeating), mod 10.
bool isIdno(std::string_view text);

// A Moldovan IBAN: MD, 24 characters, modulo 97 is 1 (ISO 13616).
bool isIban(std::string_view text);

// UTF-8 without control characters and without characters that reorder text (bidi).
bool isPlainText(std::string_view text);

// An address that may go into a mail header: one @, no blanks, no CR or LF, at most 254 bytes.
bool isMailAddress(std::string_view text);

}  // namespace mpay::domain
