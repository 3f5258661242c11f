#include "runtime/lease.h"

#include "base/host.h"
#include "base/log.h"
#include "base/random.h"
#include "base/stop.h"

namespace mpay::runtime {
namespace {

constexpr std::chrono::seconds kDuration{15};
constexpr std::chrono::seconds kRenewDeadline{10};
constexpr std::chrono::seconds kRetry{2};
constexpr std::chrono::seconds kRequest{4};
constexpr std::chrono::seconds kGoodbye{1};

// Ends a request of the election after `limit`, or with `outer`: a silent server must not keep the holder from noticing
// that its time is up.
class Deadline {
 public:
  Deadline(kube::Client& client, Duration limit, const std::stop_token& outer = {})
      : client_(client),
        timer_(client.transport().after(limit, [source = source_]() mutable { source.request_stop(); })),
        forward_(outer, Stop{source_}) {}
  ~Deadline() { client_.transport().cancel(timer_); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  std::stop_token token() const { return source_.get_token(); }

 private:
  struct Stop {
    std::stop_source source;
    void operator()() { source.request_stop(); }
  };
  kube::Client& client_;
  std::stop_source source_;
  net::Transport::Id timer_;
  std::stop_callback<Stop> forward_;
};

}  // namespace

std::string uniqueIdentity() { return hostName() + "_" + randomId(); }

LeaderElection::LeaderElection(kube::Client& client, const Clock& clock, ObjectKey lease, std::string identity,
                               std::function<void()> onLost)
    : client_(client),
      clock_(clock),
      key_(std::move(lease)),
      identity_(std::move(identity)),
      onLost_(std::move(onLost)) {}

LeaderElection::~LeaderElection() { release(); }

bool LeaderElection::acquire(const std::stop_token& stop) {
  while (!tryOnce(stop)) {
    if (!sleepUnlessStopped(kRetry, stop)) return false;
  }
  thread_ = std::jthread([this](const std::stop_token& ending) { renew(ending); });
  return true;
}

bool LeaderElection::holds() const { return clock_.monotonic().time_since_epoch().count() < deadline_.load(); }

bool LeaderElection::tryOnce(const std::stop_token& stop) {
  const kube::Api<api::Lease> leases(client_);
  const MonoTime asked = clock_.monotonic();
  const Deadline limit(client_, kRequest, stop);
  auto current = leases.get(key_, limit.token());
  if (!current && !current.error().isNotFound()) {
    spdlog::warn("leader election: {}", current.error().message);
    return false;
  }
  if (current && (!seen_ || seen_->metadata.resourceVersion != current->metadata.resourceVersion)) {
    seen_ = *current;
    seenAt_ = asked;
  }
  // The last lease seen counts also if it was deleted since, because its holder may not know yet.
  const std::string holder = seen_ ? seen_->spec.holderIdentity.value_or("") : "";
  if (!holder.empty() && holder != identity_ && asked - seenAt_ < kDuration) return false;
  Result<api::Lease> written;
  if (!current) {
    api::Lease lease;
    lease.metadata.name = key_.name;
    lease.metadata.namespace_ = key_.namespace_;
    lease.spec = {identity_, static_cast<std::int32_t>(kDuration.count()), formatMicroTime(clock_.now()),
                  formatMicroTime(clock_.now()), 0};
    written = leases.create(lease, limit.token());
  } else {
    api::Lease lease = *current;
    if (holder != identity_) {
      lease.spec.acquireTime = formatMicroTime(clock_.now());
      lease.spec.leaseTransitions = lease.spec.leaseTransitions.value_or(0) + 1;
    }
    lease.spec.holderIdentity = identity_;
    lease.spec.leaseDurationSeconds = static_cast<std::int32_t>(kDuration.count());
    lease.spec.renewTime = formatMicroTime(clock_.now());
    written = leases.replace(lease, limit.token());
  }
  if (!written) {
    if (!written.error().isConflict()) spdlog::warn("leader election: {}", written.error().message);
    return false;
  }
  seen_ = *written;
  seenAt_ = asked;
  deadline_ = (asked + kRenewDeadline).time_since_epoch().count();
  return true;
}

void LeaderElection::renew(const std::stop_token& stop) {
  const kube::Api<api::Lease> leases(client_);
  while (sleepUnlessStopped(kRetry, stop)) {
    const MonoTime asked = clock_.monotonic();
    const Deadline limit(client_, kRequest, stop);
    const auto write = [&] {
      api::Lease lease = *seen_;
      lease.spec.renewTime = formatMicroTime(clock_.now());
      return leases.replace(lease, limit.token());
    };
    auto written = write();
    if (!written && written.error().isConflict()) {
      auto current = leases.get(key_, limit.token());
      if (!current) {
        written = std::move(current);
      } else if (current->spec.holderIdentity != identity_) {
        deadline_ = 0;
      } else {
        // An earlier renewal took effect and its answer was lost. The lease is still ours, so it is renewed at once.
        seen_ = std::move(*current);
        written = write();
      }
    }
    if (written) {
      seen_ = *written;
      deadline_ = (asked + kRenewDeadline).time_since_epoch().count();
      continue;
    }
    if (stop.stop_requested()) return;
    if (written.error().isNotFound()) deadline_ = 0;
    if (!holds()) {
      spdlog::error("the lease {} is lost", key_.text());
      if (onLost_) onLost_();
      return;
    }
  }
}

void LeaderElection::release() {
  if (!thread_.joinable() || thread_.get_id() == std::this_thread::get_id()) return;
  thread_.request_stop();
  thread_.join();
  if (!holds()) return;
  deadline_ = 0;
  api::Lease lease = *seen_;
  lease.spec.holderIdentity = "";
  const kube::Api<api::Lease> leases(client_);
  const Deadline limit(client_, kGoodbye);
  if (auto written = leases.replace(lease, limit.token()); !written)
    spdlog::debug("release: {}", written.error().message);
}

}  // namespace mpay::runtime
