// Text, without white space around it, and in small letters.
#pragma once

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

}  // namespace mpay
