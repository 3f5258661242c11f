// Clients that the gateway admits: real nginx and HAProxy, configured only from the published files.
#include <unistd.h>

#include <array>
#include <set>
#include <sstream>

#include "base/synchronized.h"
#include "crypto/x509.h"
#include "integration/world.h"
#include "support/revocation.h"
#include "unit/net/scripted_server.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;

struct Kind {
  std::string configuration;         // a file in tests/demo
  std::vector<std::string> command;  // followed by the configuration's path
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

  // The answer to a client that calls from that address; without a client certificate if `client` is empty.
  std::string call(const Gateway& gateway, const std::string& from, const std::optional<Identity>& client,
                   const std::string& path = "") const {
    std::vector<std::string> command{"curl",
                                     "-ks",
                                     "--path-as-is",
                                     "--interface",
                                     from,
                                     "-w",
                                     "\n%{http_code}",
                                     "-H",
                                     "X-MPay-Service: SERVICE-a,SERVICE-b,SERVICE-c",
                                     url(gateway) + path};
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
  // The client that may call from each address.
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

// One certificate of a beneficiary's information system, which offers three services from two addresses.
TEST_F(Gateways, AdmitForTheServicesThatCertificateAndAddressShare) {
  editEnvironment(testing, [](auto& spec) {
    spec.addresses.permitted = {"127.0.0.0/8"};
    spec.allowlist.targets.push_back(
        {"haproxy", api::AllowlistConfigMap{"mpay-haproxy", api::AllowlistFormat::HAProxy}, std::nullopt});
  });
  startOperator();
  const auto identity = authority.issue({});
  const std::map<std::string, std::vector<std::string>> services{
      {"a", {"127.0.0.2", "127.0.0.3"}}, {"b", {"127.0.0.2"}}, {"c", {"127.0.0.2", "127.0.0.4"}}};
  const auto create_ = [&](const std::string& name, const Identity& with, const std::vector<std::string>& addresses) {
    auto integration = form(name, serviceOf(name));
    integration.spec.targetStage = api::Stage::Testing;
    integration.spec.certificate = api::ContentSource{with.certificate, std::nullopt, std::nullopt};
    integration.spec.endpoints.testing->addresses = addresses;
    create(integration);
  };
  create_("a", identity, services.at("a"));
  await("TestEnvironmentReady", ConditionStatus::True, "", "a");
  const auto digest = current("a").status->digest;
  for (const auto* name : {"b", "c"}) create_(name, identity, services.at(name));
  // A fourth service of the beneficiary has its own certificate and the same address.
  const auto another = authority.issue({});
  create_("d", another, {"127.0.0.2"});
  for (const auto* name : {"a", "b", "c", "d"}) await("TestEnvironmentReady", ConditionStatus::True, "", name);

  struct Row {
    std::string from, path, answer;  // the answer: the services, or a status
  };
  const std::vector<Row> rows{
      {"127.0.0.2", "", "abc"},
      {"127.0.0.3", "", "a"},
      {"127.0.0.4", "", "c"},
      {"127.0.0.5", "", "403"},
      {"127.0.0.2", "api/invoices?serviceID=SERVICE-b&orderKey=1", "b"},
      {"127.0.0.2", "api/invoices?orderKey=1&ServiceId=SERVICE-c", "c"},
      {"127.0.0.3", "api/invoices?serviceID=SERVICE-b", "403"},
      {"127.0.0.2", "api/invoices?serviceID=SERVICE-d", "403"},
      {"127.0.0.2", "api/invoices?serviceID=SERVICE", "403"},
      {"127.0.0.2", "api/invoices?serviceID=", "403"},
      {"127.0.0.2", "api/invoices?serviceID", "403"},
      {"127.0.0.2", "api/invoices?serviceID=SERVICE-a,SERVICE-b", "403"},
      {"127.0.0.2", "api/invoices?serviceID=SERVICE-a&serviceID=SERVICE-b", "403"},
      {"127.0.0.2", "api/invoices?serviceID&serviceID=SERVICE-b", "403"},
      {"127.0.0.2", "api/invoices?serviceID=SERVICE-a&x=1&SERVICEID=SERVICE-a", "403"},
      {"127.0.0.2", "api/invoices?service%49D=SERVICE-d", "403"},
      {"127.0.0.2", "api/invoices?serviceID=SERVICE-a&%73erviceI%64=SERVICE-d", "403"},
      {"127.0.0.2", "api/invoices?myserviceID=SERVICE-d&serviceIDs=SERVICE-d", "abc"},
      {"127.0.0.2", "PosTerminal/Pay/SERVICE-b/1", "b"},
      {"127.0.0.2", "PosTerminal/Pay/SERVICE-d/1", "403"},
      {"127.0.0.2", "posterminal/PAY/SERVICE-d/1", "403"},
      {"127.0.0.2", "/PosTerminal//Pay/SERVICE-d/1", "403"},
      {"127.0.0.2", "PosTerminal/%50ay/SERVICE-d/1", "403"},
      {"127.0.0.2", "PosTerminal/x/../Pay/SERVICE-d/1", "403"},
      {"127.0.0.2", "PosTerminal/Pay", "403"},
      {"127.0.0.2", "PosTerminal/Pay/SERVICE-b/1?serviceID=SERVICE-b", "b"},
      {"127.0.0.2", "PosTerminal/Pay/SERVICE-b/1?serviceID=SERVICE-a", "403"},
      {"127.0.0.2", "PosTerminal/Configure", "abc"},
  };
  const auto answerOf = [](const std::string& expected) {
    if (expected == "403") return expected;
    std::vector<std::string> names;
    for (const char name : expected) names.push_back(serviceOf({name}));
    return fmt::format("admitted as {}", fmt::join(names, ","));
  };
  for (const auto& kind : kKinds) {
    Gateway gateway;
    start(gateway, kind);
    for (const auto& row : rows) {
      EXPECT_EQ(call(gateway, row.from, identity, row.path), answerOf(row.answer))
          << kind.configuration << ": " << row.from << " " << row.path;
    }
    EXPECT_EQ(call(gateway, "127.0.0.2", another), answerOf("d")) << kind.configuration;
    EXPECT_EQ(call(gateway, "127.0.0.3", another), "403") << kind.configuration;
  }

  // One of the three services leaves; one takes another certificate, without an overlap.
  editEnvironment(testing, [](auto& spec) { spec.trust.overlap = "0s"; });
  ASSERT_TRUE(integrations().remove({tenant, "b"}, {}));
  edit([&](auto& spec) { spec.certificate->inline_ = another.certificate; }, "c");
  const auto sha256 = crypto::Certificate::parse(identity.certificate).value().sha256();
  EXPECT_TRUE(waitFor(20s, [&] {
    return published(testingOut, "mpay-clients", "clients.map").find(sha256 + " SERVICE-a\n") != std::string::npos;
  })) << published(testingOut, "mpay-clients", "clients.map");
  for (const auto& kind : kKinds) {
    Gateway gateway;
    start(gateway, kind);
    EXPECT_EQ(call(gateway, "127.0.0.2", identity), answerOf("a")) << kind.configuration;
    EXPECT_EQ(call(gateway, "127.0.0.4", identity), "403") << kind.configuration;
    EXPECT_EQ(call(gateway, "127.0.0.4", another), answerOf("c")) << kind.configuration;
    EXPECT_EQ(call(gateway, "127.0.0.2", another), answerOf("cd")) << kind.configuration;
  }
  EXPECT_EQ(current("a").status->digest, digest) << "each is validated by itself";
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
  // A second service has the certificate of "a".
  auto second = form("a-second", serviceOf("a-second"));
  second.spec.targetStage = api::Stage::Testing;
  second.spec.certificate = api::ContentSource{clients["a"].certificate, std::nullopt, std::nullopt};
  second.spec.endpoints.testing->addresses = {addresses.at("a"), "127.0.0.4"};
  create(second);
  for (const auto* name : {"a", "a-second", "b"}) await("TestEnvironmentReady", ConditionStatus::True, "", name);
  const auto expect = [&](const std::string& ofA, const std::string& ofTheSecond) {
    for (const auto& kind : kKinds) {
      Gateway gateway;
      start(gateway, kind);
      EXPECT_EQ(call(gateway, addresses.at("a"), clients["a"]), ofA) << kind.configuration;
      EXPECT_EQ(call(gateway, "127.0.0.4", clients["a"]), ofTheSecond) << kind.configuration;
      EXPECT_EQ(call(gateway, addresses.at("b"), clients["b"]), "admitted as " + serviceOf("b")) << kind.configuration;
    }
  };
  expect(fmt::format("admitted as {},{}", serviceOf("a"), serviceOf("a-second")),
         "admitted as " + serviceOf("a-second"));
  const auto revoked = makeList(signerOf(authority), {.revoked = {{clients["a"].certificate, 1}}});
  list.with([&](auto& now) { now = revoked; });
  for (const auto* name : {"a", "a-second"})
    await("CertificateTrusted", ConditionStatus::False, "CertificateRevoked", name);
  EXPECT_TRUE(waitFor(10s, [&] {
    return published(testingOut, "mpay-clients", "clients.map").find(serviceOf("a")) == std::string::npos;
  }));
  expect("403", "403");
}

// Thirteen digits; the last one is the checksum.
std::string idnoOf(std::size_t i) {
  auto digits = fmt::format("10106000{:04}", i);
  int sum = 0;
  for (std::size_t at = 0; at < digits.size(); ++at) sum += (digits[at] - '0') * std::array{7, 3, 1}[at % 3];
  return digits + std::to_string(sum % 10);
}

// Fifty certificates, each tried from every address at both gateways. Each belongs to another beneficiary with its own
// namespace; only the first three go to production. Three beneficiaries have three services with one certificate.
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
  // Each has its own address; every fifth shares it with the next.
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
  // Further services: one shares the first one's address and has one more, one has its own address.
  struct Further {
    std::size_t of;
    std::string name;
    std::set<std::string> addresses;
  };
  std::vector<Further> further;
  for (const std::size_t of : {10, 20, 30}) {
    further.push_back({of, name(of) + "-second", {fmt::format("127.0.2.{}", of + 1), fmt::format("127.0.5.{}", of)}});
    further.push_back({of, name(of) + "-third", {fmt::format("127.0.6.{}", of)}});
  }
  std::set<std::string> all;
  for (std::size_t i = 0; i < kFifty; ++i) {
    // The operator is killed in the middle; after its restart it takes up the integrations that came meanwhile.
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
    for (const auto& service : further) {
      if (service.of != i) continue;
      auto another = integration;
      another.metadata.name = service.name;
      another.spec.service.id = serviceOf(service.name);
      another.spec.endpoints.testing->addresses = {service.addresses.begin(), service.addresses.end()};
      create(another);
      all.insert(service.addresses.begin(), service.addresses.end());
    }
    writeFile(folder / fmt::format("{}.pem", i), identities.back().certificate + identities.back().key);
  }
  startOperator();
  for (std::size_t i = 0; i < kFifty; ++i)
    await("TestEnvironmentReady", ConditionStatus::True, "", namespaces[i] + "/" + name(i));
  for (const auto& service : further)
    await("TestEnvironmentReady", ConditionStatus::True, "", namespaces[service.of] + "/" + service.name);
  for (std::size_t i = 0; i < kInProduction; ++i) promote(name(i));
  const auto before = outputs(testingOut), inProduction = outputs(productionOut);
  // Another restart changes nothing.
  killOperator();
  startOperator();
  awaitEnvironment(testing, "Published");
  for (const auto& kind : kKinds) {
    Gateway gateway;
    start(gateway, kind);
    // One process, with a connection for each pair: "answer|status|i|address".
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
      // nginx ends the text of a refusal with a line end.
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
      std::vector<std::string> services;
      if (addresses[pair.first].contains(pair.second)) services.push_back(serviceOf(name(pair.first)));
      for (const auto& service : further) {
        if (service.of == pair.first && service.addresses.contains(pair.second))
          services.push_back(serviceOf(service.name));
      }
      admitted += !services.empty();
      if (answer == (services.empty() ? "403" : fmt::format("admitted as {}", fmt::join(services, ",")))) continue;
      if (++wrong < 5) ADD_FAILURE() << name(pair.first) << " from " << pair.second << " got " << answer;
    }
    EXPECT_EQ(wrong, 0u);
    EXPECT_EQ(admitted, 76u) << "fifty of their own, ten that two share, and two of each that has three services";
  }
  EXPECT_EQ(outputs(testingOut), before);
  // Production admits the promoted services from their production addresses, and none of the others.
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
  // The platform now trusts the issuing authority too: the certificate needs no intermediates.
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
