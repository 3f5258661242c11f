// Sends what integrations intend to tell: intent -> mail -> record, with a deterministic Message-ID.
#pragma once

#include "controllers/caches.h"
#include "runtime/controller.h"

namespace mpay::controllers {

class NotificationController final : public runtime::Reconciler {
 public:
  NotificationController(const Clock& clock, Caches& caches, std::function<bool()> mayWrite);

  // The key is the integration's. A mail that was not accepted is an error, and tried again.
  Result<runtime::Outcome> reconcile(const ObjectKey& key, std::stop_token stop) override;

 private:
  Result<void> send(const onboarding::EffectRecord& effect, const api::MPayEnvironmentSpec& spec,
                    const std::stop_token& stop);

  const Clock& clock_;
  Caches& caches_;
  const std::function<bool()> mayWrite_;
  // When this process sent which Message-ID: where the record could not be written, only that is tried again.
  Synchronized<std::map<std::string, std::string>> sent_;
};

}  // namespace mpay::controllers
