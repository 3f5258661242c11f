#include "faults/upstream.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <stdexcept>

namespace mpay::test {
namespace {

constexpr std::size_t kIdleLines = 8;

// Headers of one connection, which do not belong to the next; and accept-encoding, so that scripts see text.
constexpr std::array kNotForwarded{"accept-encoding", "connection", "content-length",    "expect", "host",
                                   "keep-alive",      "te",         "transfer-encoding", "upgrade"};
constexpr std::array kNotReturned{"connection", "keep-alive", "transfer-encoding", "upgrade"};

template <std::size_t N>
bool among(const std::array<const char*, N>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

using List = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

List fields(const Headers& headers) {
  curl_slist* list = nullptr;
  // A header without a value keeps curl from adding its own.
  for (const char* name : {"accept", "content-type", "expect"}) {
    if (!headers.contains(name) || among(kNotForwarded, name))
      list = curl_slist_append(list, (std::string(name) + ":").c_str());
  }
  for (const auto& [name, value] : headers) {
    if (among(kNotForwarded, name)) continue;
    list = curl_slist_append(list, (value.empty() ? name + ";" : name + ": " + value).c_str());
  }
  return {list, curl_slist_free_all};
}

// Reads the lines of an answer's head and passes on the body.
struct Reading {
  const Upstream::Reader& reader;
  ProxiedResponse head = {};

  void line(std::string_view text) {
    while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
    if (text.starts_with("HTTP/")) {
      const auto space = text.find(' ');
      head = {space == text.npos ? 0 : std::atoi(std::string(text.substr(space)).c_str())};
    } else if (text.empty()) {
      if (head.status >= 200) reader.head(head);
    } else if (const auto colon = text.find(':'); colon != text.npos) {
      std::string name(text.substr(0, colon));
      std::transform(name.begin(), name.end(), name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
      if (among(kNotReturned, name)) return;
      const auto value = text.substr(std::min(text.size(), text.find_first_not_of(" \t", colon + 1)));
      auto& known = head.headers[name];
      if (!known.empty()) known += ", ";
      known += value;
    }
  }

  static std::size_t onHeader(char* bytes, std::size_t, std::size_t length, void* self) {
    static_cast<Reading*>(self)->line({bytes, length});
    return length;
  }
  static std::size_t onBody(char* bytes, std::size_t, std::size_t length, void* self) {
    return static_cast<Reading*>(self)->reader.bytes({bytes, length}) ? length : 0;
  }
};

}  // namespace

struct Upstream::Line {
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi{curl_multi_init(), curl_multi_cleanup};
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{curl_easy_init(), curl_easy_cleanup};
};

Upstream::Upstream(std::string url, std::string ca) : url_(std::move(url)), ca_(std::move(ca)) {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("curl does not start");
}

Upstream::~Upstream() = default;

bool Upstream::forward(const ProxiedRequest& request, const Reader& reader, Exchange* client) {
  auto line = acquire();
  CURL* easy = line->easy.get();
  Reading reading{reader};
  const List headers = fields(request.headers);
  curl_easy_reset(easy);
  curl_easy_setopt(easy, CURLOPT_URL, url_.c_str());
  curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, request.target.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (!ca_.empty()) {
    curl_blob ca{const_cast<char*>(ca_.data()), ca_.size(), CURL_BLOB_NOCOPY};
    curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &ca);
  }
  if (request.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (request.method != "GET" || !request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  }
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, Reading::onHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &reading);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Reading::onBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &reading);
  if (client) client->onGone([multi = line->multi.get()] { curl_multi_wakeup(multi); });
  const bool complete = perform(*line, client);
  if (client) client->onGone({});
  release(std::move(line));
  return complete;
}

bool Upstream::perform(Line& line, Exchange* client) {
  const auto stopped = [this] {
    const std::lock_guard lock(mutex_);
    return stopped_;
  };
  curl_multi_setopt(line.multi.get(), CURLMOPT_MAXCONNECTS, 1L);
  curl_multi_add_handle(line.multi.get(), line.easy.get());
  int running = 1;
  while (!stopped() && !(client && client->gone())) {
    curl_multi_perform(line.multi.get(), &running);
    if (running == 0) break;
    curl_multi_poll(line.multi.get(), nullptr, 0, 60'000, nullptr);
  }
  CURLcode result = CURLE_ABORTED_BY_CALLBACK;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(line.multi.get(), &left)) {
    if (message->msg == CURLMSG_DONE) result = message->data.result;
  }
  curl_multi_remove_handle(line.multi.get(), line.easy.get());
  if (result != CURLE_OK && result != CURLE_ABORTED_BY_CALLBACK && result != CURLE_WRITE_ERROR) {
    const std::lock_guard lock(mutex_);
    error_ = curl_easy_strerror(result);
  }
  return result == CURLE_OK;
}

std::unique_ptr<Upstream::Line> Upstream::acquire() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) idle_.push_back(std::make_unique<Line>());
  auto line = std::move(idle_.back());
  idle_.pop_back();
  busy_.push_back(line.get());
  return line;
}

void Upstream::release(std::unique_ptr<Line> line) {
  const std::lock_guard lock(mutex_);
  busy_.remove(line.get());
  if (!stopped_ && idle_.size() < kIdleLines) idle_.push_back(std::move(line));
}

void Upstream::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  idle_.clear();
  for (Line* line : busy_) curl_multi_wakeup(line->multi.get());
}

std::string Upstream::error() const {
  const std::lock_guard lock(mutex_);
  return error_;
}

}  // namespace mpay::test
