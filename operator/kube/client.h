// A typed client of the Kubernetes API.
//
// Errors name the call ("replace configmaps mpay-testing/x: 409 Conflict: ..."). Lists come in pages that are decoded
// item by item. Requests and watches use separate connections, so that no write waits behind a watch.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "api/meta.h"
#include "json/codec.h"
#include "json/stream.h"
#include "kube/config.h"
#include "net/transport.h"

namespace mpay::kube {

using api::ObjectKey;
using api::ResourceType;

struct Selectors {
  std::string namespace_;     // empty: all
  std::string labelSelector;  // "a=b,c"
  std::string fieldSelector;  // "metadata.name=x"
};

// Binds a delete or a write to the object that was seen.
struct Preconditions {
  std::string uid;
  std::string resourceVersion;
};

// The path of a collection or of an object: /apis/g/v/namespaces/ns/plural/name/subresource.
std::string pathOf(const ResourceType& type, std::string_view namespace_, std::string_view name = "",
                   std::string_view subresource = "");

// "a%2Fb".
std::string urlEncode(std::string_view text);

// The Api error of a response that is no success, with the server's Status.
Error errorOf(const net::Response& response);

// Thread-safe. Follows the files of its Config.
class Client {
 public:
  // `name` identifies the program that asks and writes: User-Agent and field manager.
  explicit Client(Config config, std::string name = "mpay-operator");

  const std::string& name() const { return name_; }
  net::Transport& transport() { return transport_; }

  // Sends a request and returns the body of a 2xx response. A first 401 is repeated with credentials read again. 429
  // with a Retry-After of at most 5 s is repeated after the wait, up to twice.
  Result<std::string> request(std::string method, const std::string& path, const json::value* body,
                              std::string_view contentType, const std::stop_token& stop);

  // Reads a body that must be a JSON object; the object is valid until this thread reads the next one. Errors: Decode,
  // also for a response of another kind with status 200.
  static Result<const json::value*> read(const std::string& body);

  // A request to this path with URL, TLS and credentials.
  net::Request prepare(std::string method, const std::string& path);

  // The server answered 401: the token and the kubeconfig are read again before the next request.
  void credentialsRefused();

 private:
  LiveConfig config_;
  const std::string name_;
  net::Transport transport_;
};

// The operations on one kind K. A handle: copies cost nothing.
template <class K>
class Api {
 public:
  explicit Api(Client& client) : client_(&client) {}

  Result<K> get(const ObjectKey& key, const std::stop_token& stop = {}) const {
    return decode("get", key, client_->request("GET", path(key), nullptr, "", stop));
  }

  // Every object, page by page.
  Result<std::vector<K>> list(const Selectors& selectors = {}, const std::stop_token& stop = {}) const;

  // POST. Errors: Api 409 AlreadyExists.
  Result<K> create(const K& object, const std::stop_token& stop = {}) const {
    const json::value body = bodyOf(object);
    return decode("create", object.metadata.key(),
                  client_->request("POST", pathOf(K::kResource, namespaceOf(object)), &body, "application/json", stop));
  }

  // PUT; the object carries the resourceVersion that the change is based on. Errors: Api 409 Conflict.
  Result<K> replace(const K& object, const std::stop_token& stop = {}) const {
    const json::value body = bodyOf(object);
    return decode("replace", object.metadata.key(),
                  client_->request("PUT", path(object.metadata.key()), &body, "application/json", stop));
  }

  // The same with dryRun=All: tells if the server would accept it. Nothing changes.
  Result<K> tryReplace(const K& object, const std::stop_token& stop = {}) const {
    const json::value body = bodyOf(object);
    return decode(
        "try to replace", object.metadata.key(),
        client_->request("PUT", path(object.metadata.key()) + "?dryRun=All", &body, "application/json", stop));
  }

  // Server-side apply of the status subresource, bound to the resourceVersion of `object`: a status decided on an older
  // state, or for an earlier object of the same name, is refused (Api 409). A UID alone is not enough, because API
  // servers ignore it in a patch of a status.
  template <class Status>
  Result<K> applyStatus(const K& object, const Status& status, const std::stop_token& stop = {}) const {
    json::object metadata{{"name", object.metadata.name.value_or("")},
                          {"resourceVersion", object.metadata.resourceVersion.value_or("")}};
    if (object.metadata.namespace_) metadata["namespace"] = *object.metadata.namespace_;
    const json::value body = json::object{{"apiVersion", K::kResource.apiVersion()},
                                          {"kind", boost::json::string_view(K::kResource.kind)},
                                          {"metadata", std::move(metadata)},
                                          {"status", json::encode(status)}};
    const ObjectKey key = object.metadata.key();
    const std::string target =
        pathOf(K::kResource, key.namespace_, key.name, "status") + "?fieldManager=" + client_->name() + "&force=true";
    return decode("apply status of", key,
                  client_->request("PATCH", target, &body, "application/apply-patch+yaml", stop));
  }

  // JSON merge patch of the status subresource, bound to the resourceVersion `seen`, as applyStatus is. Fields that
  // `status` does not name stay. It is cheaper than applyStatus, and right if nobody else writes the status.
  template <class Status>
  Result<K> patchStatus(const ObjectKey& key, std::string_view seen, const Status& status,
                        const std::stop_token& stop = {}) const {
    const json::value body =
        json::object{{"metadata", json::object{{"resourceVersion", boost::json::string_view(seen)}}},
                     {"status", json::encode(status)}};
    const std::string target =
        pathOf(K::kResource, key.namespace_, key.name, "status") + "?fieldManager=" + client_->name();
    return decode("patch status of", key,
                  client_->request("PATCH", target, &body, "application/merge-patch+json", stop));
  }

  // JSON merge patch; put metadata.resourceVersion into `change` to bind the patch to the object that was seen.
  Result<K> patch(const ObjectKey& key, const json::value& change, const std::stop_token& stop = {}) const {
    return decode("patch", key,
                  client_->request("PATCH", path(key) + "?fieldManager=" + client_->name(), &change,
                                   "application/merge-patch+json", stop));
  }

  // DELETE; success also if the object is gone already.
  Result<void> remove(const ObjectKey& key, const Preconditions& preconditions, const std::stop_token& stop = {}) const;

 private:
  static std::string path(const ObjectKey& key) { return pathOf(K::kResource, key.namespace_, key.name); }
  static std::string namespaceOf(const K& object) { return object.metadata.namespace_.value_or(""); }

  static json::value bodyOf(const K& object) {
    json::value body = json::encode(object);
    body.as_object()["apiVersion"] = K::kResource.apiVersion();
    body.as_object()["kind"] = boost::json::string_view(K::kResource.kind);
    return body;
  }

  static std::string doing(std::string_view verb, const ObjectKey& key) {
    return fmt::format("{} {} {}", verb, K::kResource.plural, key.text());
  }

  static Result<K> decode(std::string_view verb, const ObjectKey& key, const Result<std::string>& body) {
    if (!body) return fail(within(doing(verb, key), body.error()));
    const auto answer = Client::read(*body);
    if (!answer) return fail(within(doing(verb, key), answer.error()));
    auto object = json::decode<K>(**answer);
    if (!object) return fail(within(doing(verb, key), std::move(object).error()));
    if (object->metadata.key().name.empty())
      return fail(ErrorKind::Decode, doing(verb, key) + ": the answer is no object");
    return object;
  }

  Client* client_;
};

// The metadata of one page of a list.
struct ListMeta {
  std::string resourceVersion;
  std::optional<std::string> continue_;
};
BOOST_DESCRIBE_STRUCT(ListMeta, (), (resourceVersion, continue_))

// The path of one page of a list.
std::string listPath(const ResourceType& type, const Selectors& selectors, std::string_view continueToken);
// The path of a watch that starts after `resourceVersion` and has bookmarks. The server ends it after `timeout`.
std::string watchPath(const ResourceType& type, const Selectors& selectors, std::string_view resourceVersion,
                      std::chrono::seconds timeout);

template <class K>
Result<std::vector<K>> Api<K>::list(const Selectors& selectors, const std::stop_token& stop) const {
  std::vector<K> all;
  std::string continueToken;
  do {
    const auto body = client_->request("GET", listPath(K::kResource, selectors, continueToken), nullptr, "", stop);
    const auto what = fmt::format("list {}", K::kResource.plural);
    if (!body) return fail(within(what, body.error()));
    const auto answer = Client::read(*body);
    if (!answer) return fail(within(what, answer.error()));
    const auto* items = (*answer)->get_object().if_contains("items");
    const auto* metadata = (*answer)->get_object().if_contains("metadata");
    if (!items || !items->is_array() || !metadata) return fail(ErrorKind::Decode, what + ": the answer is no list");
    for (const auto& item : items->get_array()) {
      auto object = json::decode<K>(item);
      if (!object) return fail(within(what, std::move(object).error()));
      all.push_back(std::move(*object));
    }
    continueToken = TRY(json::decode<ListMeta>(*metadata)).continue_.value_or("");
  } while (!continueToken.empty());
  return all;
}

template <class K>
Result<void> Api<K>::remove(const ObjectKey& key, const Preconditions& preconditions,
                            const std::stop_token& stop) const {
  json::object conditions;
  if (!preconditions.uid.empty()) conditions["uid"] = preconditions.uid;
  if (!preconditions.resourceVersion.empty()) conditions["resourceVersion"] = preconditions.resourceVersion;
  const json::value body = json::object{{"apiVersion", "v1"},
                                        {"kind", "DeleteOptions"},
                                        {"propagationPolicy", "Background"},
                                        {"preconditions", std::move(conditions)}};
  auto answer = client_->request("DELETE", path(key), &body, "application/json", stop);
  if (!answer && answer.error().isNotFound()) return {};
  const auto read = answer ? Client::read(*answer) : fail(std::move(answer).error());
  if (!read) return fail(within(doing("delete", key), read.error()));
  return {};
}

}  // namespace mpay::kube
