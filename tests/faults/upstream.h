// The connections to the real server.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "faults/exchange.h"

namespace mpay::test {

// Callable on many threads, which must block SIGPIPE. Keeps a few connections for reading. Each write gets a new
// connection, since curl by itself repeats a request that was cut on a reused one.
class Upstream {
 public:
  Upstream(std::string url, std::string ca);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  // Receives an answer while it arrives. Must not throw.
  struct Reader {
    std::function<void(const ProxiedResponse& head)> head;
    std::function<bool(std::string_view)> bytes;  // false: enough
  };

  // Blocks until the answer is complete, and returns true. False if the connection failed, the reader had enough,
  // `client` (if given) has gone, or stop() was called.
  bool forward(const ProxiedRequest& request, const Reader& reader, Exchange* client);

  // Ends every request under way and later ones; closes idle connections.
  void stop();

  // The last failure that this object did not cause; empty if there was none.
  std::string error() const;

 private:
  struct Line;  // a curl handle with its connections

  std::unique_ptr<Line> acquire();
  void release(std::unique_ptr<Line> line);
  bool perform(Line& line, Exchange* client);

  const std::string url_;
  const std::string ca_;

  mutable std::mutex mutex_;  // protects all members below
  bool stopped_ = false;
  std::vector<std::unique_ptr<Line>> idle_;
  std::list<Line*> busy_;
  std::string error_;
};

}  // namespace mpay::test
