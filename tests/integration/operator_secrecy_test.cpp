// Nothing secret is repeated: not in a log, status, Event or mail, nor in published objects.
#include <algorithm>
#include <sstream>

#include "crypto/digest.h"
#include "integration/world.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;

class Secrecy : public World {
 protected:
  // From now on everywhere() must not contain `secret`: as it is, line by line for PEM, or in base64 at any offset.
  void hide(const std::string& name, const std::string& secret) {
    std::istringstream lines(secret);
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("-----") && line.size() > 15) needles_.emplace(line, name);
    }
    for (std::size_t offset = 0; offset < 3; ++offset) {
      // The last four characters depend on the text after the secret.
      auto text = crypto::base64(secret.substr(offset, (secret.size() - offset) / 3 * 3));
      if (text.size() > 64) text = text.substr(text.size() / 2, 48);
      needles_.emplace(text, name + ", in base64");
    }
  }

  // Everything that others can read of the operator's output, by its place.
  std::map<std::string, std::string> everywhere() {
    std::map<std::string, std::string> texts{{"the log", readFile(folder / "operator.log")}};
    const auto read = [&](const std::string& path) {
      const auto answer = cluster.admin.request("GET", path, nullptr, "", {});
      ASSERT_TRUE(answer) << answer.error().message;
      auto list = json::parse(*answer).value();
      // A person may show the content of their own form.
      for (auto& item : list.as_object()["items"].as_array()) {
        if (path.find("mpay.gov.md") != std::string::npos && !path.ends_with("mpayvalidations"))
          item.as_object().erase("spec");
      }
      texts[path] = json::canonical(list);
    };
    for (const auto kind : {"mpayintegrations", "mpayenvironments", "mpayvalidations"})
      read(std::string("/apis/mpay.gov.md/v1alpha1/") + kind);
    read("/apis/events.k8s.io/v1/events");
    for (const auto& namespace_ : {testingOut, productionOut}) {
      read("/api/v1/namespaces/" + namespace_ + "/configmaps");
      read("/apis/apps/v1/namespaces/" + namespace_ + "/controllerrevisions");
      read("/apis/networking.k8s.io/v1/namespaces/" + namespace_ + "/networkpolicies");
    }
    for (const auto& message : mail.messages()) texts["a mail"] += message.message;
    return texts;
  }

  void expectNothingSecret() {
    for (const auto& [where, text] : everywhere()) {
      for (const auto& [needle, name] : needles_)
        EXPECT_EQ(text.find(needle), std::string::npos) << name << " in " << where;
    }
  }

 private:
  std::map<std::string, std::string> needles_;  // secret text -> its name
};

std::string derOf(const std::string& pem) {
  std::istringstream lines(pem);
  std::string base64;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("-----")) base64 += line;
  }
  return crypto::fromBase64(base64).value();
}

TEST_F(Secrecy, RepeatsNothingOfAPrivateKeyAPasswordOrASecret) {
  const std::string unrelated = "what the tenant keeps beside its certificate";
  hide("the system's key", certificate.key);
  hide("the authority's key", authority.key());
  hide("the mail server's password", kMailPassword);
  hide("a value that nobody refers to", unrelated);
  cluster.apply(fmt::format(
      "{{apiVersion: v1, kind: Secret, metadata: {{name: identity, namespace: {0}}}, data: {{tls.crt: {1}, tls.key: "
      "{2}, password: {3}}}}}\n---\n"
      "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: identity, namespace: {0}}}, rules: ["
      "{{apiGroups: [''], resources: [secrets], resourceNames: [identity], verbs: [get, list, watch]}}]}}\n---\n"
      "{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: identity, namespace: {0}}}, "
      "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: identity}}, "
      "subjects: [{{kind: ServiceAccount, name: mpay-operator, namespace: mpay-system}}]}}\n",
      tenant, crypto::base64(certificate.certificate), crypto::base64(certificate.key), crypto::base64(unrelated)));
  // A mail server that does not take the password.
  const MailSink stranger(MailSinkOptions{std::nullopt, kMailUser, "another"});
  editEnvironment(production, [&](auto& spec) { spec.notifications.channels[0].smtp->url = stranger.url(); });
  startOperator();
  auto integration = form();
  integration.spec.certificate =
      api::ContentSource{std::nullopt, std::nullopt, api::KeyReference{"identity", "tls.crt"}};
  create(integration);
  promote();
  await("Notified", ConditionStatus::False, "NotificationPending");
  ASSERT_TRUE(waitFor(20s, [&] {
    return api::findCondition(current().status->conditions, "Notified")->message.find("tried again:") !=
           std::string::npos;
  }));
  editEnvironment(production, [&](auto& spec) { spec.notifications.channels[0].smtp->url = mail.url(); });

  const std::string both = certificate.certificate + certificate.key;
  const auto inlined = [&](const std::string& text) { return api::ContentSource{text, std::nullopt, std::nullopt}; };
  const auto ofMap = [&] {
    return api::ContentSource{std::nullopt, api::KeyReference{"certificate", "certificate.cer"}, std::nullopt};
  };
  const auto ofSecret = [&](const std::string& key) {
    return api::ContentSource{std::nullopt, std::nullopt, api::KeyReference{"identity", key}};
  };
  const auto user = [](const api::ContentSource& source) {
    return [source](api::MPayIntegrationSpec& spec) {
      spec.backOfficeUsers = {{"Maria Rusu", "maria.rusu@agentia.example", source}};
    };
  };
  const auto system = [](const api::ContentSource& source) {
    return [source](api::MPayIntegrationSpec& spec) { spec.certificate = source; };
  };
  struct Row {
    std::string name;
    std::function<void(api::MPayIntegrationSpec&)> spoil;
    std::string condition;
    std::string reason;
    std::string file;  // content of the ConfigMap; "": the earlier content
  };
  const std::string isKey = "PrivateKeyInPublicField";
  for (const auto& row : std::vector<Row>{
           {"inline", system(inlined(both)), "CertificateTrusted", isKey, ""},
           {"in a ConfigMap", system(ofMap()), "CertificateTrusted", isKey, both},
           {"alone in a ConfigMap", system(ofMap()), "CertificateTrusted", isKey, certificate.key},
           {"in base64 in a ConfigMap", system(ofMap()), "CertificateTrusted", isKey, crypto::base64(certificate.key)},
           {"among the intermediates, inline",
            [&](auto& spec) { spec.certificate->intermediates = inlined(authority.certificate() + certificate.key); },
            "CertificateTrusted", isKey, certificate.certificate},
           {"as intermediates, in a Secret", [&](auto& spec) { spec.certificate->intermediates = ofSecret("tls.key"); },
            "CertificateTrusted", isKey, ""},
           {"in a Secret", system(ofSecret("tls.key")), "CertificateTrusted", isKey, ""},
           {"no certificate in a Secret", system(ofSecret("password")), "CertificateTrusted", "MalformedCertificate",
            ""},
           {"a user's, inline", user(inlined(certificate.key)), "PrerequisitesMet", isKey, ""},
           {"a user's, in a ConfigMap", user(ofMap()), "PrerequisitesMet", isKey, both},
           {"a user's, in a Secret", user(ofSecret("tls.key")), "PrerequisitesMet", isKey, ""},
           {"as a logo",
            [](auto& spec) {
              spec.service.logo = api::ContentReference{std::nullopt, api::KeyReference{"identity", "tls.key"}};
            },
            "Submitted", isKey, ""}}) {
    SCOPED_TRACE(row.name);
    if (!row.file.empty()) setFile("certificate", "certificate.cer", row.file);
    edit([&](auto& spec) {
      spec = integration.spec;
      row.spoil(spec);
    });
    await(row.condition, ConditionStatus::False, row.reason);
  }
  // As binary data.
  api::ConfigMap binary = configMaps().get({tenant, "certificate"}).value();
  binary.data.clear();
  binary.binaryData["certificate.cer"] = crypto::base64(derOf(certificate.key));
  ASSERT_TRUE(configMaps().replace(binary));
  edit([&](auto& spec) {
    spec = integration.spec;
    spec.certificate = ofMap();
  });
  await("CertificateTrusted", ConditionStatus::False, isKey);
  // A key beside the authorities, which go to the gateway as a bundle.
  const std::string withKey = authority.certificate() + authority.key();
  editEnvironment(testing, [&](auto& spec) { spec.trust.authorities = inlined(withKey); });
  awaitEnvironment(testing, isKey);
  writeFile(folder / "ca.pem", withKey);
  const std::string name = "authorities-" + suffix;
  ASSERT_EQ(cluster.plane
                .kubectl({"create", "configmap", name, "-n", "mpay-system",
                          "--from-file=ca.pem=" + (folder / "ca.pem").string()})
                .code,
            0);
  editEnvironment(production, [&](auto& spec) {
    spec.trust.authorities = {std::nullopt, api::KeyReference{name, "ca.pem"}, std::nullopt};
  });
  awaitEnvironment(production, isKey);
  // With the right mail server and everything mended, the operator goes on.
  editEnvironment(testing, [&](auto& spec) { spec.trust.authorities = inlined(authority.certificate()); });
  editEnvironment(production, [&](auto& spec) { spec.trust.authorities = inlined(authority.certificate()); });
  edit([&](auto& spec) { spec = integration.spec; });
  await("Notified", ConditionStatus::True, "Sent");

  expectNothingSecret();
  const auto texts = everywhere();
  EXPECT_NE(texts.at("/apis/events.k8s.io/v1/events").find(isKey), std::string::npos) << "it was told";
  EXPECT_NE(texts.at("/apis/mpay.gov.md/v1alpha1/mpayintegrations").find(tenant), std::string::npos);
  EXPECT_EQ(mail.messages().size(), 1u);
}

}  // namespace
}  // namespace mpay::test
