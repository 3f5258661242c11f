// `kubectl mpay statement` and `kubectl mpay validate`.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "api/integration.h"
#include "api/validation.h"
#include "kube/client.h"

namespace mpay::cli {

struct ValidateOptions {
  std::string name;
  std::string namespace_;
  api::Milestone milestone = api::Milestone::FinalValidation;
  api::Role role = api::Role::Beneficiary;
  api::Decision decision = api::Decision::Accepted;
  std::string comment;
  std::optional<std::string> digest;  // given: no question is asked, and it must be the current one
};

// The user name that the API server sees.
Result<std::string> whoAmI(kube::Client& client);

// The record to write, with its decision still open. Recomputes the digest from the spec and the content hashes of the
// status. Errors: Invalid with reason NotSupported (no part of the operator reads this milestone yet), NotReady (no
// digest yet), Outdated (the operator has not seen this generation), DigestMismatch (status and spec disagree, or
// --digest is another).
Result<api::MPayValidation> prepareRecord(const api::MPayIntegration& integration, const ValidateOptions& options,
                                          const std::string& user);

// Prints the statement.
Result<void> statement(kube::Client& client, const ValidateOptions& options, std::ostream& out);

// Prints the statement, asks (unless --digest is given), and writes the record.
Result<void> validate(kube::Client& client, const ValidateOptions& options, std::istream& in, std::ostream& out);

}  // namespace mpay::cli
