// Shared by the end-to-end tests: one control plane with everything installed; and for each test two environments, a
// tenant's namespace, a PKI, a mail server and an operator.
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
  // Waits until records count: the admission policies must have been in force for ten seconds, and the API server must
  // know the kind of their parameters, which may take half a minute after its start. An MPayEnvironment must exist.
  void awaitPolicies();
  // kubectl apply, as administrator.
  void apply(const std::string& manifest);

 private:
  Cluster();
  std::map<std::string, std::unique_ptr<kube::Client>> users_;
};

// Functions here and in Cluster throw std::runtime_error if they fail; the test then fails and stops.
class World : public ::testing::Test {
 protected:
  World();
  ~World() override;

  kube::Api<api::MPayIntegration> integrations() { return kube::Api<api::MPayIntegration>(cluster.admin); }
  kube::Api<api::MPayEnvironment> environments() { return kube::Api<api::MPayEnvironment>(cluster.admin); }
  kube::Api<api::ConfigMap> configMaps() { return kube::Api<api::ConfigMap>(cluster.admin); }

  void startOperator(std::vector<std::string> flags = {});
  void killOperator();

  // A public beneficiary's form, complete and valid.
  api::MPayIntegration form(const std::string& name = "certificates", const std::string& serviceID = "");
  void create(const api::MPayIntegration& integration);
  // Here and below a name is in the tenant's namespace, or given as "namespace/name".
  api::MPayIntegration current(const std::string& name = "certificates");
  // Changes the spec; a conflict is tried again.
  void edit(const std::function<void(api::MPayIntegrationSpec&)>& change, const std::string& name = "certificates");
  void createEnvironment(const api::MPayEnvironment& environment);
  // Creates a namespace of another tenant with that IDNO; returns its name.
  std::string anotherTenant(const std::string& idno);
  // Creates a copy of that environment with its own output namespace; both names begin with "another-".
  std::string anotherLike(const std::string& environment);
  void editEnvironment(const std::string& name, const std::function<void(api::MPayEnvironmentSpec&)>& change);

  // Waits for the condition; the failure lists all conditions.
  void await(const std::string& type, api::ConditionStatus status, const std::string& reason = "",
             const std::string& name = "certificates");
  void awaitReason(const std::string& type, const std::string& reason, const std::string& name = "certificates");

  // Waits until an environment's Ready has that reason.
  void awaitEnvironment(const std::string& name, const std::string& reason);

  // Waits until the user may do that in the tenant's namespace; a grant takes a moment to work.
  void awaitGrant(const std::string& user, const std::string& verb, const std::string& resource);

  // Waits for a second without a request of the operator.
  void awaitRest();

  // Writes a record as that user. Errors: the API server's.
  Result<api::MPayValidation> record(const std::string& user, api::Milestone milestone, api::Role role,
                                     api::Decision decision = api::Decision::Accepted,
                                     const std::string& name = "certificates");
  // Writes all records that production needs.
  void recordAll(const std::string& name = "certificates");
  // The same, and waits until production serves the integration.
  void promote(const std::string& name = "certificates");

  // Withdraws the operator's right to write in an output namespace; gives it back.
  void letOnlyRead(const std::string& outputNamespace);
  void letWrite(const std::string& outputNamespace);

  // The Events about an object of that name. Events about environments are in the namespace default.
  std::vector<api::Event> events(const std::string& namespace_, const std::string& about);

  // A published file; "" if there is none.
  std::string published(const std::string& namespace_, const std::string& object, const std::string& key);
  // The data of every ConfigMap in a namespace, without values that differ from run to run.
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
  std::vector<std::string> environmentNames_;  // to be deleted at the end
  std::vector<std::string> otherTenants_;
};

// Replaces every `from` in the text by `to`.
std::string replaced(std::string text, const std::string& from, const std::string& to);

// A gateway's configuration from tests/demo. The published files are in one folder, the gateway's key and certificate
// in another.
std::string gatewayConfiguration(const std::string& file, int port, const std::string& files, const std::string& keys);

// The operator's login at the mail server, in the cluster's Secret smtp-credentials.
inline const std::string kMailUser = "mpay", kMailPassword = "the-mail-servers-password";

// The requests of the operator's ServiceAccount in the audit log; watches only if `watches`.
std::vector<std::string> requestsOfOperator(const Cluster& cluster, std::size_t fromByte, bool watches = false);

}  // namespace mpay::test
