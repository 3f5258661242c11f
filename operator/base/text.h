// Text: trimming, lower case, cutting and cleaning.
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

// Lowers ASCII letters only, whatever the locale.
inline std::string lowered(std::string_view text) {
  std::string small(text);
  for (char& c : small) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return small;
}

// Takes the first character off `text`, which must not be empty. A byte that is not UTF-8 is taken alone and gives -1.
std::int32_t takeCharacter(std::string_view& text);

// The number of characters; each byte that is not UTF-8 counts as one.
std::size_t countCharacters(std::string_view text);

// False for control characters, for characters that reorder text (bidi), and for -1.
bool isPlainCharacter(std::int32_t character);

// Replaces by `instead` every character that is not plain and every byte that is not UTF-8. The characters of `kept`
// stay.
std::string plain(std::string_view text, char instead, std::string_view kept = "");

// The beginning of `text`: at most `most` bytes, cut between characters.
std::string_view cut(std::string_view text, std::size_t most);

}  // namespace mpay
