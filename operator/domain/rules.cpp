#include "domain/rules.h"

#include <algorithm>

#include "base/text.h"

namespace mpay::domain {
namespace {

bool isDigit(char c) { return c >= '0' && c <= '9'; }

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
    if (!isPlainCharacter(takeCharacter(text))) return false;
  }
  return true;
}

bool isMailAddress(std::string_view text) {
  const auto at = text.find('@');
  if (text.size() > 254 || at == std::string_view::npos || at == 0 || at + 1 == text.size()) return false;
  if (text.find('@', at + 1) != std::string_view::npos || !isPlainText(text)) return false;
  return text.find_first_of(" \t<>\"(),:;\\[]") == std::string_view::npos;
}

}  // namespace mpay::domain
