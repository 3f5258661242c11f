// The web service under test: where requests go, and what may be connected to.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "net/transport.h"

namespace mpay::conformance {

// Takes one request at a time.
class Endpoint {
 public:
  virtual ~Endpoint() = default;
  // Sends an envelope to one of IServiceProvider's operations, or where that is empty with an empty SOAPAction, and
  // waits for the whole answer, whatever its status, at most that long, at once Timeout where that is nothing. Errors:
  // Transport, Timeout, with reason Unreachable, TLSFailed or none; Invalid with reason ForbiddenAddress; Decode with
  // reason ResponseTooLarge; Cancelled.
  virtual Result<net::Response> post(std::string_view operation, const std::string& envelope, Duration timeout,
                                     const std::stop_token& stop) = 0;
};

// By https: TLS 1.2 or later with host name and chain, public addresses and the permitted ranges alone, asked of the
// socket that is connected; no proxy; a redirect is an answer. Answers are at most 1 MiB, their headers 32 KiB.
class HttpsEndpoint final : public Endpoint {
 public:
  struct Place {
    std::string url;
    std::string authorities{};             // PEM; empty: the system's
    std::vector<net::Prefix> permitted{};  // beyond public addresses
    // MPay's, for services that ask for a client certificate; PEM; empty: none is shown.
    std::string clientCertificate{}, clientKey{};
  };

  // Errors: Invalid with reason InvalidURL: not https, without a host, with user information. Crypto
  // where the authorities are no PEM certificates, or the client certificate and key none, or not of each other.
  static Result<std::unique_ptr<HttpsEndpoint>> of(Place place);
  ~HttpsEndpoint() override;

  Result<net::Response> post(std::string_view operation, const std::string& envelope, Duration timeout,
                             const std::stop_token& stop) override;

 private:
  explicit HttpsEndpoint(Place place);

  const std::shared_ptr<net::Tls> tls_;  // holds the client key, which goes with this
  const Place place_;                    // without it
  net::Transport transport_;
};

}  // namespace mpay::conformance
