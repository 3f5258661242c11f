#include "faults/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>

namespace mpay::test {

Connection::Connection(int socket, SSL_CTX* context, std::atomic<std::size_t>& count, Serve serve)
    : socket_(socket),
      event_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      tls_(SSL_new(context), SSL_free),
      count_(count),
      serve_(std::move(serve)) {
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  SSL_set_fd(tls_.get(), socket_);
  thread_ = std::thread([this] { run(); });
}

Connection::~Connection() {
  cut();
  thread_.join();
  ::close(socket_);
  ::close(event_);
}

void Connection::cut() const { ::shutdown(socket_, SHUT_RDWR); }

void Connection::run() {
  if (handshake()) {
    const unsigned char* name = nullptr;
    unsigned length = 0;
    SSL_get0_alpn_selected(tls_.get(), &name, &length);
    const auto begin = [this](ProxiedRequest request) { return start(std::move(request)); };
    const auto protocol = length == 2 ? http2(begin) : http1(begin);
    while (step(*protocol)) {
    }
  }
  cut();
  for (const auto& serving : serving_) serving.exchange->leave();
  for (auto& serving : serving_) serving.thread.join();
  serving_.clear();
  ended_ = true;
}

bool Connection::handshake() {
  while (true) {
    ERR_clear_error();
    const int result = SSL_accept(tls_.get());
    if (result == 1) return true;
    switch (SSL_get_error(tls_.get(), result)) {
      case SSL_ERROR_WANT_READ: wait(POLLIN); break;
      case SSL_ERROR_WANT_WRITE: wait(POLLOUT); break;
      default: return false;
    }
  }
}

std::shared_ptr<Exchange> Connection::start(ProxiedRequest request) {
  serving_.remove_if([](Serving& serving) {
    if (!serving.done) return false;
    serving.thread.join();
    return true;
  });
  request.number = count_++;
  auto exchange = std::make_shared<Exchange>([this] { wake(); });
  Serving& serving = serving_.emplace_back(exchange);
  serving.thread = std::thread([this, &serving, request = std::move(request)] {
    serve_(request, *serving.exchange);
    serving.done = true;
  });
  return exchange;
}

bool Connection::step(Protocol& protocol) {
  bool more = true;
  // collect() leaves the rest behind when there is much to send, so it is called again after sending.
  for (bool sent = true; sent && more;) {
    more = protocol.collect(out_);
    sent = !out_.empty();
    if (!flush()) return false;
    sent = sent && out_.empty();
  }
  if (!more && out_.empty()) return false;
  wait(static_cast<short>(out_.empty() ? POLLIN : POLLIN | POLLOUT));
  return receive(protocol);
}

bool Connection::flush() {
  std::size_t sent = 0;
  int result = 1;
  while (sent < out_.size()) {
    ERR_clear_error();
    std::size_t now = 0;
    result = SSL_write_ex(tls_.get(), out_.data() + sent, out_.size() - sent, &now);
    if (result != 1) break;
    sent += now;
  }
  out_.erase(0, sent);
  if (result == 1) return true;
  const int error = SSL_get_error(tls_.get(), result);
  return error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ;
}

bool Connection::receive(Protocol& protocol) {
  char bytes[16 * 1024];
  while (true) {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(tls_.get(), bytes, sizeof bytes, &got);
    if (result != 1) return SSL_get_error(tls_.get(), result) == SSL_ERROR_WANT_READ;
    if (!protocol.receive({bytes, got})) return false;
  }
}

void Connection::wait(short events) {
  pollfd watched[] = {{socket_, events, 0}, {event_, POLLIN, 0}};
  ::poll(watched, 2, -1);
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(event_, &count, sizeof count);
}

void Connection::wake() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto put = ::write(event_, &one, sizeof one);
}

}  // namespace mpay::test
