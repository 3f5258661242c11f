#include "conformance/endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "crypto/request.h"
#include "mpay/soap.h"

namespace mpay::conformance {
namespace {

constexpr Duration kConnectTimeout{5'000};
constexpr std::size_t kMaximumHeaderBytes = std::size_t{32} << 10;

// False if OpenSSL refuses to show the client certificate, because its key is too weak. A pair that cannot be read
// gives true here and an error later.
bool mayBeShown(const HttpsEndpoint::Place& place) {
  net::Tls tls{"", place.clientCertificate, place.clientKey, {}};
  const auto parsed = net::TlsContext::of(tls);
  crypto::cleanse(tls.key);
  if (!parsed) return true;
  const crypto::Handle<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_client_method()));
  return context && (*parsed)->install(context.get());
}

bool isHttps(const std::string& url) { return lowered(url).starts_with("https://"); }

}  // namespace

HttpsEndpoint::HttpsEndpoint(Place place)
    : tls_(std::make_shared<net::Tls>(
          net::Tls{place.authorities, place.clientCertificate, std::exchange(place.clientKey, {}), {}})),
      place_(std::move(place)) {}

HttpsEndpoint::~HttpsEndpoint() { crypto::cleanse(tls_->key); }

Result<std::unique_ptr<HttpsEndpoint>> HttpsEndpoint::of(Place place) {
  if (!isHttps(place.url) || !net::isPlainUrl(place.url))
    return refuse("InvalidURL", "the URL is not https, or has user information: MPay calls nothing else");
  if (!place.clientKey.empty() && !mayBeShown(place)) {
    // A service that does not ask for the certificate must be reached without it.
    place.clientCertificate.clear();
    crypto::cleanse(place.clientKey);
  }
  auto endpoint = std::unique_ptr<HttpsEndpoint>(new HttpsEndpoint(std::move(place)));
  if (auto parsed = net::TlsContext::of(*endpoint->tls_); !parsed)
    return fail(within("TLS to the web service", std::move(parsed).error()));
  return endpoint;
}

Result<net::Response> HttpsEndpoint::post(std::string_view operation, const std::string& envelope, Duration timeout,
                                          const std::stop_token& stop) {
  if (timeout <= Duration::zero()) return fail(ErrorKind::Timeout, "no time is left for the request");
  net::Request request;
  request.method = "POST";
  request.url = place_.url;
  request.headers = {fmt::format("Content-Type: {}", soap::kContentType),
                     fmt::format("SOAPAction: {}", soap::soapAction(operation)), "Accept: text/xml"};
  request.body = envelope;
  request.tls = tls_;
  request.connectTimeout = std::min(kConnectTimeout, timeout);
  request.timeout = timeout;
  request.maximumBytes = soap::kMaximumDocumentBytes;
  request.admits = [this](const net::Address& address) { return net::mayCall(address, place_.permitted); };
  request.reusesAdmitted = true;
  auto response = TRY(transport_.send(std::move(request), stop));
  std::size_t headerBytes = 0;
  for (const auto& [name, text] : response.headers) headerBytes += name.size() + text.size();
  if (headerBytes > kMaximumHeaderBytes)
    return fail(Error{ErrorKind::Decode, fmt::format("the headers are larger than {} bytes", kMaximumHeaderBytes),
                      "ResponseTooLarge"});
  return response;
}

}  // namespace mpay::conformance
