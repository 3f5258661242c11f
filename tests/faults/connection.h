// One client's connection: TLS on a socket, and the threads that serve its requests.
#pragma once

#include <openssl/ssl.h>

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <thread>

#include "faults/protocol.h"

namespace mpay::test {

// Runs a thread of its own and one for each request. They end when the client goes, or with cut().
class Connection {
 public:
  // Serves one request on a thread of its own. It must return soon after the exchange is gone.
  using Serve = std::function<void(const ProxiedRequest&, Exchange&)>;

  // Takes the socket. Speaks HTTP/2 if `context` selects it by ALPN. Numbers requests by `count`. The calling thread
  // must block SIGPIPE.
  Connection(int socket, SSL_CTX* context, std::atomic<std::size_t>& count, Serve serve);
  // Cuts the connection and waits for the threads.
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Closes the connection at once; callable on any thread.
  void cut() const;
  // True when all threads have ended.
  bool ended() const { return ended_; }

 private:
  struct Serving {
    explicit Serving(std::shared_ptr<Exchange> of) : exchange(std::move(of)) {}
    std::shared_ptr<Exchange> exchange;
    std::atomic<bool> done = false;
    std::thread thread;
  };

  void run();
  bool handshake();
  std::shared_ptr<Exchange> start(ProxiedRequest request);
  bool step(Protocol& protocol);
  bool flush();
  bool receive(Protocol& protocol);
  // Waits until the socket is ready for `events`, or until wake() is called.
  void wait(short events);
  void wake() const;

  const int socket_;
  const int event_;
  const std::unique_ptr<SSL, decltype(&SSL_free)> tls_;
  std::atomic<std::size_t>& count_;
  const Serve serve_;
  std::atomic<bool> ended_ = false;

  // Used on the connection's own thread only.
  std::list<Serving> serving_;
  std::string out_;
  std::thread thread_;
};

}  // namespace mpay::test
