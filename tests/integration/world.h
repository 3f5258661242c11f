// What the end-to-end tests share: one control plane with everything installed, and for each test two
// environments, a tenant's namespace, a PKI, a mail server and an operator of its own.
#pragma once

#include <gtest/gtest.h>

#include "api/integration.h"
#include "api/validation.h"
#include "api/wire.h"
#include "kube/client.h"
#include "support/control_plane.h"
#include "support/mail_sink.h"
#include "support/pki.h"

namespace mpay::test {

using namespace std::chrono_literals;

// Installed once a process: definitions, policies, roles, the operator's namespace.
class Cluster {
 public:
  static Cluster& get();
  ControlPlane plane;
  kube::Client admin;
  kube::Client& as(const std::string& user);
  // Until records count: the admission policies have been in force for ten seconds, and the API server knows the kind
  // of their parameters, which it may not for half a minute after its start. There must be an MPayEnvironment.
  void awaitPolicies();
  // kubectl apply, as administrator.
  void apply(const std::string& manifest);

 private:
  Cluster();
  std::map<std::string, std::unique_ptr<kube::Client>> users_;
};

// What cannot do what it is asked to, here and in Cluster, throws std::runtime_error: the test fails and goes no
// further.
class World : public ::testing::Test {
 protected:
  World();
  ~World() override;

  kube::Api<api::MPayIntegration> integrations() { return kube::Api<api::MPayIntegration>(cluster.admin); }
  kube::Api<api::MPayEnvironment> environments() { return kube::Api<api::MPayEnvironment>(cluster.admin); }
  kube::Api<api::ConfigMap> configMaps() { return kube::Api<api::ConfigMap>(cluster.admin); }

  void startOperator(std::vector<std::string> flags = {});
  void killOperator();

  // The public beneficiary's form, complete and right.
  api::MPayIntegration form(const std::string& name = "certificates", const std::string& serviceID = "");
  void create(const api::MPayIntegration& integration);
  // Here and below, a name is one in the tenant's namespace, or "namespace/name".
  api::MPayIntegration current(const std::string& name = "certificates");
  // Changes the spec, whatever the resourceVersion.
  void edit(const std::function<void(api::MPayIntegrationSpec&)>& change, const std::string& name = "certificates");
  void createEnvironment(const api::MPayEnvironment& environment);
  // Creates a namespace of another tenant, with that IDNO; its name.
  std::string anotherTenant(const std::string& idno);
  // Creates another environment like that one, with an output namespace of its own; both are called "another-...".
  std::string anotherLike(const std::string& environment);
  void editEnvironment(const std::string& name, const std::function<void(api::MPayEnvironmentSpec&)>& change);

  // Waits; says all conditions when it does not come.
  void await(const std::string& type, api::ConditionStatus status, const std::string& reason = "",
             const std::string& name = "certificates");
  void awaitReason(const std::string& type, const std::string& reason, const std::string& name = "certificates");

  // Waits until an environment's Ready has that reason.
  void awaitEnvironment(const std::string& name, const std::string& reason);

  // Waits until that user may do that in the tenant's namespace: a grant takes a moment to be known.
  void awaitGrant(const std::string& user, const std::string& verb, const std::string& resource);

  // Waits until the operator asks the API server for nothing for a second.
  void awaitRest();

  // Records as that user. The error is the API server's.
  Result<api::MPayValidation> record(const std::string& user, api::Milestone milestone, api::Role role,
                                     api::Decision decision = api::Decision::Accepted,
                                     const std::string& name = "certificates");
  // All records that production needs.
  void recordAll(const std::string& name = "certificates");
  // The same, and waits for production.
  void promote(const std::string& name = "certificates");

  // Takes the operator's right to write in an output namespace away; gives it back.
  void letOnlyRead(const std::string& outputNamespace);
  void letWrite(const std::string& outputNamespace);

  // The Events about an object of that name; those about environments are in the namespace default.
  std::vector<api::Event> events(const std::string& namespace_, const std::string& about);

  // A published file, "" where there is none.
  std::string published(const std::string& namespace_, const std::string& object, const std::string& key);
  // The data of every ConfigMap in a namespace, without what differs from run to run.
  std::map<std::string, std::map<std::string, std::string>> outputs(const std::string& namespace_);
  void setFile(const std::string& configMap, const std::string& key, const std::string& content);

  Cluster& cluster = Cluster::get();
  const std::string suffix;
  const std::string tenant, testing, production, testingOut, productionOut;
  const std::string beneficiary = "ion.popescu@agentia.example", representative = "representative@mpay.example";
  Authority authority;
  Identity certificate;
  MailSink mail;
  TempDir folder;
  Process op;

 private:
  std::vector<std::string> environmentNames_;  // to be removed
  std::vector<std::string> otherTenants_;
};

// The text with every from in it become to.
std::string replaced(std::string text, const std::string& from, const std::string& to);

// A gateway's configuration of tests/demo, for the published files in one folder and its own key and certificate in
// another.
std::string gatewayConfiguration(const std::string& file, int port, const std::string& files, const std::string& keys);

// The operator's login at the mail server, in the cluster's Secret smtp-credentials.
inline const std::string kMailUser = "mpay", kMailPassword = "the-mail-servers-password";

// Requests in the audit log that the operator's ServiceAccount made, watches only where they are wanted too.
std::vector<std::string> requestsOfOperator(const Cluster& cluster, std::size_t fromByte, bool watches = false);

}  // namespace mpay::test
