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
  std::string certificateFile;                         // the beneficiary's, as it is registered
  std::string signingKeyFile, signingCertificateFile;  // MPay's, for tests
  std::string clientKeyFile, clientCertificateFile;    // of TLS; empty: the signing pair
  std::string authoritiesFile;                         // of TLS; empty: the system's
  std::string known;                                   // KEY:AMOUNT:CURRENCY
  std::string unknown;
  std::string payable, payableAmount;  // empty: nothing is paid; the amount is read
  std::string algorithm = "RSA-SHA1";
  std::vector<std::string> permitted;  // ranges beyond public addresses
  std::vector<std::string> checks;     // empty: all
  std::string output = "text";         // text, json, junit
  api::Language language = api::Language::en;
  bool showsEvidence = false;
  bool lists = false;  // only say which checks there are
};

struct Terminals {
  std::ostream& out;
  std::ostream& err;
  bool outIsTerminal = false;
  bool errIsTerminal = false;
};

// Runs the checks and prints what they find: as text live, line by line, else the report when it is complete, and then
// the lines go to `err` where that is a terminal. Answers what to exit with: 0 where everything required passed, 1
// where not, 2 where nothing could be run, with the reason on `err`.
int test(const TestOptions& options, const Terminals& terminals, const std::stop_token& stop);

}  // namespace mpay::cli
