// Findings of one line, each with the path of an element.
#pragma once

#include <string>
#include <vector>

namespace mpay::conformance {

// Says of each path only in what it differs from the one before: "A/B/Reason: ..., then ".../Status: ...", then of the
// same one the message alone.
class ToldPaths {
 public:
  std::string told(const std::string& path, const std::string& message);

 private:
  std::string last_;
};

}  // namespace mpay::conformance
