#include "cluster/outputs.h"

#include <algorithm>

namespace mpay::cluster {
namespace {

// Ignores the fields that the server adds, and those that we do not decide.
bool sameMeta(api::ObjectMeta a, api::ObjectMeta b) {
  for (auto* m : {&a, &b}) {
    m->uid = m->resourceVersion = m->creationTimestamp = m->deletionTimestamp = m->generateName = std::nullopt;
    m->generation = std::nullopt;
  }
  return json::equal(a, b);
}
bool sameContent(const api::ConfigMap& a, const api::ConfigMap& b) {
  return sameMeta(a.metadata, b.metadata) && a.data == b.data && a.binaryData == b.binaryData &&
         a.immutable == b.immutable;
}
bool sameContent(const api::NetworkPolicy& a, const api::NetworkPolicy& b) {
  return sameMeta(a.metadata, b.metadata) && a.spec == b.spec;
}

// An index by the integration that an object is about ("namespace/name"), and by its component.
template <class K>
std::vector<std::string> byIntegration(const K& object) {
  std::vector<std::string> values;
  if (const auto integration = integrationOf(object.metadata)) values.push_back(integration->text());
  if (auto component = ledger::componentOf(object.metadata); !component.empty()) values.push_back(std::move(component));
  return values;
}

template <class K>
std::string placeOf(const std::string& name) {
  return fmt::format("{} {}", K::kResource.plural, name);
}

}  // namespace

bool isOfComponent(const api::ObjectMeta& metadata, std::string_view component) {
  return ledger::componentOf(metadata) == component;
}

std::optional<ObjectKey> integrationOf(const api::ObjectMeta& metadata) {
  const auto found = metadata.annotations.find(std::string(ledger::kIntegration));
  const auto slash = found == metadata.annotations.end() ? std::string::npos : found->second.find('/');
  if (slash == std::string::npos) return std::nullopt;
  return ObjectKey{found->second.substr(0, slash), found->second.substr(slash + 1)};
}

std::shared_ptr<const api::ControllerRevision> lastRevision(const Outputs& outputs, const ObjectKey& key) {
  std::shared_ptr<const api::ControllerRevision> last;
  for (const auto& revision : outputs.revisions(key)) {
    if (!last || revision->revision > last->revision) last = revision;
  }
  return last;
}

std::optional<ledger::Fragment> promoted(const Outputs& outputs, const ObjectKey& key) {
  return ledger::promotedIn(lastRevision(outputs, key));
}

Outputs::Outputs(kube::Client& client, std::string environment, std::string namespaceName,
                 std::function<bool()> mayWrite, OnChange onChange)
    : client_(client),
      environment_(std::move(environment)),
      namespace_(std::move(namespaceName)),
      mayWrite_(std::move(mayWrite)),
      onChange_(std::move(onChange)),
      configMaps_(byIntegration<api::ConfigMap>),
      revisions_(byIntegration<api::ControllerRevision>),
      configMapWatcher_(client, {namespace_, "", ""}, configMaps_, {.problem = looked<api::ConfigMap>()}),
      networkPolicyWatcher_(client, {namespace_, "", ""}, networkPolicies_, {.problem = looked<api::NetworkPolicy>()}),
      revisionWatcher_(client, {namespace_, "", ""}, revisions_, {.problem = looked<api::ControllerRevision>()}) {
  listen(configMaps_);
  listen(networkPolicies_);
  listen(revisions_);
}

template <class K>
void Outputs::listen(runtime::Store<K>& store) {
  store.onChange([this](const auto& before, const auto& after) {
    bool environment = false;
    if (after && ledger::isOurs(after->metadata, environment_)) {
      ours_.with([&](auto& uids) { uids.insert(after->metadata.uid.value_or("")); });
    } else if (!after) {
      ours_.with([&](auto& uids) { uids.erase(before->metadata.uid.value_or("")); });
    }
    if constexpr (std::is_same_v<K, api::ConfigMap>) noteRevoked(before, after);
    for (const auto& object : {before, after}) {
      if (!object) continue;
      const bool counts =
          isOfComponent(object->metadata, ledger::kFragment) || isOfComponent(object->metadata, ledger::kWithdrawal);
      if (const auto integration = integrationOf(object->metadata)) {
        onChange_(integration, false);
        environment = environment || counts;
      } else {
        environment = true;
      }
    }
    const auto place = placeOf<K>((after ? after : before)->metadata.name.value_or(""));
    const auto freed = inTheWay_.with([&](auto& all) {
      const auto waiting = all.extract(place);
      return waiting ? waiting.mapped() : std::set<ObjectKey>{};
    });
    for (const auto& integration : freed) onChange_(integration, false);
    if (environment) onChange_(std::nullopt, true);
  });
}

void Outputs::noteRevoked(const std::shared_ptr<const api::ConfigMap>& before,
                          const std::shared_ptr<const api::ConfigMap>& after) {
  const auto isRecord = [&](const auto& object) {
    return object && isOfComponent(object->metadata, ledger::kRevocation) && isOurs(object->metadata);
  };
  const std::string name = (after ? after : before)->metadata.name.value_or("");
  std::vector<ledger::CheckedCertificate> found;
  if (isRecord(after)) {
    const auto record = ledger::remembered<ledger::RevocationRecord>(*after);
    for (const auto& check : record ? record->certificates : std::vector<ledger::CheckedCertificate>{}) {
      if (check.verdict == ledger::RevocationVerdict::Revoked) found.push_back(check);
    }
  }
  revoked_.with([&](Revoked& revoked) {
    const auto known = revoked.byRecord.find(name);
    if (found.empty() && known == revoked.byRecord.end()) return;
    if (known != revoked.byRecord.end() && known->second == found) return;
    if (found.empty()) {
      revoked.byRecord.erase(known);
    } else {
      revoked.byRecord[name] = std::move(found);
    }
    auto all = std::make_shared<ledger::RevokedCertificates>();
    for (const auto& [record, checks] : revoked.byRecord) {
      for (const auto& check : checks) {
        auto& told = all->emplace(check.sha256, check).first->second;
        if (isForGood(check) && !isForGood(told)) told = check;
      }
    }
    revoked.all = std::move(all);
  });
}

template <class K>
std::function<void(const std::optional<Error>&)> Outputs::looked() {
  return [this](const auto& error) {
    problems_.with([&](auto& known) {
      known.erase(K::kResource.plural);
      if (error) known.emplace(K::kResource.plural, *error);
    });
    looked(error);
  };
}

std::optional<Error> Outputs::problem() const {
  if (synced()) return std::nullopt;
  const auto problems = problems_.copy();
  return problems.empty() ? std::nullopt : std::optional(problems.begin()->second);
}

Result<void> Outputs::expectRead(std::string_view what) const {
  if (synced() || problem()) return {};
  Error unread{ErrorKind::Timeout, fmt::format("{} in {} are being read", what, namespace_)};
  unread.retryAfter = std::chrono::seconds(1);
  return fail(std::move(unread));
}

void Outputs::looked(const std::optional<Error>& error) {
  onChange_(std::nullopt, true);
  if (error || !synced()) return;
  // A listener that was told of an object before the lists ended could not know that there is nothing else.
  for (const auto& object : configMaps_.list()) {
    if (const auto integration = integrationOf(object->metadata)) onChange_(integration, false);
  }
  for (const auto& revision : revisions_.list()) {
    if (const auto integration = integrationOf(revision->metadata)) onChange_(integration, false);
  }
}

bool Outputs::isOurs(const api::ObjectMeta& metadata) const {
  if (ledger::isOurs(metadata, environment_)) return true;
  return ours_.with([&](const auto& uids) { return uids.contains(metadata.uid.value_or("")); });
}

void Outputs::start() {
  configMapWatcher_.start();
  networkPolicyWatcher_.start();
  revisionWatcher_.start();
}

void Outputs::stop() {
  configMapWatcher_.stop();
  networkPolicyWatcher_.stop();
  revisionWatcher_.stop();
}

bool Outputs::synced() const { return configMaps_.synced() && networkPolicies_.synced() && revisions_.synced(); }

std::shared_ptr<const api::ConfigMap> Outputs::own(const std::string& name) const {
  auto found = configMaps_.get({namespace_, name});
  return found && isOurs(found->metadata) ? found : nullptr;
}

std::vector<std::shared_ptr<const api::ConfigMap>> Outputs::ofComponent(std::string_view component) const {
  std::vector<std::shared_ptr<const api::ConfigMap>> found;
  for (auto& object : configMaps_.indexed(std::string(component))) {
    if (isOfComponent(object->metadata, component) && isOurs(object->metadata)) found.push_back(std::move(object));
  }
  return found;
}

std::shared_ptr<const api::ConfigMap> Outputs::like(const api::ConfigMap& desired) const {
  return own(desired.metadata.name.value_or(""));
}
std::shared_ptr<const api::NetworkPolicy> Outputs::like(const api::NetworkPolicy& desired) const {
  auto found = networkPolicies_.get(desired.metadata.key());
  return found && isOurs(found->metadata) ? found : nullptr;
}
bool Outputs::holds(const api::ConfigMap& desired) const {
  const auto observed = like(desired);
  return observed && sameContent(*observed, desired);
}
bool Outputs::holds(const api::NetworkPolicy& desired) const {
  const auto observed = like(desired);
  return observed && sameContent(*observed, desired);
}

std::vector<std::shared_ptr<const api::ConfigMap>> Outputs::servicesOf(const ObjectKey& integration) const {
  std::vector<std::shared_ptr<const api::ConfigMap>> found;
  for (auto& object : configMaps_.indexed(integration.text())) {
    if (isOfComponent(object->metadata, ledger::kService) && isOurs(object->metadata))
      found.push_back(std::move(object));
  }
  return found;
}

bool Outputs::holdsAnythingOf(const ObjectKey& integration) const {
  const auto configMaps = configMaps_.indexed(integration.text());
  return std::any_of(configMaps.begin(), configMaps.end(), [&](const auto& o) { return isOurs(o->metadata); }) ||
         !revisions(integration).empty();
}

template <class K>
bool Outputs::isAnothers(const runtime::Store<K>& store, const std::string& name, const ObjectKey& wanting) {
  const auto looksForeign = [&] {
    const auto found = store.get({namespace_, name});
    return found && !isOurs(found->metadata);
  };
  if (!looksForeign()) return false;
  inTheWay_.with([&](auto& all) { all[placeOf<K>(name)].insert(wanting); });
  return looksForeign();  // the object may have gone before it was noted
}

bool Outputs::isForeign(const std::string& configMap, const ObjectKey& wanting) {
  return isAnothers(configMaps_, configMap, wanting);
}

bool Outputs::isForeignRevision(const std::string& name, const ObjectKey& wanting) {
  return isAnothers(revisions_, name, wanting);
}

std::vector<std::shared_ptr<const api::ControllerRevision>> Outputs::revisions(const ObjectKey& integration) const {
  std::vector<std::shared_ptr<const api::ControllerRevision>> ours;
  for (auto& revision : revisions_.indexed(integration.text())) {
    if (isOurs(revision->metadata)) ours.push_back(revision);
  }
  return ours;
}

template <class K>
Result<bool> Outputs::ensureObject(runtime::Store<K>& store, const K& desired, const std::stop_token& stop) {
  const ObjectKey key = desired.metadata.key();
  const auto observed = store.get(key);
  if (observed && !isOurs(observed->metadata)) {
    return refuse(ErrorState::NameTaken, "NameConflict",
                  fmt::format("{} {} is not the operator's and is left alone; remove or rename it", K::kResource.kind,
                              key.text()));
  }
  if (observed && sameContent(*observed, desired)) return false;
  if (const auto& expected = desired.metadata.resourceVersion;
      expected && *expected != (observed ? observed->metadata.resourceVersion.value_or("") : "")) {
    Error changed{ErrorKind::Api,
                  fmt::format("{} {} is another than what was decided on", K::kResource.kind, key.text())};
    changed.status = ApiStatus{409, "Conflict", changed.message};
    return fail(std::move(changed));
  }
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  const kube::Api<K> objects(client_);
  bool absent = !observed;
  if constexpr (requires { observed->immutable; }) {
    // Somebody made it immutable: only a new object can have the right content.
    if (observed && observed->immutable == true) {
      TRY(removeObject(store, *observed, stop));
      absent = true;
    }
  }
  K next = desired;
  if (absent) {
    next.metadata.resourceVersion.reset();
    store.remember(TRY(objects.create(next, stop)));
    return true;
  }
  next.metadata.uid = observed->metadata.uid;
  next.metadata.resourceVersion = observed->metadata.resourceVersion;
  store.remember(TRY(objects.replace(next, stop)));
  return true;
}

template <class K>
Result<void> Outputs::removeObject(runtime::Store<K>& store, const K& object, const std::stop_token& stop) {
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  const kube::Api<K> objects(client_);
  const auto uid = object.metadata.uid.value_or("");
  TRY(objects.remove(object.metadata.key(), {uid, ""}, stop));
  store.forget(object.metadata.key(), uid);
  return {};
}

Result<bool> Outputs::ensure(const api::ConfigMap& desired, const std::stop_token& stop) {
  return ensureObject(configMaps_, desired, stop);
}
Result<bool> Outputs::ensure(const api::NetworkPolicy& desired, const std::stop_token& stop) {
  return ensureObject(networkPolicies_, desired, stop);
}

Result<void> Outputs::create(const api::ControllerRevision& revision, const std::stop_token& stop) {
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  revisions_.remember(TRY(kube::Api<api::ControllerRevision>(client_).create(revision, stop)));
  return {};
}

Result<void> Outputs::remove(const std::string& configMap, const std::stop_token& stop) {
  const auto object = own(configMap);
  if (!object) return {};
  return removeObject(configMaps_, *object, stop);
}

Result<void> Outputs::remove(const api::ControllerRevision& revision, const std::stop_token& stop) {
  return removeObject(revisions_, revision, stop);
}

Result<void> Outputs::removeAggregatesBut(const std::set<std::string>& configMaps, const std::stop_token& stop) {
  for (const auto& object : ofComponent(ledger::kAggregate)) {
    if (!configMaps.contains(object->metadata.name.value_or(""))) TRY(removeObject(configMaps_, *object, stop));
  }
  return {};
}

Result<void> Outputs::removePoliciesBut(const std::set<std::string>& networkPolicies, const std::stop_token& stop) {
  for (const auto& policy : networkPolicies_.list()) {
    if (isOurs(policy->metadata) && !networkPolicies.contains(policy->metadata.name.value_or("")))
      TRY(removeObject(networkPolicies_, *policy, stop));
  }
  return {};
}

}  // namespace mpay::cluster
