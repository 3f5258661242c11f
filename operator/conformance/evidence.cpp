#include "conformance/evidence.h"

#include <algorithm>

#include "base/text.h"
#include "mpay/evidence.h"

namespace mpay::conformance {
namespace {

constexpr std::size_t kMaximumText = 200;

// A person's code has 13 digits.
constexpr std::size_t kLongNumber = 13;

std::string withoutLongNumbers(std::string_view text) {
  std::string result;
  std::size_t digits = 0;
  const auto hide = [&] {
    if (digits >= kLongNumber) result.replace(result.size() - digits, digits, "***");
    digits = 0;
  };
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      ++digits;
    } else {
      hide();
    }
    result += c;
  }
  hide();
  return result;
}

}  // namespace

std::string printable(std::string_view text, std::size_t most) {
  auto result = plain(withoutLongNumbers(text), ' ');
  if (result.size() <= most) return result;
  return std::string(cut(result, most)) + "...";
}

std::string excerptOf(std::string_view message) {
  const auto document = soap::Document::parse(message);
  if (document) return plain(withoutLongNumbers(soap::excerpt(*document)), ' ', "\n");
  // The encoding is unknown. Only ASCII is certain to be valid in JSON and XML.
  std::string text(message.substr(0, kMaximumText * 2));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return printable(text, kMaximumText);
}

Evidence evidenceOf(const Exchange& exchange) {
  Evidence evidence;
  evidence.title = exchange.title;
  if (!exchange.request.empty()) evidence.request = excerptOf(exchange.request);
  if (exchange.response) {
    evidence.status = std::to_string(exchange.response->status);
    evidence.response = excerptOf(exchange.response->body);
  } else {
    evidence.status = printable(exchange.response.error().message, kMaximumText);
  }
  return evidence;
}

}  // namespace mpay::conformance
