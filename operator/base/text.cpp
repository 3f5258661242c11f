#include "base/text.h"

namespace mpay {

std::int32_t takeCharacter(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : lead >> 3 == 30 ? 4 : 0;
  const auto all = text;
  text.remove_prefix(1);
  if (length == 0 || length > all.size()) return -1;
  std::int32_t point = length == 1 ? lead : lead & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto c = static_cast<unsigned char>(all[i]);
    if (c >> 6 != 2) return -1;
    point = point << 6 | (c & 0x3f);
  }
  constexpr std::int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (point < least[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return -1;
  text = all.substr(length);
  return point;
}

std::size_t countCharacters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) takeCharacter(text);
  return count;
}

bool isPlainCharacter(std::int32_t c) {
  if (c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f) return false;
  return !(c >= 0x202a && c <= 0x202e) && !(c >= 0x2066 && c <= 0x2069);
}

std::string plain(std::string_view text, char instead, std::string_view kept) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto before = text;
    const bool stays = isPlainCharacter(takeCharacter(text)) || kept.find(before[0]) != std::string_view::npos;
    if (stays) {
      result += before.substr(0, before.size() - text.size());
    } else {
      result += instead;
    }
  }
  return result;
}

std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  return text.substr(0, most);
}

}  // namespace mpay
