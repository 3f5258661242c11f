#include "runtime/watcher.h"

namespace mpay::runtime {
namespace {

// Bookmarks come about once a minute; a stream that is silent for longer is dead.
constexpr Duration kSilence = std::chrono::seconds(100);
// The longest wait for the next bytes of a list.
constexpr Duration kListSilence = std::chrono::seconds(15);
constexpr Backoff kBackoff{Duration(200), std::chrono::seconds(15)};
// No object is larger: etcd and the API server refuse it long before.
constexpr std::size_t kLongestObject = std::size_t{16} << 20;
// The levels of an object that identify it, kept if the object is nested too deep.
constexpr std::size_t kRoot = 4;
// The longest Status of a failed request.
constexpr std::size_t kLongestStatus = std::size_t{64} << 10;

bool isExpired(const Error& error) { return error.isApi(410) || (error.status && error.status->reason == "Expired"); }

Result<void> keep(net::Response& response, std::string_view bytes) {
  response.body.append(bytes.substr(0, kLongestStatus - std::min(kLongestStatus, response.body.size())));
  return {};
}

// The resourceVersion of an object, or nothing.
std::string_view versionIn(const json::value& object) {
  const auto* metadata = object.is_object() ? object.get_object().if_contains("metadata") : nullptr;
  const auto* version =
      metadata && metadata->is_object() ? metadata->get_object().if_contains("resourceVersion") : nullptr;
  return version && version->is_string() ? std::string_view(version->get_string()) : std::string_view();
}

}  // namespace

// One page of a list: passes its items on while they arrive.
class ListPage final : public net::StreamHandler {
 public:
  explicit ListPage(std::shared_ptr<WatchProtocol> owner) : owner_(std::move(owner)) {}

  void onHead(const net::Response& head) override { response_ = head; }

  Result<void> onData(std::string_view bytes) override {
    if (owner_->stopped_) return fail(ErrorKind::Cancelled, "stopped");
    if (response_.status == 200) return items_.write(bytes);
    return keep(response_, bytes);
  }

  void onEnd(Result<void> result) override {
    owner_->goOn([&] {
      if (!result) return owner_->failed(result.error());
      if (response_.status != 200) return owner_->failed(kube::errorOf(response_));
      auto around = items_.finish();
      if (!around) return owner_->failed(around.error());
      owner_->page(*around);
    });
  }

 private:
  std::shared_ptr<WatchProtocol> owner_;
  net::Response response_;
  json::ItemSplitter items_{kLongestObject, [this](std::string_view item) { return owner_->item(item); }};
};

// Splits a watch into lines.
class WatchStream final : public net::StreamHandler {
 public:
  explicit WatchStream(std::shared_ptr<WatchProtocol> owner) : owner_(std::move(owner)) {}

  void onHead(const net::Response& head) override {
    response_ = head;
    if (head.status == 200 && !owner_->stopped_) owner_->sink_.healthy();
  }

  Result<void> onData(std::string_view bytes) override {
    if (response_.status != 200) return keep(response_, bytes);
    if (rest_.size() > kLongestObject) return fail(ErrorKind::Decode, "one event of the watch has no end");
    while (!bytes.empty() && !owner_->stopped_) {
      const auto end = bytes.find('\n');
      if (end == std::string_view::npos) {
        rest_.append(bytes);
        return {};
      }
      if (rest_.empty()) {
        owner_->line(bytes.substr(0, end));
      } else {
        rest_.append(bytes.substr(0, end));
        owner_->line(rest_);
        rest_.clear();
      }
      if (owner_->told_) return fail(*owner_->told_);
      delivered_ = true;
      bytes.remove_prefix(end + 1);
    }
    return {};
  }

  void onEnd(Result<void> result) override {
    owner_->goOn([&] {
      const auto lasted = std::chrono::steady_clock::now() - began_;
      const auto told = std::exchange(owner_->told_, std::nullopt);
      if (response_.status == 200 && (lasted > std::chrono::seconds(10) || (delivered_ && !told))) {
        owner_->failures_ = 0;
        owner_->expired_ = false;
      }
      if (told) {
        owner_->failed(*told);
      } else if (!result) {
        owner_->failed(result.error());
      } else if (response_.status != 200) {
        owner_->failed(kube::errorOf(response_));
      } else if (!rest_.empty() || (!delivered_ && lasted < std::chrono::seconds(1))) {
        // A proper server closes a watch between two events, after timeoutSeconds.
        owner_->failed(Error{ErrorKind::Decode, "what was answered to the watch is no watch"});
      } else {
        owner_->again(lasted < std::chrono::seconds(1) ? kBackoff.after(++owner_->failures_) : Duration(0), false);
      }
    });
  }

 private:
  std::shared_ptr<WatchProtocol> owner_;
  net::Response response_;
  std::string rest_;
  bool delivered_ = false;
  const MonoTime began_ = std::chrono::steady_clock::now();
};

WatchProtocol::WatchProtocol(kube::Client& client, const api::ResourceType& type, kube::Selectors selectors, Sink& sink)
    : client_(client), type_(type), selectors_(std::move(selectors)), sink_(sink) {}

void WatchProtocol::start() {
  client_.transport().post([self = shared_from_this()] { self->goOn([&] { self->list(""); }); });
}

void WatchProtocol::stop() {
  auto done = std::make_shared<std::promise<void>>();
  auto finished = done->get_future();
  client_.transport().post([self = shared_from_this(), done] {
    self->stopped_ = true;
    if (self->current_ != 0) self->client_.transport().cancel(self->current_);
    done->set_value();
  });
  finished.wait();
}

void WatchProtocol::list(const std::string& continueToken) {
  listing_ = true;
  if (continueToken.empty()) sink_.beginList();
  net::Request request = client_.prepare("GET", kube::listPath(type_, selectors_, continueToken));
  request.timeout = std::chrono::seconds(60);
  request.idleTimeout = kListSilence;
  request.maximumBytes = 0;  // each item has its limit, and they are never held together
  current_ = client_.transport().stream(std::move(request), std::make_shared<ListPage>(shared_from_this()));
}

Result<void> WatchProtocol::item(std::string_view text) {
  const auto object = json::reader().parse(text);
  if (object) {
    sink_.item({**object, ""});
  } else if (object.error().reason == "TooDeep") {
    const json::value* root = TRY(json::reader().parse(json::pruned(text, kRoot)));
    sink_.item({*root, object.error().message});
  } else {
    return fail(object.error());
  }
  return {};
}

void WatchProtocol::page(std::string_view around) {
  const auto answer = json::parse(around);
  if (!answer) return failed(answer.error());
  const auto* members = answer->if_object();
  const auto* metadata = members && members->contains("items") ? members->if_contains("metadata") : nullptr;
  const auto meta = metadata ? json::decode<kube::ListMeta>(*metadata) : Result<kube::ListMeta>(kube::ListMeta{});
  if (!meta || meta->resourceVersion.empty()) return failed(Error{ErrorKind::Decode, "the answer is no list"});
  if (meta->continue_ && !meta->continue_->empty()) return list(*meta->continue_);
  resourceVersion_ = meta->resourceVersion;
  relist_ = false;
  listing_ = false;
  sink_.endList(resourceVersion_);
  sink_.healthy();
  watch();
}

void WatchProtocol::watch() {
  std::uniform_int_distribution<int> spread(290, 590);
  const std::chrono::seconds timeout(spread(random_));
  net::Request request = client_.prepare("GET", kube::watchPath(type_, selectors_, resourceVersion_, timeout));
  request.timeout = Duration(0);
  request.idleTimeout = kSilence;
  request.maximumBytes = 0;
  current_ = client_.transport().stream(std::move(request), std::make_shared<WatchStream>(shared_from_this()));
}

void WatchProtocol::line(std::string_view text) {
  if (text.empty()) return;
  auto parsed = json::reader().parse(text);
  std::string unreadable;
  if (!parsed && parsed.error().reason == "TooDeep") {
    unreadable = parsed.error().message;
    parsed = json::reader().parse(json::pruned(text, kRoot + 1));
  }
  const auto* event = parsed ? (*parsed)->if_object() : nullptr;
  const auto* type = event ? event->if_contains("type") : nullptr;
  const auto* object = event ? event->if_contains("object") : nullptr;
  if (!type || !type->is_string() || !object || !object->is_object()) {
    told_ = Error{ErrorKind::Decode, "a line of the watch is no event"};
  } else if (type->get_string() == "ERROR") {
    told_ = kube::errorOf({200, {}, boost::json::serialize(*object)});
  }
  if (told_) {
    relist_ = true;
    return;
  }
  if (type->get_string() != "BOOKMARK") sink_.event(type->get_string(), {*object, unreadable});
  if (const auto version = versionIn(*object); !version.empty()) resourceVersion_ = version;
}

void WatchProtocol::failed(const Error& error) {
  if (error.isApi(401)) client_.credentialsRefused();
  ++failures_;
  if (isExpired(error)) {
    // The version of a watch is too old, or a list took longer than its continue token lives.
    relist_ = true;
    // The first expiry is not reported: a new list usually cures it.
    if (!std::exchange(expired_, true)) return again(failures_ == 1 ? Duration(0) : kBackoff.after(failures_), true);
  }
  sink_.problem(error);
  const Duration wait = kBackoff.after(failures_);
  const auto log = failures_ == 1 ? spdlog::level::debug : spdlog::level::warn;
  spdlog::log(log, "{} {}{}: {}; again in {} ms", listing_ ? "list" : "watch", type_.plural,
              selectors_.namespace_.empty() ? "" : " in " + selectors_.namespace_, error.message, wait.count());
  again(std::max(wait, std::min<Duration>(error.retryAfter.value_or(Duration(0)), kBackoff.most)), listing_ || relist_);
}

void WatchProtocol::again(Duration delay, bool fromList) {
  current_ = client_.transport().after(delay, [self = shared_from_this(), fromList] {
    self->goOn([&] {
      if (fromList) {
        self->list("");
      } else {
        self->watch();
      }
    });
  });
}

void WatchProtocol::goOn(const std::function<void()>& f) noexcept {
  if (stopped_) return;
  current_ = 0;
  guarded("a watcher", f);
  if (current_ == 0) again(kBackoff.after(++failures_), listing_ || relist_);
}

}  // namespace mpay::runtime
