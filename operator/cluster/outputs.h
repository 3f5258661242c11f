// The output namespace of one environment: what is there, and how it is written.
//
// Wholly owned objects: created by POST, replaced by PUT with resourceVersion after the whole content
// was compared. An object of that name that is not ours is never adopted. Nothing is sent when
// nothing differs.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "api/wire.h"
#include "base/stop.h"
#include "kube/client.h"
#include "ledger/fragment.h"
#include "ledger/revision.h"
#include "ledger/revocation.h"
#include "runtime/watcher.h"

namespace mpay::cluster {

using api::ObjectKey;

inline constexpr int kUpdateAttempts = 10;
inline constexpr std::chrono::milliseconds kPauseAfterConflict{100};

class Outputs {
 public:
  // The keys of integrations (from annotations) and whether the environment itself is concerned.
  using OnChange = std::function<void(const std::optional<ObjectKey>& integration, bool environment)>;

  // `mayWrite` is asked before each write (leadership).
  Outputs(kube::Client& client, std::string environment, std::string namespace_, std::function<bool()> mayWrite,
          OnChange onChange);

  void start();
  void stop();
  bool synced() const;
  // Why the namespace was never read, when it cannot be. Once it was read, a broken watch is caught up
  // with and changes nothing.
  std::optional<Error> problem() const;
  // Errors: Timeout, to be tried again in a second, while it is being read; `what` of it is waited for.
  Result<void> expectRead(std::string_view what) const;

  const std::string& namespaceName() const { return namespace_; }
  const runtime::Store<api::ConfigMap>& configMaps() const { return configMaps_; }

  // The ConfigMap of that name where it is ours; null otherwise.
  std::shared_ptr<const api::ConfigMap> own(const std::string& name) const;
  // The ConfigMaps of ours that are of that component.
  std::vector<std::shared_ptr<const api::ConfigMap>> ofComponent(std::string_view component) const;
  // The service documents of an integration, whatever the registrar's name was when they were written.
  std::vector<std::shared_ptr<const api::ConfigMap>> servicesOf(const ObjectKey& integration) const;
  // Ours of the same name, whatever is in it; null where there is none.
  std::shared_ptr<const api::ConfigMap> like(const api::ConfigMap& desired) const;
  std::shared_ptr<const api::NetworkPolicy> like(const api::NetworkPolicy& desired) const;
  // Whether that is ours and exactly so: ensure() would write nothing.
  bool holds(const api::ConfigMap& desired) const;
  bool holds(const api::NetworkPolicy& desired) const;
  // What the records of all integrations, also of those that have ended, say to be revoked.
  std::shared_ptr<const ledger::RevokedCertificates> revoked() const { return revoked_.copy().all; }
  // Whether anything is published or remembered of an integration.
  bool holdsAnythingOf(const ObjectKey& integration) const;
  // Whether another's object has that name. Then `wanting` is told (OnChange) once that changes.
  bool isForeign(const std::string& configMap, const ObjectKey& wanting);
  bool isForeignRevision(const std::string& name, const ObjectKey& wanting);
  std::vector<std::shared_ptr<const api::ControllerRevision>> revisions(const ObjectKey& integration) const;

  // True when something was written. What `desired` says of a resourceVersion is the one to be replaced, "" that there
  // is nothing yet; without it whatever is there. Errors: Invalid NameConflict; those of the API, of which Conflict
  // where another version is there.
  Result<bool> ensure(const api::ConfigMap& desired, const std::stop_token& stop);
  Result<bool> ensure(const api::NetworkPolicy& desired, const std::stop_token& stop);
  // The record T of an integration.
  template <ledger::Record T>
  ledger::Kept<T> kept(const ObjectKey& integration) const {
    return ledger::keptIn<T>(own(ledger::memoryName(T::kName, integration)));
  }
  // Writes it in place of the one of that version; nothing: there is none yet. True when something was written. Errors:
  // those of ensure().
  template <ledger::Record T>
  Result<bool> put(const ObjectKey& integration, const T& record, const std::optional<std::string>& version,
                   const std::stop_token& stop) {
    auto metadata = ledger::memoryMeta(namespace_, T::kName, environment_, integration);
    metadata.resourceVersion = version.value_or("");
    return ensure(ledger::remember(std::move(metadata), record), stop);
  }
  // Reads the record T of an integration, changes it and writes it, bound to the version that was read. Where another
  // writer came between, reads and changes it again, kUpdateAttempts times. `change` takes an std::optional<T>
  // (nothing: there is no such record, or it is damaged) and returns a Result<std::optional<T>> (nothing: it stays as
  // it is). True when something was written. Errors: those of `change`, and of ensure().
  template <ledger::Record T, class Change>
  Result<bool> update(const ObjectKey& integration, const Change& change, const std::stop_token& stop);
  Result<void> create(const api::ControllerRevision& revision, const std::stop_token& stop);
  // Nothing when it is not there or not ours.
  Result<void> remove(const std::string& configMap, const std::stop_token& stop);
  Result<void> remove(const api::ControllerRevision& revision, const std::stop_token& stop);
  // Of what is published for gateways and is ours, what has none of these names.
  Result<void> removeAggregatesBut(const std::set<std::string>& configMaps, const std::stop_token& stop);
  Result<void> removePoliciesBut(const std::set<std::string>& networkPolicies, const std::stop_token& stop);

 private:
  template <class K>
  Result<bool> ensureObject(runtime::Store<K>& store, const K& desired, const std::stop_token& stop);
  template <class K>
  Result<void> removeObject(runtime::Store<K>& store, const K& object, const std::stop_token& stop);
  template <class K>
  void listen(runtime::Store<K>& store);
  template <class K>
  bool isAnothers(const runtime::Store<K>& store, const std::string& name, const ObjectKey& wanting);
  // Keeps revoked() in step with a record.
  void noteRevoked(const std::shared_ptr<const api::ConfigMap>& before,
                   const std::shared_ptr<const api::ConfigMap>& after);
  // What a watch calls that failed, or succeeded for the first time or again.
  template <class K>
  std::function<void(const std::optional<Error>&)> looked();
  void looked(const std::optional<Error>& error);
  // Ours by its marks, or by its UID where somebody took the marks away.
  bool isOurs(const api::ObjectMeta& metadata) const;

  kube::Client& client_;
  const std::string environment_;
  const std::string namespace_;
  const std::function<bool()> mayWrite_;
  const OnChange onChange_;
  Synchronized<std::map<std::string_view, Error>> problems_;  // of those watches that have one, by the kind's plural
  Synchronized<std::set<std::string>> ours_;                  // UIDs
  struct Revoked {
    std::map<std::string, std::vector<ledger::CheckedCertificate>> byRecord{};  // records that hold some
    std::shared_ptr<const ledger::RevokedCertificates> all = std::make_shared<ledger::RevokedCertificates>();
  };
  Synchronized<Revoked> revoked_;
  // By "plural name" of another's object: whose place it takes.
  Synchronized<std::map<std::string, std::set<ObjectKey>>> inTheWay_;
  runtime::Store<api::ConfigMap> configMaps_;
  runtime::Store<api::NetworkPolicy> networkPolicies_;
  runtime::Store<api::ControllerRevision> revisions_;
  runtime::Watcher<api::ConfigMap> configMapWatcher_;
  runtime::Watcher<api::NetworkPolicy> networkPolicyWatcher_;
  runtime::Watcher<api::ControllerRevision> revisionWatcher_;
};

bool isOfComponent(const api::ObjectMeta& metadata, std::string_view component);

// The integration that an object of ours is about, by its annotation.
std::optional<ObjectKey> integrationOf(const api::ObjectMeta& metadata);

// The one of the highest number; null where there is none.
std::shared_ptr<const api::ControllerRevision> lastRevision(const Outputs& outputs, const ObjectKey& key);

// What production publishes of an integration by its last revision; nothing where it has none, or that is damaged.
std::optional<ledger::Fragment> promoted(const Outputs& outputs, const ObjectKey& key);

// The record of an integration; nothing where there is none, or it is damaged.
template <ledger::Record T>
std::optional<T> recall(const Outputs& outputs, const ObjectKey& key) {
  return outputs.kept<T>(key).value;
}

template <ledger::Record T, class Change>
Result<bool> Outputs::update(const ObjectKey& integration, const Change& change, const std::stop_token& stop) {
  for (int attempt = 1;; ++attempt) {
    auto known = kept<T>(integration);
    const std::optional<T> next = TRY(change(std::move(known.value)));
    if (!next) return false;
    auto written = put(integration, *next, known.version, stop);
    if (written || !written.error().isConflict() || attempt == kUpdateAttempts) return written;
    // A watch is about to tell what the other writer wrote.
    if (!sleepUnlessStopped(kPauseAfterConflict, stop)) return fail(ErrorKind::Cancelled, "stopping");
  }
}

}  // namespace mpay::cluster
