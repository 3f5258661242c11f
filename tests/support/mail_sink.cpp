#include "support/mail_sink.h"

#include <sstream>
#include <stdexcept>

namespace mpay::test {
namespace {

// Takes "Name: value" off the front of the text; empty if another line stands there.
std::optional<std::string> takeLine(std::string& text, const std::string& name) {
  const std::string start = name + ": ";
  if (!text.starts_with(start)) return std::nullopt;
  const auto end = text.find("\r\n");
  std::string value = text.substr(start.size(), end - start.size());
  text.erase(0, end + 2);
  return value;
}

Mail parse(std::string text) {
  Mail mail;
  mail.from = takeLine(text, "X-Envelope-From").value_or("");
  while (auto recipient = takeLine(text, "X-Envelope-To")) mail.recipients.push_back(std::move(*recipient));
  mail.tls = takeLine(text, "X-Envelope-TLS") == "yes";
  mail.user = takeLine(text, "X-Envelope-User").value_or("");
  mail.message = std::move(text);
  return mail;
}

}  // namespace

std::string Mail::header(const std::string& name) const {
  std::istringstream lines(message.substr(0, message.find("\r\n\r\n")));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.starts_with(name + ": ")) return line.substr(name.size() + 2);
  }
  return "";
}

MailSink::MailSink(const MailSinkOptions& options) {
  // Debian's interpreter, for which python3-aiosmtpd is installed.
  std::vector<std::string> command{"/usr/bin/python3", MPAY_SOURCE_DIR "/tests/support/mail_sink.py",
                                   folder_.path().string()};
  if (options.tls) {
    writeFile(folder_ / "tls.crt", options.tls->certificate);
    writeFile(folder_ / "tls.key", options.tls->key);
    command.insert(command.end(), {"--tls", (folder_ / "tls.crt").string(), (folder_ / "tls.key").string()});
  }
  if (!options.user.empty()) command.insert(command.end(), {"--user", options.user, "--password", options.password});
  process_ = Process(command, folder_ / "log");
  const auto port = folder_ / "port";
  waitFor(std::chrono::seconds(20), [&] { return std::filesystem::exists(port) || !process_.running(); });
  if (!std::filesystem::exists(port)) {
    throw std::runtime_error("the mail sink did not start:\n" + readFile(folder_ / "log"));
  }
  port_ = std::stoi(readFile(port));
}

std::vector<Mail> MailSink::messages() const {
  std::vector<Mail> mails;
  for (int number = 1; std::filesystem::exists(folder_ / (std::to_string(number) + ".eml")); ++number) {
    mails.push_back(parse(readFile(folder_ / (std::to_string(number) + ".eml"))));
  }
  return mails;
}

void MailSink::answer(Answer answer) {
  const char* word = "";
  switch (answer) {
    case Answer::Accept: break;
    case Answer::TryLater: word = "451"; break;
    case Answer::Refuse: word = "550"; break;
    case Answer::Drop: word = "drop"; break;
    case Answer::Lose: word = "lost"; break;
  }
  writeFile(folder_ / "answer.new", word);
  std::filesystem::rename(folder_ / "answer.new", folder_ / "answer");
}

}  // namespace mpay::test
