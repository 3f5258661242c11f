// A proxy between a controller and a real API server. It misbehaves as a test demands.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mpay::test {

using Headers = std::map<std::string, std::string>;  // lower-case names; repeated values are joined by ", "

struct ProxiedRequest {
  std::string method;
  std::string target;  // "/api/v1/configmaps?watch=1"
  Headers headers = {};
  std::string body = {};
  std::size_t number = 0;  // from 0 over the proxy's life, in order of arrival

  // True if the query has watch=1 or watch=true.
  bool isWatch() const;
};

struct ProxiedResponse {
  int status = 200;
  Headers headers = {};  // content-length is set for it
  std::string body = {};
};

// The fate of a request. To cut means: to close the connection in HTTP/1.1, and to reset the one stream in HTTP/2.
// Clients may repeat by themselves a request that was cut on a reused connection.
struct Verdict {
  enum class Kind {
    Forward,
    Answer,         // never forwarded; `answer` is sent
    Refuse,         // never forwarded; cut
    LoseAnswer,     // forwarded, answered upstream, then cut
    HalfAnswer,     // as LoseAnswer, after the whole head and half of the body; an empty body is lost with its head
    ReplaceAnswer,  // forwarded, answered upstream; `answer` is sent
    Stall,          // never forwarded, never answered
    StallAfter,     // forwarded, answered upstream, never answered
  };
  Kind kind = Kind::Forward;
  ProxiedResponse answer = {};
};

// Called on the proxy's threads, many at a time; must not throw. A call may block; that holds up its own request and
// the proxy's end.
class FaultScript {
 public:
  virtual ~FaultScript() = default;

  // Default: Forward.
  virtual Verdict onRequest(const ProxiedRequest& request);

  // Called with a complete answer from upstream before any of it is sent; may change it. Not called for ReplaceAnswer.
  // For a forwarded watch called only if upstream refuses it (any status but 200). Default: no change.
  virtual void onResponse(const ProxiedRequest& request, ProxiedResponse& response);

  struct Lines {
    std::vector<std::string> send;  // replace the line: none, one or several
    bool cut = false;               // cuts after sending them
  };
  // Called with one line of a forwarded watch, without its '\n'. Lines of one watch come one after another. Default:
  // that line.
  virtual Lines onEvent(const ProxiedRequest& request, const std::string& line);
};

// Speaks TLS, HTTP/1.1 and HTTP/2. Requests and answers pass unchanged, except for the headers of a connection, and for
// accept-encoding, so that scripts see text. When a client goes away, its forwarded request ends upstream; requests
// with another verdict are still completed there. If upstream does not answer, the client is cut.
class FaultProxy {
 public:
  struct Options {
    std::string upstream;    // https://127.0.0.1:port, or http://
    std::string upstreamCa;  // PEM
    bool http2 = true;       // offered to clients; false: HTTP/1.1 only
  };

  // Listens on 127.0.0.1, on a port that the kernel chooses. `script` must outlive the proxy. Throws std::runtime_error
  // if it cannot.
  FaultProxy(Options options, FaultScript& script);
  // Cuts everything and waits for all threads, which takes no time unless the script blocks.
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  std::string url() const;    // https://127.0.0.1:port
  std::string caPem() const;  // the authority that clients must trust

  // Closes every client's connection. New ones are accepted.
  void cutConnections();

  std::size_t requests() const;  // received so far
  // The last error upstream, in curl's words; empty if there was none.
  std::string upstreamError() const;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace mpay::test
