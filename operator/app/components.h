// The parts of the operator that work: each a reconciler with a queue and workers of its own. They start in the order
// of the list, and stop in reverse.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/controller.h"

namespace mpay::app {

// A change that a component looks at. The key is the integration's or the environment's.
enum class Change { Integration, Environment, Notifications };

struct Component {
  std::string name;
  Change wakes;
  unsigned workers = 1;
  std::unique_ptr<runtime::Reconciler> reconciler;
  std::function<void(const api::ObjectKey&)> noticed{};  // called at the change, before the key is queued
};

class Components {
 public:
  explicit Components(std::vector<Component> list);
  void start();
  // Waits for the workers.
  void stop();
  // From any thread. Every component that looks at such changes gets the key.
  void changed(Change change, const api::ObjectKey& key);
  // One component alone gets it.
  void enqueue(std::string_view name, const api::ObjectKey& key);

 private:
  std::vector<Component> list_;
  std::vector<std::unique_ptr<runtime::Controller>> controllers_;  // in the same order
};

}  // namespace mpay::app
