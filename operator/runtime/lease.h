// Leader election by a Lease (coordination.k8s.io/v1): of several operators one writes.
//
// The holder renews every 2 s; who sees no renewal for 15 s, by his own monotonic clock, takes over.
// A holder that could not renew for 10 s stops calling itself the leader, 5 s before anybody else may.
//
// A Lease that is deleted is lost, which its holder sees at its next renewal. Who saw it waits the 15 s all the same.
// A process that started afterwards never saw it and leads at once, so until that renewal (in 2 s; 10 s at most, where
// the server does not answer the holder) both may call themselves the leader.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include "api/wire.h"
#include "kube/client.h"

namespace mpay::runtime {

using api::ObjectKey;

// The host's name and 128 random bits: another at each call. A process's number would not do: in containers it is 1,
// and with hostNetwork they share the host's name.
std::string uniqueIdentity();

class LeaderElection {
 public:
  // `identity` must be nobody else's: who has the holder's takes itself for the holder. See uniqueIdentity().
  // `onLost` is called once, on the election's thread, when the lease is lost.
  LeaderElection(kube::Client& client, const Clock& clock, ObjectKey lease, std::string identity,
                 std::function<void()> onLost);
  ~LeaderElection();

  // Waits until this process leads; false when `stop` came first.
  bool acquire(const std::stop_token& stop);

  // Whether the lease is still ours for certain; asked before each write.
  bool holds() const;

  // Gives the lease back, so that a successor need not wait; takes a second at most. Within onLost it does nothing:
  // there is nothing to give back.
  void release();

 private:
  bool tryOnce(const std::stop_token& stop);
  void renew(const std::stop_token& stop);

  kube::Client& client_;
  const Clock& clock_;
  const ObjectKey key_;
  const std::string identity_;
  const std::function<void()> onLost_;
  std::atomic<MonoTime::rep> deadline_{0};  // until when we lead; 0: we do not
  std::optional<api::Lease> seen_;
  MonoTime seenAt_{};
  std::jthread thread_;
};

}  // namespace mpay::runtime
