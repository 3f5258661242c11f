// Keeps a Store equal to the API server: list, then watch, for ever.
//
// A state machine on the client's watch loop; it owns no thread. Lists come in pages; watches take
// bookmarks; 410, as a status or inside the stream, leads to a new list; any other failure to a
// retry from the last version after a backoff; silence to a reconnect.
#pragma once

#include <atomic>
#include <future>
#include <random>

#include "base/backoff.h"
#include "base/log.h"
#include "kube/client.h"
#include "runtime/store.h"

namespace mpay::runtime {

// One event of a watch, before its object is decoded.
struct WatchEvent {
  std::string type;  // ADDED MODIFIED DELETED BOOKMARK ERROR
  json::value object;
};
BOOST_DESCRIBE_STRUCT(WatchEvent, (), (type, object))

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
    virtual void event(const std::string& type, const json::value& object) = 0;
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
  void page(const net::Response& response);
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

// Thread-safe. Lives at least until stop() has returned.
template <class K>
class Watcher final : private WatchProtocol::Sink {
 public:
  // Called on the loop's thread with each failure, and with nothing at the first list and at the first
  // success after a failure.
  using OnProblem = std::function<void(const std::optional<Error>&)>;

  Watcher(kube::Client& client, kube::Selectors selectors, Store<K>& store, OnProblem onProblem = {})
      : store_(store),
        onProblem_(std::move(onProblem)),
        protocol_(std::make_shared<WatchProtocol>(client, K::kResource, std::move(selectors),
                                                  static_cast<WatchProtocol::Sink&>(*this))) {}
  ~Watcher() override { stop(); }

  void start() { protocol_->start(); }
  void stop() { protocol_->stop(); }

 private:
  void beginList() override { store_.beginList(); }
  void item(const json::value& object) override {
    if (auto decoded = read(object)) {
      store_.listItem(std::move(*decoded));
    } else if (const auto meta = metadataOf(object)) {
      store_.listUnread(meta->key());
    }
  }
  void endList(const std::string& resourceVersion) override { store_.endList(resourceVersion); }
  void event(const std::string& type, const json::value& object) override {
    if (type == "DELETED") {
      if (const auto meta = metadataOf(object)) store_.remove(*meta);
    } else if (auto decoded = read(object)) {
      store_.apply(std::move(*decoded));
    }
  }
  void problem(const Error& error) override {
    wasHealthy_ = false;
    if (onProblem_) onProblem_(error);
  }
  void healthy() override {
    if (!std::exchange(wasHealthy_, true) && onProblem_) onProblem_(std::nullopt);
  }

  static std::optional<api::ObjectMeta> metadataOf(const json::value& object) {
    const auto* metadata = object.is_object() ? object.get_object().if_contains("metadata") : nullptr;
    if (!metadata) return std::nullopt;
    auto meta = json::decode<api::ObjectMeta>(*metadata);
    if (!meta) return std::nullopt;
    return std::move(*meta);
  }

  // One object that cannot be read must not stop the others: what was known of it stays, and the log
  // names it, once for each cause.
  std::optional<K> read(const json::value& object) {
    auto decoded = json::decode<K>(object);
    if (decoded && !decoded->metadata.name) decoded = fail(ErrorKind::Decode, "it has no name");
    if (decoded) {
      if (!unread_.empty()) unread_.erase(decoded->metadata.key());
      return std::move(*decoded);
    }
    const auto meta = metadataOf(object);
    const ObjectKey key = meta ? meta->key() : ObjectKey{};
    std::string& known = unread_[key];
    if (known != decoded.error().message) {
      known = decoded.error().message;
      spdlog::error("{} {} cannot be read and is left as it was: {}", K::kResource.plural, key.text(), known);
    }
    return std::nullopt;
  }

  Store<K>& store_;
  OnProblem onProblem_;

  // The loop's thread's alone.
  bool wasHealthy_ = false;
  std::map<ObjectKey, std::string> unread_;  // and why

  std::shared_ptr<WatchProtocol> protocol_;
};

}  // namespace mpay::runtime
