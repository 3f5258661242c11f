#include "cli/test.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>

#include "base/random.h"
#include "base/text.h"
#include "conformance/suite.h"

namespace mpay::cli {
namespace {

using conformance::Finding;
using conformance::Outcome;

constexpr std::size_t kMaximumFileBytes = std::size_t{1} << 20;
constexpr std::size_t kLongestKey = 36;

Result<std::string> contentOf(const std::string& path, std::string_view option) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaximumFileBytes + 1, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(text.size())) && !file.eof())
    return refuse("FileUnreadable", fmt::format("{}: cannot read {}: {}", option, path, std::strerror(errno)));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaximumFileBytes)
    return refuse("FileUnreadable", fmt::format("{}: {} is larger than a megabyte", option, path));
  if (text.empty()) return refuse("FileUnreadable", fmt::format("{}: {} is empty", option, path));
  return text;
}

Result<soap::Amount> amountOf(const std::string& text, std::string_view option) {
  const auto amount = soap::Amount::parse(text);
  if (!amount || amount->millionths <= 0)
    return refuse("InvalidOption", fmt::format("{}: \"{}\" is no amount such as 234.50", option, text));
  return *amount;
}

Result<void> checkKey(const std::string& key, std::string_view option) {
  if (!key.empty() && countCharacters(key) <= kLongestKey) return {};
  return refuse("InvalidOption", fmt::format("{} has to have 1 to {} characters", option, kLongestKey));
}

Result<conformance::KnownOrder> knownOf(const std::string& text) {
  // Splits from the end, because the key may contain colons.
  const auto second = text.rfind(':');
  const auto first = second == 0 || second == std::string::npos ? std::string::npos : text.rfind(':', second - 1);
  if (first == std::string::npos) return refuse("InvalidOption", "--known is not KEY:AMOUNT:CURRENCY");
  conformance::KnownOrder known;
  known.key = text.substr(0, first);
  known.amount = TRY(amountOf(text.substr(first + 1, second - first - 1), "--known"));
  known.currency = text.substr(second + 1);
  const auto isCapital = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (known.currency.size() != 3 || !std::all_of(known.currency.begin(), known.currency.end(), isCapital))
    return refuse("InvalidOption", "--known: the currency is not like MDL");
  TRY(checkKey(known.key, "--known: the key"));
  return known;
}

Result<conformance::Subject> subjectOf(const TestOptions& options) {
  const auto registered = crypto::Certificate::parse(TRY(contentOf(options.certificateFile, "--certificate")));
  if (!registered && registered.error().reason == "PrivateKeyInPublicField") {
    // The key stays on the user's machine, so it is not compromised.
    return refuse("InvalidOption",
                  fmt::format("--certificate: {} holds a private key; give the certificate alone, as it "
                              "was sent to the MPay operator",
                              options.certificateFile));
  }
  if (!registered) return fail(within("--certificate", registered.error()));
  if (!registered->hasUsableKey())
    return refuse("InvalidOption", "--certificate: its key is of a kind that is not known, so nothing can be verified");
  const auto certificate = TRY(contentOf(options.signingCertificateFile, "--signing-certificate"));
  const auto signer = soap::Signer::parse(certificate, TRY(contentOf(options.signingKeyFile, "--signing-key")));
  if (!signer) return fail(within("--signing-certificate and --signing-key", signer.error()));
  conformance::Subject subject{options.serviceId, *registered, *signer, soap::Algorithm::RsaSha1, {}, {}, {}, {}};
  TRY(checkKey(options.serviceId, "--service-id"));
  const auto algorithm = soap::parseAlgorithm(options.algorithm);
  if (!algorithm) return refuse("InvalidOption", "--signature-algorithm is neither RSA-SHA1 nor RSA-SHA256");
  subject.algorithm = *algorithm;
  subject.known = TRY(knownOf(options.known));
  TRY(checkKey(options.unknown, "--unknown"));
  subject.unknownKey = options.unknown;
  if (options.unknown == subject.known.key || options.unknown == options.payable ||
      options.payable == subject.known.key)
    return refuse("InvalidOption", "--known, --unknown and --payable are three different orders");
  if (!options.payable.empty()) {
    TRY(checkKey(options.payable, "--payable"));
    subject.payable = conformance::PayableOrder{options.payable, std::nullopt};
    if (!options.payableAmount.empty())
      subject.payable->amount = TRY(amountOf(options.payableAmount, "--payable-amount"));
  } else if (!options.payableAmount.empty()) {
    return refuse("InvalidOption", "--payable-amount needs --payable");
  }
  subject.seed = fmt::format("{}\n{}", options.serviceId, options.url);
  return subject;
}

Result<conformance::Plan> planOf(const TestOptions& options) {
  conformance::Plan plan;
  for (const auto& id : options.checks) {
    if (conformance::findCheck(id) == nullptr)
      return refuse("InvalidOption", fmt::format("--check: there is no check {}; --list names them", id));
    plan.only.insert(id);
  }
  return plan;
}

// Certificates may be DER files; TLS takes PEM.
Result<std::string> pemOf(const std::string& text) {
  if (text.find("-----BEGIN") != std::string::npos) return text;
  const auto certificate = TRY(crypto::Certificate::parse(text));
  return certificate.pem();
}

Result<std::unique_ptr<conformance::HttpsEndpoint>> endpointOf(const TestOptions& options) {
  conformance::HttpsEndpoint::Place place{options.url};
  if (options.clientCertificateFile.empty() != options.clientKeyFile.empty())
    return refuse("InvalidOption", "--client-certificate and --client-key belong together");
  const bool isSigning = options.clientKeyFile.empty();
  place.clientCertificate =
      TRY(pemOf(TRY(isSigning ? contentOf(options.signingCertificateFile, "--signing-certificate")
                              : contentOf(options.clientCertificateFile, "--client-certificate"))));
  place.clientKey = TRY(isSigning ? contentOf(options.signingKeyFile, "--signing-key")
                                  : contentOf(options.clientKeyFile, "--client-key"));
  if (!options.authoritiesFile.empty()) place.authorities = TRY(contentOf(options.authoritiesFile, "--authorities"));
  for (const auto& text : options.permitted) {
    const auto range = net::parsePrefix(text);
    if (!range || range->hasHostBits())
      return refuse("InvalidOption", fmt::format("--permit: {} is no address and no range such as 10.0.0.0/8", text));
    place.permitted.push_back(*range);
  }
  return conformance::HttpsEndpoint::of(std::move(place));
}

// Prints each finding as it comes. Consecutive checks that are skipped for the same cause share one line.
class Printer {
 public:
  Printer(std::ostream& out, const TestOptions& options, bool colour) : out_(out), options_(options), colour_(colour) {}
  ~Printer() { flush(); }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  void add(const Finding& finding) {
    const bool continues =
        !skipped_.empty() && finding.outcome == Outcome::skipped && finding.message == skipped_.front().message;
    if (!continues) flush();
    if (finding.outcome == Outcome::skipped) {
      skipped_.push_back(finding);
    } else {
      print(finding);
    }
  }
  void flush() {
    if (skipped_.empty()) return;
    out_ << lineOf(skipped_, colour_) << "\n" << std::flush;
    skipped_.clear();
  }

 private:
  void print(const Finding& finding);

  std::ostream& out_;
  const TestOptions& options_;
  const bool colour_;
  std::vector<Finding> skipped_;
};

void Printer::print(const Finding& finding) {
  auto& out = out_;
  const auto& options = options_;
  out << lineOf(finding, colour_) << "\n";
  if (finding.outcome == Outcome::fail || finding.outcome == Outcome::warn) {
    out << explanationOf(finding, options.language);
    if (options.showsEvidence) {
      for (const auto& shown : finding.evidence)
        out << fmt::format("--- {}\n{}--- status {}\n{}\n", shown.title, shown.request, shown.status, shown.response);
    }
  }
  out << std::flush;
}

Result<int> run(const TestOptions& options, const Terminals& to, const std::stop_token& stop) {
  const auto subject = TRY(subjectOf(options));
  const auto plan = TRY(planOf(options));
  const auto endpoint = TRY(endpointOf(options));
  const bool isText = options.output == "text";
  Printer printer(to.out, options, to.outIsTerminal);
  const auto onFinding = [&](const Finding& found) {
    auto finding = found;
    // Only this command has an option for it.
    if (finding.message.find("may not be connected to") != std::string::npos)
      finding.message += "; --permit with its range lets it be called";
    if (isText) {
      printer.add(finding);
    } else if (to.errIsTerminal) {
      to.err << lineOf(finding, true) << std::endl;
    }
  };
  const auto report = conformance::run(subject, plan, {*endpoint, systemClock(), randomId, {}}, stop, onFinding);
  printer.flush();
  if (isText) {
    to.out << "\n" << summaryOf(report, options.language);
  } else {
    to.out << (options.output == "json" ? toJson(report) + "\n" : toJunit(report, options.serviceId));
  }
  if (!(to.out << std::flush)) return fail(ErrorKind::Transport, "cannot write the report");
  if (std::all_of(report.findings.begin(), report.findings.end(),
                  [](const Finding& finding) { return finding.outcome == Outcome::skipped && !finding.isBlocked; }))
    return refuse("NothingRun", "nothing could be run: " + report.findings.front().message);
  return report.passed() ? 0 : 1;
}

}  // namespace

int test(const TestOptions& options, const Terminals& terminals, const std::stop_token& stop) {
  if (options.lists) {
    terminals.out << conformance::describeChecks();
    return 0;
  }
  const auto code = run(options, terminals, stop);
  if (code) return *code;
  terminals.err << "error: " << code.error().message << "\n";
  return 2;
}

}  // namespace mpay::cli
