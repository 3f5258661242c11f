#include "json/yaml.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace mpay::json {
namespace {

// The operator's own files are smaller. The bound is needed because aliases make a small text arbitrarily large.
constexpr int kMaxNodes = 200000;
constexpr int kMaxDepth = 100;

bool isDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::int64_t> plainInteger(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0o")) {
    base = text[1] == 'x' ? 16 : 8;
    text.remove_prefix(2);
    if (text.starts_with('-')) return std::nullopt;
  } else if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  std::int64_t integer = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), integer, base);
  if (error != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return integer;
}

value plainScalar(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (const auto integer = plainInteger(text)) return *integer;
  // A number has a digit in it; "inf" and "nan" stay strings.
  const std::string_view digits = text.substr(text.starts_with('+') ? 1 : 0);
  if (std::any_of(text.begin(), text.end(), isDigit) && text.find_first_not_of("-+.eE0123456789") == text.npos &&
      !(text.starts_with('+') && digits.starts_with('-'))) {
    double number = 0;
    const auto [at, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error == std::errc() && at == digits.data() + digits.size()) return number;
  }
  return value(boost::json::string_view(text));
}

// True if some reader takes the word for a number, a boolean, null or a merge key. kubectl, for example, reads YAML
// 1.1.
bool readsAsSomethingElse(std::string text) {
  const bool isNumberLike =
      !text.empty() && (isDigit(text[0]) || (text.size() > 1 && (text[0] == '+' || text[0] == '-' || text[0] == '.') &&
                                             (isDigit(text[1]) || text[1] == '.')));
  text = lowered(text);
  constexpr std::string_view words[] = {"y", "n", "yes", "no", "on", "off", "=", "<<", ".inf", ".nan"};
  return isNumberLike || !plainScalar(text).is_string() ||
         std::find(std::begin(words), std::end(words), text) != std::end(words);
}

// True if a block scalar ("|", as yaml-cpp writes it) reads back the same: lines of visible text, the last one ended,
// the first one neither empty nor indented.
bool fitsBlock(std::string_view text) {
  return text.size() > 1 && text.ends_with('\n') && text[text.size() - 2] != '\n' && text[0] != '\n' &&
         text[0] != ' ' && std::all_of(text.begin(), text.end(), [](char c) {
           return c == '\n' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
         });
}

Result<value> convert(const YAML::Node& node, int depth, int& nodes) {
  if (depth > kMaxDepth) return fail(ErrorKind::Decode, "YAML is nested too deeply");
  if (++nodes > kMaxNodes) return fail(ErrorKind::Decode, "YAML is too large");
  switch (node.Type()) {
    case YAML::NodeType::Undefined:
    case YAML::NodeType::Null: return value(nullptr);
    case YAML::NodeType::Scalar:
      if (node.Tag() == "!" || node.Tag() == "tag:yaml.org,2002:str")
        return value(boost::json::string_view(node.Scalar()));
      return plainScalar(node.Scalar());
    case YAML::NodeType::Sequence: {
      array items;
      for (const auto& item : node) items.push_back(TRY(convert(item, depth + 1, nodes)));
      return value(std::move(items));
    }
    case YAML::NodeType::Map: {
      object members;
      for (const auto& member : node) {
        if (!member.first.IsScalar()) return fail(ErrorKind::Decode, "a YAML key is not a scalar");
        if (!members.emplace(member.first.Scalar(), TRY(convert(member.second, depth + 1, nodes))).second) {
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
      if (fitsBlock(text)) {
        out << YAML::Literal << text.substr(0, text.size() - 1);  // yaml-cpp ends the last line itself
      } else if (readsAsSomethingElse(text) || text.find('\n') != std::string::npos) {
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
    int nodes = 0;
    for (const auto& node : YAML::LoadAll(std::string(text))) {
      if (node.IsNull() || !node.IsDefined()) continue;
      documents.push_back(TRY(convert(node, 0, nodes)));
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
