// A real nginx, configured like the demonstration's gateways, loads the published files and admits exactly the
// published clients: none, one, and as many as may share an address.
#include "integration/world.h"
#include "support/nginx.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;

class PublishedFiles : public World {
 protected:
  PublishedFiles() {
    CertificateOptions server;
    server.commonName = "localhost";
    server.alternativeNames = "DNS:localhost,IP:127.0.0.1";
    const Identity identity = authority.issue(server);
    writeFile(folder / "gateway.pem", identity.certificate);
    writeFile(folder / "gateway.key", identity.key);
    writeFile(folder / "ca.pem", authority.certificate());
    nginx.configureWhole(gatewayConfiguration("gateway.conf", port, nginx.folder().string(), folder.path().string()));
  }

  // Puts the published files where a volume would, and loads them.
  void load() {
    for (const auto& [object, file] :
         {std::pair("mpay-authorities", "authorities.pem"), std::pair("mpay-clients", "clients.conf"),
          std::pair("mpay-clients", "admitted.conf"), std::pair("mpay-allowlist", "allowlist.conf")}) {
      const auto text = published(testingOut, object, file);
      ASSERT_NE(text, "") << file;
      writeFile(nginx.folder() / file, text);
    }
    const auto check = nginx.check();
    ASSERT_EQ(check.code, 0) << check.output;
    if (nginx.running()) {
      nginx.reload();
    } else {
      nginx.start();
    }
  }

  // The gateway's answer to a call from that address with that certificate.
  std::string call(const std::string& address, const Identity& identity) {
    writeFile(folder / "client.pem", identity.certificate);
    writeFile(folder / "client.key", identity.key);
    return run({"curl", "--silent", "--max-time", "10", "--interface", address, "--cacert", folder / "ca.pem", "--cert",
                folder / "client.pem", "--key", folder / "client.key", fmt::format("https://localhost:{}/", port)})
        .output;
  }
  void expectAnswer(const std::string& address, const Identity& identity, const std::string& answer) {
    std::string last;
    EXPECT_TRUE(waitFor(10s, [&] { return (last = call(address, identity)) == answer; })) << last;
  }

  const int port = freePort();
  const std::string nobody = "not admitted\n";
  Nginx nginx{""};
};

TEST_F(PublishedFiles, LoadWhoeverIsInThemAndAdmitExactlyThose) {
  const std::string shared = "127.0.0.20";
  editEnvironment(testing, [&](auto& spec) {
    spec.addresses.permitted = {"127.0.0.0/8"};
    spec.addresses.shared = {shared + "/32"};
  });
  startOperator();
  awaitEnvironment(testing, "Published");
  ASSERT_NO_FATAL_FAILURE(load());
  expectAnswer("127.0.0.10", certificate, nobody);

  const auto ofTesting = [&](const std::string& name, const std::string& serviceID, const std::string& address) {
    auto integration = form(name, serviceID);
    integration.spec.targetStage = api::Stage::Testing;
    integration.spec.endpoints.testing->addresses = {address};
    return integration;
  };
  create(ofTesting("certificates", "", "127.0.0.10"));
  await("TestEnvironmentReady", ConditionStatus::True);
  ASSERT_NO_FATAL_FAILURE(load());
  expectAnswer("127.0.0.10", certificate, "admitted as AM-" + suffix);
  EXPECT_EQ(call(shared, certificate), nobody) << "another address";
  EXPECT_EQ(call("127.0.0.10", authority.issue({})), nobody) << "another certificate";

  // The most clients that may share an address, with the longest names.
  constexpr std::size_t kSharers = 100;
  std::map<std::string, Identity> identities;
  for (std::size_t i = 0; i <= kSharers; ++i) {
    const std::string name = fmt::format("sharer-{}", i);
    std::string serviceID = fmt::format("{}-{:03}-", suffix, i);
    serviceID.resize(36, 'X');
    auto integration = ofTesting(name, serviceID, shared);
    const auto& identity = identities[serviceID] = authority.issue({});
    integration.spec.certificate = api::ContentSource{identity.certificate, std::nullopt, std::nullopt};
    create(integration);
    // The last one finds the address full.
    if (i + 1 == kSharers) {
      for (std::size_t before = 0; before < kSharers; ++before)
        await("TestEnvironmentReady", ConditionStatus::True, "", fmt::format("sharer-{}", before));
    }
  }
  await("TestEnvironmentReady", ConditionStatus::False, "AddressConflict", fmt::format("sharer-{}", kSharers));
  load();
  for (const auto& [serviceID, identity] : identities) {
    const bool late = serviceID == identities.rbegin()->first;
    if (!late && serviceID != identities.begin()->first && serviceID.find("050") == std::string::npos) continue;
    expectAnswer(shared, identity, late ? nobody : "admitted as " + serviceID);
    EXPECT_EQ(call("127.0.0.10", identity), nobody) << serviceID;
  }
  EXPECT_EQ(call(shared, certificate), nobody);
  expectAnswer("127.0.0.10", certificate, "admitted as AM-" + suffix);

  // No clients again.
  const auto deleted = cluster.admin.request(
      "DELETE", "/apis/mpay.gov.md/v1alpha1/namespaces/" + tenant + "/mpayintegrations", nullptr, "", {});
  ASSERT_TRUE(deleted) << deleted.error().message;
  ASSERT_TRUE(waitFor(20s, [&] {
    return published(testingOut, "mpay-allowlist", "allowlist.conf") ==
           "geo $mpay_address_service {\n    default \"\";\n}\n";
  }));
  ASSERT_TRUE(waitFor(
      20s, [&] { return published(testingOut, "mpay-clients", "clients.conf").find("\"AM-") == std::string::npos; }));
  load();
  expectAnswer("127.0.0.10", certificate, nobody);
}

}  // namespace
}  // namespace mpay::test
