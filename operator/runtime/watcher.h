// Keeps a Store equal to the API server: list, then watch, for ever.
//
// A state machine on the client's watch loop; it owns no thread. Lists come in pages; watches take
// bookmarks; 410, as a status or inside the stream, leads to a new list; any other failure to a
// retry from the last version after a backoff; silence to a reconnect.
#pragma once

#include <atomic>
#include <future>
#include <random>

#include "api/wire.h"
#include "base/backoff.h"
#include "base/log.h"
#include "json/stream.h"
#include "kube/client.h"
#include "runtime/store.h"

namespace mpay::runtime {

// The protocol, apart from the kind of object.
class WatchProtocol : public std::enable_shared_from_this<WatchProtocol> {
 public:
  // Receives what was decoded; on the loop's thread.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void beginList() = 0;
    virtual void item(const json::value& object) = 0;
    virtual void endList(const std::string& resourceVersion) = 0;
    virtual void event(std::string_view type, const json::value& object) = 0;
    virtual void problem(const Error& error) = 0;
    // A list was read to its end, or a watch was accepted.
    virtual void healthy() = 0;
  };

  WatchProtocol(kube::Client& client, const api::ResourceType& type, kube::Selectors selectors, Sink& sink);

  void start();
  // No callback runs after it returns. Not on the loop's thread.
  void stop();

 private:
  friend class ListPage;
  friend class WatchStream;

  void list(const std::string& continueToken);
  void page(std::string_view around);
  void watch();
  void line(std::string_view text);
  void failed(const Error& error);
  void again(Duration delay, bool fromList);

  kube::Client& client_;
  const api::ResourceType type_;
  const kube::Selectors selectors_;
  Sink& sink_;

  // The loop's thread's alone.
  bool stopped_ = false;
  net::Transport::Id current_ = 0;
  std::string resourceVersion_;
  unsigned failures_ = 0;  // since a watch last delivered something
  bool relist_ = true;
  bool listing_ = false;
  std::minstd_rand random_{std::random_device{}()};
};

// A kind of which the store keeps less than the API sends: what arrives is read as a K::Wire, of which
// `static K of(K::Wire)` makes what is kept.
template <class K>
concept Condensed = requires(typename K::Wire wire) {
  { K::of(std::move(wire)) } -> std::same_as<K>;
};

using OnUnread = std::function<void(const api::ObjectReference& object, const std::string& why)>;

// Thread-safe. Lives at least until stop() has returned.
template <class K>
class Watcher final : private WatchProtocol::Sink {
 public:
  // Called on the loop's thread.
  struct Hooks {
    // With each failure, and with nothing at the first list and at the first success after a failure.
    std::function<void(const std::optional<Error>&)> problem{};
    // With an object that cannot be read, and why; once for each cause.
    OnUnread unread{};
  };

  Watcher(kube::Client& client, kube::Selectors selectors, Store<K>& store, Hooks hooks = {})
      : store_(store),
        hooks_(std::move(hooks)),
        protocol_(std::make_shared<WatchProtocol>(client, K::kResource, std::move(selectors),
                                                  static_cast<WatchProtocol::Sink&>(*this))) {}
  ~Watcher() override { stop(); }

  void start() { protocol_->start(); }
  void stop() { protocol_->stop(); }

 private:
  void beginList() override { store_.beginList(); }
  void item(const json::value& object) override {
    const auto id = identify(object);
    if (!id) return;
    // Most of a list is known when it is not the first.
    if (!store_.holds(id->key, id->uid, id->version)) {
      if (auto decoded = read(object, id->key)) store_.apply(std::move(*decoded));
    }
    store_.listed(id->key);
  }
  void endList(const std::string& resourceVersion) override { store_.endList(resourceVersion); }
  void event(std::string_view type, const json::value& object) override {
    const auto id = identify(object);
    if (!id) return;
    if (type == "DELETED") {
      unread_.erase(id->key);
      store_.remove(id->key, id->uid, id->version);
    } else if (!store_.holds(id->key, id->uid, id->version)) {
      if (auto decoded = read(object, id->key)) store_.apply(std::move(*decoded));
    }
  }
  void problem(const Error& error) override {
    wasHealthy_ = false;
    if (hooks_.problem) hooks_.problem(error);
  }
  void healthy() override {
    if (!std::exchange(wasHealthy_, true) && hooks_.problem) hooks_.problem(std::nullopt);
  }

  struct Identity {
    ObjectKey key;
    std::string_view uid, version;
  };

  // Nothing, where an object has no name: there is nothing to keep it under.
  static std::optional<Identity> identify(const json::value& object) {
    const auto* members = object.if_object();
    const auto* metadata = members ? members->if_contains("metadata") : nullptr;
    if (!metadata || !metadata->is_object()) return std::nullopt;
    const auto text = [&](std::string_view name) {
      const auto* found = metadata->get_object().if_contains(name);
      return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
    };
    Identity identity{
        {std::string(text("namespace")), std::string(text("name"))}, text("uid"), text("resourceVersion")};
    if (identity.key.name.empty()) {
      spdlog::error("one of the {} has no name and is left out", K::kResource.plural);
      return std::nullopt;
    }
    return identity;
  }

  static Result<K> decode(const json::value& object) {
    if constexpr (Condensed<K>) {
      return K::of(TRY(json::decode<typename K::Wire>(object)));
    } else {
      return json::decode<K>(object);
    }
  }

  static api::ObjectReference referenceIn(const json::value& object) {
    const auto meta = json::decode<api::LeanMeta>(object.at("metadata")).value_or(api::LeanMeta{});
    return {K::kResource.apiVersion(), std::string(K::kResource.kind),
            meta.namespace_.empty() ? std::nullopt : std::optional(meta.namespace_), meta.name, meta.uid};
  }

  // One object that cannot be read must not stop the others: what was known of it stays, and the log
  // names it, once for each cause.
  std::optional<K> read(const json::value& object, const ObjectKey& key) {
    auto decoded = decode(object);
    if (decoded) {
      if (!unread_.empty()) unread_.erase(key);
      return std::move(*decoded);
    }
    std::string& known = unread_[key];
    if (std::exchange(known, decoded.error().message) != decoded.error().message) {
      spdlog::error("{} {} cannot be read and is left as it was: {}", K::kResource.plural, key.text(), known);
      if (hooks_.unread) hooks_.unread(referenceIn(object), known);
    }
    return std::nullopt;
  }

  Store<K>& store_;
  const Hooks hooks_;

  // The loop's thread's alone.
  bool wasHealthy_ = false;
  std::map<ObjectKey, std::string> unread_;  // and why

  std::shared_ptr<WatchProtocol> protocol_;
};

}  // namespace mpay::runtime
