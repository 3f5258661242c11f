// A real mail server that keeps what it is sent, for tests.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "support/pki.h"
#include "support/process.h"

namespace mpay::test {

struct Mail {
  std::string from;
  std::vector<std::string> recipients;
  bool tls = false;
  std::string user;     // who logged in, empty without
  std::string message;  // header and body as received, CRLF line ends

  // The first line of this header, without what was folded; empty when there is none.
  std::string header(const std::string& name) const;
};

struct MailSinkOptions {
  std::optional<Identity> tls;  // offers and requires STARTTLS with this server certificate
  std::string user;             // requires a login
  std::string password;
};

// Starts with the object, ends with it. Throws std::runtime_error when it does not start.
class MailSink {
 public:
  explicit MailSink(const MailSinkOptions& options = {});

  int port() const { return port_; }
  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }

  // In the order of arrival.
  std::vector<Mail> messages() const;

  enum class Answer {
    Accept,
    TryLater,  // 451
    Refuse,    // 550
    Drop,      // hangs up, nothing kept
    Lose,      // keeps the mail, hangs up instead of answering
  };
  // From the next mail on.
  void answer(Answer answer);

 private:
  TempDir folder_;
  Process process_;
  int port_ = 0;
};

}  // namespace mpay::test
