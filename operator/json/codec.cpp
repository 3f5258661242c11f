#include "json/codec.h"

#include <algorithm>

namespace mpay::json {
namespace {

void writeString(std::string_view text, std::string& out) {
  out += '"';
  std::size_t plain = 0;  // nothing from here on is written yet
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) continue;
    out.append(text, plain, at - plain);
    plain = at + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    }
  }
  out.append(text, plain);
  out += '"';
}

void write(const value& v, std::string& out) {
  switch (v.kind()) {
    case boost::json::kind::string: writeString(v.get_string(), out); return;
    case boost::json::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& item : v.get_array()) {
        if (!first) out += ',';
        first = false;
        write(item, out);
      }
      out += ']';
      return;
    }
    case boost::json::kind::object: {
      std::vector<const boost::json::key_value_pair*> members;
      members.reserve(v.get_object().size());
      for (const auto& member : v.get_object()) members.push_back(&member);
      std::sort(members.begin(), members.end(), [](auto* a, auto* b) { return a->key() < b->key(); });
      out += '{';
      bool first = true;
      for (const auto* member : members) {
        if (!first) out += ',';
        first = false;
        writeString(member->key(), out);
        out += ':';
        write(member->value(), out);
      }
      out += '}';
      return;
    }
    default: out += boost::json::serialize(v);
  }
}

}  // namespace

Result<value> parse(std::string_view text) {
  boost::json::stream_parser parser(boost::json::storage_ptr{}, parseOptions());
  return parse(text, parser);
}

Result<value> parse(std::string_view text, boost::json::stream_parser& parser) {
  boost::system::error_code error;
  const std::size_t read = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (error == boost::json::error::too_deep) {
    return fail(Error{ErrorKind::Decode, fmt::format("nested deeper than {} levels", kDeepest), "TooDeep"});
  }
  if (error) return fail(ErrorKind::Decode, fmt::format("not JSON near byte {}: {}", read, error.message()));
  return parser.release();
}

std::string canonical(const value& v) {
  std::string out;
  write(v, out);
  return out;
}

}  // namespace mpay::json
