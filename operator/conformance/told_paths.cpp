#include "conformance/told_paths.h"

#include <fmt/format.h>

#include <utility>

namespace mpay::conformance {
namespace {

// The length of the steps that both paths begin with.
std::size_t commonSteps(const std::string& path, const std::string& other) {
  std::size_t common = 0;
  for (std::size_t at = 0; at <= path.size() && at <= other.size(); ++at) {
    const auto ends = [at](const std::string& text) { return at == text.size() || text[at] == '/'; };
    if (ends(path) && ends(other)) common = at;
    if (at == path.size() || at == other.size() || path[at] != other[at]) break;
  }
  return common;
}

}  // namespace

std::string ToldPaths::told(const std::string& path, const std::string& message) {
  const auto last = std::exchange(last_, path);
  if (path == last) return message;
  auto common = commonSteps(path, last);
  if (common == path.size()) common = path.rfind('/');  // if `path` is above `other`, the last step is told
  if (common == 0 || common == std::string::npos) return fmt::format("{}: {}", path, message);
  return fmt::format("...{}: {}", path.substr(common), message);
}

}  // namespace mpay::conformance
