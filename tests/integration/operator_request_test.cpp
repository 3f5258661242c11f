// A certificate that the operator requests: its key in a Secret in the tenant's namespace, from the empty Secret to a
// renewal.
#include <algorithm>
#include <filesystem>

#include "crypto/digest.h"
#include "crypto/request.h"
#include "crypto/x509.h"
#include "integration/world.h"
#include "ledger/fragment.h"
#include "ledger/made_key.h"
#include "onboarding/key_request.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;

class Requests : public World {
 protected:
  kube::Api<api::Secret> secrets() { return kube::Api<api::Secret>(cluster.admin); }
  api::Secret secret() { return secrets().get({tenant, "system"}).value(); }
  std::string valueOf(const std::string& key) { return crypto::fromBase64(secret().data[key]).value(); }

  // Creates the Secret as a tenant does, with these values.
  void createSecret(const std::string& key = "", const std::string& its = "",
                    const std::string& type = "kubernetes.io/tls") {
    api::Secret made;
    made.metadata.name = "system";
    made.metadata.namespace_ = tenant;
    made.metadata.labels["kept"] = "yes";
    made.type = type;
    made.data = {{"tls.key", crypto::base64(key)}, {"tls.crt", crypto::base64(its)}, {"other", "b3RoZXI="}};
    const auto created = secrets().create(made);
    ASSERT_TRUE(created) << created.error().message;
  }
  void changeSecret(const std::function<void(api::Secret&)>& change) {
    auto changed = secret();
    change(changed);
    ASSERT_TRUE(secrets().replace(changed));
  }
  // Applies the Role of docs/examples.
  void allow(const std::string& verbs = "") {
    auto role = readFile(MPAY_SOURCE_DIR "/docs/examples/certificate-request.yaml");
    role = role.substr(0, role.find("# The form"));
    role = replaced(role, "namespace: public-services", "namespace: " + tenant);
    role = replaced(role, "civil-status-system-key", "system");
    if (!verbs.empty()) role = replaced(role, "[get, list, watch, update]", verbs);
    cluster.apply(role);
  }
  api::MPayIntegration requesting() {
    auto integration = form();
    integration.spec.certificate = api::SystemCertificate{};
    integration.spec.certificate->request = api::CertificateRequest{"system", "P-256", {}, "720h"};
    return integration;
  }
  void allowIssued() {
    auto access = readFile(MPAY_SOURCE_DIR "/docs/examples/tenant-access.yaml");
    access = replaced(access, "namespace: public-services", "namespace: " + tenant);
    access = replaced(access, "[civil-status-logo, civil-status-system-certificate]", "[issued, logo]");
    cluster.apply(access);
  }
  // The request in the status, once it differs from `before`.
  api::CertificateRequestStatus published(const std::string& before = "") {
    std::optional<api::CertificateRequestStatus> request;
    EXPECT_TRUE(waitFor(20s, [&] {
      const auto status = current().status;
      if (status) request = status->certificateRequest;
      return request && request->publicKeySHA256 != before;
    })) << "no request is published";
    return request.value_or(api::CertificateRequestStatus{});
  }
  // Signs with the openssl command, as an authority would.
  std::string sign(const std::string& request, const std::string& days = "365") {
    writeFile(folder / "ca.pem", authority.certificate());
    writeFile(folder / "ca.key", authority.key());
    writeFile(folder / "request.csr", request);
    writeFile(folder / "extensions",
              "keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth\nbasicConstraints=critical,CA:FALSE\n"
              "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n");
    const auto done =
        run({"openssl", "x509", "-req", "-in", (folder / "request.csr").string(), "-CA", (folder / "ca.pem").string(),
             "-CAkey", (folder / "ca.key").string(), "-CAcreateserial", "-days", days, "-sha256", "-extfile",
             (folder / "extensions").string(), "-out", (folder / "issued.pem").string()});
    EXPECT_EQ(done.code, 0) << done.output;
    return readFile(folder / "issued.pem");
  }
  std::size_t notesOf(const std::string& namespace_) {
    return configMaps().list({namespace_, "mpay.gov.md/component=key", ""}).value().size();
  }
  std::string reasonOf(const std::string& type) {
    const auto status = current().status;
    const auto* found = status ? api::findCondition(status->conditions, type) : nullptr;
    return found ? found->reason : "";
  }
};

TEST_F(Requests, LeadFromAnEmptySecretToACertificateAndItsRenewal) {
  allow();
  allowIssued();
  createSecret();
  startOperator();
  auto integration = requesting();
  // The certificate is declared before it exists.
  integration.spec.certificate->issued =
      api::ContentSource{std::nullopt, api::KeyReference{"issued", "certificate.cer"}, std::nullopt};
  create(integration);
  await("Ready", ConditionStatus::False, "AwaitingCertificate");
  const auto request = published();
  EXPECT_EQ(request.secretName, "system");
  const auto key = valueOf("tls.key");
  EXPECT_EQ(crypto::PrivateKey::parse(key)->publicKeySha256(), request.publicKeySHA256);
  EXPECT_EQ(crypto::parseRequest(request.pem)->publicKeySha256, request.publicKeySHA256);
  EXPECT_EQ(valueOf("tls.crt"), "");
  EXPECT_EQ(notesOf(testingOut), 1u);
  EXPECT_EQ(notesOf(productionOut), 1u);

  // Killed after writing the key, and before publishing anything about it.
  killOperator();
  ASSERT_TRUE(integrations().applyStatus(current(), api::MPayIntegrationStatus{}));
  startOperator();
  EXPECT_EQ(published().pem, request.pem);
  EXPECT_EQ(valueOf("tls.key"), key);
  // Killed before writing the request.
  killOperator();
  ASSERT_TRUE(integrations().applyStatus(current(), api::MPayIntegrationStatus{}));
  changeSecret([](auto& s) { s.data.erase("tls.csr"); });
  startOperator();
  EXPECT_EQ(published().publicKeySHA256, request.publicKeySHA256);
  EXPECT_EQ(valueOf("tls.key"), key);
  EXPECT_EQ(notesOf(testingOut), 1u) << "no other key was made";

  setFile("issued", "certificate.cer", authority.issue({}).certificate);
  awaitReason("CertificateTrusted", "KeyMismatch");
  EXPECT_EQ(valueOf("tls.crt"), "");
  const auto first = sign(published().pem, "40");
  setFile("issued", "certificate.cer", first);
  await("CertificateTrusted", ConditionStatus::True);
  ASSERT_TRUE(waitFor(20s, [&] { return valueOf("tls.crt") == first; }));
  EXPECT_EQ(valueOf("tls.key"), key);
  EXPECT_EQ(secret().data["other"], "b3RoZXI=");
  EXPECT_EQ(secret().metadata.labels["kept"], "yes");
  ASSERT_TRUE(waitFor(20s, [&] { return !current().status->certificateRequest; }));
  promote();

  // A renewal: the old certificate works until the new one does.
  edit([](auto& spec) { spec.certificate->request->renewBefore = "1200h"; });
  const auto renewal = published(request.publicKeySHA256);
  EXPECT_EQ(reasonOf("Ready"), "Production");
  EXPECT_EQ(valueOf("tls.key"), key);
  const auto second = sign(renewal.pem, "365");
  setFile("issued", "certificate.cer", second);
  await("TestEnvironmentReady", ConditionStatus::True);
  ASSERT_TRUE(waitFor(
      20s, [&] { return current().status->certificate->sha256 == crypto::Certificate::parse(second)->sha256(); }));
  await("Ready", ConditionStatus::False);
  EXPECT_EQ(valueOf("tls.crt"), first) << "production admits the first one alone";
  const auto renewed = valueOf("renewal.key");
  // A record must be younger than the promotion, and times are whole seconds.
  const auto promoted = parseTime(current().status->production->promotedAt).value();
  ASSERT_TRUE(waitFor(20s, [&] { return systemClock().now() >= promoted + 2s; }));
  promote();
  ASSERT_TRUE(waitFor(20s, [&] { return valueOf("tls.crt") == second; }));
  EXPECT_EQ(valueOf("tls.key"), renewed);
  EXPECT_EQ(crypto::PrivateKey::parse(renewed)->publicKeySha256(), renewal.publicKeySHA256);
  EXPECT_FALSE(secret().data.contains("renewal.key"));
  EXPECT_FALSE(secret().data.contains("renewal.csr"));
  EXPECT_EQ(notesOf(productionOut), 2u);

  // Nobody signs with a key that the operator made, so its certificate is no back-office user's.
  edit([&](auto& spec) {
    spec.backOfficeUsers = {{"Ana", "ana@agentia.example", api::ContentSource{second, std::nullopt, std::nullopt}}};
  });
  await("PrerequisitesMet", ConditionStatus::False, "OperatorMadeKey");

  // Nothing of any key is published.
  std::string told = readFile(folder / "operator.log") + json::canonical(json::encode(current()));
  for (const auto& event : events(tenant, "certificates")) told += event.note;
  for (const auto& namespace_ : {testingOut, productionOut}) {
    for (const auto& [name, data] : outputs(namespace_)) {
      for (const auto& [file, text] : data) told += text;
    }
  }
  for (const auto& secretKey : {key, renewed}) {
    const auto line = secretKey.substr(secretKey.find('\n') + 1, 48);
    EXPECT_EQ(told.find(line), std::string::npos);
    EXPECT_EQ(told.find(crypto::base64(secretKey).substr(60, 48)), std::string::npos);
  }
}

// The certificate of such a key must never count as a person's, in any environment.
TEST_F(Requests, MakeUpForNotesThatAreMissing) {
  const std::string otherTesting = anotherLike(testing), otherProduction = anotherLike(production);
  allow();
  createSecret();
  startOperator();
  create(requesting());
  await("Ready", ConditionStatus::False, "AwaitingCertificate");
  const auto request = published();
  const std::string note = ledger::madeKeyName(request.publicKeySHA256);
  const auto given = [&](const std::string& namespace_) {
    const auto object = configMaps().get({namespace_, note});
    return object ? object->data : std::map<std::string, std::string>{};
  };
  const auto written = given(testingOut);
  ASSERT_FALSE(written.empty());
  int edits = 0;
  const auto lookAgain = [&] {
    edit([&](auto& spec) { spec.applicant.name = fmt::format("Ion Popescu {}", ++edits); });
  };
  for (const auto& gone : {std::vector{testingOut}, {productionOut}, {testingOut, productionOut}}) {
    for (const auto& namespace_ : gone) ASSERT_TRUE(configMaps().remove({namespace_, note}, {}));
    lookAgain();
    for (const auto& namespace_ : gone)
      EXPECT_TRUE(waitFor(10s, [&] { return given(namespace_) == written; })) << namespace_ << " of " << gone.size();
  }
  // A note that was deleted while the operator was stopped.
  killOperator();
  ASSERT_TRUE(configMaps().remove({productionOut, note}, {}));
  startOperator();
  EXPECT_TRUE(waitFor(20s, [&] { return given(productionOut) == written; }));

  auto elsewhere = form("elsewhere", "ELSEWHERE-" + suffix);
  elsewhere.spec.environments = {otherTesting, otherProduction};
  elsewhere.spec.backOfficeUsers = {
      {"Ana", "ana@agentia.example", api::ContentSource{sign(request.pem), std::nullopt, std::nullopt}}};
  create(elsewhere);
  await("PrerequisitesMet", ConditionStatus::False, "OperatorMadeKey", "elsewhere");
  EXPECT_EQ(given("another-" + testingOut), written);
  EXPECT_EQ(given("another-" + productionOut), written);
}

TEST_F(Requests, OverwriteNothingThatIsNotTheirs) {
  allow();
  const auto foreign = authority.issue({});
  createSecret(foreign.key, foreign.certificate);
  const auto before = secret().metadata.resourceVersion;
  startOperator();
  create(requesting());
  await("CertificateTrusted", ConditionStatus::False, "SecretNotUsable");
  EXPECT_EQ(secret().metadata.resourceVersion, before);
  // The emptied Secret is used.
  changeSecret([](auto& s) { s.data["tls.key"] = s.data["tls.crt"] = ""; });
  await("CertificateTrusted", ConditionStatus::False, "AwaitingCertificate");
  const auto request = published();
  // Another integration that names the Secret gets nothing of it.
  auto other = requesting();
  other.metadata.name = "other";
  other.spec.service.id = "OTHER-" + suffix;
  create(other);
  await("CertificateTrusted", ConditionStatus::False, "SecretNotUsable", "other");
  EXPECT_EQ(published().publicKeySHA256, request.publicKeySHA256);
}

TEST_F(Requests, SayWhichRuleIsMissing) {
  createSecret();
  startOperator();
  create(requesting());
  const auto expectRule = [&] {
    await("CertificateTrusted", ConditionStatus::False, "ReferenceForbidden");
    const auto message = api::findCondition(current().status->conditions, "CertificateTrusted")->message;
    for (const auto part : {"resources [secrets]", "resourceNames [system]", "verbs [get, list, watch, update]"})
      EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(valueOf("tls.key"), "");
  };
  expectRule();
  // The right to see and read the Secret is not enough to keep a key in it.
  for (const auto verbs : {"[list, watch]", "[get, list, watch]"}) {
    const auto from = readFile(cluster.plane.auditLog()).size();
    allow(verbs);
    const std::string attempt = std::string(verbs).find("get") == std::string::npos ? "get " : "update ";
    ASSERT_TRUE(waitFor(60s,
                        [&] {
                          const auto requests = requestsOfOperator(cluster, from);
                          return std::any_of(requests.begin(), requests.end(), [&](const auto& request) {
                            return request.starts_with(attempt) &&
                                   request.find(tenant + "/secrets/system") != std::string::npos;
                          });
                        }))
        << "it never tried with " << verbs;
    expectRule();
  }
  EXPECT_EQ(notesOf(testingOut), 0u) << "no key was made that could not be written";
  allow();
  await("CertificateTrusted", ConditionStatus::False, "AwaitingCertificate");
  EXPECT_EQ(crypto::PrivateKey::parse(valueOf("tls.key"))->publicKeySha256(), published().publicKeySHA256);
}

TEST_F(Requests, MakeOneKeyHoweverOftenItsNoteIsRefused) {
  const auto policy = R"yaml(apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-notes-NAMESPACE}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  validations:
    - expression: "request.namespace != 'NAMESPACE' || !object.metadata.name.startsWith('mpay-key-')"
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-notes-NAMESPACE}
spec: {policyName: no-notes-NAMESPACE, validationActions: [Deny]}
)yaml";
  cluster.apply(replaced(policy, "NAMESPACE", productionOut));
  api::ConfigMap note;
  note.metadata.namespace_ = productionOut;
  ASSERT_TRUE(waitFor(20s, [&] {
    note.metadata.generateName = "mpay-key-";
    const auto made = configMaps().create(note);
    if (made) (void)configMaps().remove(made->metadata.key(), {});
    return !made;
  })) << "the policy is not in force";
  createSecret();
  allow();
  startOperator();
  create(requesting());
  ASSERT_TRUE(waitFor(60s, [&] {
    const auto log = readFile(folder / "operator.log");
    const auto first = log.find("no-notes-");
    return first != std::string::npos && log.find("no-notes-", log.find('\n', first)) != std::string::npos;
  })) << "it tried only once";
  EXPECT_EQ(notesOf(testingOut), 1u);
  const kube::Api<api::ValidatingAdmissionPolicyBinding> bindings(cluster.admin);
  ASSERT_TRUE(bindings.remove({"", "no-notes-" + productionOut}, {}));
  await("CertificateTrusted", ConditionStatus::False, "AwaitingCertificate");
  EXPECT_EQ(notesOf(testingOut), 1u);
  EXPECT_EQ(notesOf(productionOut), 1u);
}

TEST_F(Requests, WaitForTheSecret) {
  allow();
  startOperator();
  create(requesting());
  await("CertificateTrusted", ConditionStatus::False, "ReferenceNotFound");
  createSecret("", "", "kubernetes.io/tls");
  await("CertificateTrusted", ConditionStatus::False, "AwaitingCertificate");
}

TEST_F(Requests, AreMadeOnThisMachineByTheCommand) {
  const auto command = [&](std::vector<std::string> words, const std::map<std::string, std::string>& environment) {
    words.insert(words.begin(), {MPAY_BIN_DIR "/kubectl-mpay", "csr", "--out", (folder / "system.csr").string()});
    return run(words, "", environment);
  };
  const std::string key = (folder / "system.key").string();
  // Without a cluster.
  const auto alone = command({"--key-file", key, "--key-type", "RSA-2048", "--common-name", "SIA Model",
                              "--organization", "Agenția Model", "--idno", "1006601000255"},
                             {{"KUBECONFIG", "/absent"}, {"HOME", "/absent"}});
  ASSERT_EQ(alone.code, 0) << alone.output;
  EXPECT_EQ(std::filesystem::status(key).permissions(), std::filesystem::perms(0600));
  const auto text = run({"openssl", "req", "-noout", "-verify", "-subject", "-in", (folder / "system.csr").string()});
  EXPECT_EQ(text.code, 0) << text.output;
  EXPECT_NE(text.output.find("NTRMD-1006601000255"), std::string::npos) << text.output;
  const auto again = command(
      {"--key-file", key, "--common-name", "SIA Model", "--organization", "Agenția Model", "--idno", "1006601000255"},
      {});
  EXPECT_EQ(again.code, 1);
  EXPECT_NE(again.output.find("exists and is not overwritten"), std::string::npos) << again.output;

  // For a form in the cluster, which then accepts the certificate.
  startOperator();
  create(form());
  std::filesystem::remove(folder / "system.csr");
  const auto kubeconfig = cluster.plane.kubeconfigFor(beneficiary).string();
  const auto named = command({"certificates", "-n", tenant, "--key-file", (folder / "another.key").string()},
                             {{"KUBECONFIG", kubeconfig}});
  ASSERT_EQ(named.code, 0) << named.output;
  EXPECT_NE(named.output.find("CN=SIA Stare Civila"), std::string::npos) << named.output;
  EXPECT_EQ(named.output.find("PRIVATE"), std::string::npos);
  setFile("certificate", "certificate.cer", sign(readFile(folder / "system.csr")));
  EXPECT_TRUE(waitFor(20s, [&] {
    const auto shown = current().status->certificate;
    return shown && shown->subject.find("1006601000255") != std::string::npos;
  }));
  await("CertificateTrusted", ConditionStatus::True);
}

}  // namespace
}  // namespace mpay::test
