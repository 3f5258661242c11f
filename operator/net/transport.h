// HTTP by libcurl: requests on the calling thread, streams on one event-loop thread.
//
// HTTP/1.1 only. Requests of the same Tls object reuse connections, one request at a time on each. Redirects are never
// followed, certificates are always verified. Each request sets its limits on time and size.
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
  Duration timeout{30'000};  // for the whole request; 0: none
  Duration idleTimeout{0};   // longest time of a stream without a byte received; 0: none
  std::size_t maximumBytes = std::size_t{64} << 20;
  // Says if an address may be connected to; empty: every address may. It is called on the thread that sends, with the
  // address of the socket that is about to be connected, so that a name server cannot answer a check and the connection
  // differently. Each request opens a new connection. If a host has several addresses, the first that is admitted and
  // can be connected to counts. If none is admitted: Invalid with reason ForbiddenAddress.
  std::function<bool(const Address&)> admits{};
  // With admits: connections that this Transport made are reused. Set it only if all its requests admit the same
  // addresses.
  bool reusesAdmitted = false;
};

// True for http and https with a host and without user information.
bool isPlainUrl(const std::string& url);
// The host of such a URL, in lower case and without a dot at its end; empty if it is no such URL.
std::string hostOf(const std::string& url);

struct Response {
  int status = 0;
  std::map<std::string, std::string> headers{};  // lower-case names
  std::string body{};

  // Retry-After in seconds, if the server sent a number.
  std::optional<Duration> retryAfter() const;
};

// Receives a response while it arrives, on the loop's thread; must not block. An error from onData ends the transfer
// with that error. onEnd comes exactly once, last.
class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  virtual void onHead(const Response& head) = 0;  // status and headers
  virtual Result<void> onData(std::string_view bytes) = 0;
  virtual void onEnd(Result<void> result) = 0;
};

// Thread-safe. The destructor ends the streams under way and joins the loop's thread. No send may be under way then.
class Transport {
 public:
  using Id = std::uint64_t;

  Transport();
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  // Sends and waits for the whole response, whatever its status. A free connection is reused, the last used first, so
  // that only as many stay open as requests were under way at once. Must not be called on the loop's thread, which it
  // would block.
  // Errors: Transport; Timeout; Cancelled within 100 ms of `stop`; Decode with reason ResponseTooLarge if the response
  // is larger than allowed or its headers larger than 256 KiB. If the request has `admits`, that is if it judges
  // somebody else's server, Transport and Timeout have reason Unreachable if there was no connection, and TLSFailed if
  // there was no TLS.
  Result<Response> send(Request request, const std::stop_token& stop = {});

  // Starts a response that is handled while it arrives. The handler lives until onEnd.
  Id stream(Request request, std::shared_ptr<StreamHandler> handler);

  // Ends a stream (onEnd with Cancelled) or a timer. Does nothing if it has ended.
  void cancel(Id id);

  // Runs f on the loop's thread, now or after a delay.
  void post(std::function<void()> f);
  Id after(Duration delay, std::function<void()> f);

 private:
  class Channel;
  class Loop;

  // The parsed form of the request's Tls; null if it has none.
  Result<std::shared_ptr<const TlsContext>> parsed(const Request& request);

  Synchronized<std::vector<std::unique_ptr<Channel>>> idle_;
  Synchronized<std::pair<std::weak_ptr<const Tls>, std::shared_ptr<const TlsContext>>> parsed_;  // the last one
  std::unique_ptr<Loop> loop_;
};

}  // namespace mpay::net
