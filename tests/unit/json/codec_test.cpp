#include "json/codec.h"

#include <gtest/gtest.h>

#include "json/schema.h"
#include "json/yaml.h"

namespace mpay::json {
namespace {

enum class Colour { Red, Green };
BOOST_DESCRIBE_ENUM(Colour, Red, Green)

struct Inner {
  std::string text;
  std::optional<int> number;
};
BOOST_DESCRIBE_STRUCT(Inner, (), (text, number))

struct Outer {
  std::string namespace_ = "default";
  Colour colour = Colour::Red;
  std::vector<Inner> inners;
  std::map<std::string, std::string> labels;
  value raw;
};
BOOST_DESCRIBE_STRUCT(Outer, (), (namespace_, colour, inners, labels, raw))

std::string problem(std::string_view text) {
  const auto decoded = decode<Outer>(parse(text).value());
  return decoded ? "" : decoded.error().message;
}

TEST(Codec, GoesRound) {
  const std::string text =
      R"({"colour":"Green","inners":[{"number":3,"text":"a"},{"text":"b"}],"labels":{"k":"v"},"namespace":"n","raw":{"x":[1,null]}})";
  const auto outer = decode<Outer>(parse(text).value());
  ASSERT_TRUE(outer) << outer.error().message;
  EXPECT_EQ(outer->colour, Colour::Green);
  EXPECT_EQ(canonical(encode(*outer)), text);
}

TEST(Codec, KeepsDefaultsAndIgnoresUnknownKeys) {
  const auto outer = decode<Outer>(parse(R"({"unknown":1,"labels":null})").value());
  ASSERT_TRUE(outer);
  EXPECT_EQ(outer->namespace_, "default");
  EXPECT_EQ(canonical(encode(*outer)), R"({"colour":"Red","namespace":"default"})");
}

TEST(Codec, SaysWhereItFailedAndRepeatsNoValue) {
  EXPECT_EQ(problem(R"({"inners":[{"text":"a"},{"text":7}]})"), "$.inners[1].text: want string, got number");
  EXPECT_EQ(problem(R"({"colour":"secret"})"), "$.colour: unknown value");
  EXPECT_EQ(problem(R"({"inners":{}})"), "$.inners: want array, got object");
  EXPECT_EQ(problem(R"({"labels":{"a":1}})"), "$.labels[a]: want string, got number");
  EXPECT_EQ(problem("[]"), "$: want object, got array");
  EXPECT_EQ(decode<std::int32_t>(value(4294967296)).error().kind, ErrorKind::Decode);
}

TEST(Parse, RefusesWhatIsNotJson) {
  for (const auto text : {"", "{", "{\"a\":1", "<html>", "{} {}", "{\"a\":1,}"}) {
    const auto parsed = parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::Decode);
  }
}

TEST(Canonical, SortsKeysAndEscapesAsJcsDoes) {
  EXPECT_EQ(canonical(parse(R"({"b":1,"a":"\u0001\n\"ț","c":[true,null]})").value()),
            "{\"a\":\"\\u0001\\n\\\"ț\",\"b\":1,\"c\":[true,null]}");
}

TEST(Yaml, IsTypedAsTheCoreSchemaSays) {
  const auto documents =
      parseYaml("a: 1\nb: '1'\nc: true\nd: yes\ne: ~\nf: 1.5\ng: [x, {y: z}]\n---\n---\nh: |\n  two\n  lines\n");
  ASSERT_TRUE(documents) << documents.error().message;
  ASSERT_EQ(documents->size(), 2u);
  EXPECT_EQ(canonical((*documents)[0]), R"({"a":1,"b":"1","c":true,"d":"yes","e":null,"f":1.5E0,"g":["x",{"y":"z"}]})");
  EXPECT_FALSE(parseYaml("a: 1\na: 2\n"));
  EXPECT_FALSE(parseYaml("a: [\n"));
}

TEST(Yaml, GoesRound) {
  const auto original =
      parse(
          R"({"a":"true","b":"1","c":"no","d":"plain","e":"two\nlines\n","f":[],"g":{},"h":[{"i":null}],"j":"Off","k":""})")
          .value();
  EXPECT_EQ(canonical(parseYaml(toYaml(original)).value().front()), canonical(original));
}

struct Undocumented {
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Undocumented, (), (text))
void describe(SchemaOf<Undocumented>&) {}

struct Unbounded {
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Unbounded, (), (text))
void describe(SchemaOf<Unbounded>& s) { s["text"].doc("words"); }

struct Misnamed {
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Misnamed, (), (text))
void describe(SchemaOf<Misnamed>& s) { s["texd"].doc("words"); }

TEST(Schema, RefusesWhatIsNotDocumentedOrBounded) {
  EXPECT_THROW(schemaOf<Undocumented>(), std::logic_error);
  EXPECT_THROW(schemaOf<Unbounded>(), std::logic_error);
  EXPECT_THROW(schemaOf<Misnamed>(), std::logic_error);
}

}  // namespace
}  // namespace mpay::json
