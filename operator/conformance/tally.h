// Several findings of one check as one verdict.
#pragma once

#include <string>
#include <vector>

#include "conformance/check.h"

namespace mpay::conformance {

// A failure outweighs warnings. The message tells everything that fits, failures first, and then the number of the
// rest.
class Tally {
 public:
  void fail(std::string message, std::vector<const Exchange*> shown = {});
  void warn(std::string message, std::vector<const Exchange*> shown = {});
  bool isEmpty() const { return failures_.empty() && warnings_.empty(); }
  // `fine` is the message of a pass.
  Verdict verdict(std::string fine) const;

 private:
  void show(const std::vector<const Exchange*>& shown);

  std::vector<std::string> failures_;
  std::vector<std::string> warnings_;
  std::vector<const Exchange*> shown_;  // each once
};

}  // namespace mpay::conformance
