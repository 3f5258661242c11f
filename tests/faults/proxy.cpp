#include "faults/proxy.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

#include "faults/connection.h"
#include "faults/upstream.h"
#include "support/loopback.h"
#include "support/pki.h"

namespace mpay::test {
namespace {

using Kind = Verdict::Kind;
using End = Exchange::End;
using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;

int selectProtocol(SSL*, const unsigned char** out, unsigned char* length, const unsigned char* offered,
                   unsigned offeredLength, void* spoken) {
  const auto& ours = *static_cast<const std::string*>(spoken);
  unsigned char* selected = nullptr;
  const int result = SSL_select_next_proto(&selected, length, reinterpret_cast<const unsigned char*>(ours.data()),
                                           static_cast<unsigned>(ours.size()), offered, offeredLength);
  *out = selected;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// `spoken` must outlive it.
Context serverContext(const Authority& authority, const std::string& spoken) {
  const Identity identity = authority.issue({.commonName = "127.0.0.1", .alternativeNames = "IP:127.0.0.1"});
  const auto read = [](const std::string& pem) {
    return std::unique_ptr<BIO, decltype(&BIO_free)>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                     BIO_free);
  };
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_bio_X509(read(identity.certificate).get(), nullptr, nullptr, nullptr), X509_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(read(identity.key).get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context || SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
    throw std::runtime_error("no server certificate");
  }
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_alpn_select_cb(context.get(), selectProtocol, const_cast<std::string*>(&spoken));
  return context;
}

// `most` cuts the body short but leaves the head's length.
void answer(const ProxiedRequest& request, Exchange& exchange, ProxiedResponse response,
            std::size_t most = std::string::npos) {
  const bool bodiless = request.method == "HEAD" || response.status == 204 || response.status == 304;
  if (!bodiless) response.headers["content-length"] = std::to_string(response.body.size());
  const std::string body = bodiless ? "" : std::exchange(response.body, {}).substr(0, most);
  exchange.start(std::move(response));
  exchange.send(body);
  exchange.finish(most == std::string::npos ? End::Complete : End::Cut);
}

}  // namespace

bool ProxiedRequest::isWatch() const {
  for (auto at = target.find('?'); at != std::string::npos; at = target.find('&', at + 1)) {
    const auto parameter = target.substr(at + 1, target.find('&', at + 1) - at - 1);
    if (parameter == "watch=1" || parameter == "watch=true") return true;
  }
  return false;
}

Verdict FaultScript::onRequest(const ProxiedRequest&) { return {}; }
void FaultScript::onResponse(const ProxiedRequest&, ProxiedResponse&) {}
FaultScript::Lines FaultScript::onEvent(const ProxiedRequest&, const std::string& line) { return {{line}}; }

class FaultProxy::Implementation {
 public:
  Implementation(Options options, FaultScript& script)
      : spoken_(options.http2 ? "\x02h2\x08http/1.1" : "\x08http/1.1"),
        script_(script),
        context_(serverContext(authority_, spoken_)),
        upstream_(std::move(options.upstream), std::move(options.upstreamCa)) {
    listen();
    accepting_ = std::thread([this] { accept(); });
  }

  ~Implementation() {
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    ::close(listening_);
  }

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_); }
  std::string caPem() const { return authority_.certificate(); }
  std::size_t requests() const { return requests_; }
  std::string upstreamError() const { return upstream_.error(); }

  void cutConnections() {
    const std::lock_guard lock(mutex_);
    for (const auto& connection : connections_) connection.cut();
  }

 private:
  void listen() {
    const auto listener = test::listenOnLoopback(256);
    listening_ = listener.socket;
    port_ = listener.port;
  }

  // All other threads are started by this one, which outlives them. They inherit its blocked SIGPIPE.
  void accept() {
    sigset_t broken;
    sigemptyset(&broken);
    sigaddset(&broken, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &broken, nullptr);
    while (true) {
      const int socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (socket < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
      if (socket < 0) break;
      const std::lock_guard lock(mutex_);
      connections_.remove_if([](const Connection& connection) { return connection.ended(); });
      connections_.emplace_back(
          socket, context_.get(), requests_,
          [this](const ProxiedRequest& request, Exchange& exchange) { serve(request, exchange); });
    }
    upstream_.stop();
    cutConnections();
    std::list<Connection> last;
    {
      const std::lock_guard lock(mutex_);
      last.swap(connections_);
    }
  }

  void serve(const ProxiedRequest& request, Exchange& exchange) {
    Verdict verdict = script_.onRequest(request);
    switch (verdict.kind) {
      case Kind::Forward:
        return request.isWatch() ? watch(request, exchange) : complete(request, exchange, std::move(verdict));
      case Kind::Answer: return answer(request, exchange, std::move(verdict.answer));
      case Kind::Refuse: return exchange.finish(End::Cut);
      case Kind::Stall: return exchange.awaitGone();
      default: return complete(request, exchange, std::move(verdict));
    }
  }

  void complete(const ProxiedRequest& request, Exchange& exchange, Verdict verdict) {
    ProxiedResponse real;
    const Upstream::Reader reader{[&](const ProxiedResponse& head) { real = head; },
                                  [&](std::string_view bytes) {
                                    real.body += bytes;
                                    return true;
                                  }};
    if (!upstream_.forward(request, reader, verdict.kind == Kind::Forward ? &exchange : nullptr)) {
      return exchange.finish(End::Cut);
    }
    if (verdict.kind == Kind::ReplaceAnswer) return answer(request, exchange, std::move(verdict.answer));
    script_.onResponse(request, real);
    if (verdict.kind == Kind::StallAfter) return exchange.awaitGone();
    if (verdict.kind == Kind::Forward) return answer(request, exchange, std::move(real));
    if (verdict.kind == Kind::LoseAnswer || real.body.empty()) return exchange.finish(End::Cut);
    const std::size_t half = real.body.size() / 2;
    answer(request, exchange, std::move(real), half);
  }

  void watch(const ProxiedRequest& request, Exchange& exchange) {
    ProxiedResponse head;
    std::string pending;  // the beginning of a line, or the whole body of a refusal
    const auto begin = [&](const ProxiedResponse& real) {
      head = real;
      if (head.status != 200) return;
      head.headers.erase("content-length");
      exchange.start(head);
    };
    const auto pass = [&](std::string_view bytes) {
      pending += bytes;
      if (head.status != 200) return true;
      std::size_t at = 0;
      for (std::size_t end = 0; (end = pending.find('\n', at)) != std::string::npos; at = end + 1) {
        const auto lines = script_.onEvent(request, pending.substr(at, end - at));
        for (const auto& line : lines.send) exchange.send(line + "\n");
        if (lines.cut) return false;
      }
      pending.erase(0, at);
      return true;
    };
    if (!upstream_.forward(request, {begin, pass}, &exchange)) return exchange.finish(End::Cut);
    if (head.status == 200) return exchange.finish(End::Complete);
    head.body = std::move(pending);
    script_.onResponse(request, head);
    answer(request, exchange, std::move(head));
  }

  const std::string spoken_;  // in ALPN's form
  FaultScript& script_;
  const Authority authority_{"Fault Proxy CA"};
  const Context context_;
  Upstream upstream_;
  std::atomic<std::size_t> requests_ = 0;
  int listening_ = -1;
  int port_ = 0;
  std::thread accepting_;

  mutable std::mutex mutex_;  // protects all members below
  std::list<Connection> connections_;
};

FaultProxy::FaultProxy(Options options, FaultScript& script)
    : implementation_(std::make_unique<Implementation>(std::move(options), script)) {}
FaultProxy::~FaultProxy() = default;

std::string FaultProxy::url() const { return implementation_->url(); }
std::string FaultProxy::caPem() const { return implementation_->caPem(); }
void FaultProxy::cutConnections() { implementation_->cutConnections(); }
std::size_t FaultProxy::requests() const { return implementation_->requests(); }
std::string FaultProxy::upstreamError() const { return implementation_->upstreamError(); }

}  // namespace mpay::test
