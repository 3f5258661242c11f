// The translations say the same as the English, as far as a program can check.
#include "conformance/translations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>

namespace mpay::test {
namespace {

using conformance::Wording;

bool isAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool isLetterOrDigit(char c) { return isAscii(c) && std::isalnum(static_cast<unsigned char>(c)) != 0; }
bool isUpper(char c) { return isAscii(c) && std::isupper(static_cast<unsigned char>(c)) != 0; }
bool isDigit(char c) { return isAscii(c) && std::isdigit(static_cast<unsigned char>(c)) != 0; }

// The words of a text that belong to no language: names with a capital (two capitals at the beginning of a sentence),
// identifiers of specifications, numbers.
std::set<std::string> codesIn(std::string_view text) {
  std::set<std::string> codes;
  const auto isOfWord = [](char c) {
    return isLetterOrDigit(c) || std::string_view("./:#-").find(c) != std::string_view::npos;
  };
  bool beginsSentence = true;
  for (std::size_t at = 0; at < text.size();) {
    if (!isLetterOrDigit(text[at])) {
      ++at;
      continue;
    }
    auto end = at;
    while (end < text.size() && isOfWord(text[end])) ++end;
    std::string word(text.substr(at, end - at));
    at = end;
    const bool endsSentence = word.back() == '.';
    while (!isLetterOrDigit(word.back()) && word.back() != '#') word.pop_back();
    const auto capitals = std::count_if(word.begin(), word.end(), isUpper);
    const bool isSpecial =
        std::any_of(word.begin(), word.end(), [](char c) { return isDigit(c) || c == ':' || c == '/' || c == '#'; });
    if ((capitals >= (beginsSentence ? 2 : 1) || isSpecial) && word != "Romanian") codes.insert(word);
    beginsSentence = endsSentence;
    if (at < text.size() && text[at] == '\'') at += 2;  // of a genitive
  }
  return codes;
}

bool holdsWord(std::string_view text, std::string_view word) {
  for (auto at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    const auto after = at + word.size();
    if ((at == 0 || !isLetterOrDigit(text[at - 1])) && (after == text.size() || !isLetterOrDigit(text[after])))
      return true;
  }
  return false;
}

bool holdsCyrillic(std::string_view text) {
  return text.find('\xd0') != std::string_view::npos || text.find('\xd1') != std::string_view::npos;
}

template <typename Visit>
void forEachTranslation(Visit visit) {
  for (const auto* check : conformance::allChecks()) {
    for (const auto language : {Language::ro, Language::ru}) {
      const bool isRussian = language == Language::ru;
      SCOPED_TRACE(std::string(check->id) + (isRussian ? " ru" : " ro"));
      const auto wording = conformance::wordingOf(*check, language);
      visit(check->sentence, wording.sentence, isRussian);
      visit(check->advice, wording.advice, isRussian);
    }
  }
}

TEST(Codes, AreFoundInTexts) {
  const std::set<std::string> expected{"MPay", "TotalAmountDue", "http://a.b/c#", "rsa-sha1", "T3", "1.1", "Header",
                                       "36"};
  EXPECT_EQ(codesIn("Give MPay's TotalAmountDue, by http://a.b/c# and rsa-sha1: see T3. Take 1.1 (a Header) of 36."),
            expected);
  EXPECT_TRUE(holdsWord("în Body-ul", "Body"));
  EXPECT_FALSE(holdsWord("TotalAmountDueX", "TotalAmountDue"));
}

TEST(Translations, AreThereOfEveryCheckInEachLanguage) {
  ASSERT_EQ(conformance::allChecks().size(), 42u);
  forEachTranslation([](std::string_view english, std::string_view translated, bool isRussian) {
    EXPECT_FALSE(translated.empty());
    EXPECT_NE(translated, english);
    EXPECT_EQ(holdsCyrillic(translated), isRussian) << translated;
  });
  for (const auto* check : conformance::allChecks()) {
    const auto wording = conformance::wordingOf(*check, Language::en);
    EXPECT_EQ(wording.sentence, check->sentence);
    EXPECT_EQ(wording.advice, check->advice);
  }
}

TEST(Translations, AreEachOfOneCheck) {
  std::set<std::string_view> seen;
  forEachTranslation([&](std::string_view, std::string_view translated, bool) {
    EXPECT_TRUE(seen.insert(translated).second) << translated << " is there twice";
  });
}

TEST(Translations, AreWholeSentencesWithoutPlaceholders) {
  forEachTranslation([](std::string_view, std::string_view translated, bool) {
    ASSERT_FALSE(translated.empty());
    EXPECT_EQ(translated.back(), '.') << translated;
    for (const auto* const stray : {"{", "}", "%", "TODO", "  ", "\n", "ş", "ţ"})
      EXPECT_EQ(translated.find(stray), std::string_view::npos) << '"' << stray << "\" in: " << translated;
  });
}

TEST(Translations, NameWhatTheEnglishNamesAndNothingElse) {
  forEachTranslation([](std::string_view english, std::string_view translated, bool) {
    for (const auto& code : codesIn(english)) EXPECT_TRUE(holdsWord(translated, code)) << code << " in: " << translated;
    for (const auto& code : codesIn(translated)) {
      // One capital may begin a sentence after letters that are not ASCII. The translations name SOAP where the English
      // says "stack" or "fault".
      if (std::count_if(code.begin(), code.end(), isUpper) < 2 || code == "SOAP") continue;
      EXPECT_TRUE(holdsWord(english, code.substr(0, code.find('-')))) << code << " not in: " << english;
    }
  });
}

}  // namespace
}  // namespace mpay::test
