#include "conformance/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

#include "conformance/translations.h"
#include "json/codec.h"

namespace mpay::conformance {
namespace {

struct Words {
  std::string_view passed, failed, counts, required, recommended, blocked, guide, advice, profile;
};

const Words& wordsOf(Language language) {
  static constexpr Words kRomanian{"Testarea funcțională a trecut.",
                                   "Testarea funcțională nu a trecut.",
                                   "Verificări: {} trecute, {} cu avertisment, {} eșuate, {} omise.",
                                   "obligatorie",
                                   "recomandată",
                                   "nu a putut fi judecată",
                                   "Ghidul",
                                   "De făcut",
                                   "Profil"};
  static constexpr Words kRussian{"Функциональное тестирование пройдено.",
                                  "Функциональное тестирование не пройдено.",
                                  "Проверки: пройдено {}, с предупреждением {}, не пройдено {}, пропущено {}.",
                                  "обязательная",
                                  "рекомендуемая",
                                  "не удалось оценить",
                                  "Руководство",
                                  "Что сделать",
                                  "Профиль"};
  static constexpr Words kEnglish{"Functional testing passed.",
                                  "Functional testing did not pass.",
                                  "Checks: {} passed, {} with a warning, {} failed, {} skipped.",
                                  "required",
                                  "recommended",
                                  "could not be judged",
                                  "The guide",
                                  "To do",
                                  "Profile"};
  switch (language) {
    case Language::ro: return kRomanian;
    case Language::ru: return kRussian;
    case Language::en: break;
  }
  return kEnglish;
}

// "T3 to T6, S1": consecutive checks of the table become a range.
std::string idsOf(std::span<const Finding> findings) {
  const auto& all = allChecks();
  const auto placeOf = [&](const Finding& finding) { return std::find(all.begin(), all.end(), finding.check); };
  std::string text;
  for (std::size_t first = 0; first < findings.size();) {
    std::size_t last = first;
    while (last + 1 < findings.size() && placeOf(findings[last + 1]) == placeOf(findings[last]) + 1) ++last;
    if (!text.empty()) text += ", ";
    text += findings[first].check->id;
    if (last > first) text += fmt::format("{}{}", last == first + 1 ? ", " : " to ", findings[last].check->id);
    first = last + 1;
  }
  return text;
}

bool isOfInterest(const Finding& finding) {
  return finding.outcome == Outcome::fail || finding.outcome == Outcome::warn;
}

}  // namespace

Profile Profile::standard() { return {"Default", {"G9", "G13"}}; }

Profile Profile::of(std::string name, const std::vector<std::string>& required,
                    const std::vector<std::string>& recommended) {
  auto profile = standard();
  profile.name = std::move(name);
  for (const auto& id : required) profile.recommended.erase(id);
  profile.recommended.insert(recommended.begin(), recommended.end());
  return profile;
}

bool Report::passed() const {
  return !findings.empty() &&
         std::none_of(findings.begin(), findings.end(), [](const auto& finding) { return finding.blocks(); });
}

int Report::count(Outcome outcome) const {
  return static_cast<int>(
      std::count_if(findings.begin(), findings.end(), [&](const auto& finding) { return finding.outcome == outcome; }));
}

std::string toJson(const Report& report) {
  json::array checks;
  for (const auto& finding : report.findings) {
    json::object evidence;
    for (const auto& shown : finding.evidence)
      evidence[shown.title] =
          json::object{{"request", shown.request}, {"status", shown.status}, {"response", shown.response}};
    checks.push_back(json::object{{"id", finding.check->id},
                                  {"outcome", json::nameOf(finding.outcome)},
                                  {"message", finding.message},
                                  {"advice", isOfInterest(finding) ? finding.check->advice : ""},
                                  {"evidence", std::move(evidence)}});
  }
  return boost::json::serialize(
      json::object{{"passed", report.passed()}, {"profile", report.profile.name}, {"checks", std::move(checks)}});
}

std::string toJunit(const Report& report, std::string_view name) {
  boost::property_tree::ptree suite;
  int failures = 0, errors = 0, skipped = 0;
  const std::string suiteName(name);
  for (const auto& finding : report.findings) {
    boost::property_tree::ptree test, words;
    test.put("<xmlattr>.classname", suiteName);
    test.put("<xmlattr>.name", fmt::format("{} {}", finding.check->id, finding.check->sentence));
    words.put("<xmlattr>.message", finding.message);
    if (finding.outcome == Outcome::fail && finding.isRequired) {
      ++failures;
      std::string text = std::string(finding.check->advice) + "\n";
      for (const auto& shown : finding.evidence)
        text += fmt::format("\n{}\n{}\n{}\n{}\n", shown.title, shown.request, shown.status, shown.response);
      words.put_value(text);
      test.add_child("failure", words);
    } else if (finding.blocks()) {
      ++errors;
      test.add_child("error", words);
    } else if (finding.outcome == Outcome::skipped) {
      ++skipped;
      test.add_child("skipped", words);
    } else if (isOfInterest(finding)) {
      test.put("system-out",
               fmt::format("{}: {}\n{}", json::nameOf(finding.outcome), finding.message, finding.check->advice));
    }
    suite.add_child("testcase", test);
  }
  boost::property_tree::ptree root;
  suite.put("<xmlattr>.name", suiteName);
  suite.put("<xmlattr>.tests", report.findings.size());
  suite.put("<xmlattr>.failures", failures);
  suite.put("<xmlattr>.errors", errors);
  suite.put("<xmlattr>.skipped", skipped);
  root.add_child("testsuite", suite);
  std::ostringstream out;
  boost::property_tree::write_xml(out, root);
  return out.str() + "\n";
}

std::string lineOf(const Finding& finding, bool colour) { return lineOf(std::span(&finding, 1), colour); }

std::string lineOf(std::span<const Finding> findings, bool colour) {
  const auto& finding = findings.front();
  const auto codeOf = [](Outcome outcome) {
    switch (outcome) {
      case Outcome::pass: return 32;
      case Outcome::warn: return 33;
      case Outcome::fail: return 31;
      case Outcome::skipped: break;
    }
    return 36;
  };
  const auto word = fmt::format("{:<8}", json::nameOf(finding.outcome));
  return fmt::format("{:<4} {} {}", idsOf(findings),
                     colour ? fmt::format("\x1b[{}m{}\x1b[0m", codeOf(finding.outcome), word) : word, finding.message);
}

std::string summaryOf(const Report& report, Language language) {
  const Words& words = wordsOf(language);
  return fmt::format("{}\n{}\n{}: {}\n", report.passed() ? words.passed : words.failed,
                     fmt::format(fmt::runtime(words.counts), report.count(Outcome::pass), report.count(Outcome::warn),
                                 report.count(Outcome::fail), report.count(Outcome::skipped)),
                     words.profile, report.profile.name);
}

std::string explanationOf(const Finding& finding, Language language) {
  const Words& words = wordsOf(language);
  const auto wording = wordingOf(*finding.check, language);
  auto text = fmt::format("     {}: {}\n", words.guide, wording.sentence);
  if (isOfInterest(finding)) text += fmt::format("     {}: {}\n", words.advice, wording.advice);
  return text;
}

std::string toText(const Report& report, Language language) {
  const Words& words = wordsOf(language);
  std::string text = summaryOf(report, language);
  const auto& all = report.findings;
  for (std::size_t i = 0; i < all.size();) {
    const auto& finding = all[i];
    std::size_t end = i + 1;
    // Checks that are skipped for the same cause share one line.
    const auto isLike = [&](const Finding& other) {
      return other.outcome == Outcome::skipped && other.message == finding.message &&
             other.isRequired == finding.isRequired;
    };
    while (finding.outcome == Outcome::skipped && end < all.size() && isLike(all[end])) ++end;
    const auto group = std::span(all).subspan(i, end - i);
    i = end;
    if (finding.outcome == Outcome::pass) continue;
    text +=
        fmt::format("\n{} ({}{}{})\n", lineOf(group, false), finding.isRequired ? words.required : words.recommended,
                    finding.isBlocked ? ", " : "", finding.isBlocked ? words.blocked : "");
    if (group.size() == 1) text += explanationOf(finding, language);
  }
  return text;
}

}  // namespace mpay::conformance
