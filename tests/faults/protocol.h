// HTTP as a server speaks it over one connection: bytes in, requests out; answers in, bytes out. No sockets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "faults/exchange.h"

namespace mpay::test {

// Used by one thread; the exchanges it is given may be fed by others.
class Protocol {
 public:
  // Begins to serve a complete request.
  using Start = std::function<std::shared_ptr<Exchange>(ProxiedRequest)>;

  virtual ~Protocol() = default;

  // What the client sent. False when it is no HTTP: the connection is to be closed.
  virtual bool receive(std::string_view bytes) = 0;
  // Appends what there is to be sent to `out`, until that is about kMuch long. False when nothing can follow: the
  // connection is to be closed once all is sent.
  virtual bool collect(std::string& out) = 0;

  static constexpr std::size_t kMuch = 256 * 1024;
};

std::unique_ptr<Protocol> http1(Protocol::Start start);
std::unique_ptr<Protocol> http2(Protocol::Start start);

}  // namespace mpay::test
