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
  ledger::AssignmentKind kind = ledger::AssignmentKind::ServiceID;  // of Assign and Revoke, and the next
  std::string value;
  std::string to;      // of Assign: "namespace/name"
  std::string reason;  // of Assign
  bool yes = false;    // no question is asked
};

// Assign: says who holds that in the environment, and who gets it, asks, and writes the record that the operator
// follows. Revoke: takes the record away; then whoever claims it first holds it. List: prints the records. Errors:
// Invalid with reason NotFound (no such environment, integration or record), InvalidField (the value, the target or the
// reason), NotTheEnvironment (the integration is not in it), SharedRange, Overlaps (another assignment's addresses),
// NotConfirmed; those of the API.
Result<void> reassign(kube::Client& client, const ReassignOptions& options, std::istream& in, std::ostream& out);

}  // namespace mpay::cli
