#include "cluster/caches.h"

#include "api/crd.h"
#include "cluster/key_secret.h"
#include "crypto/digest.h"

namespace mpay::cluster {
namespace {

constexpr std::string_view kIntegrationOwner = "integration ";
constexpr std::string_view kEnvironmentOwner = "environment ";

std::vector<std::string> environmentsOf(const api::MPayIntegration& integration) {
  return {integration.spec.environments.testing, integration.spec.environments.production};
}

tl::unexpected<Error> forbidden(std::string_view kind, const ObjectKey& key) {
  return refuse(
      ErrorState::Forbidden, "ReferenceForbidden",
      fmt::format("the operator may not read {} {}; give its ServiceAccount a Role in {} with resources [{}], "
                  "resourceNames [{}], verbs [get, list, watch]",
                  kind, key.text(), key.namespace_, kind, key.name));
}

tl::unexpected<Error> absent(std::string_view kind, const ObjectKey& key) {
  return refuse(ErrorState::Absent, "ReferenceNotFound", fmt::format("{} {} does not exist", kind, key.text()));
}

tl::unexpected<Error> noKey(std::string_view kind, const ObjectKey& key, const std::string& name) {
  return refuse(ErrorState::Absent, "ReferenceNotFound", fmt::format("{} {} has no key {}", kind, key.text(), name));
}

bool isNoCertificate(const Error& error) {
  return error.reason == "MalformedCertificate" || error.reason == "CertificateTooLarge";
}

}  // namespace

Caches::Caches(kube::Client& client, std::string resourceNamespace, std::function<bool()> mayWrite, Listeners listeners,
               const runtime::OnUnread& onUnread)
    : client_(client),
      resourceNamespace_(std::move(resourceNamespace)),
      mayWrite_(std::move(mayWrite)),
      listeners_(std::move(listeners)),
      shipped_(onboarding::ShippedPolicies::parse(api::shippedPolicies()).value()),
      integrations_([](const api::MPayIntegration& i) {
        auto values = environmentsOf(i);
        for (auto& value : values) value = "environment " + value;
        values.push_back("namespace " + i.metadata.namespace_.value_or(""));
        return values;
      }),
      validations_([](const api::MPayValidation& v) {
        return std::vector<std::string>{v.metadata.namespace_.value_or("") + "/" + v.spec.integration.name};
      }),
      testRequests_([](const api::MPayTestRequest& r) {
        return std::vector<std::string>{r.metadata.namespace_.value_or("") + "/" + r.spec.integration.name};
      }),
      configMaps_(client, [this](const std::string& owner) { changed(owner); }),
      secrets_(client, [this](const std::string& owner) { changed(owner); }),
      credentials_(client, [this](const std::string& owner) { changed(owner); }),
      keySecrets_(client, [this](const std::string& owner) { changed(owner); }),
      environmentWatcher_(client, {}, environments_, {.unread = onUnread}),
      integrationWatcher_(client, {}, integrations_, {.unread = onUnread}),
      validationWatcher_(client, {}, validations_, {.unread = onUnread}),
      testRequestWatcher_(client, {}, testRequests_, {.unread = onUnread}),
      namespaceWatcher_(client, {}, namespaces_),
      policyWatcher_(client, {}, policies_, {.problem = admissionProblem("admission policies")}),
      bindingWatcher_(client, {}, bindings_, {.problem = admissionProblem("bindings of the admission policies")}) {
  environments_.onChange([this](const auto& before, const auto& after) {
    const auto& object = after ? after : before;
    listeners_.environment(object->metadata.key());
  });
  integrations_.onChange([this](const auto& before, const auto& after) {
    listeners_.integration((after ? after : before)->metadata.key());
    // An environment that is being deleted waits for its users, so it is told of a user that leaves.
    if (!before ||
        (after && !after->metadata.deletionTimestamp && before->spec.environments == after->spec.environments)) {
      return;
    }
    for (const auto& name : environmentsOf(*before)) listeners_.environment({"", name});
  });
  validations_.onChange([this](const auto& before, const auto& after) {
    const auto& object = after ? after : before;
    listeners_.integration({object->metadata.namespace_.value_or(""), object->spec.integration.name});
  });
  testRequests_.onChange([this](const auto& before, const auto& after) {
    const auto& object = after ? after : before;
    listeners_.integration({object->metadata.namespace_.value_or(""), object->spec.integration.name});
  });
  namespaces_.onChange([this](const auto& before, const auto& after) {
    if (before && after && before->metadata.labels == after->metadata.labels &&
        before->metadata.deletionTimestamp == after->metadata.deletionTimestamp) {
      return;
    }
    const auto& object = after ? after : before;
    for (const auto& integration : integrations_.indexed("namespace " + object->metadata.name.value_or(""))) {
      listeners_.integration(integration->metadata.key());
    }
  });
  policies_.onChange([this](const auto&, const auto&) { everybody(); });
  bindings_.onChange([this](const auto&, const auto&) { everybody(); });
}

void Caches::tell(const ObjectKey& integration) const {
  listeners_.integration(integration);
  listeners_.notification(integration);
}

void Caches::everybody() const {
  for (const auto& integration : integrations_.list()) listeners_.integration(integration->metadata.key());
}

// Policies that cannot be read any more may have been removed.
std::function<void(const std::optional<Error>&)> Caches::admissionProblem(std::string kind) {
  return [this, kind = std::move(kind)](const std::optional<Error>& error) {
    if (error && !error->isForbidden()) return;
    if (error) admissionRefused_.request_stop();
    const auto now = error ? std::optional(error->message) : std::nullopt;
    const bool changed = admissionUnread_.with([&](auto& known) { return std::exchange(known[kind], now) != now; });
    if (changed) everybody();
  };
}

Caches::~Caches() { stop(); }

bool Caches::start(const std::stop_token& stop) {
  environmentWatcher_.start();
  integrationWatcher_.start();
  validationWatcher_.start();
  // Start does not wait for it: where the operator may not read test requests, everything else goes on.
  testRequestWatcher_.start();
  namespaceWatcher_.start();
  policyWatcher_.start();
  bindingWatcher_.start();
  if (!environments_.waitUntilSynced(stop) || !integrations_.waitUntilSynced(stop) ||
      !validations_.waitUntilSynced(stop) || !namespaces_.waitUntilSynced(stop))
    return false;
  // An operator that may not read the policies can still withdraw and restore; then no record counts, see admission().
  const std::stop_callback ending(stop, [&] { admissionRefused_.request_stop(); });
  policies_.waitUntilSynced(admissionRefused_.get_token());
  bindings_.waitUntilSynced(admissionRefused_.get_token());
  return !stop.stop_requested();
}

void Caches::stop() {
  environmentWatcher_.stop();
  integrationWatcher_.stop();
  validationWatcher_.stop();
  testRequestWatcher_.stop();
  namespaceWatcher_.stop();
  policyWatcher_.stop();
  bindingWatcher_.stop();
  configMaps_.stop();
  secrets_.stop();
  credentials_.stop();
  keySecrets_.stop();
  for (const auto& [name, outputs] : outputs_.copy()) outputs->stop();
}

std::optional<std::map<std::string, std::string>> Caches::namespaceLabels(const std::string& name) const {
  const auto found = namespaces_.get({"", name});
  if (!found || found->metadata.deletionTimestamp) return std::nullopt;
  return found->metadata.labels;
}

onboarding::Records Caches::records(const ObjectKey& integration) const {
  return validations_.indexed(integration.text());
}

std::vector<std::shared_ptr<const api::MPayTestRequest>> Caches::testRequests(const ObjectKey& integration) const {
  return testRequests_.indexed(integration.text());
}

onboarding::Admission Caches::admission() const {
  for (const auto& refusals = admissionUnread_.copy(); const auto& [kind, refused] : refusals) {
    if (refused) return {std::nullopt, fmt::format("the operator may not read the {}: {}", kind, *refused)};
  }
  return onboarding::judgeAdmission(shipped_, policies_.list(), bindings_.list());
}

std::shared_ptr<Outputs> Caches::outputs(const api::MPayEnvironment& environment) {
  const std::string name = environment.metadata.name.value_or("");
  bool fresh = false;
  auto outputs = outputs_.with([&](auto& all) {
    auto& slot = all[name];
    // stage and outputNamespace are immutable, but an environment may be created again with others.
    if (slot && slot->namespaceName() == environment.spec.outputNamespace) return slot;
    fresh = true;
    slot =
        std::make_shared<Outputs>(client_, name, environment.spec.outputNamespace, mayWrite_,
                                  [this, name](const std::optional<ObjectKey>& integration, bool concernsEnvironment) {
                                    if (integration) tell(*integration);
                                    if (concernsEnvironment) listeners_.environment({"", name});
                                  });
    return slot;
  });
  if (fresh) outputs->start();
  return outputs;
}

std::vector<ObjectKey> Caches::integrationsOf(const std::string& environment) const {
  std::vector<ObjectKey> keys;
  for (const auto& integration : integrations_.indexed("environment " + environment))
    keys.push_back(integration->metadata.key());
  return keys;
}

EnvironmentState Caches::environmentState(const api::MPayEnvironment& environment) const {
  return states_.with([&](const auto& all) {
    const auto found = all.find(environment.metadata.name.value_or(""));
    const auto uid = environment.metadata.uid.value_or("");
    if (found != all.end() && found->second.uid == uid) return found->second;
    EnvironmentState unknown;
    unknown.uid = uid;
    return unknown;
  });
}

void Caches::forget(const std::string& environment) {
  states_.with([&](auto& all) { all.erase(environment); });
  const auto outputs = outputs_.with([&](auto& all) {
    const auto node = all.extract(environment);
    return node ? node.mapped() : nullptr;
  });
  if (outputs) outputs->stop();
}

bool Caches::publish(const std::string& name, EnvironmentState state) {
  // Tells all integrations when the settings changed, otherwise those whose fragment changed.
  bool settingsChanged = false;
  const auto now = state.aggregated;
  const auto before = states_.with([&](auto& all) {
    auto& known = all[name];
    // The generation counts too: some rules hold even where the settings are refused.
    settingsChanged = known.generation != state.generation ||
                      known.settings.has_value() != state.settings.has_value() ||
                      (state.settings ? *known.settings != *state.settings
                                      : known.settings.error().message != state.settings.error().message) ||
                      known.aggregateProblem != state.aggregateProblem || known.synced != state.synced;
    return std::exchange(known, std::move(state)).aggregated;
  });
  if (settingsChanged) {
    for (const auto& key : integrationsOf(name)) tell(key);
    // Integrations that have ended are told too: their remaining fragments are checked for revocation.
    for (const auto& [fragment, content] : *now) {
      if (!integrations_.get(content.integration)) listeners_.integration(content.integration);
    }
    return true;
  }
  bool changed = false;
  const auto tellOthersThan = [&](const AggregatedFragments& others, const AggregatedFragments& all) {
    for (const auto& [fragment, content] : all) {
      const auto other = others.find(fragment);
      if (other != others.end() && other->second.hash == content.hash) continue;
      changed = true;
      if (integrations_.get(content.integration)) listeners_.integration(content.integration);
    }
  };
  if (now != before) {
    tellOthersThan(*before, *now);
    tellOthersThan(*now, *before);
  }
  return changed;
}

void Caches::refer(const std::string& owner, const std::vector<const api::ContentSource*>& sources,
                   const std::vector<const api::ContentReference*>& references, const std::string& namespace_,
                   const std::set<ObjectKey>& credentials, const std::set<ObjectKey>& keySecrets) {
  std::set<ObjectKey> configMaps, secrets;
  const auto add = [&](const auto& source) {
    if (source.configMapRef) configMaps.insert({namespace_, source.configMapRef->name});
    if (source.secretRef) secrets.insert({namespace_, source.secretRef->name});
  };
  for (const auto* source : sources) add(*source);
  for (const auto* reference : references) add(*reference);
  configMaps_.refer(owner, configMaps);
  secrets_.refer(owner, secrets);
  credentials_.refer(owner, credentials);
  keySecrets_.refer(owner, keySecrets);
}

std::optional<Result<onboarding::KeySecret>> Caches::keySecret(const ObjectKey& key) const {
  const auto seen = keySecrets_.get(key);
  if (seen.error) return fail(mayNotKeep(key));
  if (seen.pending) return std::nullopt;
  if (!seen.object) {
    return refuse(ErrorState::Absent, "ReferenceNotFound",
                  fmt::format("secrets {} does not exist; create it with type kubernetes.io/tls and an empty tls.crt "
                              "and tls.key",
                              key.text()));
  }
  return Result<onboarding::KeySecret>(seen.object->content);
}

onboarding::Content Caches::content(const api::ContentSource& source, const std::string& namespace_) const {
  if (source.inline_) return Result<std::string>(*source.inline_);
  return referred({source.configMapRef, source.secretRef}, namespace_);
}

onboarding::Content Caches::content(const api::ContentReference& reference, const std::string& namespace_) const {
  auto content = referred(reference, namespace_);
  // PublicSecret tells the fault of a certificate.
  if (content && !*content && isNoCertificate(content->error()))
    return refuse("InvalidImage", "the value is no PNG image");
  return content;
}

onboarding::Content Caches::referred(const api::ContentReference& reference, const std::string& namespace_) const {
  if (reference.configMapRef) {
    const ObjectKey key{namespace_, reference.configMapRef->name};
    const auto seen = configMaps_.get(key);
    if (seen.error) return forbidden("configmaps", key);
    if (seen.pending) return std::nullopt;
    if (!seen.object) return absent("configmaps", key);
    const auto& name = reference.configMapRef->key;
    if (const auto text = seen.object->data.find(name); text != seen.object->data.end())
      return Result<std::string>(text->second);
    const auto bytes = seen.object->binaryData.find(name);
    if (bytes == seen.object->binaryData.end()) return noKey("configmaps", key, name);
    auto decoded = crypto::fromBase64(bytes->second);
    if (!decoded) return noKey("configmaps", key, name);
    return Result<std::string>(std::move(*decoded));
  }
  if (reference.secretRef) {
    const ObjectKey key{namespace_, reference.secretRef->name};
    const auto seen = secrets_.get(key);
    if (seen.error) return forbidden("secrets", key);
    if (seen.pending) return std::nullopt;
    if (!seen.object) return absent("secrets", key);
    const auto& name = reference.secretRef->key;
    const auto value = seen.object->values.find(name);
    if (value == seen.object->values.end()) return noKey("secrets", key, name);
    return value->second;
  }
  return refuse("InvalidField", "neither inline nor a reference is given");
}

void Caches::resync() {
  for (const auto& environment : environments_.list()) listeners_.environment(environment->metadata.key());
  for (const auto& integration : integrations_.list()) tell(integration->metadata.key());
}

void Caches::changed(const std::string& owner) const {
  if (owner.starts_with(kIntegrationOwner)) {
    const std::string key = owner.substr(kIntegrationOwner.size());
    const auto slash = key.find('/');
    listeners_.integration({key.substr(0, slash), key.substr(slash + 1)});
  } else if (owner.starts_with(kEnvironmentOwner)) {
    listeners_.environment({"", owner.substr(kEnvironmentOwner.size())});
  }
}

}  // namespace mpay::cluster
