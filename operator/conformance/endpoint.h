// The web service under test: the URL of requests, and the addresses that may be connected to.
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
  // Sends an envelope and waits for the whole answer, whatever its status, for at most `timeout`; Timeout at once if
  // that is not positive. `operation` is one of IServiceProvider's; an empty one sends an empty SOAPAction.
  // Errors: Transport and Timeout with reason Unreachable, TLSFailed or none; Invalid with reason ForbiddenAddress;
  // Decode with reason ResponseTooLarge; Cancelled.
  virtual Result<net::Response> post(std::string_view operation, const std::string& envelope, Duration timeout,
                                     const std::stop_token& stop) = 0;
};

// Calls by https: TLS 1.2 or later, host name and chain verified. Connects only to public addresses and the permitted
// ranges, judged on the socket that is about to be connected. Uses no proxy; a redirect counts as the answer. An answer
// is at most 1 MiB, its headers at most 32 KiB.
class HttpsEndpoint final : public Endpoint {
 public:
  struct Place {
    std::string url;
    std::string authorities{};             // PEM; empty: the system's
    std::vector<net::Prefix> permitted{};  // ranges beside the public addresses
    // MPay's, in PEM, for services that ask for a client certificate; empty: no certificate is shown.
    std::string clientCertificate{}, clientKey{};
  };

  // Errors: Invalid with reason InvalidURL if the URL is not https, has no host, or has user information. Crypto if the
  // authorities are no PEM certificates, or if the client certificate and key cannot be read or do not belong together.
  static Result<std::unique_ptr<HttpsEndpoint>> of(Place place);
  ~HttpsEndpoint() override;

  Result<net::Response> post(std::string_view operation, const std::string& envelope, Duration timeout,
                             const std::stop_token& stop) override;

 private:
  explicit HttpsEndpoint(Place place);

  const std::shared_ptr<net::Tls> tls_;  // with the client key, which is overwritten in the destructor
  const Place place_;                    // without the client key
  net::Transport transport_;
};

}  // namespace mpay::conformance
