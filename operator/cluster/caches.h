// The caches of the controllers: stores of our kinds and of the objects that they depend on, kept by watches. A
// reconcile reads from here only and never asks the API server.
#pragma once

#include <memory>

#include "api/integration.h"
#include "api/test_request.h"
#include "api/validation.h"
#include "cluster/outputs.h"
#include "cluster/publisher.h"
#include "cluster/secrets.h"
#include "onboarding/admission.h"
#include "onboarding/environment.h"
#include "runtime/named_watches.h"

namespace mpay::cluster {

// Receive changes; each names the object to reconcile again.
struct Listeners {
  std::function<void(const ObjectKey&)> integration;
  std::function<void(const ObjectKey&)> environment;
  std::function<void(const ObjectKey&)> notification;
};

// The findings of the environment controller, for the integration controller.
struct EnvironmentState {
  std::string uid{};  // of the environment that this state describes
  std::int64_t generation = 0;
  Result<std::shared_ptr<const onboarding::Settings>> settings =
      fail(onboarding::beingRead("the environment is being read"));
  // The fragments that the published objects hold.
  std::shared_ptr<const AggregatedFragments> aggregated = std::make_shared<AggregatedFragments>();
  std::string aggregateProblem{};
  bool synced = false;  // the output namespace was read
};

class Caches {
 public:
  Caches(kube::Client& client, std::string resourceNamespace, std::function<bool()> mayWrite, Listeners listeners,
         const runtime::OnUnread& onUnread);
  ~Caches();

  // Starts the watches, and waits until every list was seen; false when `stop` came first.
  bool start(const std::stop_token& stop);
  void stop();

  runtime::Store<api::MPayIntegration>& integrations() { return integrations_; }
  runtime::Store<api::MPayEnvironment>& environments() { return environments_; }
  std::optional<std::map<std::string, std::string>> namespaceLabels(const std::string& name) const;
  onboarding::Records records(const ObjectKey& integration) const;
  onboarding::Admission admission() const;
  // The requests for functional tests of an integration.
  std::vector<std::shared_ptr<const api::MPayTestRequest>> testRequests(const ObjectKey& integration) const;

  // The output namespace of an environment; its watch starts with the first call.
  std::shared_ptr<Outputs> outputs(const api::MPayEnvironment& environment);
  std::vector<ObjectKey> integrationsOf(const std::string& environment) const;

  // The state as last published; empty when that was for an earlier environment of the same name.
  EnvironmentState environmentState(const api::MPayEnvironment& environment) const;
  // Ends the watch and the state of an environment that is gone.
  void forget(const std::string& environment);
  // True when the state differs from the known one; then the users of the environment are told.
  bool publish(const std::string& name, EnvironmentState state);

  // Replaces the references of `owner`: these objects are watched, and a change wakes the integrations that `owner`
  // names.
  void refer(const std::string& owner, const std::vector<const api::ContentSource*>& sources,
             const std::vector<const api::ContentReference*>& references, const std::string& namespace_,
             const std::set<ObjectKey>& credentials = {}, const std::set<ObjectKey>& keySecrets = {});
  // Ends every watch of that owner.
  void forgetReferences(const std::string& owner) { refer(owner, {}, {}, ""); }
  // A certificate or authorities; nothing while it is unknown.
  onboarding::Content content(const api::ContentSource& source, const std::string& namespace_) const;
  // The Secret of a certificate request; nothing while it is unknown.
  std::optional<Result<onboarding::KeySecret>> keySecret(const ObjectKey& key) const;
  // A logo.
  onboarding::Content content(const api::ContentReference& reference, const std::string& namespace_) const;
  runtime::NamedWatches<MailCredentials>::Seen credentials(const ObjectKey& key) const { return credentials_.get(key); }
  const std::string& resourceNamespace() const { return resourceNamespace_; }

  // Reconciles everything again.
  void resync();

 private:
  onboarding::Content referred(const api::ContentReference& reference, const std::string& namespace_) const;
  void changed(const std::string& owner) const;
  void tell(const ObjectKey& integration) const;  // its reconciler, and the sender of its mails
  void everybody() const;
  std::function<void(const std::optional<Error>&)> admissionProblem(std::string kind);

  kube::Client& client_;
  const std::string resourceNamespace_;
  const std::function<bool()> mayWrite_;
  const Listeners listeners_;
  onboarding::ShippedPolicies shipped_;
  std::stop_source admissionRefused_;  // once requested, nothing waits for the policies any more
  Synchronized<std::map<std::string, std::optional<std::string>>> admissionUnread_;  // by kind: the reason

  runtime::Store<api::MPayEnvironment> environments_;
  runtime::Store<api::MPayIntegration> integrations_;
  runtime::Store<api::MPayValidation> validations_;
  runtime::Store<api::MPayTestRequest> testRequests_;
  runtime::Store<api::Namespace> namespaces_;
  runtime::Store<api::ValidatingAdmissionPolicy> policies_;
  runtime::Store<api::ValidatingAdmissionPolicyBinding> bindings_;
  runtime::NamedWatches<api::ConfigMap> configMaps_;
  runtime::NamedWatches<PublicSecret> secrets_;
  runtime::NamedWatches<MailCredentials> credentials_;
  runtime::NamedWatches<KeyedSecret> keySecrets_;
  Synchronized<std::map<std::string, std::shared_ptr<Outputs>>> outputs_;
  Synchronized<std::map<std::string, EnvironmentState>> states_;

  runtime::Watcher<api::MPayEnvironment> environmentWatcher_;
  runtime::Watcher<api::MPayIntegration> integrationWatcher_;
  runtime::Watcher<api::MPayValidation> validationWatcher_;
  runtime::Watcher<api::MPayTestRequest> testRequestWatcher_;
  runtime::Watcher<api::Namespace> namespaceWatcher_;
  runtime::Watcher<api::ValidatingAdmissionPolicy> policyWatcher_;
  runtime::Watcher<api::ValidatingAdmissionPolicyBinding> bindingWatcher_;
};

}  // namespace mpay::cluster
