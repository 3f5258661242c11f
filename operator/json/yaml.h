// YAML as another spelling of JSON values (yaml-cpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/codec.h"

namespace mpay::json {

// Parses every document of a YAML text; empty documents are left out. Plain scalars are typed by the YAML 1.2 core
// schema; quoted ones stay strings. Errors: Decode with line and column. Duplicate keys, and a text that aliases make
// too large, are refused. Messages repeat no part of the text.
Result<std::vector<value>> parseYaml(std::string_view text);

// Writes one document in block style, with the keys in the object's order. A string is quoted if it would read as
// something else.
std::string toYaml(const value& v);

}  // namespace mpay::json
