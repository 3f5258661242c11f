// The content of reports, and the texts that must not be in them.
#include "conformance/report.h"

#include <fmt/format.h>

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

#include "conformance/evidence.h"
#include "conformance/told_paths.h"
#include "conformance/translations.h"
#include "domain/rules.h"
#include "json/codec.h"
#include "unit/conformance/world.h"

namespace mpay::test {
namespace {

using conformance::Finding;
using conformance::Outcome;
using conformance::Report;

Finding findingOf(std::string_view id, Outcome outcome, bool isBlocked = false, bool isRequired = true) {
  Finding finding;
  finding.check = conformance::findCheck(id);
  finding.outcome = outcome;
  finding.message = "a <message> & \"more\"";
  finding.isBlocked = isBlocked;
  finding.isRequired = isRequired;
  if (outcome == Outcome::fail) finding.evidence.push_back({"asked", "<request>", "200", "<response>"});
  return finding;
}

TEST(Report, PassesUnlessSomethingRequiredFailedOrCouldNotBeJudged) {
  const struct {
    std::string name;
    std::vector<Finding> findings;
    bool passes;
  } rows[] = {
      {"nothing was looked at", {}, false},
      {"passed", {findingOf("T1", Outcome::pass)}, true},
      {"warned", {findingOf("S4", Outcome::warn)}, true},
      {"failed", {findingOf("T1", Outcome::pass), findingOf("S5", Outcome::fail)}, false},
      {"recommended alone failed", {findingOf("G9", Outcome::fail, false, false)}, true},
      {"does not apply", {findingOf("C1", Outcome::skipped)}, true},
      {"could not be judged", {findingOf("C1", Outcome::skipped, true)}, false},
      {"recommended could not be judged", {findingOf("G9", Outcome::skipped, true, false)}, true},
  };
  for (const auto& row : rows) EXPECT_EQ((Report{{}, row.findings}.passed()), row.passes) << row.name;
}

TEST(Report, HasExactlyTheDocumentedJson) {
  const Report report{conformance::Profile::standard(),
                      {findingOf("S5", Outcome::fail), findingOf("C1", Outcome::pass)}};
  const auto advice = std::string(conformance::findCheck("S5")->advice);
  const json::value expected = json::object{
      {"passed", false},
      {"profile", "Default"},
      {"checks",
       json::array{json::object{{"id", "S5"},
                                {"outcome", "fail"},
                                {"message", "a <message> & \"more\""},
                                {"advice", advice},
                                {"evidence", json::object{{"asked", json::object{{"request", "<request>"},
                                                                                 {"status", "200"},
                                                                                 {"response", "<response>"}}}}}},
                   json::object{{"id", "C1"},
                                {"outcome", "pass"},
                                {"message", "a <message> & \"more\""},
                                {"advice", ""},
                                {"evidence", json::object{}}}}}};
  EXPECT_EQ(json::parse(toJson(report)).value(), expected) << toJson(report);
}

TEST(Report, IsReadAsJunit) {
  const Report report{{},
                      {findingOf("T1", Outcome::pass), findingOf("S5", Outcome::fail),
                       findingOf("C2", Outcome::skipped, true), findingOf("C1", Outcome::skipped),
                       findingOf("G9", Outcome::fail, false, false), findingOf("S4", Outcome::warn)}};
  std::istringstream in(toJunit(report, "MODEL & 01"));
  boost::property_tree::ptree read;
  boost::property_tree::read_xml(in, read);
  const auto& suite = read.get_child("testsuite");
  EXPECT_EQ(suite.get<std::string>("<xmlattr>.name"), "MODEL & 01");
  EXPECT_EQ(suite.get<int>("<xmlattr>.tests"), 6);
  EXPECT_EQ(suite.get<int>("<xmlattr>.failures"), 1);
  EXPECT_EQ(suite.get<int>("<xmlattr>.errors"), 1);
  EXPECT_EQ(suite.get<int>("<xmlattr>.skipped"), 1);
  std::string kinds;
  for (const auto& [name, test] : suite) {
    if (name != "testcase") continue;
    for (const auto& [kind, inner] : test) {
      if (kind == "<xmlattr>") continue;
      kinds += kind + " ";
      if (kind == "system-out") continue;
      EXPECT_EQ(inner.get<std::string>("<xmlattr>.message"), "a <message> & \"more\"");
    }
  }
  EXPECT_EQ(kinds, "failure error skipped system-out system-out ");
}

TEST(Report, SpeaksThreeLanguages) {
  const Report report{conformance::Profile::standard(),
                      {findingOf("T1", Outcome::pass), findingOf("S5", Outcome::fail)}};
  EXPECT_TRUE(toText(report, Language::ro).starts_with("Testarea funcțională nu a trecut.\nVerificări: 1 trecute"));
  EXPECT_TRUE(toText(report, Language::ru).starts_with("Функциональное тестирование не пройдено.\n"));
  const auto text = toText(report, Language::en);
  EXPECT_TRUE(text.starts_with("Functional testing did not pass.\nChecks: 1 passed, 0 with a warning, 1 failed"));
  EXPECT_NE(text.find("To do: " + std::string(conformance::findCheck("S5")->advice)), std::string::npos) << text;
}

TEST(Report, SaysAPathOnceALine) {
  conformance::ToldPaths paths;
  EXPECT_EQ(paths.told("A/B/Reason", "is required"), "A/B/Reason: is required");
  EXPECT_EQ(paths.told("A/B/Status", "is no OrderStatus"), ".../Status: is no OrderStatus");
  EXPECT_EQ(paths.told("A/B/Status", "has 7 characters"), "has 7 characters");
  EXPECT_EQ(paths.told("A/Bc", "is unknown"), ".../Bc: is unknown") << "a step is told whole";
  EXPECT_EQ(paths.told("X", "is unknown"), "X: is unknown");
}

TEST(Report, FoldsChecksThatAreSkippedForOneCause) {
  auto other = findingOf("R1", Outcome::skipped, true);
  other.message = "another cause";
  Report report{conformance::Profile::standard(), {findingOf("T2", Outcome::fail)}};
  for (const auto* id : {"T3", "T4", "T5", "T6", "S2"})
    report.findings.push_back(findingOf(id, Outcome::skipped, true));
  report.findings.push_back(other);
  report.findings.push_back(findingOf("R2", Outcome::skipped, true));
  const auto text = toText(report, Language::en);
  for (const auto* line :
       {"\nT3 to T6, S2 skipped  a <message>", "\nR1   skipped  another cause", "\nR2   skipped  a <"}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
  }
  EXPECT_NE(toJson(report).find("\"T5\""), std::string::npos) << "programs get each check";
}

TEST(Report, ExplainsInThreeLanguages) {
  const Report report{
      conformance::Profile::standard(),
      {findingOf("S5", Outcome::fail), findingOf("G6", Outcome::warn), findingOf("R1", Outcome::skipped, true)}};
  const struct {
    Language language;
    std::string guide, advice;
  } rows[] = {{Language::ro, "Ghidul", "De făcut"},
              {Language::ru, "Руководство", "Что сделать"},
              {Language::en, "The guide", "To do"}};
  for (const auto& row : rows) {
    const auto text = toText(report, row.language);
    for (const auto& finding : report.findings) {
      const auto wording = conformance::wordingOf(*finding.check, row.language);
      EXPECT_NE(text.find(fmt::format("\n     {}: {}\n", row.guide, wording.sentence)), std::string::npos) << text;
      const auto advice = fmt::format("\n     {}: {}\n", row.advice, wording.advice);
      EXPECT_EQ(text.find(advice) != std::string::npos, finding.outcome != Outcome::skipped) << text;
    }
  }
  // Programs read these forms, so they have one language.
  EXPECT_NE(toJunit(report, "x").find(conformance::findCheck("S5")->sentence), std::string::npos);
  EXPECT_NE(toJson(report).find(conformance::findCheck("S5")->advice), std::string::npos);
}

TEST(Report, IsColouredOnlyWhereThatIsAsked) {
  const auto finding = findingOf("S5", Outcome::fail);
  EXPECT_EQ(lineOf(finding, false), "S5   fail     a <message> & \"more\"");
  EXPECT_EQ(lineOf(finding, true), "S5   \x1b[31mfail    \x1b[0m a <message> & \"more\"");
}

TEST(Evidence, HidesNumbersOfPeopleAndControlCharacters) {
  EXPECT_EQ(conformance::printable("a\x1b[31m\n2001234567897b", 100), "a [31m ***b");
  EXPECT_EQ(conformance::printable("234.50 of 123456789012", 100), "234.50 of 123456789012");
  EXPECT_EQ(conformance::printable("țțț", 3), "ț...");
  // Characters that control a terminal: C1 controls as one code point, and those that reorder text.
  EXPECT_EQ(conformance::printable("a\xc2\x9b"
                                   "31mb\xe2\x80\xae",
                                   100),
            "a 31mb ");
  EXPECT_EQ(conformance::printable("a\xff"
                                   "b\xc8",
                                   100),
            "a b ")
      << "no UTF-8";
  const auto excerpt = conformance::excerptOf(
      "<OrderKey xmlns='https://mpay.gov.md'>a\xc2\x9b"
      "2J\xe2\x80\xae</OrderKey>");
  EXPECT_NE(excerpt.find("a 2J "), std::string::npos) << excerpt;
}

TEST_F(Conformance, ShowsNothingPersonalAndNoKeys) {
  const Beneficiary beneficiary;
  const auto report = run(beneficiary, "member-order+wrong-key+accepts-unsigned", subjectOf(beneficiary));
  ASSERT_EQ(wrongIn(report), "S5 R1 G3") << all(report);
  for (const auto& text : {toJson(report), toJunit(report, "MODEL-01"), all(report)}) {
    for (const std::string secret : {"Model Payer", "2001234567897", "Model service", ">2025<"})
      EXPECT_EQ(text.find(secret), std::string::npos) << secret;
    // Neither certificates nor signatures, which are base64, may appear.
    EXPECT_EQ(text.find("MII"), std::string::npos) << text;
  }
  const auto& shown = find(report, "G3").evidence.front();
  EXPECT_EQ(shown.status, "200");
  EXPECT_NE(shown.response.find("<OrderKey>KNOWN-1</OrderKey>"), std::string::npos) << shown.response;
  EXPECT_NE(shown.request.find("<GetOrderDetails xmlns="), std::string::npos) << shown.request;
  EXPECT_LT(toJson(report).size(), 900u * 1024);
}

TEST_F(Conformance, ReportsWhateverComesAsUtf8) {
  class Fixed final : public conformance::Endpoint {
   public:
    explicit Fixed(std::string type) : type_(std::move(type)) {}
    Result<net::Response> post(std::string_view, const std::string&, Duration, const std::stop_token&) override {
      return net::Response{200, {{"content-type", type_}}, "nothing"};
    }

   private:
    const std::string type_;
  };
  const Beneficiary beneficiary;
  for (const auto& type : {std::string(59, 'a') + "ță", std::string("text/\xff\x9b"), std::string("text/\xc2\x9b")}) {
    Fixed endpoint(type);
    const auto report = run(endpoint, subjectOf(beneficiary));
    EXPECT_EQ(find(report, "T3").outcome, Outcome::fail);
    EXPECT_TRUE(json::parse(toJson(report))) << find(report, "T3").message;
    EXPECT_TRUE(domain::isPlainText(find(report, "T3").message)) << find(report, "T3").message;
  }
}

TEST(Documentation, HoldsEveryCheckAsTheTableHasIt) {
  const auto text = readFile(MPAY_SOURCE_DIR "/docs/functional-testing.md");
  const std::string mark = "<!-- kubectl mpay test --list -->\n\n";
  const auto at = text.find(mark);
  ASSERT_NE(at, std::string::npos);
  EXPECT_EQ(text.substr(at + mark.size()), conformance::describeChecks())
      << "put there what `kubectl mpay test --list` prints";
}

TEST(Report, PassesWhereThereIsNoEndpoint) {
  const auto report = conformance::reportNotApplicable({}, "no endpoint");
  EXPECT_TRUE(report.passed());
  EXPECT_EQ(report.count(Outcome::skipped), static_cast<int>(conformance::allChecks().size()));
}

TEST(Profile, IsTheDefaultButForWhatIsDeclared) {
  const auto profile = conformance::Profile::of("Strict", {"G9"}, {"S4"});
  EXPECT_EQ(profile.name, "Strict");
  EXPECT_TRUE(profile.requires_("G9"));
  EXPECT_FALSE(profile.requires_("S4"));
  EXPECT_FALSE(profile.requires_("G13")) << "as in the default";
  EXPECT_TRUE(profile.requires_("S1"));
}

}  // namespace
}  // namespace mpay::test
