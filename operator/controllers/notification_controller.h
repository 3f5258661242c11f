// Sends the intended mails of integrations: intent -> mail -> record, with a deterministic Message-ID.
#pragma once

#include "cluster/caches.h"
#include "ledger/notifications.h"
#include "runtime/controller.h"

namespace mpay::controllers {

class NotificationController final : public runtime::Reconciler {
 public:
  NotificationController(const Clock& clock, cluster::Caches& caches, std::function<bool()> mayWrite);

  // The key is the integration's. A mail that was not accepted is an error, and tried again; other mails are sent all
  // the same.
  Result<runtime::Outcome> reconcile(const api::ObjectKey& key, std::stop_token stop) override;

 private:
  // Sends every due mail of an integration in one environment.
  Result<void> sendPending(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                           cluster::Outputs& outputs, const std::stop_token& stop);
  // Sends the mail, unless this process did so before, and returns the time of sending.
  Result<std::string> send(const api::ObjectKey& key, const ledger::Notification& effect,
                           const api::MPayEnvironmentSpec& spec, const std::stop_token& stop);
  void forget(const api::ObjectKey& key);

  const Clock& clock_;
  cluster::Caches& caches_;
  const std::function<bool()> mayWrite_;
  // By integration and Message-ID: the time at which this process sent the mail. If the record could not be written,
  // only the record is tried again. As many of each integration as its record keeps, until the integration is gone.
  Synchronized<std::map<api::ObjectKey, std::map<std::string, std::string>>> sent_;
};

}  // namespace mpay::controllers
