// The results of a run, for programs and for people. They contain nothing personal or secret.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/language.h"
#include "conformance/check.h"

namespace mpay::conformance {

// Selects the checks that must not fail. Warnings never block.
struct Profile {
  std::string name = "Default";
  std::set<std::string, std::less<>> recommended{};  // a failure of these is reported and does not block

  // Requires all checks but G9 and G13, whose failure harms no payment.
  static Profile standard();
  // The standard one, changed as an environment's tester.profile says.
  static Profile of(std::string name, const std::vector<std::string>& required,
                    const std::vector<std::string>& recommended);
  bool requires_(std::string_view id) const { return !recommended.contains(id); }
};

// One exchange that a verdict rests on: the request, and an excerpt of the answer.
struct Evidence {
  std::string title{};
  std::string request{};  // redacted, as all below
  std::string status{};   // "200", or the reason why there is none
  std::string response{};
};

struct Finding {
  const Check* check = nullptr;
  Outcome outcome = Outcome::pass;
  std::string message{};
  bool isBlocked = false;
  bool isRequired = true;
  std::vector<Evidence> evidence{};  // for failures and warnings

  // True if the finding keeps the run from passing.
  bool blocks() const { return isRequired && (outcome == Outcome::fail || isBlocked); }
};

struct Report {
  Profile profile{};
  std::vector<Finding> findings{};

  bool passed() const;
  int count(Outcome outcome) const;
};

// {"passed": bool, "profile": name, "checks": [{"id", "outcome", "message", "advice", "evidence"}]}. `advice` is empty
// if nothing is to be done. `evidence` is an object that maps each exchange's title to its request, response and
// status. The cluster's report.json and `kubectl mpay test -o json` have the same form.
std::string toJson(const Report& report);

// JUnit's XML: one test suite, one test case a check. A required check that could not be judged is an error. A failure
// that does not block counts as passed, with its message in system-out.
std::string toJunit(const Report& report, std::string_view name);

// Three lines in `language`: if the run passed, the count of checks for each outcome, and the profile.
std::string summaryOf(const Report& report, Language language);

// Two indented lines in `language`: the guide's requirement, and for failures and warnings the remedy.
std::string explanationOf(const Finding& finding, Language language);

// The summary, and each check that did not pass with its explanation, in `language`. The line of a check is lineOf() in
// all languages: the outcome as in JSON, and the message, which is English because it names elements and values.
std::string toText(const Report& report, Language language);

// "S4  warn     the digests hold only ...", without a line's end; coloured if `colour`.
std::string lineOf(const Finding& finding, bool colour);

// The same for findings with one outcome and message: "S2 to S8, S10 skipped ...". `findings` must not be empty.
std::string lineOf(std::span<const Finding> findings, bool colour);

}  // namespace mpay::conformance
