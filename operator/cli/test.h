// `kubectl mpay test --url ...`: functional testing of a web service, with no cluster.
#pragma once

#include <iosfwd>
#include <stop_token>
#include <string>
#include <vector>

#include "api/integration.h"

namespace mpay::cli {

struct TestOptions {
  std::string url, serviceId;
  std::string certificateFile;                         // the beneficiary's registered certificate
  std::string signingKeyFile, signingCertificateFile;  // MPay's, for tests
  std::string clientKeyFile, clientCertificateFile;    // for TLS; empty: the signing pair
  std::string authoritiesFile;                         // for TLS; empty: the system's
  std::string known;                                   // KEY:AMOUNT:CURRENCY
  std::string unknown;
  std::string payable, payableAmount;  // no payable: nothing is paid; no amount: it is read
  std::string algorithm = "RSA-SHA1";
  std::vector<std::string> permitted;  // may be called although not public
  std::vector<std::string> checks;     // empty: all
  std::string output = "text";         // text, json, junit
  api::Language language = api::Language::en;
  bool showsEvidence = false;
  bool lists = false;  // only lists the checks
};

struct Terminals {
  std::ostream& out;
  std::ostream& err;
  bool outIsTerminal = false;
  bool errIsTerminal = false;
};

// Runs the checks and prints their findings: text line by line as they come; otherwise the complete report at the end,
// with the lines on `err` if that is a terminal. Returns the exit code: 0 if every required check passed, 1 if not, 2
// if nothing could be run, with the reason on `err`.
int test(const TestOptions& options, const Terminals& terminals, const std::stop_token& stop);

}  // namespace mpay::cli
