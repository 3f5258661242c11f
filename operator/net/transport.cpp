#include "net/transport.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "base/log.h"
#include "base/text.h"

namespace mpay::net {
namespace {

// In milliseconds; libcurl shortens the wait when it has something to do.
constexpr int kForEver = 3'600'000;
constexpr std::size_t kMaximumHeaderBytes = std::size_t{256} << 10;

struct EasyDeleter {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};
using EasyHandle = std::unique_ptr<CURL, EasyDeleter>;
struct SlistDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

constexpr std::string_view kLoop = "the transport's loop";

// True once the server of a connection has asked for a client certificate. The connection's context shares the flag,
// because the context may outlive the transfer that made it.
using Asked = std::shared_ptr<std::atomic<bool>>;

// One request under way.
struct Transfer {
  Request request;
  std::shared_ptr<const TlsContext> tls;
  std::shared_ptr<StreamHandler> handler;
  EasyHandle easy;
  std::unique_ptr<curl_slist, SlistDeleter> headers;
  std::unique_ptr<curl_slist, SlistDeleter> route;
  Response head;
  bool headDelivered = false;
  std::size_t received = 0;
  std::size_t headerBytes = 0;
  MonoTime lastByte{};
  const Asked asked = std::make_shared<std::atomic<bool>>(false);
  std::optional<Error> failure;    // set by a callback, in place of curl's own words
  std::optional<Error> forbidden;  // an address was not admitted; the host's next one may be
  bool isAnyAdmitted = false;
  char words[CURL_ERROR_SIZE] = "";
};

// Called at the end of a head. Delivers it, unless another head follows (RFC 9110, section 15.2).
void deliverHead(Transfer& transfer) {
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  constexpr long kSwitchingProtocols = 101;
  if (status < 200 && status != kSwitchingProtocols) return;
  transfer.head.status = static_cast<int>(status);
  transfer.headDelivered = true;
  transfer.handler->onHead(transfer.head);
}

// Runs f, which may call the handler. False if the transfer must end.
template <class F>
bool guardedFor(Transfer& transfer, const F& f) noexcept {
  try {
    const Result<void> result = f();
    if (!result) transfer.failure = result.error();
  } catch (const std::exception& bug) {
    transfer.failure = Error{ErrorKind::Decode, fmt::format("while handling the response: {}", bug.what())};
  } catch (...) {
    transfer.failure = Error{ErrorKind::Decode, "while handling the response: an error of an unknown kind"};
  }
  return !transfer.failure;
}

std::size_t onHeader(char* bytes, std::size_t size, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  std::string_view line(bytes, size * count);
  transfer.lastByte = std::chrono::steady_clock::now();
  transfer.headerBytes += line.size();
  if (transfer.headerBytes > kMaximumHeaderBytes) {
    transfer.failure =
        Error{ErrorKind::Decode, fmt::format("the response's headers are larger than {} bytes", kMaximumHeaderBytes),
              "ResponseTooLarge"};
    return 0;
  }
  if (transfer.headDelivered) return size * count;  // a trailer
  if (line.starts_with("HTTP/")) transfer.head.headers.clear();
  if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    std::string name = lowered(line.substr(0, colon));
    auto text = line.substr(colon + 1);
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
    transfer.head.headers.insert_or_assign(std::move(name), text);
  }
  // The head is delivered at once: the first byte of a watch's body may be a minute away.
  if (line == "\r\n" || line == "\n") {
    const bool goesOn = guardedFor(transfer, [&]() -> Result<void> {
      deliverHead(transfer);
      return {};
    });
    if (!goesOn) return 0;
  }
  return size * count;
}

std::size_t onBody(char* bytes, std::size_t size, std::size_t count, void* user) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::size_t length = size * count;
  transfer.lastByte = std::chrono::steady_clock::now();
  transfer.received += length;
  if (transfer.request.maximumBytes > 0 && transfer.received > transfer.request.maximumBytes) {
    transfer.failure =
        Error{ErrorKind::Decode, fmt::format("the response is larger than {} bytes", transfer.request.maximumBytes),
              "ResponseTooLarge"};
    return 0;
  }
  const bool goesOn = guardedFor(transfer, [&] { return transfer.handler->onData({bytes, length}); });
  return goesOn ? length : 0;
}

using UrlHandle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

// The server must prove another name than the URL's host. The URL gets that name, and the connection still goes to the
// old host. False if the URL cannot be read.
bool connectElsewhere(Transfer& transfer) {
  const UrlHandle url(curl_url(), curl_url_cleanup);
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    if (curl_url_get(url.get(), which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return std::string();
    std::string copy(text);
    curl_free(text);
    return copy;
  };
  if (curl_url_set(url.get(), CURLUPART_URL, transfer.request.url.c_str(), 0) != CURLUE_OK) return false;
  const std::string& name = transfer.request.tls->serverName;
  const std::string route = fmt::format("{}:{}:{}:", name, part(CURLUPART_PORT), part(CURLUPART_HOST));
  if (curl_url_set(url.get(), CURLUPART_HOST, name.c_str(), 0) != CURLUE_OK) return false;
  transfer.request.url = part(CURLUPART_URL);
  transfer.route.reset(curl_slist_append(nullptr, route.c_str()));
  curl_easy_setopt(transfer.easy.get(), CURLOPT_CONNECT_TO, transfer.route.get());
  return !transfer.request.url.empty();
}

int placeOfAsked() {
  static const int place = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr,
      [](void*, void* held, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<Asked*>(held); });
  return place;
}

// OpenSSL calls the function when a server asks for a certificate.
void listenForAsking(SSL_CTX* context, const Asked& asked) {
  auto held = std::make_unique<Asked>(asked);
  if (SSL_CTX_set_ex_data(context, placeOfAsked(), held.get()) != 1) return;
  SSL_CTX_set_cert_cb(
      context,
      [](SSL*, void* flag) {
        static_cast<std::atomic<bool>*>(flag)->store(true);
        return 1;
      },
      held.release()->get());
}

CURLcode onTls(CURL*, void* context, void* user) noexcept {
  const auto& transfer = *static_cast<const Transfer*>(user);
  auto* made = static_cast<SSL_CTX*>(context);
  if (!transfer.tls->install(made)) return CURLE_SSL_CERTPROBLEM;
  try {
    if (transfer.request.admits) listenForAsking(made, transfer.asked);
  } catch (const std::bad_alloc&) {
    return CURLE_OUT_OF_MEMORY;
  }
  return CURLE_OK;
}

void useTls(CURL* easy, Transfer& transfer) {
  const auto& tls = *transfer.tls;
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, onTls);
  curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &transfer);
  if (tls.bringsNothing()) return;
  // The folder does not exist; only its name counts. libcurl reuses a connection only if this option is equal, and it
  // cannot see the settings that onTls makes.
  curl_easy_setopt(easy, CURLOPT_CAPATH, ("/nowhere/" + tls.id()).c_str());
  if (tls.hasAuthorities()) curl_easy_setopt(easy, CURLOPT_CAINFO, nullptr);
}

std::optional<Address> addressOf(const curl_sockaddr& socket) {
  Address address;
  const auto* bytes = reinterpret_cast<const unsigned char*>(&socket.addr);
  if (socket.family == AF_INET && socket.addrlen >= sizeof(sockaddr_in)) {
    sockaddr_in of{};
    std::memcpy(&of, bytes, sizeof of);
    std::memcpy(address.bytes.data() + 12, &of.sin_addr, 4);
  } else if (socket.family == AF_INET6 && socket.addrlen >= sizeof(sockaddr_in6)) {
    sockaddr_in6 of{};
    std::memcpy(&of, bytes, sizeof of);
    address.v6 = true;
    std::memcpy(address.bytes.data(), &of.sin6_addr, 16);
  } else {
    return std::nullopt;
  }
  return address;
}

curl_socket_t onSocket(void* user, curlsocktype, curl_sockaddr* to) noexcept {
  auto& transfer = *static_cast<Transfer*>(user);
  try {
    const auto address = addressOf(*to);
    if (address && transfer.request.admits(*address)) {
      transfer.isAnyAdmitted = true;
      return ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    }
    transfer.forbidden =
        Error{ErrorKind::Invalid,
              fmt::format("{} is an address that may not be connected to", address ? address->text() : "it"),
              "ForbiddenAddress"};
  } catch (...) {
    transfer.forbidden = Error{ErrorKind::Invalid, "the address could not be judged", "ForbiddenAddress"};
  }
  return CURL_SOCKET_BAD;
}

// `handle` is new or was reset.
std::shared_ptr<Transfer> prepare(Request request, Result<std::shared_ptr<const TlsContext>> tls,
                                  std::shared_ptr<StreamHandler> handler, EasyHandle handle = {}) {
  auto transfer = std::make_shared<Transfer>();
  transfer->request = std::move(request);
  transfer->handler = std::move(handler);
  transfer->easy = handle ? std::move(handle) : EasyHandle(curl_easy_init());
  CURL* easy = transfer->easy.get();
  const Request& r = transfer->request;
  for (const auto& header : r.headers) {
    transfer->headers.reset(curl_slist_append(transfer->headers.release(), header.c_str()));
  }
  if (r.tls && !r.tls->serverName.empty() && !connectElsewhere(*transfer)) transfer->request.url.clear();
  if (!tls) {
    transfer->failure = std::move(tls).error();
    transfer->request.url.clear();
  } else if (*tls) {
    transfer->tls = std::move(*tls);
    useTls(easy, *transfer);
  }
  curl_easy_setopt(easy, CURLOPT_URL, r.url.c_str());
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, r.method.c_str());
  if (!r.body.empty() || r.method == "POST" || r.method == "PUT" || r.method == "PATCH") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, r.body.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(r.body.size()));
    // Does not wait for "100 Continue".
    transfer->headers.reset(curl_slist_append(transfer->headers.release(), "Expect:"));
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers.get());
  // HTTP/2 gains nothing with one request at a time on a connection (docs/performance.md).
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // A silent name server delays neither the deadline nor the end of the process: libcurl does not wait for the
  // resolver's thread.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");  // else libcurl reads the environment twice for each request
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(r.connectTimeout.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(r.timeout.count()));
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->words);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, onHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, onBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer.get());
  curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer.get());
  if (r.admits) {
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, onSocket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer.get());
    if (!r.reusesAdmitted) {
      // No admits() was called for a connection that another request made.
      curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
      curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    }
  }
  transfer->lastByte = std::chrono::steady_clock::now();
  return transfer;
}

// True if the transfer ended before there was a connection.
bool isUnconnected(const Transfer& transfer, CURLcode code) {
  if (code == CURLE_COULDNT_CONNECT) return true;
  if (code != CURLE_OPERATION_TIMEDOUT) return false;
  // libcurl tells the time of the connection only after TLS, but the peer's address as soon as there is one.
  char* peer = nullptr;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_PRIMARY_IP, &peer);
  return peer == nullptr || *peer == '\0';
}

// True if time ran out after the connection was made and before TLS was.
bool isHandshakeOver(const Transfer& transfer, CURLcode code) {
  if (code != CURLE_OPERATION_TIMEDOUT || !lowered(transfer.request.url).starts_with("https")) return false;
  curl_off_t secured = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_APPCONNECT_TIME_T, &secured);
  return secured == 0;
}

// A server that does not accept the certificate it asked for may close the connection instead of ending the handshake
// (RFC 8446, 4.4.2.4). It has sent no response then.
bool isRefusedByCertificate(const Transfer& transfer, CURLcode code) {
  return transfer.asked->load() && code != CURLE_OPERATION_TIMEDOUT && transfer.head.status == 0;
}

// The step that failed, for callers that judge the server.
std::string reasonOf(const Transfer& transfer, CURLcode code) {
  if (isUnconnected(transfer, code)) return "Unreachable";
  if (isHandshakeOver(transfer, code) || isRefusedByCertificate(transfer, code)) return "TLSFailed";
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return "Unreachable";
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR: return "TLSFailed";
    default: return "";
  }
}

Result<void> resultOf(const Transfer& transfer, CURLcode code) {
  if (code == CURLE_OK) return {};
  if (transfer.failure) return fail(*transfer.failure);
  if (transfer.forbidden && !transfer.isAnyAdmitted && isUnconnected(transfer, code)) return fail(*transfer.forbidden);
  std::string words = transfer.words[0] ? transfer.words : curl_easy_strerror(code);
  if (isHandshakeOver(transfer, code) && !isUnconnected(transfer, code))
    words = "the TLS handshake did not come to an end: " + words;
  if (isRefusedByCertificate(transfer, code))
    words += transfer.request.tls && !transfer.request.tls->certificate.empty()
                 ? "; the server asked for a client certificate, and may not take the one that was shown"
                 : "; the server asks for a client certificate, and none was given";
  return fail(Error{code == CURLE_OPERATION_TIMEDOUT ? ErrorKind::Timeout : ErrorKind::Transport, words,
                    transfer.request.admits ? reasonOf(transfer, code) : ""});
}

void finish(Transfer& transfer, Result<void> result) {
  guarded(kLoop, [&] { transfer.handler->onEnd(std::move(result)); });
}

// Collects a whole response.
class Collector final : public StreamHandler {
 public:
  void onHead(const Response&) override {}
  Result<void> onData(std::string_view bytes) override {
    body_.append(bytes);
    return {};
  }
  void onEnd(Result<void> result) override { result_ = std::move(result); }

  Result<Response> take(Response head) {
    if (!result_) return fail(std::move(result_).error());
    head.body = std::move(body_);
    return head;
  }

 private:
  std::string body_;
  Result<void> result_;
};

CURLM* newMulti() {
  static const CURLcode once = curl_global_init(CURL_GLOBAL_DEFAULT);
  (void)once;
  return curl_multi_init();
}

}  // namespace

bool isPlainUrl(const std::string& text) {
  const UrlHandle url(curl_url(), curl_url_cleanup);
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK) return false;
  char* scheme = nullptr;
  if (curl_url_get(url.get(), CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK) return false;
  const std::string_view words(scheme);
  const bool plain = words == "http" || words == "https";
  curl_free(scheme);
  return plain;
}

std::string hostOf(const std::string& text) {
  const UrlHandle url(curl_url(), curl_url_cleanup);
  char* found = nullptr;
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK ||
      curl_url_get(url.get(), CURLUPART_HOST, &found, 0) != CURLUE_OK) {
    return "";
  }
  std::string host = lowered(found);
  curl_free(found);
  if (host.ends_with('.')) host.pop_back();
  return host;
}

std::optional<Duration> Response::retryAfter() const {
  const auto found = headers.find("retry-after");
  if (found == headers.end() || found->second.empty() || found->second.size() > 6) return std::nullopt;
  if (found->second.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
  return std::chrono::seconds(std::stol(found->second));
}

// One connection for requests, used by one thread at a time.
class Transport::Channel {
 public:
  Channel() : multi_(newMulti()) {}
  ~Channel() { curl_multi_cleanup(multi_); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  Result<Response> send(Request request, Result<std::shared_ptr<const TlsContext>> tls, const std::stop_token& stop) {
    const auto collector = std::make_shared<Collector>();
    const auto transfer = prepare(std::move(request), std::move(tls), collector, std::move(easy_));
    curl_multi_add_handle(multi_, transfer->easy.get());
    finish(*transfer, perform(*transfer, stop));
    curl_multi_remove_handle(multi_, transfer->easy.get());
    easy_ = std::move(transfer->easy);
    curl_easy_reset(easy_.get());
    return collector->take(std::move(transfer->head));
  }

 private:
  Result<void> perform(const Transfer& transfer, const std::stop_token& stop) {
    const std::stop_callback wake(stop, [this] { curl_multi_wakeup(multi_); });
    while (!stop.stop_requested()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      int left = 0;
      while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
        if (message->msg == CURLMSG_DONE) return resultOf(transfer, message->data.result);
      }
      curl_multi_poll(multi_, nullptr, 0, kForEver, nullptr);
    }
    return fail(ErrorKind::Cancelled, "cancelled");
  }

  CURLM* multi_;
  EasyHandle easy_;  // null while a request is under way
};

class Transport::Loop {
 public:
  Loop() {
    multi_ = newMulti();
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 64L);
    thread_ = std::thread([this] { run(); });
  }

  ~Loop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }

  Id start(Request request, Result<std::shared_ptr<const TlsContext>> tls, std::shared_ptr<StreamHandler> handler) {
    const Id id = next_++;
    auto transfer = prepare(std::move(request), std::move(tls), std::move(handler));
    post([this, id, transfer] { add(id, transfer); });
    return id;
  }

  void cancel(Id id) {
    post([this, id] {
      timers_.erase(std::remove_if(timers_.begin(), timers_.end(), [&](const Timer& t) { return t.id == id; }),
                    timers_.end());
      const auto found = transfers_.find(id);
      if (found != transfers_.end()) finish(id, fail(ErrorKind::Cancelled, "cancelled"));
    });
  }

  void post(std::function<void()> f) {
    {
      std::lock_guard lock(mutex_);
      posted_.push_back(std::move(f));
    }
    curl_multi_wakeup(multi_);
  }

  Id after(Duration delay, std::function<void()> f) {
    const Id id = next_++;
    const MonoTime due = std::chrono::steady_clock::now() + delay;
    post([this, id, due, f = std::move(f)]() mutable { timers_.push_back({id, due, std::move(f)}); });
    return id;
  }

 private:
  struct Timer {
    Id id;
    MonoTime due;
    std::function<void()> f;
  };

  void add(Id id, const std::shared_ptr<Transfer>& transfer) {
    transfers_[id] = transfer;
    ids_[transfer->easy.get()] = id;
    curl_multi_add_handle(multi_, transfer->easy.get());
  }

  // Removes the transfer first: the handler may start another.
  void finish(Id id, Result<void> result) {
    const auto found = transfers_.find(id);
    const auto transfer = found->second;
    curl_multi_remove_handle(multi_, transfer->easy.get());
    ids_.erase(transfer->easy.get());
    transfers_.erase(found);
    net::finish(*transfer, std::move(result));
  }

  void run() {
    while (true) {
      std::deque<std::function<void()>> posted;
      {
        std::lock_guard lock(mutex_);
        if (stopping_) break;
        posted.swap(posted_);
      }
      for (auto& f : posted) guarded(kLoop, f);
      int running = 0;
      curl_multi_perform(multi_, &running);
      collect();
      const int wait = fireTimers();
      curl_multi_poll(multi_, nullptr, 0, wait, nullptr);
    }
    while (!transfers_.empty()) finish(transfers_.begin()->first, fail(ErrorKind::Cancelled, "shutting down"));
  }

  void collect() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      const Id id = ids_.at(message->easy_handle);
      finish(id, resultOf(*transfers_.at(id), message->data.result));
    }
  }

  // Fires the timers that are due. Returns the milliseconds until the next timer or idle check.
  int fireTimers() {
    const MonoTime now = std::chrono::steady_clock::now();
    std::vector<Timer> due;
    for (auto timer = timers_.begin(); timer != timers_.end();) {
      if (timer->due <= now) {
        due.push_back(std::move(*timer));
        timer = timers_.erase(timer);
      } else {
        ++timer;
      }
    }
    for (auto& timer : due) guarded(kLoop, timer.f);
    std::vector<Id> idle;
    MonoTime next = now + std::chrono::hours(1);
    for (const auto& [id, transfer] : transfers_) {
      if (transfer->request.idleTimeout.count() == 0) continue;
      const MonoTime deadline = transfer->lastByte + transfer->request.idleTimeout;
      if (deadline <= now) {
        idle.push_back(id);
      } else {
        next = std::min(next, deadline);
      }
    }
    for (const Id id : idle) finish(id, fail(ErrorKind::Timeout, "nothing was received for too long"));
    for (const auto& timer : timers_) next = std::min(next, timer.due);
    {
      std::lock_guard lock(mutex_);
      if (!posted_.empty()) return 0;
    }
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(next - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(wait, 0, kForEver));
  }

  CURLM* multi_ = nullptr;
  std::atomic<Id> next_{1};
  std::thread thread_;

  std::mutex mutex_;  // protects the two members below
  std::deque<std::function<void()>> posted_;
  bool stopping_ = false;

  // Used on the loop's thread only.
  std::unordered_map<Id, std::shared_ptr<Transfer>> transfers_;
  std::unordered_map<CURL*, Id> ids_;
  std::vector<Timer> timers_;
};

Transport::Transport() : loop_(std::make_unique<Loop>()) {}
Transport::~Transport() = default;

Result<Response> Transport::send(Request request, const std::stop_token& stop) {
  auto channel = idle_.with([](auto& idle) -> std::unique_ptr<Channel> {
    if (idle.empty()) return nullptr;
    auto last = std::move(idle.back());
    idle.pop_back();
    return last;
  });
  if (!channel) channel = std::make_unique<Channel>();
  auto tls = parsed(request);
  auto response = channel->send(std::move(request), std::move(tls), stop);
  idle_.with([&](auto& idle) { idle.push_back(std::move(channel)); });
  return response;
}

Transport::Id Transport::stream(Request request, std::shared_ptr<StreamHandler> handler) {
  auto tls = parsed(request);
  return loop_->start(std::move(request), std::move(tls), std::move(handler));
}

Result<std::shared_ptr<const TlsContext>> Transport::parsed(const Request& request) {
  if (!request.tls) return std::shared_ptr<const TlsContext>();
  return parsed_.with([&](auto& last) -> Result<std::shared_ptr<const TlsContext>> {
    if (last.first.lock() != request.tls) {
      last.second = TRY(TlsContext::of(*request.tls));
      last.first = request.tls;
    }
    return last.second;
  });
}

void Transport::cancel(Id id) { loop_->cancel(id); }
void Transport::post(std::function<void()> f) { loop_->post(std::move(f)); }
Transport::Id Transport::after(Duration delay, std::function<void()> f) { return loop_->after(delay, std::move(f)); }

}  // namespace mpay::net
