// What the gateway admits: real nginx and HAProxy, configured only from what the operator published.
#include <unistd.h>

#include <array>
#include <set>
#include <sstream>

#include "base/synchronized.h"
#include "integration/world.h"
#include "support/revocation.h"
#include "unit/net/scripted_server.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;

struct Kind {
  std::string configuration;         // in tests/demo
  std::vector<std::string> command;  // and the configuration's path behind it
};

const Kind kKinds[] = {
    {"gateway.conf", {"/usr/sbin/nginx", "-e", "@FOLDER@/error.log", "-g", "daemon off;", "-p", "@FOLDER@", "-c"}},
    {"haproxy.cfg", {"/usr/sbin/haproxy", "-db", "-f"}}};

class Gateways : public World {
 protected:
  // A gateway with the files of one environment.
  struct Gateway {
    TempDir files;
    int port = freePort();
    Process process;
  };

  void configure(Gateway& gateway, const Kind& kind, const std::string& outputNamespace) {
    const auto identity = authority.issue({});
    writeFile(gateway.files / "gateway.pem", identity.certificate);
    writeFile(gateway.files / "gateway.key", identity.key);
    writeFile(gateway.files / "gateway.crt-and-key", identity.certificate + identity.key);
    for (const auto object : {"mpay-authorities", "mpay-clients", "mpay-allowlist", "mpay-haproxy"}) {
      const auto found = configMaps().get({outputNamespace, object});
      ASSERT_TRUE(found) << object;
      for (const auto& [name, text] : found->data) writeFile(gateway.files / name, text);
    }
    const auto path = gateway.files.path().string();
    writeFile(gateway.files / kind.configuration, gatewayConfiguration(kind.configuration, gateway.port, path, path));
  }

  void start(Gateway& gateway, const Kind& kind, const std::string& outputNamespace = "") {
    configure(gateway, kind, outputNamespace.empty() ? testingOut : outputNamespace);
    auto command = kind.command;
    for (auto& word : command) word = replaced(word, "@FOLDER@", gateway.files.path().string());
    command.push_back(gateway.files / kind.configuration);
    gateway.process = Process(command, gateway.files / "log", {}, SIGTERM);
    ASSERT_TRUE(waitFor(10s, [&] {
      return run({"curl", "-ks", "-o", "/dev/null", url(gateway)}).code == 0;
    })) << readFile(gateway.files / "log");
  }

  static std::string serviceOf(const std::string& name) { return "SERVICE-" + name; }
  static std::string url(const Gateway& gateway) { return fmt::format("https://127.0.0.1:{}/", gateway.port); }

  // What a client gets that calls from that address; with no certificate where that is empty.
  std::string call(const Gateway& gateway, const std::string& from, const std::optional<Identity>& client) const {
    std::vector<std::string> command{
        "curl",      "-ks", "--interface", from, "-w", "\n%{http_code}", "-H", "X-MPay-Services: SERVICE-a,SERVICE-b",
        url(gateway)};
    if (client) {
      writeFile(folder / "client.pem", client->certificate);
      writeFile(folder / "client.key", client->key);
      for (const auto* word : {"--cert", "client.pem", "--key", "client.key"})
        command.emplace_back(word[0] == '-' ? std::string(word) : (folder / word).string());
    }
    const auto output = run(command).output;
    const auto code = output.substr(output.rfind('\n') + 1);
    return code == "200" ? output.substr(0, output.rfind('\n')) : code;
  }
};

TEST_F(Gateways, AdmitExactlyWhoseCertificateAndAddressBelongTogether) {
  editEnvironment(testing, [](auto& spec) {
    spec.addresses.permitted = {"127.0.0.0/8", "203.0.113.0/24"};
    spec.addresses.shared = {"127.0.1.0/24"};
    spec.allowlist.targets.push_back(
        {"haproxy", api::AllowlistConfigMap{"mpay-haproxy", api::AllowlistFormat::HAProxy}, std::nullopt});
    spec.allowlist.targets.push_back(
        {"prefixes", api::AllowlistConfigMap{"mpay-prefixes", api::AllowlistFormat::CIDR}, std::nullopt});
  });
  startOperator();
  awaitEnvironment(testing, "Published");
  const auto stranger = authority.issue({});
  for (const auto& kind : kKinds) {
    Gateway empty;
    start(empty, kind);
    EXPECT_EQ(call(empty, "127.0.0.2", stranger), "403") << kind.configuration << " loads with nobody, and denies";
  }

  struct Client {
    std::string name;
    std::vector<std::string> addresses;
    Identity identity;
  };
  std::vector<Client> clients;
  for (const auto& [name, addresses] : {std::pair<std::string, std::vector<std::string>>{"a", {"127.0.0.2"}},
                                        {"b", {"127.0.0.4/30", "127.0.1.9"}},
                                        {"c", {"127.0.1.8/29"}},
                                        {"d", {"127.0.0.3", "127.0.1.9"}}}) {
    clients.push_back({name, addresses, authority.issue({})});
    auto integration = form(name, serviceOf(name));
    integration.spec.targetStage = api::Stage::Testing;
    integration.spec.certificate = api::ContentSource{clients.back().identity.certificate, std::nullopt, std::nullopt};
    integration.spec.endpoints.testing->addresses = addresses;
    create(integration);
  }
  for (const auto& client : clients) await("TestEnvironmentReady", ConditionStatus::True, "", client.name);
  const Authority another;
  const auto foreign = another.issue({});
  // Who may call from where.
  const std::map<std::string, std::string> owners{{"127.0.0.2", "a"}, {"127.0.0.3", "d"},   {"127.0.0.4", "b"},
                                                  {"127.0.0.7", "b"}, {"127.0.0.8", ""},    {"127.0.1.7", ""},
                                                  {"127.0.1.8", "c"}, {"127.0.1.9", "bcd"}, {"127.0.1.16", ""}};
  for (const auto& kind : kKinds) {
    Gateway gateway;
    start(gateway, kind);
    for (const auto& [address, allowed] : owners) {
      for (const auto& client : clients) {
        const bool admitted = allowed.find(client.name) != std::string::npos;
        EXPECT_EQ(call(gateway, address, client.identity), admitted ? "admitted as " + serviceOf(client.name) : "403")
            << kind.configuration << ": " << client.name << " from " << address;
      }
      EXPECT_EQ(call(gateway, address, stranger), "403") << kind.configuration << ": of the same authority";
      EXPECT_EQ(call(gateway, address, foreign), "400") << kind.configuration << ": of another authority";
      EXPECT_EQ(call(gateway, address, std::nullopt), "400") << kind.configuration << ": without a certificate";
    }
  }
  EXPECT_EQ(published(testingOut, "mpay-prefixes", "allowlist.txt"), "127.0.0.2/31\n127.0.0.4/30\n127.0.1.8/29\n");
}

TEST_F(Gateways, CloseToWhomAListRevokesAndToNobodyElse) {
  Synchronized<std::string> list(makeList(signerOf(authority)));
  ScriptedServer server([&](const auto&, auto, const auto& peer) { peer.answer(200, list.copy()); });
  editEnvironment(testing, [&](auto& spec) {
    spec.addresses.permitted = {"127.0.0.0/8"};
    spec.allowlist.targets.push_back(
        {"haproxy", api::AllowlistConfigMap{"mpay-haproxy", api::AllowlistFormat::HAProxy}, std::nullopt});
    spec.trust.revocation = {.mode = api::RevocationMode::CRL,
                             .interval = "5s",
                             .url = server.url() + "/list.crl",
                             .permitted = {"127.0.0.0/8"}};
  });
  startOperator();
  std::map<std::string, Identity> clients;
  const std::map<std::string, std::string> addresses{{"a", "127.0.0.2"}, {"b", "127.0.0.3"}};
  for (const auto& [name, address] : addresses) {
    clients[name] = authority.issue({});
    auto integration = form(name, serviceOf(name));
    integration.spec.targetStage = api::Stage::Testing;
    integration.spec.certificate = api::ContentSource{clients[name].certificate, std::nullopt, std::nullopt};
    integration.spec.endpoints.testing->addresses = {address};
    create(integration);
  }
  for (const auto& [name, address] : addresses) await("TestEnvironmentReady", ConditionStatus::True, "", name);
  const auto expect = [&](const std::string& ofA) {
    for (const auto& kind : kKinds) {
      Gateway gateway;
      start(gateway, kind);
      EXPECT_EQ(call(gateway, addresses.at("a"), clients["a"]), ofA) << kind.configuration;
      EXPECT_EQ(call(gateway, addresses.at("b"), clients["b"]), "admitted as " + serviceOf("b")) << kind.configuration;
    }
  };
  expect("admitted as " + serviceOf("a"));
  const auto revoked = makeList(signerOf(authority), {.revoked = {{clients["a"].certificate, 1}}});
  list.with([&](auto& now) { now = revoked; });
  await("CertificateTrusted", ConditionStatus::False, "CertificateRevoked", "a");
  EXPECT_TRUE(waitFor(10s, [&] {
    return published(testingOut, "mpay-clients", "clients.map").find(serviceOf("a")) == std::string::npos;
  }));
  expect("403");
}

// Thirteen digits, the last of them the checksum.
std::string idnoOf(std::size_t i) {
  auto digits = fmt::format("10106000{:04}", i);
  int sum = 0;
  for (std::size_t at = 0; at < digits.size(); ++at) sum += (digits[at] - '0') * std::array{7, 3, 1}[at % 3];
  return digits + std::to_string(sum % 10);
}

// Fifty services' certificates, each from each one's address, at both gateways. Each is of another beneficiary with a
// namespace of its own, but for the first three, which go to production.
TEST_F(Gateways, AdmitEachOfFiftyFromItsOwnAddressesAlone) {
  constexpr std::size_t kFifty = 50, kInProduction = 3;
  for (const auto& environment : {testing, production}) {
    editEnvironment(environment, [](auto& spec) {
      spec.addresses.permitted = {"127.0.0.0/8"};
      spec.addresses.shared = {"127.0.3.0/24"};
      spec.allowlist.targets.push_back(
          {"haproxy", api::AllowlistConfigMap{"mpay-haproxy", api::AllowlistFormat::HAProxy}, std::nullopt});
    });
  }
  startOperator();
  awaitEnvironment(testing, "Published");
  // Each has an address of its own; every fifth shares one with the next.
  std::vector<Identity> identities;
  std::vector<std::set<std::string>> addresses(kFifty);
  const auto name = [](std::size_t i) { return fmt::format("of-fifty-{:02}", i); };
  std::vector<std::string> namespaces;
  for (std::size_t i = 0; i < kFifty; ++i) namespaces.push_back(i < kInProduction ? tenant : anotherTenant(idnoOf(i)));
  const auto productionAddress = [](std::size_t i) { return fmt::format("127.0.4.{}", i + 1); };
  for (std::size_t i = 0; i < kFifty; ++i) {
    addresses[i].insert(fmt::format("127.0.2.{}", i + 1));
    if (i % 5 == 0) {
      addresses[i].insert(fmt::format("127.0.3.{}", i + 1));
      addresses[i + 1].insert(fmt::format("127.0.3.{}", i + 1));
    }
  }
  std::set<std::string> all;
  for (std::size_t i = 0; i < kFifty; ++i) {
    // The operator goes in the middle, and takes up what came without it.
    if (i == kFifty / 2) killOperator();
    identities.push_back(authority.issue({}));
    auto integration = form(name(i), serviceOf(name(i)));
    integration.metadata.namespace_ = namespaces[i];
    integration.spec.endpoints.production->addresses = {productionAddress(i)};
    if (i >= kInProduction) {
      integration.spec.beneficiary.idno = idnoOf(i);
      integration.spec.targetStage = api::Stage::Testing;
    }
    integration.spec.certificate = api::ContentSource{identities.back().certificate, std::nullopt, std::nullopt};
    integration.spec.endpoints.testing->addresses = {addresses[i].begin(), addresses[i].end()};
    create(integration);
    all.insert(addresses[i].begin(), addresses[i].end());
    writeFile(folder / fmt::format("{}.pem", i), identities.back().certificate + identities.back().key);
  }
  startOperator();
  for (std::size_t i = 0; i < kFifty; ++i)
    await("TestEnvironmentReady", ConditionStatus::True, "", namespaces[i] + "/" + name(i));
  for (std::size_t i = 0; i < kInProduction; ++i) promote(name(i));
  const auto before = outputs(testingOut), inProduction = outputs(productionOut);
  // One more restart changes nothing.
  killOperator();
  startOperator();
  awaitEnvironment(testing, "Published");
  for (const auto& kind : kKinds) {
    Gateway gateway;
    start(gateway, kind);
    // One process, a connection for each pair: "answer|status|i|address".
    std::string transfers;
    for (std::size_t i = 0; i < kFifty; ++i) {
      for (const auto& address : all) {
        if (!transfers.empty()) transfers += "next\n";
        transfers += fmt::format(
            "url = \"{}\"\ninsecure\nsilent\ninterface = \"{}\"\ncert = \"{}\"\nno-keepalive\n"
            "write-out = \"|%{{http_code}}|{}|{}\\n\"\n",
            url(gateway), address, (folder / fmt::format("{}.pem", i)).string(), i, address);
      }
    }
    writeFile(folder / "transfers", transfers);
    const auto begin = std::chrono::steady_clock::now();
    const auto done = run({"curl", "-K", folder / "transfers"});
    ASSERT_EQ(done.code, 0) << done.output.substr(0, 2000);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::map<std::pair<std::size_t, std::string>, std::string> answers;
    std::istringstream lines(done.output);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line);
      std::string answer, status, i, address;
      // A refusal of nginx's ends its own line.
      if (!line.starts_with("|") && line.find('|') == std::string::npos) continue;
      std::getline(words, answer, '|');
      std::getline(words, status, '|');
      std::getline(words, i, '|');
      std::getline(words, address, '|');
      if (status.empty() || i.empty()) continue;
      answers[{std::stoul(i), address}] = status == "200" ? answer : status;
    }
    ASSERT_EQ(answers.size(), kFifty * all.size()) << done.output.substr(0, 2000);
    std::cout << kind.configuration << ": " << answers.size() << " connections in " << took.count() << " s\n";
    std::size_t wrong = 0, admitted = 0;
    for (const auto& [pair, answer] : answers) {
      const bool belongs = addresses[pair.first].contains(pair.second);
      admitted += belongs;
      if (answer == (belongs ? "admitted as " + serviceOf(name(pair.first)) : "403")) continue;
      if (++wrong < 5) ADD_FAILURE() << name(pair.first) << " from " << pair.second << " got " << answer;
    }
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(admitted, 70u) << "fifty of their own, and ten that two share";
  }
  EXPECT_EQ(outputs(testingOut), before);
  // Production admits who was promoted, and from the addresses of production; nobody of the others.
  EXPECT_EQ(outputs(productionOut), inProduction);
  for (const auto& kind : kKinds) {
    Gateway gateway;
    start(gateway, kind, productionOut);
    for (std::size_t i = 0; i < kInProduction + 2; ++i) {
      for (const auto& address : {productionAddress(0), productionAddress(1), productionAddress(2),
                                  productionAddress(3), *addresses[0].begin()}) {
        const bool belongs = i < kInProduction && address == productionAddress(i);
        EXPECT_EQ(call(gateway, address, identities[i]), belongs ? "admitted as " + serviceOf(name(i)) : "403")
            << kind.configuration << ": " << name(i) << " from " << address;
      }
    }
  }
}

TEST_F(Gateways, AdmitAClientOverTheIntermediatesThatItSends) {
  editEnvironment(testing, [](auto& spec) {
    spec.addresses.permitted = {"127.0.0.0/8"};
    spec.allowlist.targets.push_back(
        {"haproxy", api::AllowlistConfigMap{"mpay-haproxy", api::AllowlistFormat::HAProxy}, std::nullopt});
  });
  startOperator();
  const Authority issuing = authority.subordinate("STISC Model Issuing CA");
  const auto alone = issuing.issue({});
  auto withChain = alone;
  withChain.certificate += issuing.certificate();
  auto integration = form("a", serviceOf("a"));
  integration.spec.targetStage = api::Stage::Testing;
  integration.spec.certificate = api::ContentSource{alone.certificate, std::nullopt, std::nullopt};
  integration.spec.certificate->intermediates = api::ContentSource{issuing.certificate(), std::nullopt, std::nullopt};
  integration.spec.endpoints.testing->addresses = {"127.0.0.2"};
  create(integration);
  await("TestEnvironmentReady", ConditionStatus::True, "", "a");
  EXPECT_EQ(published(testingOut, "mpay-authorities", "authorities.pem"), authority.certificate())
      << "what a form gives is nobody's authority";
  for (const auto& kind : kKinds) {
    Gateway gateway;
    start(gateway, kind);
    EXPECT_EQ(call(gateway, "127.0.0.2", withChain), "admitted as " + serviceOf("a")) << kind.configuration;
    EXPECT_EQ(call(gateway, "127.0.0.2", alone), "400") << kind.configuration;
  }
  // The platform trusts the issuing authority too: the certificate alone is enough.
  editEnvironment(
      testing, [&](auto& spec) { spec.trust.authorities.inline_ = authority.certificate() + issuing.certificate(); });
  ASSERT_TRUE(waitFor(20s, [&] {
    return published(testingOut, "mpay-authorities", "authorities.pem").find(issuing.certificate()) !=
           std::string::npos;
  }));
  for (const auto& kind : kKinds) {
    Gateway gateway;
    start(gateway, kind);
    for (const auto& client : {withChain, alone})
      EXPECT_EQ(call(gateway, "127.0.0.2", client), "admitted as " + serviceOf("a")) << kind.configuration;
  }
}

}  // namespace
}  // namespace mpay::test
