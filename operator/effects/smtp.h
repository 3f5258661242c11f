// Mail by SMTP (libcurl).
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace mpay::effects {

struct Mail {
  std::string from;
  std::vector<std::string> to;
  std::string subject;    // UTF-8
  std::string text;       // UTF-8, lines end with \n
  std::string messageID;  // "<...@...>"
  WallTime date{};
};

enum class Encryption { Required, Optional, Off };

struct SmtpServer {
  std::string url;  // smtp://host:port or smtps://host:port
  Encryption encryption = Encryption::Required;
  std::string username;  // empty: no authentication
  std::string password;
};

// Builds a message of RFC 5322 with MIME: headers in UTF-8 as encoded words (RFC 2047), the text in base64. Errors:
// Invalid with reason InvalidRecipient where an address is no mail address, or a header would contain CR or LF.
Result<std::string> compose(const Mail& mail);

// Sends to all recipients and waits until the server has accepted the mail. Errors: Invalid as compose's; otherwise
// Transport or Timeout, without any secret in the message.
Result<void> sendMail(const SmtpServer& server, const Mail& mail, const std::stop_token& stop);

}  // namespace mpay::effects
