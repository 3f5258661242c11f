#include "api/crd.h"

#include <gtest/gtest.h>

#include <functional>

#include "support/process.h"

namespace mpay::api {
namespace {

TEST(Crds, AreWhatTheTypesSay) {
  for (const auto& file : crdFiles()) {
    EXPECT_EQ(test::readFile(std::string(MPAY_SOURCE_DIR) + "/crds/" + file.name), file.yaml())
        << "crds/ is generated: build/release/bin/mpay-operator crds crds";
  }
  EXPECT_EQ(crdFiles().size(), 4u);
}

const json::object& schemaOf(const json::value& definition) {
  return definition.at_pointer("/spec/versions/0/schema/openAPIV3Schema").as_object();
}

// Visits every node of a schema with its path, the root first.
void eachNode(const std::string& path, const json::object& node,
              const std::function<void(const std::string&, const json::object&)>& visit) {
  visit(path, node);
  if (const auto* properties = node.if_contains("properties")) {
    for (const auto& [name, property] : properties->as_object()) {
      eachNode(path + "." + std::string(name), property.as_object(), visit);
    }
  }
  if (const auto* items = node.if_contains("items")) eachNode(path + "[]", items->as_object(), visit);
  if (const auto* values = node.if_contains("additionalProperties")) eachNode(path + "{}", values->as_object(), visit);
}

TEST(Crds, DescribeAndBoundEveryProperty) {
  for (const auto& file : crdFiles()) {
    std::size_t seen = 0;
    for (const auto* part : {"spec", "status"}) {
      const auto* whole = schemaOf(file.definition).at("properties").as_object().if_contains(part);
      if (!whole) continue;  // this kind has no status
      eachNode(file.name + " " + part, whole->as_object(), [&](const std::string& path, const json::object& node) {
        ++seen;
        // The description of a list covers its elements.
        if (!path.ends_with("[]") && !path.ends_with("{}")) {
          ASSERT_TRUE(node.contains("description")) << path;
          EXPECT_FALSE(node.at("description").as_string().empty()) << path;
        }
        const std::string_view type = node.at("type").as_string();
        if (type == "string") {
          EXPECT_TRUE(node.contains("enum") || node.contains("maxLength")) << path;
        }
        if (type == "array") {
          EXPECT_TRUE(node.contains("maxItems")) << path;
          EXPECT_TRUE(node.contains("x-kubernetes-list-type")) << path;
        }
        if (node.contains("additionalProperties")) {
          EXPECT_TRUE(node.contains("maxProperties")) << path;
        }
        if (type == "object") {
          EXPECT_TRUE(node.contains("properties") || node.contains("additionalProperties")) << path;
          EXPECT_FALSE(node.contains("x-kubernetes-preserve-unknown-fields")) << path;
        }
      });
    }
    EXPECT_GT(seen, 2u) << file.name;
  }
}

TEST(Crds, ExplainEveryRule) {
  std::size_t rules = 0;
  for (const auto& file : crdFiles()) {
    eachNode(file.name, schemaOf(file.definition), [&](const std::string& path, const json::object& node) {
      const auto* all = node.if_contains("x-kubernetes-validations");
      if (!all) return;
      for (const auto& rule : all->as_array()) {
        ++rules;
        EXPECT_FALSE(rule.at("message").as_string().empty()) << path;
        EXPECT_FALSE(rule.at("reason").as_string().empty()) << path;
      }
    });
  }
  EXPECT_GT(rules, 20u);
}

}  // namespace
}  // namespace mpay::api
