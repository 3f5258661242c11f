#include "json/stream.h"

#include <gmock/gmock.h>

namespace mpay::json {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Split {
  std::vector<std::string> items;
  Result<std::string> around;
};

// Feeds the text in pieces of that size.
Split split(std::string_view text, std::size_t piece, std::size_t longest = 1000) {
  std::vector<std::string> items;
  ItemSplitter splitter(longest, [&](std::string_view item) -> Result<void> {
    items.emplace_back(item);
    return {};
  });
  while (!text.empty()) {
    if (auto written = splitter.write(text.substr(0, piece)); !written) return {items, fail(written.error())};
    text.remove_prefix(std::min(piece, text.size()));
  }
  return {items, splitter.finish()};
}

TEST(ItemSplitter, CutsAListWhereverItsBytesAreCut) {
  const std::string text =
      R"({"kind":"List","items":[ {"a":"]}\"","b":{"items":[1,{}]}} ,{} , {"c":"\\"}],"metadata":{"items":[2],"continue":"x"}})";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const auto got = split(text, piece);
    EXPECT_THAT(got.items, ElementsAre(R"({"a":"]}\"","b":{"items":[1,{}]}})", "{}", R"({"c":"\\"})")) << piece;
    ASSERT_TRUE(got.around) << piece;
    EXPECT_EQ(*got.around, R"({"kind":"List","items":[],"metadata":{"items":[2],"continue":"x"}})") << piece;
  }
}

TEST(ItemSplitter, TakesOnlyTheListsOwnItems) {
  const auto got = split(R"({"metadata":{"items":[{"a":1}]},"note":"items","other":[{"b":2}],"items":null})", 7);
  EXPECT_TRUE(got.items.empty());
  EXPECT_EQ(got.around.value(), R"({"metadata":{"items":[{"a":1}]},"note":"items","other":[{"b":2}],"items":null})");
}

TEST(ItemSplitter, NoticesAListThatBreaksOff) {
  const std::string text = R"({"items":[{"a":1},{"b":2}],"metadata":{}})";
  for (std::size_t length = 0; length < text.size(); ++length) {
    const auto got = split(std::string_view(text).substr(0, length), 5);
    EXPECT_FALSE(got.around) << length;
    EXPECT_LE(got.items.size(), 2u);
  }
}

TEST(ItemSplitter, RefusesWhatIsNoListOfObjects) {
  for (const auto* text : {R"({"items":[1]})", R"({"items":["x"]})", "]", "}{"}) {
    const auto got = split(text, 100);
    ASSERT_FALSE(got.around) << text;
    EXPECT_EQ(got.around.error().kind, ErrorKind::Decode) << text;
  }
}

TEST(ItemSplitter, LimitsAnItemAndWhatSurroundsThem) {
  const std::string wide(200, 'x');
  for (const std::size_t piece : {std::size_t{10}, std::size_t{1000}}) {
    const auto item = split(R"({"items":[{"a":")" + wide + R"("}]})", piece, 150);
    ASSERT_FALSE(item.around);
    EXPECT_EQ(item.around.error().reason, "ResponseTooLarge");
    EXPECT_THAT(item.around.error().message, HasSubstr("an item"));
    const auto around = split(R"({"a":")" + wide + R"(","items":[]})", piece, 150);
    ASSERT_FALSE(around.around);
    EXPECT_EQ(around.around.error().reason, "ResponseTooLarge");
  }
}

TEST(ItemSplitter, EndsWithTheFirstErrorOfAnItem) {
  int seen = 0;
  ItemSplitter splitter(100, [&](std::string_view) -> Result<void> {
    ++seen;
    return fail(ErrorKind::Decode, "no");
  });
  EXPECT_FALSE(splitter.write(R"({"items":[{},{}]})"));
  EXPECT_EQ(seen, 1);
}

TEST(Reader, RefusesWhatIsTooDeep) {
  const auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  Reader reader;
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(reader.parse(nested(kDeepest)));
    const auto deeper = reader.parse(nested(kDeepest + 1));
    ASSERT_FALSE(deeper);
    EXPECT_EQ(deeper.error().reason, "TooDeep");
  }
  EXPECT_EQ(parse(nested(100'000)).error().reason, "TooDeep");
}

TEST(Pruned, LeavesWhatIsNearTheRoot) {
  EXPECT_EQ(pruned(R"({"a":{"b":[1,{"c":2}],"d":"]}\"{"},"e":[[]]})", 2), R"({"a":{"b":null,"d":"]}\"{"},"e":[null]})");
  EXPECT_EQ(pruned("{}", 1), "{}");
  EXPECT_EQ(pruned("}]", 1), "}]");
}

TEST(Reader, NeedsNoMoreMemoryForTheHundredthLargeDocument) {
  Reader reader;
  std::string list = "[0";
  while (list.size() < 100'000) list += R"(,"an item that is too long to be kept in place")";
  list += "]";
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(reader.parse(list)) << i;
}

TEST(Reader, ReadsOneDocumentAfterAnother) {
  Reader reader;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(boost::json::serialize(**reader.parse(R"({"a":[1,"x"]})")), R"({"a":[1,"x"]})");
    EXPECT_FALSE(reader.parse("{"));
    EXPECT_FALSE(reader.parse("{} {}"));
    const std::string long_ = "\"" + std::string(300'000, 'y') + "\"";
    EXPECT_EQ((*reader.parse(long_))->get_string().size(), 300'000u);
  }
}

}  // namespace
}  // namespace mpay::json
