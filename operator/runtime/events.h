// Events (events.k8s.io/v1), written by a thread of their own: no reconcile waits for an event.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "api/wire.h"
#include "kube/client.h"

namespace mpay::runtime {

enum class EventType { Normal, Warning };

// Thread-safe. The queue is bounded: when it is full, the oldest event is dropped. stop() writes nothing more.
class EventRecorder {
 public:
  EventRecorder(kube::Client& client, const Clock& clock, std::string controller);
  ~EventRecorder();

  // `note` is cut to the 1024 bytes that the API allows. An event about a cluster-scoped object is written to the
  // namespace "default".
  void record(const api::ObjectReference& regarding, EventType type, std::string reason, std::string action,
              std::string note);
  // For a Watcher: a Warning with reason Unreadable about each object that cannot be read.
  std::function<void(const api::ObjectReference& object, const std::string& why)> ofUnread();
  void stop();

 private:
  void run(const std::stop_token& stop);

  kube::Client& client_;
  const Clock& clock_;
  const std::string controller_;
  const std::string instance_;

  std::mutex mutex_;  // protects the queue
  std::condition_variable_any changed_;
  std::deque<api::Event> queue_;
  std::jthread thread_;
};

// The reference to an object of kind K.
template <class K>
api::ObjectReference referenceTo(const K& object) {
  return {K::kResource.apiVersion(), std::string(K::kResource.kind), object.metadata.namespace_,
          object.metadata.name.value_or(""), object.metadata.uid};
}

}  // namespace mpay::runtime
