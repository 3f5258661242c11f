// Reconciles one MPayEnvironment: its settings, and everything published of all its integrations.
#pragma once

#include "cluster/caches.h"
#include "cluster/claims.h"
#include "runtime/controller.h"
#include "runtime/events.h"

namespace mpay::controllers {

class EnvironmentController final : public runtime::Reconciler {
 public:
  EnvironmentController(kube::Client& client, const Clock& clock, cluster::Caches& caches, cluster::Claims& claims,
                        runtime::EventRecorder& events, std::function<bool()> mayWrite);

  Result<runtime::Outcome> reconcile(const api::ObjectKey& key, std::stop_token stop) override;

 private:
  // A record that nobody can read, as it is told.
  struct Damage {
    std::string reason, words;
    bool operator==(const Damage&) const = default;
  };
  // The input of the last examination, so that nothing is parsed twice.
  struct Examined {
    std::string uid;
    std::int64_t generation = 0;
    std::string authorities, testerAuthorities;  // digest of the bytes, or the error's words
    Result<std::shared_ptr<const onboarding::Settings>> settings = fail(Error{});
  };

  Result<std::shared_ptr<const onboarding::Settings>> settingsOf(const api::MPayEnvironment& environment);
  // Takes assignments over into the claims. Damaged assignments and withdrawals are told by Events on the environment,
  // once each.
  void readRecords(const api::MPayEnvironment& environment, const cluster::Outputs& outputs);
  Result<void> writeStatus(const api::MPayEnvironment& environment, const onboarding::Publication& publication,
                           const onboarding::Verdict& authorities, std::size_t integrations,
                           const std::stop_token& stop);
  Result<bool> setFinalizer(const api::MPayEnvironment& environment, bool wanted, const std::stop_token& stop);
  // The reason why a deletion has to wait: integrations, withdrawals that are still to be carried out, or former users
  // that have not left yet.
  std::optional<std::string> whatKeeps(const api::MPayEnvironment& environment, const cluster::Outputs& outputs) const;

  kube::Client& client_;
  const Clock& clock_;
  cluster::Caches& caches_;
  cluster::Claims& claims_;
  runtime::EventRecorder& events_;
  const std::function<bool()> mayWrite_;
  Synchronized<std::map<std::string, Examined>> examined_;
  Synchronized<std::map<std::string, std::shared_ptr<cluster::Publisher>>> publishers_;  // by environment
  Synchronized<std::map<std::string, std::map<std::string, Damage>>> damaged_;           // assignments, as reported
};

// Records one Event for each new reason or message of Ready; a Warning where Stalled is True. `before` is null at
// first. True when an Event was recorded.
template <class K>
bool tellReady(runtime::EventRecorder& events, const K& object, const std::vector<api::Condition>* before,
               const std::vector<api::Condition>& now) {
  const auto* ready = api::findCondition(now, "Ready");
  const auto* stalled = api::findCondition(now, "Stalled");
  const auto* known = before ? api::findCondition(*before, "Ready") : nullptr;
  if (known && known->reason == ready->reason && known->message == ready->message) return false;
  const bool warning = stalled->status == api::ConditionStatus::True;
  events.record(runtime::referenceTo(object), warning ? runtime::EventType::Warning : runtime::EventType::Normal,
                ready->reason, "Reconcile", ready->message);
  return true;
}

// Adds or removes one finalizer; true when something was written. The patch carries the resourceVersion.
// Errors: Cancelled where a write is needed and not permitted.
template <class K>
Result<bool> patchFinalizer(kube::Client& client, runtime::Store<K>& store, const K& object, std::string_view finalizer,
                            bool wanted, const std::function<bool()>& mayWrite, const std::stop_token& stop) {
  auto finalizers = object.metadata.finalizers;
  const auto found = std::find(finalizers.begin(), finalizers.end(), finalizer);
  if ((found != finalizers.end()) == wanted) return false;
  if (!mayWrite()) return fail(ErrorKind::Cancelled, "not the leader");
  if (wanted) {
    finalizers.emplace_back(finalizer);
  } else {
    finalizers.erase(found);
  }
  const json::value change =
      json::object{{"metadata", json::object{{"finalizers", json::encode(finalizers)},
                                             {"resourceVersion", object.metadata.resourceVersion.value_or("")}}}};
  auto written = kube::Api<K>(client).patch(object.metadata.key(), change, stop);
  if (!written && written.error().isNotFound() && !wanted) return true;
  if (!written) return fail(written.error());
  // The last finalizer of an object that is being deleted: it is gone, and a reconcile before the watch says so must
  // not write to it again.
  const bool isGone = written->metadata.deletionTimestamp && written->metadata.finalizers.empty();
  store.remember(std::move(*written));
  if (isGone) store.forget(object.metadata.key(), object.metadata.uid.value_or(""));
  return true;
}

}  // namespace mpay::controllers
