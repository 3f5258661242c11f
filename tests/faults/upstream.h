// The way to the real server.
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

// Safe to call from many threads, in which SIGPIPE must be blocked. Keeps a few connections for reading; a write has
// one of its own, since curl repeats by itself what was cut on a connection used before.
class Upstream {
 public:
  Upstream(std::string url, std::string ca);
  ~Upstream();
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  // Told of an answer as it comes. Must throw nothing.
  struct Reader {
    std::function<void(const ProxiedResponse& head)> head;
    std::function<bool(std::string_view)> bytes;  // false: enough
  };

  // Blocks until the answer is complete: true. False when it does not come to that: the connection failed, the reader
  // had enough, `client` (where given) has gone, or stop() was called.
  bool forward(const ProxiedRequest& request, const Reader& reader, Exchange* client);

  // Ends every request under way, and those that come later; closes connections that nobody uses.
  void stop();

  // Of the last request that failed without our doing; empty when none did.
  std::string error() const;

 private:
  struct Line;  // a curl handle with its connections

  std::unique_ptr<Line> acquire();
  void release(std::unique_ptr<Line> line);
  bool perform(Line& line, Exchange* client);

  const std::string url_;
  const std::string ca_;

  mutable std::mutex mutex_;  // protects all below
  bool stopped_ = false;
  std::vector<std::unique_ptr<Line>> idle_;
  std::list<Line*> busy_;
  std::string error_;
};

}  // namespace mpay::test
