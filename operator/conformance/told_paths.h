// Shortens the paths of the findings in one message.
#pragma once

#include <string>
#include <vector>

namespace mpay::conformance {

// Tells of each path only the difference from the one before: "A/B/Reason: ...", then ".../Status: ..."; for the same
// path again only the message.
class ToldPaths {
 public:
  std::string told(const std::string& path, const std::string& message);

 private:
  std::string last_;
};

}  // namespace mpay::conformance
