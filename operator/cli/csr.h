// `kubectl mpay csr`: a key and its certificate request, made on this machine.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "api/integration.h"
#include "crypto/request.h"

namespace mpay::cli {

struct CsrOptions {
  std::string name;  // of an MPayIntegration; empty: the options give everything
  std::string namespace_;
  std::string keyFile;      // a new file, never overwritten
  std::string requestFile;  // the same; empty: standard output
  std::string keyType = std::string(api::kDefaultKeyType);
  std::string commonName, organization, organizationalUnit, idno;  // empty: taken from the integration
};

// The subject: the options first, then the form. Errors: Invalid InvalidSubject, naming the option.
Result<crypto::RequestSubject> subjectOf(const CsrOptions& options,
                                         const std::optional<api::MPayIntegration>& integration);

// Makes the key and writes it into its file, readable by the owner only. Writes the request into its file or to `out`,
// and tells on `err` what was done and what comes next. Nothing of the key is printed. On failure neither file remains.
// Errors: Invalid FileExists, InvalidSubject; Crypto; Transport if a file cannot be written.
Result<void> csr(const CsrOptions& options, const std::optional<api::MPayIntegration>& integration, std::ostream& out,
                 std::ostream& err);

}  // namespace mpay::cli
