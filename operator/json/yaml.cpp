#include "json/yaml.h"

#include <yaml-cpp/yaml.h>

#include <charconv>

namespace mpay::json {
namespace {

value plainScalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  const char* begin = text.data() + (text[0] == '+' ? 1 : 0);
  const char* end = text.data() + text.size();
  std::int64_t integer = 0;
  if (auto [at, error] = std::from_chars(begin, end, integer); error == std::errc() && at == end) return integer;
  // A number has a digit in it; "inf" and "nan" stay words.
  if (text.find_first_of("0123456789") != std::string::npos &&
      text.find_first_not_of("+-.eE0123456789") == std::string::npos) {
    double number = 0;
    if (auto [at, error] = std::from_chars(begin, end, number); error == std::errc() && at == end) return number;
  }
  return value(boost::json::string_view(text));
}

// Words that readers of YAML 1.1, such as kubectl, take for booleans.
bool isYaml11Word(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return text == "y" || text == "n" || text == "yes" || text == "no" || text == "on" || text == "off";
}

Result<value> convert(const YAML::Node& node, int depth) {
  if (depth > 100) return fail(ErrorKind::Decode, "YAML is nested too deeply");
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null: return value(nullptr);
    case YAML::NodeType::Scalar:
      if (node.Tag() == "!") return value(boost::json::string_view(node.Scalar()));
      return plainScalar(node.Scalar());
    case YAML::NodeType::Sequence: {
      array items;
      for (const auto& item : node) items.push_back(TRY(convert(item, depth + 1)));
      return value(std::move(items));
    }
    case YAML::NodeType::Map: {
      object members;
      for (const auto& member : node) {
        if (!member.first.IsScalar()) return fail(ErrorKind::Decode, "a YAML key is not a scalar");
        if (!members.emplace(member.first.Scalar(), TRY(convert(member.second, depth + 1))).second) {
          return fail(ErrorKind::Decode,
                      fmt::format("a YAML key is given twice, line {}", member.first.Mark().line + 1));
        }
      }
      return value(std::move(members));
    }
  }
  return value(nullptr);
}

void emit(YAML::Emitter& out, const value& v) {
  switch (v.kind()) {
    case boost::json::kind::object:
      if (v.get_object().empty()) {
        out << YAML::Flow << YAML::BeginMap << YAML::EndMap;
        return;
      }
      out << YAML::BeginMap;
      for (const auto& [key, item] : v.get_object()) {
        out << YAML::Key << std::string(key) << YAML::Value;
        emit(out, item);
      }
      out << YAML::EndMap;
      return;
    case boost::json::kind::array:
      if (v.get_array().empty()) {
        out << YAML::Flow << YAML::BeginSeq << YAML::EndSeq;
        return;
      }
      out << YAML::BeginSeq;
      for (const auto& item : v.get_array()) emit(out, item);
      out << YAML::EndSeq;
      return;
    case boost::json::kind::string: {
      const std::string text(v.get_string().data(), v.get_string().size());
      if (text.find('\n') != std::string::npos) {
        out << YAML::Literal << text;
      } else if (!plainScalar(text).is_string() || isYaml11Word(text)) {
        out << YAML::DoubleQuoted << text;
      } else {
        out << text;
      }
      return;
    }
    case boost::json::kind::null: out << YAML::Null; return;
    case boost::json::kind::bool_: out << v.get_bool(); return;
    default: out << boost::json::serialize(v);
  }
}

}  // namespace

Result<std::vector<value>> parseYaml(std::string_view text) {
  try {
    std::vector<value> documents;
    for (const auto& node : YAML::LoadAll(std::string(text))) {
      if (node.IsNull() || !node.IsDefined()) continue;
      documents.push_back(TRY(convert(node, 0)));
    }
    return documents;
  } catch (const YAML::Exception& error) {
    return fail(ErrorKind::Decode,
                fmt::format("not YAML near line {}, column {}", error.mark.line + 1, error.mark.column + 1));
  }
}

std::string toYaml(const value& v) {
  YAML::Emitter out;
  emit(out, v);
  return std::string(out.c_str(), out.size()) + "\n";
}

}  // namespace mpay::json
