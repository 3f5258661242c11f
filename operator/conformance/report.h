// What a run found, for programs and for people. Nothing in it is personal or secret.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/language.h"
#include "conformance/check.h"

namespace mpay::conformance {

// Which checks must not fail. Warnings block in none.
struct Profile {
  std::string name = "Default";
  std::set<std::string, std::less<>> recommended{};  // a failure of these is reported and does not block

  // All are required but those whose failure harms no payment: G9 and G13.
  static Profile standard();
  // The standard one, changed as an environment's tester.profile says.
  static Profile of(std::string name, const std::vector<std::string>& required,
                    const std::vector<std::string>& recommended);
  bool requires_(std::string_view id) const { return !recommended.contains(id); }
};

// One exchange that a verdict rests on: what was asked, and an excerpt of what came.
struct Evidence {
  std::string title{};
  std::string request{};  // redacted, as all that follows
  std::string status{};   // "200", or why there is none
  std::string response{};
};

struct Finding {
  const Check* check = nullptr;
  Outcome outcome = Outcome::pass;
  std::string message{};
  bool isBlocked = false;
  bool isRequired = true;
  std::vector<Evidence> evidence{};  // of failures and warnings

  // Keeps the run from passing.
  bool blocks() const { return isRequired && (outcome == Outcome::fail || isBlocked); }
};

struct Report {
  Profile profile{};
  std::vector<Finding> findings{};

  bool passed() const;
  int count(Outcome outcome) const;
};

// {"passed": bool, "profile": name, "checks": [{"id", "outcome", "message", "advice", "evidence"}]}; `advice` is empty
// where there is nothing to do, `evidence` an object with request, response and status of each exchange by its title.
// The same in the cluster, as report.json, and of `kubectl mpay test -o json`.
std::string toJson(const Report& report);

// One test suite, one test case a check, for programs that read JUnit's XML. A required check that could not be judged
// is an error, a failure that does not block is passed with its words in system-out.
std::string toJunit(const Report& report, std::string_view name);

// Whether it passed, how many checks found what, and which profile decided: three lines in that language.
std::string summaryOf(const Report& report, Language language);

// Two indented lines in that language: what the guide asks for, and, of failures and warnings, what to do.
std::string explanationOf(const Finding& finding, Language language);

// The summary, and each check that is not passed with its explanation, in that language. Its `lineOf` is the same in
// all: the outcome as JSON names it, and the message, which is English as it names elements and values.
std::string toText(const Report& report, Language language);

// "S4  warn     the digests hold only ...", without a line's end; in colour where `colour`.
std::string lineOf(const Finding& finding, bool colour);

// The same of findings of one outcome and message: "S2 to S8, S10 skipped ...". There must be one at least.
std::string lineOf(std::span<const Finding> findings, bool colour);

}  // namespace mpay::conformance
