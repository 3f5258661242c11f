// The output namespace of one environment: reads its objects and writes them.
//
// Wholly owned objects: created by POST, replaced by PUT with resourceVersion after a comparison of the whole content.
// An object of that name that is not ours is never adopted. Nothing is sent when nothing differs.
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
  // The key of the integration (from annotations), and whether the environment itself is concerned.
  using OnChange = std::function<void(const std::optional<ObjectKey>& integration, bool environment)>;

  // `mayWrite` is asked before each write (leadership).
  Outputs(kube::Client& client, std::string environment, std::string namespace_, std::function<bool()> mayWrite,
          OnChange onChange);

  void start();
  void stop();
  bool synced() const;
  // The reason why the namespace could never be read. After the first read a broken watch catches up, and there is no
  // problem.
  std::optional<Error> problem() const;
  // Errors: Timeout, to be tried again in a second, while the namespace is being read; `what` names the content waited
  // for.
  Result<void> expectRead(std::string_view what) const;

  const std::string& namespaceName() const { return namespace_; }
  const runtime::Store<api::ConfigMap>& configMaps() const { return configMaps_; }

  // Our ConfigMap of that name; null: there is none, or it is not ours.
  std::shared_ptr<const api::ConfigMap> own(const std::string& name) const;
  // Our ConfigMaps of that component.
  std::vector<std::shared_ptr<const api::ConfigMap>> ofComponent(std::string_view component) const;
  // The service documents of an integration, whatever the registrar's name was when they were written.
  std::vector<std::shared_ptr<const api::ConfigMap>> servicesOf(const ObjectKey& integration) const;
  // Our ConfigMap of the same name, whatever its content; null: there is none.
  std::shared_ptr<const api::ConfigMap> like(const api::ConfigMap& desired) const;
  std::shared_ptr<const api::NetworkPolicy> like(const api::NetworkPolicy& desired) const;
  // True when that ConfigMap is ours and exactly so: ensure() would write nothing.
  bool holds(const api::ConfigMap& desired) const;
  bool holds(const api::NetworkPolicy& desired) const;
  // The revoked certificates by the records of all integrations, also of those that have ended.
  std::shared_ptr<const ledger::RevokedCertificates> revoked() const { return revoked_.copy().all; }
  // True when anything is published or remembered of an integration.
  bool holdsAnythingOf(const ObjectKey& integration) const;
  // True when another's object has that name. Then `wanting` is told (OnChange) once that changes.
  bool isForeign(const std::string& configMap, const ObjectKey& wanting);
  bool isForeignRevision(const std::string& name, const ObjectKey& wanting);
  std::vector<std::shared_ptr<const api::ControllerRevision>> revisions(const ObjectKey& integration) const;

  // True when something was written. A resourceVersion in `desired` names the version to be replaced; "" means that no
  // object exists yet; without one any version is replaced. Errors: Invalid NameConflict; those of the API, among them
  // Conflict where another version is there.
  Result<bool> ensure(const api::ConfigMap& desired, const std::stop_token& stop);
  Result<bool> ensure(const api::NetworkPolicy& desired, const std::stop_token& stop);
  // The record T of an integration.
  template <ledger::Record T>
  ledger::Kept<T> kept(const ObjectKey& integration) const {
    return ledger::keptIn<T>(own(ledger::memoryName(T::kName, integration)));
  }
  // Writes the record in place of the given version; no version: there is no record yet. True when something was
  // written. Errors: those of ensure().
  template <ledger::Record T>
  Result<bool> put(const ObjectKey& integration, const T& record, const std::optional<std::string>& version,
                   const std::stop_token& stop) {
    auto metadata = ledger::memoryMeta(namespace_, T::kName, environment_, integration);
    metadata.resourceVersion = version.value_or("");
    return ensure(ledger::remember(std::move(metadata), record), stop);
  }
  // Reads the record T of an integration, changes it and writes it, bound to the version that was read. If another
  // writer came between, reads and changes it again, up to kUpdateAttempts times. `change` takes an std::optional<T>
  // (nothing: there is no such record, or it is damaged) and returns a Result<std::optional<T>> (nothing: the record
  // stays as it is). True when something was written. Errors: those of `change`, and of ensure().
  template <ledger::Record T, class Change>
  Result<bool> update(const ObjectKey& integration, const Change& change, const std::stop_token& stop);
  Result<void> create(const api::ControllerRevision& revision, const std::stop_token& stop);
  // Does nothing where the object is not there or not ours.
  Result<void> remove(const std::string& configMap, const std::stop_token& stop);
  Result<void> remove(const api::ControllerRevision& revision, const std::stop_token& stop);
  // Removes our objects for gateways that have none of these names.
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
  // The callback of a watch that failed, or succeeded for the first time or again.
  template <class K>
  std::function<void(const std::optional<Error>&)> looked();
  void looked(const std::optional<Error>& error);
  // Ours by its marks, or by its UID where somebody removed the marks.
  bool isOurs(const api::ObjectMeta& metadata) const;

  kube::Client& client_;
  const std::string environment_;
  const std::string namespace_;
  const std::function<bool()> mayWrite_;
  const OnChange onChange_;
  Synchronized<std::map<std::string_view, Error>> problems_;  // of the watches that have one, by the kind's plural
  Synchronized<std::set<std::string>> ours_;                  // UIDs
  struct Revoked {
    std::map<std::string, std::vector<ledger::CheckedCertificate>> byRecord{};  // records that hold some
    std::shared_ptr<const ledger::RevokedCertificates> all = std::make_shared<ledger::RevokedCertificates>();
  };
  Synchronized<Revoked> revoked_;
  // By "plural name" of another's object: the integrations that need its name.
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

// The revision of the highest number; null: there is none.
std::shared_ptr<const api::ControllerRevision> lastRevision(const Outputs& outputs, const ObjectKey& key);

// The content that production publishes of an integration by its last revision; nothing where it has none, or a damaged
// one.
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
    // A watch is about to deliver the other writer's version.
    if (!sleepUnlessStopped(kPauseAfterConflict, stop)) return fail(ErrorKind::Cancelled, "stopping");
  }
}

}  // namespace mpay::cluster
