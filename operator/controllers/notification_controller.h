// Sends what integrations intend to tell: intent -> mail -> record, with a deterministic Message-ID.
#pragma once

#include "cluster/caches.h"
#include "ledger/notifications.h"
#include "runtime/controller.h"

namespace mpay::controllers {

class NotificationController final : public runtime::Reconciler {
 public:
  NotificationController(const Clock& clock, cluster::Caches& caches, std::function<bool()> mayWrite);

  // The key is the integration's. A mail that was not accepted is an error, and tried again; others go on.
  Result<runtime::Outcome> reconcile(const api::ObjectKey& key, std::stop_token stop) override;

 private:
  // Whatever is to be told of an integration in one environment.
  Result<void> sendPending(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                           cluster::Outputs& outputs, const std::stop_token& stop);
  // Sends it, unless this process did so before, and says when.
  Result<std::string> send(const api::ObjectKey& key, const ledger::Notification& effect,
                           const api::MPayEnvironmentSpec& spec, const std::stop_token& stop);
  void forget(const api::ObjectKey& key);

  const Clock& clock_;
  cluster::Caches& caches_;
  const std::function<bool()> mayWrite_;
  // When this process sent which Message-ID of whose: where the record could not be written, only that is tried again.
  // As many of each integration as its record keeps, until it is gone.
  Synchronized<std::map<api::ObjectKey, std::map<std::string, std::string>>> sent_;
};

}  // namespace mpay::controllers
