// `kubectl mpay reassign`: the platform gives a ServiceID, a certificate or addresses to another integration.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "kube/client.h"
#include "ledger/assignment.h"

namespace mpay::cli {

struct ReassignOptions {
  enum class Action { Assign, List, Revoke };
  Action action = Action::Assign;
  std::string environment;
  ledger::AssignmentKind kind = ledger::AssignmentKind::ServiceID;  // for Assign and Revoke, as `value`
  std::string value;
  std::string to;      // for Assign: "namespace/name"
  std::string reason;  // for Assign
  bool yes = false;    // skips the question
};

// Assign: shows the present holder in the environment and the new one, asks, and writes the record that the operator
// follows. Revoke: deletes the record; then the first to claim the value holds it. List: prints the records.
// Errors: Invalid with reason NotFound (no such environment, integration or record), InvalidField (the value, the
// target or the reason), NotTheEnvironment (the integration is not in it), SharedRange, Overlaps (another assignment's
// addresses), NotConfirmed; those of the API.
Result<void> reassign(kube::Client& client, const ReassignOptions& options, std::istream& in, std::ostream& out);

}  // namespace mpay::cli
