// A server's HTTP over one connection: turns bytes into requests, and answers into bytes. No sockets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "faults/exchange.h"

namespace mpay::test {

// Used by one thread; other threads may feed its exchanges.
class Protocol {
 public:
  // Begins to serve a complete request.
  using Start = std::function<std::shared_ptr<Exchange>(ProxiedRequest)>;

  virtual ~Protocol() = default;

  // Takes bytes from the client. False if they are no HTTP: the connection must be closed.
  virtual bool receive(std::string_view bytes) = 0;
  // Appends bytes to send to `out`, until that is about kMuch long. False if nothing can follow: the connection must be
  // closed when all is sent.
  virtual bool collect(std::string& out) = 0;

  static constexpr std::size_t kMuch = 256 * 1024;
};

std::unique_ptr<Protocol> http1(Protocol::Start start);
std::unique_ptr<Protocol> http2(Protocol::Start start);

}  // namespace mpay::test
