// Several findings of one check as one verdict.
#pragma once

#include <string>
#include <vector>

#include "conformance/check.h"

namespace mpay::conformance {

// A failure outweighs warnings. Everything is told, failures first, as far as a message holds; then how many more there
// are.
class Tally {
 public:
  void fail(std::string message, std::vector<const Exchange*> shown = {});
  void warn(std::string message, std::vector<const Exchange*> shown = {});
  bool isEmpty() const { return failures_.empty() && warnings_.empty(); }
  // `fine`: what a pass says.
  Verdict verdict(std::string fine) const;

 private:
  void show(const std::vector<const Exchange*>& shown);

  std::vector<std::string> failures_;
  std::vector<std::string> warnings_;
  std::vector<const Exchange*> shown_;  // each once
};

}  // namespace mpay::conformance
