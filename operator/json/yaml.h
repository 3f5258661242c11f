// YAML as another spelling of JSON values (yaml-cpp).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/codec.h"

namespace mpay::json {

// Every document of a YAML text; empty documents are left out. Plain scalars are typed as in the
// YAML 1.2 core schema, quoted ones stay strings. Errors: Decode, with line and column; duplicate
// keys, and a text that aliases make too large, are refused; no part of the text is repeated.
Result<std::vector<value>> parseYaml(std::string_view text);

// One document in block style, keys in the object's order; strings are quoted where they would
// read as something else.
std::string toYaml(const value& v);

}  // namespace mpay::json
