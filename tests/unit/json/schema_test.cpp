#include "json/schema.h"

#include <gtest/gtest.h>

namespace mpay::json {
namespace {

enum class Size { Small, Large };
BOOST_DESCRIBE_ENUM(Size, Small, Large)

struct Part {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(Part, (), (name))
void describe(SchemaOf<Part>& s) { s["name"].doc("Its name.").length(1, 9).pattern("^[a-z]+$"); }

struct Thing {
  std::string id_;
  Size size = Size::Small;
  bool shiny = false;
  std::int32_t count = 0;
  std::optional<std::string> note;
  std::vector<Part> parts;
  std::vector<std::string> tags;
  std::map<std::string, std::string> labels;
};
BOOST_DESCRIBE_STRUCT(Thing, (), (id_, size, shiny, count, note, parts, tags, labels))
void describe(SchemaOf<Thing>& s) {
  s.doc("A thing.").rule({"self.count > 0", "at least one", "FieldValueRequired", ".count"});
  s["id"].doc("Which.").length(0, 5).rule({"self == oldSelf", "immutable"});
  s["size"].doc("How large.");
  s["shiny"].doc("Whether it shines.").byDefault(true);
  s["count"].doc("How many.").range(1, 3);
  s["note"].doc("More.").length(0, 10).format("date");
  s["parts"].doc("Of what.").items(1, 2).mapKeys({"name"});
  s["tags"].doc("Words.").items(1, 4).unique().required().each().length(0, 3).oneOf({"a", "b"});
  s["labels"].doc("Labels.").properties(2).each().length(0, 63);
}

TEST(Schema, FollowsFromTheTypeAndItsDescription) {
  const auto expected = parse(R"({
    "type": "object", "description": "A thing.", "required": ["id", "size", "count", "tags"],
    "x-kubernetes-validations": [{"rule": "self.count > 0", "message": "at least one", "reason": "FieldValueRequired",
                                  "fieldPath": ".count"}],
    "properties": {
      "id": {"type": "string", "description": "Which.", "maxLength": 5, "x-kubernetes-validations": [
          {"rule": "self == oldSelf", "message": "immutable", "reason": "FieldValueInvalid"}]},
      "size": {"type": "string", "description": "How large.", "enum": ["Small", "Large"]},
      "shiny": {"type": "boolean", "description": "Whether it shines.", "default": true},
      "count": {"type": "integer", "format": "int32", "description": "How many.", "minimum": 1, "maximum": 3},
      "note": {"type": "string", "description": "More.", "maxLength": 10, "format": "date"},
      "parts": {"type": "array", "description": "Of what.", "minItems": 1, "maxItems": 2,
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                "items": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string", "description": "Its name.", "minLength": 1, "maxLength": 9,
                             "pattern": "^[a-z]+$"}}}},
      "tags": {"type": "array", "description": "Words.", "minItems": 1, "maxItems": 4, "x-kubernetes-list-type": "set",
               "items": {"type": "string", "maxLength": 3, "enum": ["a", "b"]}},
      "labels": {"type": "object", "description": "Labels.", "maxProperties": 2,
                 "additionalProperties": {"type": "string", "maxLength": 63}}
    }})");
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_EQ(canonical(schemaOf<Thing>()), canonical(*expected));
}

struct UnboundedList {
  std::vector<Part> parts;
};
BOOST_DESCRIBE_STRUCT(UnboundedList, (), (parts))
void describe(SchemaOf<UnboundedList>& s) { s["parts"].doc("words"); }

struct UnboundedElement {
  std::vector<std::string> parts;
};
BOOST_DESCRIBE_STRUCT(UnboundedElement, (), (parts))
void describe(SchemaOf<UnboundedElement>& s) { s["parts"].doc("words").items(0, 3); }

struct UnboundedMap {
  std::map<std::string, std::string> parts;
};
BOOST_DESCRIBE_STRUCT(UnboundedMap, (), (parts))
void describe(SchemaOf<UnboundedMap>& s) { s["parts"].doc("words").each().length(0, 3); }

TEST(Schema, RefusesListsAndMapsWithoutBounds) {
  EXPECT_THROW(schemaOf<UnboundedList>(), std::logic_error);
  EXPECT_THROW(schemaOf<UnboundedElement>(), std::logic_error);
  EXPECT_THROW(schemaOf<UnboundedMap>(), std::logic_error);
}

}  // namespace
}  // namespace mpay::json
