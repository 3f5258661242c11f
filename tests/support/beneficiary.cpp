#include "support/beneficiary.h"

#include <stdexcept>

namespace mpay::test {

using namespace std::chrono_literals;

Beneficiary::Beneficiary(const Options& options) {
  CertificateOptions certificate;
  certificate.key = KeyKind::Rsa2048;
  certificate.commonName = "Model Beneficiary";
  signing_ = authority_.issue(certificate);
  certificate.commonName = "MPay for tests";
  mpay_ = authority_.issue(certificate);
  certificate.commonName = "localhost";
  certificate.alternativeNames = options.alternativeNames;
  const auto tls = authority_.issue(certificate);
  writeFile(folder_ / "authority.pem", authority_.certificate());
  const std::pair<const char*, const Identity*> identities[] = {
      {"tls", &tls}, {"signing", &signing_}, {"mpay", &mpay_}};
  for (const auto& [name, identity] : identities) {
    writeFile(folder_ / (std::string(name) + ".pem"), identity->certificate);
    writeFile(folder_ / (std::string(name) + ".key"), identity->key);
  }
  std::vector<std::string> command{"/usr/bin/python3",
                                   "-Wignore",
                                   MPAY_SOURCE_DIR "/tests/support/beneficiary.py",
                                   "--certificate",
                                   folder_ / "tls.pem",
                                   "--key",
                                   folder_ / "tls.key",
                                   "--signing-certificate",
                                   folder_ / "signing.pem",
                                   "--signing-key",
                                   folder_ / "signing.key",
                                   "--mpay-certificate",
                                   folder_ / "mpay.pem"};
  command.insert(command.end(), options.arguments.begin(), options.arguments.end());
  if (options.asksForMpay) command.insert(command.end(), {"--client-authority", folder_ / "authority.pem"});
  const auto log = folder_ / "log";
  process_ = Process(command, log);
  const bool started = waitFor(30s, [&] {
    const auto text = readFile(log);
    if (text.starts_with("https://") && text.ends_with('\n')) url_ = text.substr(0, text.size() - 1);
    return !url_.empty() || !process_.running();
  });
  if (!started || url_.empty()) throw std::runtime_error("the beneficiary does not start: " + readFile(log));
}

int Beneficiary::port() const { return std::stoi(url_.substr(url_.rfind(':') + 1)); }

}  // namespace mpay::test
