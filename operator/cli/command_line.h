// What was typed after `kubectl mpay`.
#pragma once

#include <iosfwd>
#include <optional>
#include <variant>

#include "cli/csr.h"
#include "cli/reassign.h"
#include "cli/retest.h"
#include "cli/test.h"
#include "cli/validate.h"

namespace mpay::cli {

struct CommandLine {
  enum class Command { Version, Statement, Validate, Csr, Reassign, Test, Retest };
  Command command = Command::Version;
  std::optional<std::string> kubeconfig;
  ValidateOptions options;  // of Statement and Validate; namespace_ is empty where none was given
  CsrOptions csr;           // of Csr; the same
  ReassignOptions reassign;
  TestOptions test;      // of Test
  RetestOptions retest;  // of Retest; namespace_ as above
};

struct Exit {
  int code = 0;
};

// Reads the words as main() gets them. Where they ask for help, or cannot be understood, prints that to out or
// err and answers what to exit with: 0 for help, something else for an error, which is 2 for `test`.
std::variant<CommandLine, Exit> readCommandLine(int argc, const char* const* argv, std::ostream& out,
                                                std::ostream& err);

}  // namespace mpay::cli
