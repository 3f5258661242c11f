#include "conformance/tally.h"

#include <fmt/format.h>

#include <algorithm>

namespace mpay::conformance {
namespace {

// Bounds the sentences together, so that the message has room for the number of those left out.
constexpr std::size_t kMaximumWords = 460;

}  // namespace

void Tally::show(const std::vector<const Exchange*>& shown) {
  for (const auto* exchange : shown) {
    if (std::find(shown_.begin(), shown_.end(), exchange) == shown_.end()) shown_.push_back(exchange);
  }
}

void Tally::fail(std::string message, std::vector<const Exchange*> shown) {
  failures_.push_back(std::move(message));
  show(shown);
}

void Tally::warn(std::string message, std::vector<const Exchange*> shown) {
  warnings_.push_back(std::move(message));
  show(shown);
}

Verdict Tally::verdict(std::string fine) const {
  if (isEmpty()) return passed(std::move(fine));
  std::string text;
  std::size_t left = 0;
  const auto tell = [&](const std::vector<std::string>& messages, std::string_view mark) {
    for (const auto& message : messages) {
      const auto sentence = fmt::format("{}{}{}", text.empty() ? "" : "; ", mark, message);
      // The first sentence is always told, cut if necessary.
      if (left > 0 || (!text.empty() && text.size() + sentence.size() > kMaximumWords)) {
        ++left;
      } else {
        text += sentence;
      }
    }
  };
  tell(failures_, "");
  tell(warnings_, failures_.empty() ? "" : "a warning: ");
  if (left > 0) text += fmt::format("; and {} more", left);
  return failures_.empty() ? warned(std::move(text), shown_) : failed(std::move(text), shown_);
}

}  // namespace mpay::conformance
