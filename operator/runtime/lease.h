// Leader election by a Lease (coordination.k8s.io/v1): one of several operators writes.
//
// The holder renews every 2 s. A process that sees no renewal for 15 s, by its own monotonic clock, takes over. A
// holder that could not renew for 10 s stops calling itself the leader, 5 s before another may.
//
// The holder of a deleted Lease loses it and notices at its next renewal. A process that saw the Lease still waits the
// 15 s. A process that started after the deletion never saw it and leads at once: until the old holder's next renewal
// (2 s; 10 s at most if the server does not answer) both may call themselves the leader.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "api/wire.h"
#include "kube/client.h"

namespace mpay::runtime {

using api::ObjectKey;

// The host's name and 128 random bits, new at each call. A process id is not enough: it is 1 in containers, and with
// hostNetwork they share the host's name.
std::string uniqueIdentity();

class LeaderElection {
 public:
  // `identity` must be unique, see uniqueIdentity(): a process with the holder's identity takes itself for the holder.
  // `onLost` is called once, on the election's thread, when the lease is lost.
  LeaderElection(kube::Client& client, const Clock& clock, ObjectKey lease, std::string identity,
                 std::function<void()> onLost);
  ~LeaderElection();

  // Waits until this process leads. False if `stop` came first.
  bool acquire(const std::stop_token& stop);

  // True while the lease is certainly ours; asked before each write.
  bool holds() const;

  // Gives the lease back, so that a successor need not wait; takes a second at most. Does nothing within onLost,
  // because the lease is lost already.
  void release();

 private:
  bool tryOnce(const std::stop_token& stop);
  void renew(const std::stop_token& stop);

  kube::Client& client_;
  const Clock& clock_;
  const ObjectKey key_;
  const std::string identity_;
  const std::function<void()> onLost_;
  std::atomic<MonoTime::rep> deadline_{0};  // we lead until then; 0: we do not
  std::optional<api::Lease> seen_;
  MonoTime seenAt_{};
  std::jthread thread_;
};

}  // namespace mpay::runtime
