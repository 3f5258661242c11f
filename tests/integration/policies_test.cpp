// Attempts to bypass the admission policies by the owner of a tenant's namespace (cluster-admin there), or by an MPay
// representative of one environment only. In the suite Admission no operator runs; in Policies one does, so that the
// records are those of a real integration.
#include "integration/world.h"

namespace mpay::test {
namespace {

using api::Milestone;
using api::Role;

class Admission : public World {
 protected:
  Admission() {
    create(form());
    kubectl({"create", "rolebinding", "owner", "-n", tenant, "--clusterrole=cluster-admin", "--user=" + owner});
    awaitGrant(owner, "create", "mpayvalidations");
    cluster.awaitPolicies();
  }

  void kubectl(std::vector<std::string> arguments) {
    const auto done = cluster.plane.kubectl(std::move(arguments));
    ASSERT_EQ(done.code, 0) << done.output;
  }

  Finished kubectlAs(const std::string& user, std::vector<std::string> arguments, const std::string& input = "") {
    return cluster.plane.kubectl(std::move(arguments), input, cluster.plane.kubeconfigFor(user));
  }

  Result<api::MPayValidation> make(const std::string& user,
                                   const std::function<void(api::MPayValidationSpec&)>& change = {}) {
    api::MPayValidation record;
    record.metadata.generateName = "record-";
    record.metadata.namespace_ = tenant;
    record.spec.integration = {"certificates", current().metadata.uid.value_or("")};
    record.spec.environment = production;
    record.spec.decision = api::Decision::Accepted;
    record.spec.digest = "sha256:" + std::string(64, 'a');
    record.spec.recordedBy = user;
    if (change) change(record.spec);
    return kube::Api<api::MPayValidation>(cluster.as(user)).create(record);
  }

  void expectRefused(const std::string& user, const std::function<void(api::MPayValidationSpec&)>& change,
                     const std::string& says) {
    const auto made = make(user, change);
    ASSERT_FALSE(made) << says;
    EXPECT_TRUE(made.error().isForbidden()) << made.error().message;
    EXPECT_NE(made.error().message.find(says), std::string::npos) << made.error().message;
  }

  const std::string owner = "owner-" + suffix + "@agentia.example";
  static void asRepresentative(api::MPayValidationSpec& spec) { spec.role = Role::MPayRepresentative; }
};

const std::string kNoRepresentative = "you may not validate as MPayRepresentative";

TEST_F(Admission, LetsNoNamespaceGrantWhatIsClusterScoped) {
  // The widest Role that an owner can write in their namespace.
  const auto granted = kubectlAs(owner, {"apply", "-f", "-"},
                                 fmt::format(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: everything, namespace: {0}}}
rules: [{{apiGroups: ["*"], resources: ["*", mpayenvironments, mpayenvironments/mpayrepresentative], verbs: ["*", validate, reconcile]}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: everything, namespace: {0}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: everything}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {1}}}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: representative, namespace: {0}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: mpay-representative}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {1}}}]
)",
                                             tenant, owner));
  ASSERT_EQ(granted.code, 0) << granted.output;
  expectRefused(owner, asRepresentative, kNoRepresentative);
  const auto status =
      kubectlAs(owner, {"patch", "mpi", "certificates", "-n", tenant, "--subresource=status", "--type=merge", "-p",
                        R"({"status":{"observedGeneration":1,"phase":"In production"}})"});
  EXPECT_NE(status.output.find("status is written by the operator only"), std::string::npos) << status.output;
  EXPECT_TRUE(make(owner)) << "as Beneficiary it may";
}

TEST_F(Admission, LetsARepresentativeSpeakForItsEnvironmentsOnly) {
  const std::string user = "tester-" + suffix + "@mpay.example";
  cluster.apply(fmt::format(R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {{name: represents-{0}}}
rules:
  - {{apiGroups: [mpay.gov.md], resources: [mpayvalidations], verbs: [create]}}
  - {{apiGroups: [mpay.gov.md], resources: [mpayenvironments/mpayrepresentative], resourceNames: [{1}], verbs: [validate]}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {{name: represents-{0}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: represents-{0}}}
subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {2}}}]
)",
                            suffix, testing, user));
  const auto of = [&](std::optional<std::string> environment, Milestone milestone) {
    return [=](api::MPayValidationSpec& spec) {
      asRepresentative(spec);
      spec.environment = environment;
      spec.milestone = milestone;
    };
  };
  ASSERT_TRUE(waitFor(10s, [&] { return make(user, of(testing, Milestone::FunctionalTesting)).has_value(); }));
  expectRefused(user, of(production, Milestone::FinalValidation), kNoRepresentative);
  // Without a name the record is for the default environment of the milestone's stage, which is another one.
  expectRefused(user, of(std::nullopt, Milestone::FunctionalTesting), "for the environment testing");
  expectRefused(user, of(std::nullopt, Milestone::TestEnvironmentConfigured), "for the environment testing");
  expectRefused(user, of(std::nullopt, Milestone::FinalValidation), "for the environment production");
  expectRefused(user, of(std::nullopt, Milestone::ProductionActivated), "for the environment production");
  // The user is no beneficiary either.
  expectRefused(user, {}, "you may not validate as Beneficiary");
  kubectl({"delete", "clusterrole,clusterrolebinding", "represents-" + suffix});
}

TEST_F(Admission, LetsEditorsWriteFormsButNotValidate) {
  const std::string editor = "editor-" + suffix + "@agentia.example";
  kubectl({"create", "rolebinding", "editor", "-n", tenant, "--clusterrole=mpay-edit", "--user=" + editor});
  const auto patch = [&] {
    return kubectlAs(editor, {"label", "mpi", "certificates", "-n", tenant, "--overwrite", "reviewed=yes"});
  };
  EXPECT_NE(patch().code, 0) << "to read takes mpay-view";
  kubectl({"create", "rolebinding", "viewer", "-n", tenant, "--clusterrole=mpay-view", "--user=" + editor});
  EXPECT_TRUE(waitFor(10s, [&] { return patch().code == 0; }));
  expectRefused(editor, {}, "you may not validate as Beneficiary");
  expectRefused(editor, asRepresentative, kNoRepresentative);
}

TEST_F(Admission, LetsNobodySpeakAsAnother) {
  expectRefused(
      owner, [&](auto& spec) { spec.recordedBy = beneficiary; }, "recordedBy must be you: " + owner);
  const auto impersonated =
      kubectlAs(owner, {"get", "mpi", "-n", tenant, "--as=" + representative, "--as-group=system:masters"});
  EXPECT_NE(impersonated.output.find("cannot impersonate"), std::string::npos) << impersonated.output;
  // The operator is no person either: it may write a status, but no record.
  kube::Client itself(
      kube::Config::fromFile(cluster.plane.kubeconfigForServiceAccount("mpay-system", "mpay-operator").string())
          .value());
  api::MPayValidation record;
  record.metadata.generateName = "record-";
  record.metadata.namespace_ = tenant;
  const auto made = kube::Api<api::MPayValidation>(itself).create(record);
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().isForbidden()) << made.error().message;
}

TEST_F(Admission, KeepsEveryStatusToTheOperator) {
  const auto made = make(owner);
  ASSERT_TRUE(made) << made.error().message;
  const std::string status = R"({"status":{"observedGeneration":1,"phase":"x","conditions":[{"type":"Counted",)"
                             R"("status":"True","observedGeneration":1,"reason":"R","message":"m",)"
                             R"("lastTransitionTime":"2026-01-01T00:00:00Z"}]}})";
  for (const auto& object : {std::string("mpi/certificates"), "mpv/" + made->metadata.name.value()}) {
    const auto patched =
        kubectlAs(owner, {"patch", object, "-n", tenant, "--subresource=status", "--type=merge", "-p", status});
    EXPECT_NE(patched.output.find("status is written by the operator only"), std::string::npos) << patched.output;
  }
  // An object that is created with a status loses it.
  auto second = form("second", "ID-" + suffix);
  second.status.emplace().phase = "In production";
  const auto created = kube::Api<api::MPayIntegration>(cluster.as(owner)).create(second);
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_FALSE(created->status);
}

TEST_F(Admission, LetsNobodyElseTakeBackWhatMPayDecided) {
  const auto rejection = make("representative@mpay.example", [](auto& spec) {
    asRepresentative(spec);
    spec.decision = api::Decision::Rejected;
  });
  ASSERT_TRUE(rejection) << rejection.error().message;
  const std::string name = *rejection->metadata.name;
  kubectl(
      {"create", "rolebinding", "owner-validates", "-n", tenant, "--clusterrole=mpay-beneficiary", "--user=" + owner});
  Result<api::MPayValidation> own;
  EXPECT_TRUE(waitFor(10s, [&] { return (own = make(owner)).has_value(); }));
  const std::string says = "you may not delete a record of MPayRepresentative";
  const auto one = kubectlAs(owner, {"delete", "mpv", name, "-n", tenant});
  EXPECT_NE(one.output.find(says), std::string::npos) << one.output;
  const auto all = kubectlAs(owner, {"delete", "mpv", "--all", "-n", tenant});
  EXPECT_NE(all.output.find(says), std::string::npos) << all.output;
  const kube::Api<api::MPayValidation> records(cluster.admin);
  EXPECT_FALSE(records.get(own->metadata.key())) << "its own it may";

  // The garbage collector may not do it for the tenant either.
  kubectl({"create", "configmap", "parent", "-n", tenant});
  const auto parent = kube::Api<api::ConfigMap>(cluster.admin).get({tenant, "parent"})->metadata.uid.value();
  const auto tied = kubectlAs(owner, {"patch", "mpv", name, "-n", tenant, "--type=merge", "-p",
                                      R"({"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":)"
                                      R"("parent","uid":")" +
                                          parent + R"("}]}})"});
  ASSERT_EQ(tied.code, 0) << tied.output;
  kubectl({"delete", "configmap", "parent", "-n", tenant});
  EXPECT_TRUE(waitFor(90s, [&] {
    return readFile(cluster.plane.auditLog())
               .find(
                   "/mpayvalidations/" + name +
                   R"(","verb":"delete","user":{"username":"system:serviceaccount:kube-system:generic-garbage-collector")") !=
           std::string::npos;
  })) << "it tried; of a new kind it learns within half a minute";
  EXPECT_TRUE(records.get(rejection->metadata.key()));

  const auto taken = kubectlAs("representative@mpay.example", {"delete", "mpv", name, "-n", tenant});
  EXPECT_NE(taken.output.find("forbidden"), std::string::npos) << "the role does not include it: " << taken.output;
  // Deleting the namespace deletes everything in it.
  kubectl({"delete", "namespace", tenant, "--timeout=60s"});
}

TEST_F(Admission, KeepsTheOperatorsMetadataToTheOperator) {
  // The administrator stands in for the operator.
  kubectl({"patch", "mpi", "certificates", "-n", tenant, "--type=merge", "-p",
           R"({"metadata":{"finalizers":["mpay.gov.md/withdrawal","example.com/mine"],)"
           R"("annotations":{"operator.mpay.gov.md/seen":"1","mine":"1"}}})"});
  struct Row {
    std::string patch;
    std::string says;  // empty: accepted
  };
  const std::string finalizers = "finalizers under mpay.gov.md/",
                    annotations = "annotations under operator.mpay.gov.md/";
  for (const auto& row : std::vector<Row>{
           {R"({"metadata":{"finalizers":[]}})", finalizers},
           {R"({"metadata":{"finalizers":["example.com/mine"]}})", finalizers},
           {R"({"metadata":{"finalizers":["mpay.gov.md/withdrawal","mpay.gov.md/other"]}})", finalizers},
           {R"({"metadata":{"finalizers":["mpay.gov.md/withdrawal","mpay.gov.md/withdrawal"]}})", finalizers},
           {R"({"metadata":{"finalizers":["mpay.gov.md/withdrawal"]}})", ""},
           {R"({"metadata":{"annotations":{"operator.mpay.gov.md/seen":"2"}}})", annotations},
           {R"({"metadata":{"annotations":{"operator.mpay.gov.md/seen":null}}})", annotations},
           {R"({"metadata":{"annotations":null}})", annotations},
           {R"({"metadata":{"annotations":{"operator.mpay.gov.md/new":"1"}}})", annotations},
           {R"({"metadata":{"annotations":{"mine":"2","other":"1"}}})", ""},
           {R"({"metadata":{"labels":{"mine":"2"}}})", ""},
       }) {
    const auto done = kubectlAs(owner, {"patch", "mpi", "certificates", "-n", tenant, "--type=merge", "-p", row.patch});
    EXPECT_EQ(done.code == 0, row.says.empty()) << row.patch << done.output;
    EXPECT_NE(done.output.find(row.says), std::string::npos) << row.patch << done.output;
  }
  // The finalizer cannot be set at creation either; but the object may be deleted at any time.
  auto second = form("second", "ID-" + suffix);
  second.metadata.finalizers = {"mpay.gov.md/withdrawal"};
  EXPECT_FALSE(kube::Api<api::MPayIntegration>(cluster.as(owner)).create(second));
  const auto deleted = kubectlAs(owner, {"delete", "mpi", "certificates", "-n", tenant, "--wait=false"});
  EXPECT_EQ(deleted.code, 0) << deleted.output;
  kubectl({"patch", "mpi", "certificates", "-n", tenant, "--type=merge", "-p", R"({"metadata":{"finalizers":[]}})"});
}

class Policies : public World {};

TEST_F(Policies, KeepATenantToHisPart) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", api::ConditionStatus::True);
  const std::string owner = "owner-" + suffix;
  ASSERT_EQ(
      cluster.plane
          .kubectl({"create", "rolebinding", "owner", "-n", tenant, "--clusterrole=cluster-admin", "--user=" + owner})
          .code,
      0);
  awaitGrant(owner, "create", "mpayvalidations");
  const auto refused = [](const auto& result, const std::string& says) {
    ASSERT_FALSE(result);
    EXPECT_TRUE(result.error().isForbidden()) << result.error().message;
    EXPECT_NE(result.error().message.find(says), std::string::npos) << result.error().message;
  };
  refused(record(owner, api::Milestone::FunctionalTesting, api::Role::MPayRepresentative),
          "mpayenvironments/mpayrepresentative");
  // A record in another's name is refused, and one for an environment that does not exist.
  auto forged = record(owner, api::Milestone::FinalValidation, api::Role::Beneficiary);
  ASSERT_TRUE(forged) << forged.error().message;  // a Beneficiary may
  api::MPayValidation other;
  other.metadata.generateName = "x-";
  other.metadata.namespace_ = tenant;
  other.spec = forged->spec;
  other.spec.recordedBy = representative;
  refused(kube::Api<api::MPayValidation>(cluster.as(owner)).create(other), "recordedBy must be you");
  other.spec.recordedBy = owner;
  other.spec.role = api::Role::MPayRepresentative;
  other.spec.environment = "no-such";
  refused(kube::Api<api::MPayValidation>(cluster.as(owner)).create(other), "mpayenvironments/mpayrepresentative");
  // Writing a status is refused.
  auto integration = current();
  auto status = *integration.status;
  status.phase = "In production";
  refused(kube::Api<api::MPayIntegration>(cluster.as(owner)).applyStatus(integration, status),
          "status is written by the operator only");
  // Changing the operator's finalizer and annotations is refused.
  const auto patch = [&](const json::value& change) {
    return kube::Api<api::MPayIntegration>(cluster.as(owner)).patch({tenant, "certificates"}, change);
  };
  refused(patch(json::object{{"metadata", json::object{{"finalizers", nullptr}}}}), "finalizers under mpay.gov.md/");
  refused(
      patch(json::object{{"metadata", json::object{{"annotations", json::object{{"operator.mpay.gov.md/x", "y"}}}}}}),
      "annotations under operator.mpay.gov.md/");
  EXPECT_TRUE(patch(json::object{{"metadata", json::object{{"annotations", json::object{{"his/own", "y"}}}}}}));
}

TEST_F(Policies, LetServiceAccountsRecordOnlyWhereTheEnvironmentAllowsIt) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", api::ConditionStatus::True);
  ASSERT_EQ(cluster.plane
                .kubectl({"create", "rolebinding", "robot", "-n", tenant, "--clusterrole=mpay-beneficiary",
                          "--serviceaccount=" + tenant + ":default"})
                .code,
            0);
  awaitGrant("system:serviceaccount:" + tenant + ":default", "create", "mpayvalidations");
  cluster.awaitPolicies();
  kube::Client robot(
      kube::Config::fromFile(cluster.plane.kubeconfigForServiceAccount(tenant, "default").string()).value());
  const auto integration = current();
  api::MPayValidation record;
  record.metadata.generateName = "x-";
  record.metadata.namespace_ = tenant;
  record.spec.integration = {"certificates", *integration.metadata.uid};
  record.spec.environment = production;
  record.spec.decision = api::Decision::Accepted;
  record.spec.digest = *integration.status->digest;
  record.spec.recordedBy = "system:serviceaccount:" + tenant + ":default";
  const auto refused = kube::Api<api::MPayValidation>(robot).create(record);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("service accounts"), std::string::npos) << refused.error().message;
  editEnvironment(production, [](auto& spec) { spec.validation.serviceAccounts = api::ServiceAccountPolicy::Allowed; });
  EXPECT_TRUE(waitFor(20s, [&] { return kube::Api<api::MPayValidation>(robot).create(record).has_value(); }));
  // The permission is for that environment only.
  record.spec.environment = testing;
  record.spec.milestone = api::Milestone::FunctionalTesting;
  record.spec.digest = *integration.status->testingDigest;
  const auto elsewhere = kube::Api<api::MPayValidation>(robot).create(record);
  ASSERT_FALSE(elsewhere);
  EXPECT_NE(elsewhere.error().message.find("service accounts"), std::string::npos) << elsewhere.error().message;
}

}  // namespace
}  // namespace mpay::test
