#include "effects/smtp.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace mpay::effects {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t k) { return k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0u; };
    const unsigned word = at(i) << 16 | at(i + 1) << 8 | at(i + 2);
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? alphabet[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

bool isHeaderSafe(std::string_view text) {
  return text.find_first_of("\r\n") == std::string_view::npos && text.find('\0') == std::string_view::npos;
}

bool isAddress(std::string_view text) {
  const auto at = text.find('@');
  return isHeaderSafe(text) && at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find_first_of(" <>,;\"\t") == std::string_view::npos;
}

// RFC 2047: words of at most 75 characters, cut between UTF-8 characters.
std::string encodedWords(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = std::min<std::size_t>(text.size(), 42);
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
    if (!out.empty()) out += "\r\n ";
    out += "=?utf-8?B?" + base64(text.substr(0, length)) + "?=";
    text.remove_prefix(length);
  }
  return out;
}

std::string dateHeader(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  constexpr const char* weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} +0000", weekdays[std::chrono::weekday(day).c_encoding()],
                     static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
                     static_cast<int>(date.year()), clock.hours().count(), clock.minutes().count(),
                     clock.seconds().count());
}

struct Upload {
  std::string_view rest;
  const std::stop_token* stop;
};

std::size_t onRead(char* into, std::size_t size, std::size_t count, void* user) noexcept {
  auto& upload = *static_cast<Upload*>(user);
  const std::size_t length = std::min(size * count, upload.rest.size());
  std::copy_n(upload.rest.data(), length, into);
  upload.rest.remove_prefix(length);
  return length;
}

int onProgress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  return static_cast<Upload*>(user)->stop->stop_requested() ? 1 : 0;
}

}  // namespace

Result<std::string> compose(const Mail& mail) {
  if (!isAddress(mail.from)) return refuse("InvalidRecipient", "the sender's address is no mail address");
  if (mail.to.empty()) return refuse("InvalidRecipient", "there is no recipient");
  for (const auto& recipient : mail.to) {
    if (!isAddress(recipient))
      return refuse("InvalidRecipient", "a recipient's address is no mail address; nothing is sent to any");
  }
  if (!isHeaderSafe(mail.subject) || !isHeaderSafe(mail.messageID))
    return refuse("InvalidRecipient", "a mail header would hold a line break");
  std::string text = fmt::format(
      "From: MPay <{}>\r\nTo: {}\r\nSubject: {}\r\nDate: {}\r\nMessage-ID: {}\r\nAuto-Submitted: auto-generated\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
      mail.from, fmt::join(mail.to, ",\r\n "), encodedWords(mail.subject), dateHeader(mail.date), mail.messageID);
  const std::string body = base64(mail.text);
  for (std::size_t at = 0; at < body.size(); at += 76) text += body.substr(at, 76) + "\r\n";
  return text;
}

Result<void> sendMail(const SmtpServer& server, const Mail& mail, const std::stop_token& stop) {
  const std::string text = TRY(compose(mail));
  const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), curl_easy_cleanup);
  std::unique_ptr<curl_slist, void (*)(curl_slist*)> recipients(nullptr, curl_slist_free_all);
  for (const auto& recipient : mail.to)
    recipients.reset(curl_slist_append(recipients.release(), ("<" + recipient + ">").c_str()));
  Upload upload{text, &stop};
  char words[CURL_ERROR_SIZE] = "";
  CURL* handle = easy.get();
  curl_easy_setopt(handle, CURLOPT_URL, server.url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, 10L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, 60L);
  curl_easy_setopt(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  const long ssl = server.encryption == Encryption::Required   ? CURLUSESSL_ALL
                   : server.encryption == Encryption::Optional ? CURLUSESSL_TRY
                                                               : CURLUSESSL_NONE;
  curl_easy_setopt(handle, CURLOPT_USE_SSL, ssl);
  if (!server.username.empty()) {
    curl_easy_setopt(handle, CURLOPT_USERNAME, server.username.c_str());
    curl_easy_setopt(handle, CURLOPT_PASSWORD, server.password.c_str());
  }
  curl_easy_setopt(handle, CURLOPT_MAIL_FROM, ("<" + mail.from + ">").c_str());
  curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, recipients.get());
  curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  curl_easy_setopt(handle, CURLOPT_READFUNCTION, onRead);
  curl_easy_setopt(handle, CURLOPT_READDATA, &upload);
  curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, onProgress);
  curl_easy_setopt(handle, CURLOPT_XFERINFODATA, &upload);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, words);
  const CURLcode code = curl_easy_perform(handle);
  if (code == CURLE_OK) return {};
  long answer = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &answer);
  const std::string what = fmt::format("send mail by {}: {}{}", server.url, words[0] ? words : curl_easy_strerror(code),
                                       answer > 0 ? fmt::format(" (SMTP {})", answer) : "");
  if (code == CURLE_ABORTED_BY_CALLBACK) return fail(ErrorKind::Cancelled, what);
  return fail(code == CURLE_OPERATION_TIMEDOUT ? ErrorKind::Timeout : ErrorKind::Transport, what);
}

}  // namespace mpay::effects
