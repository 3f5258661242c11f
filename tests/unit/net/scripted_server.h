// An HTTP/1.1 server that answers byte by byte as a test scripts it, for faults that a real server cannot be made to
// show: half bodies, silence, nonsense. It knows nothing of Kubernetes.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "support/loopback.h"

namespace mpay::test {

class ScriptedServer {
 public:
  struct Request {
    std::string line;  // "GET /path"
    std::string head;  // all header lines
    std::string body;
  };

  // One connection while one of its requests is answered.
  class Peer {
   public:
    explicit Peer(int socket) : socket_(socket) {}
    void send(const std::string& bytes) const {
      for (std::size_t sent = 0; sent < bytes.size();) {
        const ssize_t now = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (now <= 0) return;
        sent += static_cast<std::size_t>(now);
      }
    }
    void answer(int status, const std::string& body, const std::string& headers = "") const {
      send("HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           headers + "\r\n" + body);
    }
    // A body without an announced length. It ends with end(), or is cut when the connection closes.
    void begin() const { send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"); }
    void chunk(const std::string& bytes) const {
      char size[20];
      std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
      send(size + bytes + "\r\n");
    }
    void end() const { send("0\r\n\r\n"); }
    // Sends nothing until the client has gone or the test is over.
    void hang() const {
      char byte = 0;
      while (::recv(socket_, &byte, 1, 0) > 0) {
      }
    }
    void close() const { ::shutdown(socket_, SHUT_RDWR); }

   private:
    const int socket_;
  };

  // Called for each request, on a thread of the connection; `count` is the number of earlier requests.
  using Script = std::function<void(const Request& request, std::size_t count, const Peer& peer)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    const auto listener = test::listenOnLoopback(64);
    listening_ = listener.socket;
    port_ = listener.port;
    accepting_ = std::thread([this] { accept(); });
  }

  ~ScriptedServer() {
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    ::close(listening_);
    {
      const std::lock_guard lock(mutex_);
      for (const int socket : sockets_) ::shutdown(socket, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
    for (const int socket : sockets_) ::close(socket);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::vector<Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  std::size_t connections() const {
    const std::lock_guard lock(mutex_);
    return sockets_.size();
  }

 private:
  void accept() {
    while (true) {
      const int socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
      if (socket < 0) return;
      const std::lock_guard lock(mutex_);
      sockets_.push_back(socket);
      threads_.emplace_back([this, socket] { serve(socket); });
    }
  }

  void serve(int socket) {
    std::string buffer;
    const auto more = [&] {
      char bytes[4096];
      const ssize_t got = ::recv(socket, bytes, sizeof bytes, 0);
      if (got > 0) buffer.append(bytes, static_cast<std::size_t>(got));
      return got > 0;
    };
    while (true) {
      std::size_t end = 0;
      while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
        if (!more()) return;
      }
      Request request;
      request.head = buffer.substr(0, end + 2);
      request.line = request.head.substr(0, request.head.find(" HTTP/"));
      buffer.erase(0, end + 4);
      std::size_t length = 0;
      if (const auto at = request.head.find("Content-Length: "); at != std::string::npos) {
        length = std::stoul(request.head.substr(at + 16));
      }
      while (buffer.size() < length) {
        if (!more()) return;
      }
      request.body = buffer.substr(0, length);
      buffer.erase(0, length);
      std::size_t count = 0;
      {
        const std::lock_guard lock(mutex_);
        count = requests_.size();
        requests_.push_back(request);
      }
      script_(request, count, Peer(socket));
    }
  }

  const Script script_;
  int listening_ = -1;
  int port_ = 0;
  std::thread accepting_;

  mutable std::mutex mutex_;  // protects all members below
  std::vector<int> sockets_;
  std::vector<std::thread> threads_;
  std::vector<Request> requests_;
};

}  // namespace mpay::test
