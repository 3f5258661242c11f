// HTTP by libcurl: requests on the thread that asks, streams on one event-loop thread.
//
// HTTP/1.1. Connections are reused, one request at a time on each, by requests of the same Tls object. Redirects are
// never followed, certificates always verified. Limits on time and size are the request's.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/synchronized.h"
#include "net/address.h"
#include "net/tls.h"

namespace mpay::net {

struct Request {
  std::string method = "GET";
  std::string url;
  std::vector<std::string> headers{};  // "Name: value"
  std::string body{};
  std::shared_ptr<const Tls> tls{};
  Duration connectTimeout{5'000};
  Duration timeout{30'000};  // of the whole request; 0: none
  Duration idleTimeout{0};   // of a stream, without a byte received; 0: none
  std::size_t maximumBytes = std::size_t{64} << 20;
  // Which addresses may be connected to; empty: all. It is asked of the socket that is about to be connected, so that
  // no name service can say one thing when asked and another when used; and of each connection, none is taken again.
  // Called on the thread that sends. Of a host with several addresses the first one that is admitted and can be
  // connected to counts; where there is none, and one was not admitted: Invalid with reason ForbiddenAddress.
  std::function<bool(const Address&)> admits{};
  // With admits: a connection that this Transport made is taken again. Only where all its requests admit the same.
  bool reusesAdmitted = false;
};

// Whether it is http or https, with a host and without user information.
bool isPlainUrl(const std::string& url);
// The host of such a URL, in small letters and without a dot at its end; empty where it is none.
std::string hostOf(const std::string& url);

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers{};  // lower-case names
  std::string body{};

  // Retry-After in seconds, when the server sent a number.
  std::optional<Duration> retryAfter() const;
};

// Receives a response while it arrives, on the loop's thread; must not block. Returning an error
// from onData ends the transfer with it. onEnd comes exactly once, last.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  virtual void onHead(const Response& head) = 0;  // status and headers
  virtual Result<void> onData(std::string_view bytes) = 0;
  virtual void onEnd(Result<void> result) = 0;
};

// Thread-safe. The destructor ends the streams under way and joins the loop's thread; no send may be under
// way then.
class Transport {
 public:
  using Id = std::uint64_t;

  Transport();
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Sends and waits for the whole response, whatever its status. The connection is one that was free, the one
  // used last first, so that as many stay open as requests were under way at once. Errors: Transport, Timeout; Decode
  // with ResponseTooLarge when the response is larger than allowed, or its headers than 256 KiB; Cancelled within 100
  // ms of `stop`. Where the request has `admits`, and so a stranger's server is judged, Transport and Timeout have
  // reason Unreachable where no connection came about, and TLSFailed where TLS did not. Must not be called on the
  // loop's thread, which it would hold up.
  Result<Response> send(Request request, const std::stop_token& stop = {});

  // Starts a response that is handled while it arrives. The handler lives until onEnd.
  Id stream(Request request, std::shared_ptr<StreamHandler> handler);

  // Ends a stream (onEnd with Cancelled) or a timer; nothing when it has ended.
  void cancel(Id id);

  // Runs f on the loop's thread, now or after a delay.
  void post(std::function<void()> f);
  Id after(Duration delay, std::function<void()> f);

 private:
  class Channel;
  class Loop;

  // The parsed form of the request's Tls; null where it has none.
  Result<std::shared_ptr<const TlsContext>> parsed(const Request& request);

  Synchronized<std::vector<std::unique_ptr<Channel>>> idle_;
  Synchronized<std::pair<std::weak_ptr<const Tls>, std::shared_ptr<const TlsContext>>> parsed_;  // the last one
  std::unique_ptr<Loop> loop_;
};

}  // namespace mpay::net
