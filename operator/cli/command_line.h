// The words after `kubectl mpay`.
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
  ValidateOptions options;  // for Statement and Validate; namespace_ is empty if none was given
  CsrOptions csr;           // for Csr; the same
  ReassignOptions reassign;
  TestOptions test;      // for Test
  RetestOptions retest;  // for Retest; namespace_ as above
};

struct Exit {
  int code = 0;
};

// Reads the arguments of main(). If they ask for help or are wrong, prints help to `out` or the error to `err` and
// returns the exit code: 0 for help, not 0 for an error (2 for `test`).
std::variant<CommandLine, Exit> readCommandLine(int argc, const char* const* argv, std::ostream& out,
                                                std::ostream& err);

}  // namespace mpay::cli
