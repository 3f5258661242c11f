#include "onboarding/rules.h"

#include <algorithm>
#include <cstdint>

namespace mpay::onboarding {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

// The next code point, or -1 where the bytes are not UTF-8.
std::int32_t next(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
  if (length == 0 || length > text.size()) return -1;
  std::int32_t point = length == 1 ? lead : lead & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >> 6 != 2) return -1;
    point = point << 6 | (c & 0x3f);
  }
  constexpr std::int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return -1;
  text.remove_prefix(length);
  return point;
}

}  // namespace

bool isIdno(std::string_view text) {
  if (text.size() != 13 || !std::all_of(text.begin(), text.end(), isDigit)) return false;
  constexpr int weights[] = {7, 3, 1};
  int sum = 0;
  for (std::size_t i = 0; i < 12; ++i) sum += (text[i] - '0') * weights[i % 3];
  return sum % 10 == text[12] - '0';
}

bool isIban(std::string_view text) {
  if (text.size() != 24 || !text.starts_with("MD") || !isDigit(text[2]) || !isDigit(text[3])) return false;
  int remainder = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[(i + 4) % text.size()];
    if (isDigit(c)) {
      remainder = (remainder * 10 + (c - '0')) % 97;
    } else if (c >= 'A' && c <= 'Z') {
      remainder = (remainder * 100 + (c - 'A' + 10)) % 97;
    } else {
      return false;
    }
  }
  return remainder == 1;
}

bool isPlainText(std::string_view text) {
  while (!text.empty()) {
    const std::int32_t c = next(text);
    if (c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f) return false;
    if ((c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) return false;
  }
  return true;
}

bool isMailAddress(std::string_view text) {
  const auto at = text.find('@');
  if (text.size() > 254 || at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  if (text.find('@', at + 1) != std::string_view::npos || !isPlainText(text)) return false;
  return text.find_first_of(" \t<>\"(),:;\\[]") == std::string_view::npos;
}

}  // namespace mpay::onboarding
