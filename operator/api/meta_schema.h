// Words, bounds and rules of the types in meta.h, and rules that several kinds share.
#pragma once

#include "api/meta.h"
#include "json/schema.h"

namespace mpay::api {

// Excludes control characters and characters that reorder text (bidi), so that people read the text as it is stored.
inline constexpr std::string_view kPlainText =
    R"(^[^\x{0000}-\x{001F}\x{007F}-\x{009F}\x{061C}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}]*$)";
// The same for text in several lines.
inline constexpr std::string_view kPlainLines =
    R"(^[^\x{0000}-\x{0008}\x{000B}-\x{001F}\x{007F}-\x{009F}\x{061C}\x{200E}\x{200F}\x{202A}-\x{202E}\x{2066}-\x{2069}]*$)";
inline constexpr std::string_view kObjectName = "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$";
inline constexpr std::string_view kDataKey = "^[-._a-zA-Z0-9]+$";
inline constexpr std::string_view kDigestPattern = "^sha256:[0-9a-f]{64}$";

// A line of text that people read.
inline json::Node& plain(json::Node&& node, std::string_view words, std::int64_t most) {
  return node.doc(words).length(1, most).pattern(kPlainText);
}

inline json::Node& httpsUrl(json::Node&& node, std::string_view words) {
  return node.doc(words).length(1, 2048).rule(
      {"isURL(self) && url(self).getScheme() == 'https' && url(self).getHostname() != '' && "
       "!self.split('/')[2].contains('@') && !self.contains('#')",
       "must be an https URL without user information and fragment"});
}

// d1..d12 weighted 7, 3, 1 repeating, modulo 10, is d13.
inline json::Node& idno(json::Node&& node, std::string_view words) {
  std::string sum;
  for (int i = 0; i < 12; ++i) {
    constexpr int weights[] = {7, 3, 1};
    if (i > 0) sum += " + ";
    sum += fmt::format("int(self.substring({}, {})) * {}", i, i + 1, weights[i % 3]);
  }
  return node.doc(words)
      .length(13, 13)
      .pattern("^[0-9]{13}$")
      .rule({"!self.matches('^[0-9]{13}$') || (" + sum + ") % 10 == int(self.substring(12, 13))",
             "must be an IDNO: its last digit is a checksum that does not hold"});
}

inline void describe(json::SchemaOf<LabelSelector>& s) {
  s["matchLabels"].doc("Labels that must all be there.").properties(16).each().length(0, 63);
}
inline void describe(json::SchemaOf<KeyReference>& s) {
  s["name"].doc("Name of the object.").length(1, 253).pattern(kObjectName);
  s["key"].doc("Key in its data.").length(1, 253).pattern(kDataKey);
}
inline void describe(json::SchemaOf<NameReference>& s) {
  s["name"].doc("Name of the object.").length(1, 253).pattern(kObjectName);
}
// Describes the members of a ContentSource, also of a derived type.
template <class T>
void contentSource(json::SchemaOf<T>& s) {
  s["inline"].doc("The bytes themselves: PEM, or DER in base64.").length(1, 262144);
  s["configMapRef"].doc("A key of a ConfigMap, of its data or binaryData.");
  s["secretRef"].doc("A key of a Secret.");
}
inline void describe(json::SchemaOf<ContentSource>& s) {
  contentSource(s);
  s.rule({"[has(self.inline), has(self.configMapRef), has(self.secretRef)].filter(x, x).size() == 1",
          "exactly one of inline, configMapRef and secretRef"});
}
inline void describe(json::SchemaOf<ContentReference>& s) {
  s["configMapRef"].doc("A key of a ConfigMap.");
  s["secretRef"].doc("A key of a Secret.");
  s.rule({"has(self.configMapRef) != has(self.secretRef)", "exactly one of configMapRef and secretRef"});
}
inline void describe(json::SchemaOf<Condition>& s) {
  s["type"].doc("What is stated.").length(1, 64);
  s["status"].doc("Whether it holds.");
  s["observedGeneration"].doc("The metadata.generation it was stated for.");
  s["lastTransitionTime"].doc("When the status last changed.").length(1, 32).format("date-time");
  s["reason"].doc("A stable word for programs.").length(1, 64).pattern("^[A-Za-z][A-Za-z0-9]*$");
  s["message"].doc("The exact cause, and what to do.").length(0, 4096);
}
inline json::Node& conditions(json::Node&& node) {
  return node.doc("What holds, and why not.").items(0, 16).mapKeys({"type"});
}

}  // namespace mpay::api
