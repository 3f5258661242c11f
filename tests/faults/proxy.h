// A proxy between a controller and a real API server that misbehaves as a test says.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mpay::test {

using Headers = std::map<std::string, std::string>;  // lower-case names; what came twice is joined by ", "

struct ProxiedRequest {
  std::string method;
  std::string target;  // "/api/v1/configmaps?watch=1"
  Headers headers = {};
  std::string body = {};
  std::size_t number = 0;  // from 0 over the proxy's life, in the order of arrival

  // The query has watch=1 or watch=true.
  bool isWatch() const;
};

struct ProxiedResponse {
  int status = 200;
  Headers headers = {};  // content-length is set for it
  std::string body = {};
};

// What becomes of a request. To cut is to close the connection in HTTP/1.1, and to reset the one stream in HTTP/2.
// Clients may repeat by themselves what was cut on a connection that they had used before.
struct Verdict {
  enum class Kind {
    Forward,
    Answer,         // never forwarded; `answer` is sent
    Refuse,         // never forwarded; cut
    LoseAnswer,     // forwarded, answered upstream, then cut
    HalfAnswer,     // as LoseAnswer, after the whole head and half of the body; a body of nothing is lost whole
    ReplaceAnswer,  // forwarded, answered upstream; `answer` is sent
    Stall,          // never forwarded, never answered
    StallAfter,     // forwarded, answered upstream, never answered
  };
  Kind kind = Kind::Forward;
  ProxiedResponse answer = {};
};

// Called on the proxy's threads, many at a time; must throw nothing. A call may block, and then holds up that request
// alone, and the proxy's end.
class FaultScript {
 public:
  virtual ~FaultScript() = default;

  // Default: Forward.
  virtual Verdict onRequest(const ProxiedRequest& request);

  // A complete answer from upstream, before any of it is sent; may be changed. Not called for ReplaceAnswer, nor for
  // a watch that is forwarded, unless upstream refuses it (any status but 200). Default: nothing.
  virtual void onResponse(const ProxiedRequest& request, ProxiedResponse& response);

  struct Lines {
    std::vector<std::string> send;  // in the line's place: none, one or several
    bool cut = false;               // cuts after sending them
  };
  // One line of a forwarded watch, without its '\n'. Lines of one watch come one after another. Default: that line.
  virtual Lines onEvent(const ProxiedRequest& request, const std::string& line);
};

// Speaks TLS, HTTP/1.1 and HTTP/2. Request and answer pass unchanged but for the headers that belong to a connection,
// and accept-encoding, without which scripts see text. A client that goes away ends its forwarded request upstream;
// requests with any other verdict are still completed there. An upstream that does not answer cuts the client.
class FaultProxy {
 public:
  struct Options {
    std::string upstream;    // https://127.0.0.1:port, or http://
    std::string upstreamCa;  // PEM
    bool http2 = true;       // offered to clients; without it HTTP/1.1 only
  };

  // Listens on 127.0.0.1, on a port that the kernel chooses. `script` must outlive the proxy.
  // Throws std::runtime_error when it cannot.
  FaultProxy(Options options, FaultScript& script);
  // Cuts everything, then waits for all threads: no time at all, unless the script blocks.
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  std::string url() const;    // https://127.0.0.1:port
  std::string caPem() const;  // whom clients trust

  // Closes every connection of clients. New ones are welcome.
  void cutConnections();

  std::size_t requests() const;  // that came so far
  // What last went wrong upstream, in curl's words; empty when nothing did.
  std::string upstreamError() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mpay::test
