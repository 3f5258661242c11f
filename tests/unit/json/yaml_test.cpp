#include "json/yaml.h"

#include <gtest/gtest.h>

namespace mpay::json {
namespace {

// The value of one scalar in JSON, or the error.
std::string read(const std::string& scalar) {
  const auto documents = parseYaml("v: " + scalar + "\n");
  return documents ? canonical(documents->at(0).at("v")) : documents.error().message;
}

TEST(Yaml, TypesPlainScalarsAsTheCoreSchemaDoes) {
  struct Row {
    std::string scalar, json;
  };
  for (const auto& row : std::vector<Row>{
           {"17", "17"},
           {"+17", "17"},
           {"-17", "-17"},
           {"0x1F", "31"},
           {"0o17", "15"},
           {"1.5", "1.5E0"},
           {".5", "5E-1"},
           {"true", "true"},
           {"False", "false"},
           {"null", "null"},
           {"~", "null"},
           {"", "null"},
           {"yes", "\"yes\""},
           {"+-1", "\"+-1\""},
           {"1-2", "\"1-2\""},
           {"1.2.3", "\"1.2.3\""},
           {"2026-09-14", "\"2026-09-14\""},
           {"0x", "\"0x\""},
           {"0o8", "\"0o8\""},
           {".", "\".\""},
           {"nan", "\"nan\""},
           {"-0x1", "\"-0x1\""},
           {"'17'", "\"17\""},
           {"\"true\"", "\"true\""},
           {"!!str 17", "\"17\""},
           {"! 17", "\"17\""},
           {"''", "\"\""},
       }) {
    EXPECT_EQ(read(row.scalar), row.json) << row.scalar;
  }
}

TEST(Yaml, WritesEveryTextSoThatItReadsBack) {
  for (const std::string text : {
           "plain",
           "",
           " leading",
           "trailing ",
           "a: b",
           "# no comment",
           "- no item",
           "{",
           "[",
           "&a",
           "*a",
           "!t",
           "|",
           ">",
           "%",
           "@",
           "`",
           "'",
           "\"",
           "\\",
           "a#b",
           "a #b",
           "true",
           "null",
           "~",
           "17",
           "0x1F",
           "0o17",
           "010",
           "1_000",
           ".5",
           ".inf",
           "-.INF",
           ".nan",
           "1e3",
           "=",
           "<<",
           "y",
           "OFF",
           "two\nlines",
           "two\nlines\n",
           "two\nlines\n\n",
           "\n",
           "\nstarts",
           "  indented\nfirst\n",
           "trailing \nblank\n",
           "tab\there",
           "line\r\nend\r\n",
           "bell\x07",
           "Țară",
           "a\u2028b",
           "key: |\n  x\n",
           "---",
           "...",
           "--- x\n",
           "?",
           "? x",
           ":",
           "-",
           "-x",
           "x:",
       }) {
    const auto back = parseYaml(toYaml(object{{"v", text}, {"list", array{text, object{{"deep", text}}}}}));
    ASSERT_TRUE(back) << "<" << text << ">: " << back.error().message;
    EXPECT_EQ(canonical(back->at(0).at("v")), canonical(value(text)));
    EXPECT_EQ(canonical(back->at(0).at("list").at(1).at("deep")), canonical(value(text)));
  }
}

// Readers of YAML 1.1, such as kubectl, take more words for numbers and booleans.
TEST(Yaml, QuotesWhatOthersWouldTakeForSomethingElse) {
  for (const std::string text : {"yes", "No", "on", "17", "0x1F", "0b1", "1_000", "010", "1e3", "+1", "-1", ".5",
                                 ".inf", "-.inf", ".NaN", "1:30", "~", "=", "<<"}) {
    EXPECT_EQ(toYaml(object{{"v", text}}), "v: \"" + text + "\"\n");
  }
  EXPECT_EQ(toYaml(object{{"v", ".spec.stage"}}), "v: .spec.stage\n");
}

TEST(Yaml, WritesLinesAsABlock) {
  EXPECT_EQ(toYaml(object{{"pem", "a\nb\n"}, {"list", array{1, nullptr, true}}}),
            "pem: |\n  a\n  b\nlist:\n  - 1\n  - ~\n  - true\n");
}

TEST(Yaml, KeepsTheOrderOfKeys) { EXPECT_EQ(toYaml(object{{"b", 1}, {"a", 2}}), "b: 1\na: 2\n"); }

TEST(Yaml, RefusesWhatIsTooMuch) {
  const std::string deep(200, '[');
  EXPECT_FALSE(parseYaml(deep + std::string(200, ']')));
  // Nine levels of ten: a billion items from a few hundred bytes.
  std::string bomb = "a0: &a0 [x]\n";
  for (int i = 1; i < 10; ++i) {
    bomb += fmt::format("a{0}: &a{0} [*a{1}", i, i - 1);
    for (int j = 1; j < 10; ++j) bomb += fmt::format(", *a{}", i - 1);
    bomb += "]\n";
  }
  const auto refused = parseYaml(bomb);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Decode);
}

TEST(Yaml, SaysWhereAndRepeatsNothing) {
  for (const std::string text : {"ok: 1\nsecret: [\n", "secret: 1\nsecret: 2\n", "secret: *gone\n", "[secret]: 1\n",
                                 "? {secret: 1}\n: 2\n", "a: 1\n\tsecret: 2\n"}) {
    const auto refused = parseYaml(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().kind, ErrorKind::Decode);
    EXPECT_EQ(refused.error().message.find("secret"), std::string::npos) << refused.error().message;
  }
  EXPECT_NE(parseYaml("a: 1\na: 2\n").error().message.find("line 2"), std::string::npos);
}

TEST(Yaml, ResolvesAliases) {
  EXPECT_EQ(canonical(parseYaml("a: &x {k: 1}\nb: *x\n")->at(0)), R"({"a":{"k":1},"b":{"k":1}})");
}

}  // namespace
}  // namespace mpay::json
