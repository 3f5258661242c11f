// Keeps a Store equal to the API server: list, then watch, for ever.
//
// A state machine on the client's watch loop, without a thread of its own. Lists come in pages; watches use bookmarks.
//
// A 410, as a status or inside the stream, leads to a new list. Any other failure leads to a retry from the last
// version, after a backoff. A silent stream is reconnected.
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

// The protocol, independent of the kind of object. An exception of the sink never ends it; at worst a retry follows.
class WatchProtocol : public std::enable_shared_from_this<WatchProtocol> {
 public:
  // An object of a list or an event. If it cannot be read as a whole, `unreadable` gives the reason, and `object`
  // contains only the levels near its root.
  struct Arrived {
    const json::value& object;
    const std::string& unreadable;
  };
  // Receives the decoded objects, on the loop's thread.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void beginList() = 0;
    virtual void item(const Arrived& arrived) = 0;
    virtual void endList(const std::string& resourceVersion) = 0;
    virtual void event(std::string_view type, const Arrived& arrived) = 0;
    virtual void problem(const Error& error) = 0;
    // A list was read to its end, or a watch was accepted.
    virtual void healthy() = 0;
  };

  WatchProtocol(kube::Client& client, const api::ResourceType& type, kube::Selectors selectors, Sink& sink);

  void start();
  // No callback runs after stop() returns. Must not be called on the loop's thread.
  void stop();

 private:
  friend class ListPage;
  friend class WatchStream;

  void list(const std::string& continueToken);
  Result<void> item(std::string_view text);
  void page(std::string_view around);
  void watch();
  void line(std::string_view text);
  void failed(const Error& error);
  void again(Duration delay, bool fromList);
  // Runs f, which starts the next request or a wait for it. If f throws before that, a retry follows. If there is no
  // memory even for the retry, the process ends.
  void goOn(const std::function<void()>& f) noexcept;

  kube::Client& client_;
  const api::ResourceType type_;
  const kube::Selectors selectors_;
  Sink& sink_;

  // Used on the loop's thread only.
  bool stopped_ = false;
  net::Transport::Id current_ = 0;
  std::string resourceVersion_;
  unsigned failures_ = 0;  // since a watch last lasted, or delivered something and ended without an error
  bool expired_ = false;   // 410 was seen since then
  bool relist_ = true;     // the watch cannot continue from its version
  bool listing_ = false;
  std::optional<Error> told_;  // by an event of the current watch
  std::minstd_rand random_{std::random_device{}()};
};

// A kind of which the store keeps less than the API sends: objects arrive as a K::Wire, and `static K of(K::Wire)`
// makes the stored form.
template <class K>
concept Condensed = requires(typename K::Wire wire) {
  { K::of(std::move(wire)) } -> std::same_as<K>;
};

using OnUnread = std::function<void(const api::ObjectReference& object, const std::string& why)>;

// Thread-safe. Must live until stop() has returned.
template <class K>
class Watcher final : private WatchProtocol::Sink {
 public:
  // Called on the loop's thread.
  struct Hooks {
    // Called with each failure, and with nothing at the first list and at the first success after a failure.
    std::function<void(const std::optional<Error>&)> problem{};
    // Called with each object that cannot be read, and the reason; once for each reason.
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
  void beginList() override {
    store_.beginList();
    for (auto& [key, unread] : unread_) unread.listed = false;
  }
  void item(const WatchProtocol::Arrived& arrived) override {
    const auto id = identify(arrived.object);
    if (!id) return;
    // After the first list most objects are stored already.
    if (!store_.holds(id->key, id->uid, id->version)) {
      if (auto decoded = read(arrived, *id)) store_.apply(std::move(*decoded));
    }
    store_.listed(id->key, id->uid);
    if (const auto unread = unread_.find(id->key); unread != unread_.end()) unread->second.listed = true;
  }
  void endList(const std::string& resourceVersion) override {
    store_.endList(resourceVersion);
    std::erase_if(unread_, [](const auto& entry) { return !entry.second.listed; });
  }
  void event(std::string_view type, const WatchProtocol::Arrived& arrived) override {
    const auto id = identify(arrived.object);
    if (!id) return;
    if (type == "DELETED") {
      unread_.erase(id->key);
      store_.remove(id->key, id->uid, id->version);
    } else if (!store_.holds(id->key, id->uid, id->version)) {
      if (auto decoded = read(arrived, *id)) store_.apply(std::move(*decoded));
    }
  }
  void problem(const Error& error) override {
    wasHealthy_ = false;
    tell(error);
  }
  void healthy() override {
    if (!std::exchange(wasHealthy_, true)) tell(std::nullopt);
  }
  void tell(const std::optional<Error>& error) const {
    if (hooks_.problem) guarded("a watcher's problem hook", [&] { hooks_.problem(error); });
  }

  struct Identity {
    ObjectKey key;
    std::string_view uid, version;
  };

  // Nothing if the object has no name: the store has no key for it.
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

  // An exception of K::of is a bug. It costs only this object.
  static Result<K> decode(const WatchProtocol::Arrived& arrived) {
    if (!arrived.unreadable.empty()) return fail(ErrorKind::Decode, arrived.unreadable);
    try {
      if constexpr (Condensed<K>) {
        return K::of(TRY(json::decode<typename K::Wire>(arrived.object)));
      } else {
        return json::decode<K>(arrived.object);
      }
    } catch (const std::exception& bug) {
      return fail(ErrorKind::Decode, std::string("internal error: ") + bug.what());
    }
  }

  static api::ObjectReference referenceIn(const json::value& object) {
    const auto meta = json::decode<api::LeanMeta>(object.at("metadata")).value_or(api::LeanMeta{});
    return {K::kResource.apiVersion(), std::string(K::kResource.kind),
            meta.namespace_.empty() ? std::nullopt : std::optional(meta.namespace_), meta.name, meta.uid};
  }

  // One object that cannot be read must not stop the others. Its last known state stays, and the log names the object,
  // once for each reason.
  std::optional<K> read(const WatchProtocol::Arrived& arrived, const Identity& id) {
    auto decoded = decode(arrived);
    if (decoded) {
      if (!unread_.empty()) unread_.erase(id.key);
      return std::move(*decoded);
    }
    store_.superseded(id.key, id.uid, id.version);
    Unread& known = unread_[id.key];
    const std::string& why = decoded.error().message;
    if (known.uid == id.uid && known.why == why) return std::nullopt;
    known = {std::string(id.uid), why};
    spdlog::error("{} {} cannot be read and is left as it was: {}", K::kResource.plural, id.key.text(), why);
    if (hooks_.unread) guarded("a watcher's unread hook", [&] { hooks_.unread(referenceIn(arrived.object), why); });
    return std::nullopt;
  }

  struct Unread {
    std::string uid, why;
    bool listed = false;  // in the current list
  };

  Store<K>& store_;
  const Hooks hooks_;

  // Used on the loop's thread only.
  bool wasHealthy_ = false;
  std::map<ObjectKey, Unread> unread_;

  std::shared_ptr<WatchProtocol> protocol_;
};

}  // namespace mpay::runtime
