// Clients behind a load balancer: nginx and HAProxy take each address for the same one.
#include "gateway/rendering.h"
#include "integration/world.h"
#include "support/tls_client.h"

namespace mpay::test {
namespace {

struct Gateway {
  std::string configuration, listens, listensBehindProxy;
  std::vector<std::string> command;
};

const Gateway kGateways[] = {
    {"gateway.conf",
     " ssl;\n",
     " ssl proxy_protocol;\n    set_real_ip_from 127.0.0.1;\n    real_ip_header proxy_protocol;\n",
     {"/usr/sbin/nginx", "-e", "@FOLDER@/error.log", "-g", "daemon off;", "-p", "@FOLDER@", "-c"}},
    {"haproxy.cfg", " ssl crt", " accept-proxy ssl crt", {"/usr/sbin/haproxy", "-db", "-f"}}};

// The files of an environment with one service, for this client and these addresses.
std::map<std::string, std::string> publishedFor(const Authority& authority, const Identity& client,
                                                std::vector<std::string> addresses) {
  ledger::Fragment fragment;
  fragment.serviceID = "SERVICE-a";
  fragment.addresses = std::move(addresses);
  fragment.certificates = {ledger::fingerprintsOf(crypto::Certificate::parse(client.certificate).value())};
  api::MPayEnvironmentSpec spec;
  spec.outputNamespace = "out";
  spec.trust.bundles = {{"authorities", api::BundleFormat::PEM}, {"clients", api::BundleFormat::FingerprintMap}};
  spec.allowlist.targets = {{"nginx", api::AllowlistConfigMap{"nginx", api::AllowlistFormat::Nginx}, {}},
                            {"haproxy", api::AllowlistConfigMap{"haproxy", api::AllowlistFormat::HAProxy}, {}}};
  const auto authorities = crypto::Authorities::parse(authority.certificate()).value();
  const auto aggregates = gateway::renderAggregates(spec, "testing", &authorities, {{"a", fragment}});
  std::map<std::string, std::string> files;
  for (const auto& published : aggregates.configMaps)
    files.insert(published.index.data.begin(), published.index.data.end());
  return files;
}

TEST(GatewayAddresses, AreTakenForWhatTheyAreByBoth) {
  const Authority authority;
  const auto client = authority.issue({}), server = authority.issue({.commonName = "localhost"});
  const auto files = publishedFor(authority, client, {"8.8.8.8/31", "2a00:1450::/32", "2001:4860:808:808::/64"});
  struct Row {
    std::string address;
    bool isAdmitted;
  };
  const Row rows[] = {
      {"8.8.8.8", true},
      {"8.8.8.9", true},
      {"8.8.8.10", false},
      {"2a00:1450::1", true},
      {"2a00:1451::1", false},
      {"2001:4860:808:808::1", true},
      {"::ffff:8.8.8.8", true},  // the same address, on a dual-stack socket
      {"::ffff:8.8.8.10", false},
      // Other addresses that contain 8.8.8.8.
      {"::8.8.8.8", false},
      {"::808:809", false},
      {"2002:808:808::", false},
      {"2002:808:808::1", false},
      {"2002:808:809:1::1", false},
      {"64:ff9b::808:808", false},
      {"64:ff9b:1::808:808", false},
      {"2001:0:808:808::", false},
      {"808:808::", false},
      {"::1", false},
  };
  for (const auto& gateway : kGateways) {
    TempDir folder;
    const auto path = folder.path().string();
    for (const auto& [name, text] : files) writeFile(folder / name, text);
    writeFile(folder / "gateway.pem", server.certificate);
    writeFile(folder / "gateway.key", server.key);
    writeFile(folder / "gateway.crt-and-key", server.certificate + server.key);
    const int port = freePort();
    const auto documented = gatewayConfiguration(gateway.configuration, port, path, path);
    const auto behindProxy = replaced(documented, gateway.listens, gateway.listensBehindProxy);
    ASSERT_NE(behindProxy, documented) << gateway.configuration;
    writeFile(folder / gateway.configuration, behindProxy);
    auto command = gateway.command;
    for (auto& word : command) word = replaced(word, "@FOLDER@", path);
    command.push_back(folder / gateway.configuration);
    Process process(command, folder / "log", {}, SIGTERM);
    const auto from = [&](const std::string& address) {
      const bool isV6 = address.find(':') != std::string::npos;
      return callTls({.port = port,
                      .preface = fmt::format("PROXY {} {} {} 40000 443\r\n", isV6 ? "TCP6" : "TCP4", address,
                                             isV6 ? "2001:db8::1" : "192.0.2.1"),
                      .certificate = client.certificate,
                      .key = client.key});
    };
    ASSERT_TRUE(waitFor(10s, [&] { return from("8.8.8.8").status == 200; })) << readFile(folder / "log");
    for (const auto& row : rows) {
      const auto answer = from(row.address);
      EXPECT_EQ(answer.status, row.isAdmitted ? 200 : 403) << gateway.configuration << " from " << row.address;
      if (row.isAdmitted) {
        EXPECT_EQ(answer.body, "admitted as SERVICE-a") << gateway.configuration << " from " << row.address;
      }
    }
  }
}

}  // namespace
}  // namespace mpay::test
