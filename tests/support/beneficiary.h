// A beneficiary's web service, beneficiary.py, with the keys of all parties.
#pragma once

#include <string>
#include <vector>

#include "support/pki.h"
#include "support/process.h"

namespace mpay::test {

// The service runs as long as the object lives. Its orders are KNOWN-1 (234.50 MDL), PAYABLE-1 (150.00, at once),
// PARTIAL-1 (150.00, in parts) and ADVANCE-1 (any amount); its ServiceID is MODEL-01.
class Beneficiary {
 public:
  struct Options {
    std::vector<std::string> arguments{"--variants-by-path"};  // for beneficiary.py
    std::string alternativeNames = "DNS:localhost";            // of the TLS certificate
    bool asksForMpay = false;                                  // TLS asks for a certificate of MPay's authority
  };

  // Throws std::runtime_error if the service does not start.
  explicit Beneficiary(const Options& options);
  Beneficiary() : Beneficiary(Options{}) {}

  // "https://localhost:PORT/names". With variants by path each text names a service of its own, with these defects and
  // variants.
  std::string url(const std::string& names = "") const { return url_ + names; }
  int port() const;

  const Identity& signing() const { return signing_; }
  const Identity& mpay() const { return mpay_; }
  const std::string& authority() const { return authority_.certificate(); }
  // A file of the service: "mpay.pem", "mpay.key", "signing.pem", "authority.pem".
  std::filesystem::path file(const std::string& name) const { return folder_ / name; }

 private:
  TempDir folder_;
  Authority authority_{"Model CA"};
  Identity signing_, mpay_;
  Process process_;
  std::string url_;
};

}  // namespace mpay::test
