#include "kube/client.h"

#include "base/backoff.h"
#include "base/log.h"
#include "base/stop.h"

namespace mpay::kube {
namespace {

struct Status {
  std::optional<std::string> kind;
  std::optional<std::string> reason;
  std::optional<std::string> message;
  std::optional<int> code;
};
BOOST_DESCRIBE_STRUCT(Status, (), (kind, reason, message, code))

// The timeout of a request. An admission webhook may take ten seconds; no answer is expected after fifteen.
constexpr Duration kPatience = std::chrono::seconds(15);
// The wait after a 429, unless the server asks for a longer one.
constexpr Backoff kBackoff{Duration(200), std::chrono::seconds(5)};

std::string queryOf(const Selectors& selectors) {
  std::string query;
  if (!selectors.labelSelector.empty()) query += "&labelSelector=" + urlEncode(selectors.labelSelector);
  if (!selectors.fieldSelector.empty()) query += "&fieldSelector=" + urlEncode(selectors.fieldSelector);
  return query;
}

}  // namespace

std::string urlEncode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

std::string pathOf(const ResourceType& type, std::string_view namespace_, std::string_view name,
                   std::string_view subresource) {
  std::string path =
      type.group.empty() ? fmt::format("/api/{}", type.version) : fmt::format("/apis/{}/{}", type.group, type.version);
  if (type.namespaced && !namespace_.empty()) path += fmt::format("/namespaces/{}", urlEncode(namespace_));
  path += fmt::format("/{}", type.plural);
  if (!name.empty()) path += fmt::format("/{}", urlEncode(name));
  if (!subresource.empty()) path += fmt::format("/{}", subresource);
  return path;
}

std::string listPath(const ResourceType& type, const Selectors& selectors, std::string_view continueToken) {
  std::string path = pathOf(type, selectors.namespace_) + "?limit=500" + queryOf(selectors);
  if (!continueToken.empty()) path += "&continue=" + urlEncode(continueToken);
  return path;
}

std::string watchPath(const ResourceType& type, const Selectors& selectors, std::string_view resourceVersion,
                      std::chrono::seconds timeout) {
  return pathOf(type, selectors.namespace_) + "?watch=1" + queryOf(selectors) +
         fmt::format("&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}", urlEncode(resourceVersion),
                     timeout.count());
}

Error errorOf(const net::Response& response) {
  ApiStatus status{response.status, "", ""};
  if (const auto body = json::parse(response.body)) {
    if (const auto sent = json::decode<Status>(*body); sent && sent->kind == "Status") {
      status.reason = sent->reason.value_or("");
      status.message = sent->message.value_or("");
      if (response.status == 200) status.code = sent->code.value_or(0);
    }
  }
  Error error{ErrorKind::Api, fmt::format("{} {}: {}", status.code, status.reason.empty() ? "Unknown" : status.reason,
                                          status.message.empty() ? "no Status in the answer" : status.message)};
  error.status = std::move(status);
  error.retryAfter = response.retryAfter();
  return error;
}

Client::Client(Config config, std::string name) : config_(std::move(config)), name_(std::move(name)) {}

net::Request Client::prepare(std::string method, const std::string& path) {
  net::Request request;
  request.method = std::move(method);
  const auto config = config_.current();
  request.url = config->server + path;
  request.tls = config->tls;
  request.timeout = kPatience;
  request.headers = {"Accept: application/json", fmt::format("User-Agent: {}/{}", name_, version())};
  const std::string token = config->token->with([](Token& t) { return t.current(); });
  if (!token.empty()) request.headers.push_back("Authorization: Bearer " + token);
  return request;
}

Result<const json::value*> Client::read(const std::string& body) {
  const auto answer = json::reader().parse(body);
  if (!answer) return fail(within("the answer", answer.error()));
  if (!(*answer)->is_object()) return fail(ErrorKind::Decode, "the answer is not a JSON object");
  return answer;
}

void Client::credentialsRefused() { config_.refused(); }

Result<std::string> Client::request(std::string method, const std::string& path, const json::value* body,
                                    std::string_view contentType, const std::stop_token& stop) {
  bool refused = false;
  for (int attempt = 0;; ++attempt) {
    net::Request request = prepare(method, path);
    if (body) {
      request.body = boost::json::serialize(*body);
      request.headers.push_back("Content-Type: " + std::string(contentType));
    }
    net::Response response = TRY(transport_.send(std::move(request), stop));
    if (response.status >= 200 && response.status < 300) return std::move(response.body);
    Error error = errorOf(response);
    if (response.status == 401 && !std::exchange(refused, true)) {
      credentialsRefused();
      continue;
    }
    // 429 means that the server did nothing. A longer Retry-After than 5 s is not waited for.
    if (response.status == 429 && error.retryAfter && attempt < 2 && *error.retryAfter <= std::chrono::seconds(5)) {
      sleepUnlessStopped(std::max(*error.retryAfter, kBackoff.after(static_cast<unsigned>(attempt) + 1)), stop);
      continue;
    }
    return fail(std::move(error));
  }
}

}  // namespace mpay::kube
