// Texts: trimmed, in small letters, cut and cleaned.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mpay {

// White space is XML's: blank, tab, carriage return and line feed.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

// Of ASCII alone, whatever the locale.
inline std::string lowered(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return small;
}

// Takes the first character off a text that is not empty; -1, and one byte, where that is not UTF-8.
std::int32_t takeCharacter(std::string_view& text);

// How many characters it has; each byte that is not UTF-8 counts as one.
std::size_t countCharacters(std::string_view text);

// Neither a control character nor one that reorders text (bidi); not -1.
bool isPlainCharacter(std::int32_t character);

// With `instead` in place of all that is not plain, bytes that are not UTF-8 among it, but for the characters of
// `kept`.
std::string plain(std::string_view text, char instead, std::string_view kept = "");

// The beginning, at most that many bytes, cut between characters.
std::string_view cut(std::string_view text, std::size_t most);

}  // namespace mpay
