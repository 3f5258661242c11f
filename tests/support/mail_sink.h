// A real mail server that keeps the mails it receives, for tests.
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
  std::string user;     // the login; empty: none
  std::string message;  // header and body as received, with CRLF line ends

  // The first line of this header, without folded lines; empty if there is none.
  std::string header(const std::string& name) const;
};

struct MailSinkOptions {
  std::optional<Identity> tls;  // if set, STARTTLS with this server certificate is offered and required
  std::string user;             // if set, a login is required
  std::string password;
};

// Runs as long as the object lives. Throws std::runtime_error if it does not start.
class MailSink {
 public:
  explicit MailSink(const MailSinkOptions& options = {});

  int port() const { return port_; }
  std::string url() const { return "smtp://127.0.0.1:" + std::to_string(port_); }

  // In order of arrival.
  std::vector<Mail> messages() const;

  enum class Answer {
    Accept,
    TryLater,  // 451
    Refuse,    // 550
    Drop,      // hangs up and keeps nothing
    Lose,      // keeps the mail and hangs up without an answer
  };
  // Sets the answer from the next mail on.
  void answer(Answer answer);

 private:
  TempDir folder_;
  Process process_;
  int port_ = 0;
};

}  // namespace mpay::test
