#include "json/schema.h"

namespace mpay::json::detail {

void checkBounds(const std::string& path, const object& node) {
  const auto type = node.at("type").as_string();
  const auto want = [&](std::string_view key) {
    if (!node.contains(key)) throw std::logic_error("the schema of " + path + " has no " + std::string(key));
  };
  if (type == "string" && !node.contains("enum")) want("maxLength");
  if (type == "array") {
    want("maxItems");
    checkBounds(path + "[]", node.at("items").as_object());
  }
  if (type == "object" && node.contains("additionalProperties")) {
    want("maxProperties");
    checkBounds(path + "[]", node.at("additionalProperties").as_object());
  }
}

}  // namespace mpay::json::detail
