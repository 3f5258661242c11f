// `kubectl mpay csr`: a key and the request for its certificate, made on this machine.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "api/integration.h"
#include "crypto/request.h"

namespace mpay::cli {

struct CsrOptions {
  std::string name;  // of an MPayIntegration; empty: everything is given here
  std::string namespace_;
  std::string keyFile;      // is created, and never overwritten
  std::string requestFile;  // the same; empty: standard output
  std::string keyType = std::string(api::kDefaultKeyType);
  std::string commonName, organization, organizationalUnit, idno;  // empty: the integration's
};

// Whose the request is: what was typed, else what the form says. Errors: Invalid InvalidSubject, naming the option.
Result<crypto::RequestSubject> subjectOf(const CsrOptions& options,
                                         const std::optional<api::MPayIntegration>& integration);

// Makes the key, writes it into its file, for its owner alone, and the request into its own or to `out`; says to `err`
// what was done and what comes next. Of the key nothing is printed. Where it fails neither file is left. Errors:
// Invalid FileExists, InvalidSubject; Crypto; Transport where a file cannot be written.
Result<void> csr(const CsrOptions& options, const std::optional<api::MPayIntegration>& integration, std::ostream& out,
                 std::ostream& err);

}  // namespace mpay::cli
