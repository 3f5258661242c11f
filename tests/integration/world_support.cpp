#include <algorithm>
#include <exception>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "api/crd.h"
#include "integration/world.h"
#include "json/yaml.h"
#include "onboarding/admission.h"

namespace mpay::test {
namespace {

int counter = 0;

// For steps that take moments, on a busy machine.
constexpr auto kPatience = 60s;

// A namespace where the operator may write.
std::string outputNamespace(const std::string& name) {
  return fmt::format(
      "---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: {0}}}}}\n---\n"
      "{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: mpay-operator, namespace: "
      "{0}}}, roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: mpay-operator-outputs}}, "
      "subjects: [{{kind: ServiceAccount, name: mpay-operator, namespace: mpay-system}}]}}\n",
      name);
}

void require(bool holds, const std::string& otherwise) {
  if (!holds) throw std::runtime_error(otherwise);
}

std::string conditionsOf(const api::MPayIntegration& integration) {
  if (!integration.status) return "no status";
  std::string text;
  for (const auto& c : integration.status->conditions) {
    text += fmt::format("\n  {} {} {}: {}", c.type, json::nameOf(c.status), c.reason, c.message);
  }
  return text;
}

}  // namespace

Cluster& Cluster::get() {
  // Destroyed at exit, so that the control plane ends with the tests.
  static Cluster cluster;
  return cluster;
}

Cluster::Cluster() : admin(kube::Config::fromFile(plane.kubeconfig().string()).value()) {
  const std::string root = MPAY_SOURCE_DIR;
  const auto run = [&](std::vector<std::string> arguments) {
    const auto done = plane.kubectl(std::move(arguments));
    if (done.code != 0) throw std::runtime_error(done.output);
  };
  run({"apply", "--server-side", "-f", root + "/crds"});
  run({"apply", "-f", root + "/manifests/namespace.yaml", "-f", root + "/manifests/rbac.yaml"});
  run({"wait", "--for=condition=Established", "crd/mpayintegrations.mpay.gov.md", "crd/mpayenvironments.mpay.gov.md",
       "crd/mpayvalidations.mpay.gov.md", "crd/mpaytestrequests.mpay.gov.md", "--timeout=20s"});
  plane.learnKinds();
  run({"apply", "-f", root + "/manifests/policies.yaml"});
  run({"create", "secret", "generic", "smtp-credentials", "-n", "mpay-system", "--from-literal=username=" + kMailUser,
       "--from-literal=password=" + kMailPassword});
  run({"create", "clusterrolebinding", "representatives", "--clusterrole=mpay-representative",
       "--user=representative@mpay.example"});
  run({"create", "clusterrolebinding", "both", "--clusterrole=mpay-representative", "--user=both@mpay.example"});
}

kube::Client& Cluster::as(const std::string& user) {
  auto& slot = users_[user];
  if (!slot) slot = std::make_unique<kube::Client>(kube::Config::fromFile(plane.kubeconfigFor(user).string()).value());
  return *slot;
}

void Cluster::apply(const std::string& manifest) {
  const auto done = plane.kubectl({"apply", "--server-side", "--force-conflicts", "-f", "-"}, manifest);
  require(done.code == 0, done.output + "\n" + manifest);
}

World::World()
    : suffix(fmt::format("{}{}", getpid() % 1000, ++counter)),
      tenant("tenant-" + suffix),
      testing("testing-" + suffix),
      production("production-" + suffix),
      testingOut("out-testing-" + suffix),
      productionOut("out-production-" + suffix),
      mail(MailSinkOptions{std::nullopt, kMailUser, kMailPassword}) {
  CertificateOptions options;
  options.organizations = {"Agenția Model"};
  certificate = authority.issue(options);
  std::string manifests = outputNamespace(testingOut) + outputNamespace(productionOut);
  manifests += fmt::format(
      "---\n{{apiVersion: v1, kind: Namespace, metadata: {{name: {0}, labels: {{mpay.gov.md/tenant: 'true', "
      "mpay.gov.md/idno: '1006601000255'}}}}}}\n---\n"
      "{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: beneficiary, namespace: {0}}}, "
      "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: mpay-beneficiary}}, "
      "subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {1}}}, {{apiGroup: "
      "rbac.authorization.k8s.io, kind: User, name: both@mpay.example}}]}}\n",
      tenant, beneficiary);
  std::string access = readFile(MPAY_SOURCE_DIR "/docs/examples/tenant-access.yaml");
  access = replaced(access, "namespace: public-services", "namespace: " + tenant);
  access = replaced(access, "[civil-status-logo, civil-status-system-certificate]", "[certificate, logo]");
  access = replaced(access, "civil-status-certificates-functional-tests", "certificates-functional-tests");
  cluster.apply(manifests + "---\n" + access);
  setFile("certificate", "certificate.cer", certificate.certificate);

  for (const auto stage : {api::Stage::Testing, api::Stage::Production}) {
    const bool isTesting = stage == api::Stage::Testing;
    api::MPayEnvironment environment;
    environment.metadata.name = isTesting ? testing : production;
    auto& spec = environment.spec;
    spec.stage = stage;
    spec.frontEndURL = isTesting ? "https://testmpay.gov.md" : "https://mpay.gov.md";
    spec.apiURL = spec.frontEndURL + ":8443";
    spec.outputNamespace = isTesting ? testingOut : productionOut;
    spec.tenants.namespaceSelector.matchLabels = {{"mpay.gov.md/tenant", "true"}};
    spec.tenants.idnoLabel = "mpay.gov.md/idno";
    spec.addresses.permitted = {"203.0.113.0/24", "198.51.100.0/24"};
    spec.allowlist.targets.push_back(
        {"gateway", api::AllowlistConfigMap{"mpay-allowlist", api::AllowlistFormat::Nginx}, std::nullopt});
    if (isTesting) {
      api::AllowlistNetworkPolicy policy;
      policy.podSelector.matchLabels = {{"app", "mpay-gateway"}};
      policy.ports = {{8443, api::Protocol::TCP}};
      spec.allowlist.targets.push_back({"network", std::nullopt, policy});
    }
    spec.trust.authorities.inline_ = authority.certificate();
    spec.trust.bundles = {{"mpay-authorities", api::BundleFormat::PEM},
                          {"mpay-clients", api::BundleFormat::FingerprintMap}};
    spec.registrar.configMap = api::NameReference{"mpay-services"};
    spec.withdrawal.delay = "2s";
    api::SmtpChannel smtp{mail.url(), "suport.mpay@gov.md", api::NameReference{"smtp-credentials"},
                          api::StartTls::Disabled};
    if (!isTesting) spec.notifications.channels.push_back({"mail", smtp});
    createEnvironment(environment);
  }
}

void World::createEnvironment(const api::MPayEnvironment& environment) {
  const auto created = environments().create(environment);
  EXPECT_TRUE(created) << created.error().message;
  environmentNames_.push_back(environment.metadata.name.value_or(""));
}

std::string World::anotherTenant(const std::string& idno) {
  const std::string name = fmt::format("neighbour-{}-{}", suffix, idno);
  cluster.apply(
      fmt::format("{{apiVersion: v1, kind: Namespace, metadata: {{name: {}, labels: {{mpay.gov.md/tenant: 'true', "
                  "mpay.gov.md/idno: '{}'}}}}}}\n",
                  name, idno));
  otherTenants_.push_back(name);
  return name;
}

std::string World::anotherLike(const std::string& environment) {
  api::MPayEnvironment another;
  another.metadata.name = "another-" + environment;
  another.spec = environments().get({"", environment}).value().spec;
  another.spec.outputNamespace = "another-" + another.spec.outputNamespace;
  cluster.apply(outputNamespace(another.spec.outputNamespace));
  createEnvironment(another);
  return *another.metadata.name;
}

World::~World() {
  op.stop(10s);
  // Otherwise the next test's operator would continue this one's work.
  const json::value free = json::object{{"metadata", json::object{{"finalizers", nullptr}}}};
  otherTenants_.push_back(tenant);
  for (const auto& name : otherTenants_) {
    const auto left = integrations().list({name, "", ""});
    for (const auto& integration : left.value_or(std::vector<api::MPayIntegration>{})) {
      (void)integrations().patch(integration.metadata.key(), free);
      (void)integrations().remove(integration.metadata.key(), {});
    }
  }
  for (const auto& name : environmentNames_) {
    (void)environments().patch({"", name}, free);
    (void)environments().remove({"", name}, {});
  }
  const std::string log = readFile(folder / "operator.log");
  for (const auto finding : {"Sanitizer", "runtime error:"}) {
    EXPECT_EQ(log.find(finding), std::string::npos) << "a sanitizer speaks";
  }
  // HasFailure() does not count an exception of a constructor yet.
  if (HasFailure() || std::uncaught_exceptions() > 0) std::cerr << "the operator's log:\n" << log;
}

void World::startOperator(std::vector<std::string> flags) {
  const auto kubeconfig = cluster.plane.kubeconfigForServiceAccount("mpay-system", "mpay-operator");
  std::vector<std::string> command{MPAY_BIN_DIR "/mpay-operator", "--kubeconfig", kubeconfig.string(), "--log-level",
                                   "debug"};
  if (flags.empty()) flags = {"--no-leader-election"};
  command.insert(command.end(), flags.begin(), flags.end());
  op = Process(std::move(command), folder / "operator.log");
}

void World::killOperator() { op.stop(0ms); }

api::MPayIntegration World::form(const std::string& name, const std::string& serviceID) {
  api::MPayIntegration integration;
  integration.metadata.name = name;
  integration.metadata.namespace_ = tenant;
  auto& spec = integration.spec;
  spec.environments = {testing, production};
  spec.beneficiary = {"Agenția Model", "1006601000255", api::BeneficiaryType::Public, "RSI-2024-0117"};
  spec.contract = {"45/2026", "2026-09-14", std::nullopt, false};
  spec.applicant = {"Ion Popescu", beneficiary, "+37322257070"};
  spec.informationSystem = api::InformationSystem{"SIA Stare Civila"};
  spec.service.id = serviceID.empty() ? "AM-" + suffix : serviceID;
  spec.service.name.ro = "Certificate de stare civilă";
  spec.service.provider = {"Agenția Model", "https://agentia.example"};
  spec.service.modes = {api::Mode::OnlineRedirect};
  spec.service.accounts.push_back({"TRGAAA14", "1006601000037", "MD77TRGAAA14153401000000", "MF-TR Chisinau",
                                   std::nullopt, api::AccountKind::Treasury});
  spec.endpoints.testing = api::Endpoint{"https://pay-test.agentia.example/mpay", {"203.0.113.10", "203.0.113.16/29"}};
  spec.endpoints.production = api::Endpoint{"https://pay.agentia.example/mpay", {"203.0.113.40"}};
  spec.certificate =
      api::ContentSource{std::nullopt, api::KeyReference{"certificate", "certificate.cer"}, std::nullopt};
  return integration;
}

void World::create(const api::MPayIntegration& integration) {
  const auto created = integrations().create(integration);
  if (!created) throw std::runtime_error(created.error().message);
}

api::MPayIntegration World::current(const std::string& name) {
  const auto slash = name.find('/');
  const auto key = slash == std::string::npos ? api::ObjectKey{tenant, name}
                                              : api::ObjectKey{name.substr(0, slash), name.substr(slash + 1)};
  return integrations().get(key).value_or(api::MPayIntegration{});
}

void World::edit(const std::function<void(api::MPayIntegrationSpec&)>& change, const std::string& name) {
  std::string last;
  const bool done = waitFor(kPatience, [&] {
    auto integration = current(name);
    change(integration.spec);
    const auto written = integrations().replace(integration);
    if (!written) last = written.error().message;
    return written.has_value();
  });
  require(done, last);
}

void World::editEnvironment(const std::string& name, const std::function<void(api::MPayEnvironmentSpec&)>& change) {
  std::string last;
  const bool done = waitFor(kPatience, [&] {
    auto environment = environments().get({"", name});
    if (!environment) return false;
    change(environment->spec);
    const auto written = environments().replace(*environment);
    if (!written) last = written.error().message;
    return written.has_value();
  });
  require(done, last);
}

void World::await(const std::string& type, api::ConditionStatus status, const std::string& reason,
                  const std::string& name) {
  api::MPayIntegration seen;
  const bool came = waitFor(kPatience, [&] {
    seen = current(name);
    if (!seen.status || seen.status->observedGeneration != seen.metadata.generation.value_or(0)) return false;
    const auto* found = api::findCondition(seen.status->conditions, type);
    return found && found->status == status && (reason.empty() || found->reason == reason);
  });
  require(came, fmt::format("{} did not become {} {}{}", type, json::nameOf(status), reason, conditionsOf(seen)));
}

void World::awaitReason(const std::string& type, const std::string& reason, const std::string& name) {
  api::MPayIntegration seen;
  const bool came = waitFor(kPatience, [&] {
    seen = current(name);
    const auto* found = seen.status ? api::findCondition(seen.status->conditions, type) : nullptr;
    return found && found->reason == reason;
  });
  require(came, fmt::format("{} did not get the reason {}{}", type, reason, conditionsOf(seen)));
}

void Cluster::awaitPolicies() {
  static const auto shipped = onboarding::ShippedPolicies::parse(api::shippedPolicies()).value();
  const auto all = [&]<class K>(const kube::Api<K>& objects) {
    std::vector<std::shared_ptr<const K>> found;
    const auto listed = objects.list();
    for (const auto& object : listed.value()) found.push_back(std::make_shared<const K>(object));
    return found;
  };
  const bool inForce = waitFor(30s, [&] {
    const auto now = onboarding::judgeAdmission(shipped, all(kube::Api<api::ValidatingAdmissionPolicy>(admin)),
                                                all(kube::Api<api::ValidatingAdmissionPolicyBinding>(admin)));
    return now.inForceSince && systemClock().now() > *now.inForceSince;
  });
  require(inForce, "the admission policies are not in force");

  api::MPayValidation forged;
  forged.metadata.name = "forged";
  forged.metadata.namespace_ = "default";
  forged.spec.integration = {"none", "00000000-0000-0000-0000-000000000000"};
  forged.spec.decision = api::Decision::Accepted;
  forged.spec.digest = "sha256:" + std::string(64, 'a');
  forged.spec.recordedBy = "somebody else";
  json::value body = json::encode(forged);
  body.as_object()["apiVersion"] = api::MPayValidation::kResource.apiVersion();
  body.as_object()["kind"] = boost::json::string_view(api::MPayValidation::kResource.kind);
  const auto path = kube::pathOf(api::MPayValidation::kResource, forged.metadata.namespace_.value()) + "?dryRun=All";
  std::string last;
  const bool refuses = waitFor(kPatience + 30s, [&] {
    const auto made = admin.request("POST", path, &body, "application/json", {});
    last = made ? "it is taken" : made.error().message;
    return last.find("recordedBy must be you") != std::string::npos;
  });
  require(refuses, "no policy refuses a forged record: " + last);
}

void World::awaitEnvironment(const std::string& name, const std::string& reason) {
  std::string last;
  const bool came = waitFor(kPatience, [&] {
    const auto environment = environments().get({"", name});
    const auto* ready =
        environment && environment->status ? api::findCondition(environment->status->conditions, "Ready") : nullptr;
    if (ready) last = ready->reason + ": " + ready->message;
    return ready && ready->reason == reason &&
           environment->status->observedGeneration == environment->metadata.generation.value_or(0);
  });
  require(came, fmt::format("{} did not get the reason {}, it is {}", name, reason, last));
}

void World::awaitGrant(const std::string& user, const std::string& verb, const std::string& resource) {
  const bool came = waitFor(kPatience, [&] {
    return cluster.plane.kubectl({"auth", "can-i", verb, resource, "-n", tenant, "--as=" + user}).code == 0;
  });
  require(came, fmt::format("{} may not {} {}", user, verb, resource));
}

void World::awaitRest() {
  const bool rests = waitFor(kPatience, [&] {
    const auto from = std::filesystem::file_size(cluster.plane.auditLog());
    return !waitFor(1000ms, [&] { return !requestsOfOperator(cluster, from).empty(); });
  });
  require(rests, "the operator does not come to rest");
}

Result<api::MPayValidation> World::record(const std::string& user, api::Milestone milestone, api::Role role,
                                          api::Decision decision, const std::string& name) {
  const auto integration = current(name);
  const bool isTesting = api::stageOf(milestone) == api::Stage::Testing;
  api::MPayValidation record;
  record.metadata.generateName = name + "-";
  record.metadata.namespace_ = tenant;
  record.spec.integration = {name, integration.metadata.uid.value_or("")};
  record.spec.environment = isTesting ? testing : production;
  record.spec.milestone = milestone;
  record.spec.role = role;
  record.spec.decision = decision;
  require(integration.status.has_value(), name + " has no status");
  const auto& digest = isTesting ? integration.status->testingDigest : integration.status->digest;
  record.spec.digest = digest.value_or("");
  record.spec.recordedBy = user;
  cluster.awaitPolicies();
  return kube::Api<api::MPayValidation>(cluster.as(user)).create(record);
}

void World::recordAll(const std::string& name) {
  await("TestEnvironmentReady", api::ConditionStatus::True, "", name);
  struct Wanted {
    std::string user;
    api::Milestone milestone;
    api::Role role;
  };
  const Wanted records[] = {{representative, api::Milestone::FunctionalTesting, api::Role::MPayRepresentative},
                            {beneficiary, api::Milestone::FinalValidation, api::Role::Beneficiary},
                            {representative, api::Milestone::FinalValidation, api::Role::MPayRepresentative}};
  for (const auto& wanted : records) {
    const auto made = record(wanted.user, wanted.milestone, wanted.role, api::Decision::Accepted, name);
    if (!made) throw std::runtime_error(made.error().message);
  }
}

void World::promote(const std::string& name) {
  recordAll(name);
  await("Ready", api::ConditionStatus::True, "Production", name);
}

void World::letOnlyRead(const std::string& outputNamespace) {
  cluster.apply(fmt::format(
      "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: reader, namespace: {0}}}, rules: ["
      "{{apiGroups: ['', apps, networking.k8s.io], resources: [configmaps, controllerrevisions, networkpolicies], "
      "verbs: [get, list, watch]}}]}}\n---\n"
      "{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: reader, namespace: {0}}}, "
      "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}, "
      "subjects: [{{kind: ServiceAccount, name: mpay-operator, namespace: mpay-system}}]}}\n",
      outputNamespace));
  const auto done = cluster.plane.kubectl({"delete", "rolebinding", "mpay-operator", "-n", outputNamespace});
  require(done.code == 0, done.output);
}

void World::letWrite(const std::string& name) { cluster.apply(outputNamespace(name)); }

std::vector<api::Event> World::events(const std::string& namespace_, const std::string& about) {
  auto all = kube::Api<api::Event>(cluster.admin).list({namespace_, "", ""}).value_or(std::vector<api::Event>{});
  std::erase_if(all, [&](const auto& event) { return event.regarding.name != about; });
  return all;
}

std::string World::published(const std::string& namespace_, const std::string& object, const std::string& key) {
  const auto found = configMaps().get({namespace_, object});
  if (!found) return "";
  const auto text = found->data.find(key);
  return text == found->data.end() ? "" : text->second;
}

std::map<std::string, std::map<std::string, std::string>> World::outputs(const std::string& namespace_) {
  std::map<std::string, std::map<std::string, std::string>> all;
  const auto objects = configMaps().list({namespace_, "app.kubernetes.io/managed-by=mpay-operator", ""});
  for (const auto& object : *objects) {
    if (object.metadata.name->starts_with("mpay-effects")) continue;  // holds times
    auto data = object.data;
    for (const auto& [key, bytes] : object.binaryData) data["binary " + key] = bytes;
    all[*object.metadata.name] = data;
  }
  return all;
}

void World::setFile(const std::string& configMap, const std::string& key, const std::string& content) {
  api::ConfigMap object;
  object.metadata.name = configMap;
  object.metadata.namespace_ = tenant;
  object.data[key] = content;
  const auto existing = configMaps().get(object.metadata.key());
  if (existing) object.metadata.resourceVersion = existing->metadata.resourceVersion;
  const auto written = existing ? configMaps().replace(object) : configMaps().create(object);
  if (!written) throw std::runtime_error(written.error().message);
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string gatewayConfiguration(const std::string& file, int port, const std::string& files, const std::string& keys) {
  auto text = readFile(MPAY_SOURCE_DIR "/tests/demo/" + file);
  for (const auto& [from, to] : {std::pair{"@PORT@", std::to_string(port)}, {"@FOLDER@", files}, {"@KEYS@", keys}})
    text = replaced(text, from, to);
  return text;
}

std::vector<std::string> requestsOfOperator(const Cluster& cluster, std::size_t fromByte, bool watches) {
  std::istringstream lines(readFile(cluster.plane.auditLog()).substr(fromByte));
  std::vector<std::string> requests;
  for (std::string line; std::getline(lines, line);) {
    const auto event = json::parse(line);
    if (!event) continue;
    boost::system::error_code missing;
    const auto* user = event->find_pointer("/user/username", missing);
    const auto* verb = event->find_pointer("/verb", missing);
    const auto* uri = event->find_pointer("/requestURI", missing);
    if (!user || !verb || !uri || user->as_string() != "system:serviceaccount:mpay-system:mpay-operator") continue;
    if (verb->as_string() == "watch" && !watches) continue;
    requests.push_back(fmt::format("{} {}", std::string_view(verb->as_string()), std::string_view(uri->as_string())));
  }
  return requests;
}

}  // namespace mpay::test
