// The published files for thousands of services: the cost of one more, the time until one leaves, and that real
// gateways load the parts.
#include <atomic>
#include <filesystem>
#include <thread>

#include "crypto/digest.h"
#include "integration/world.h"
#include "ledger/fragment.h"
#include "ledger/memory.h"
#include "support/nginx.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;
using ledger::kFragment;

constexpr std::size_t kMany = 5000;
constexpr std::size_t kThreads = 4;

class Thousands : public World {
 protected:
  // Fragments without an integration. They lack the annotation that names one, so the operator misses none.
  void publishMany() {
    std::vector<std::thread> threads;
    std::atomic<std::size_t> made{0};
    for (std::size_t thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t i = thread; i < kMany; i += kThreads) made += configMaps().create(fragment(i)).has_value();
      });
    }
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(made, kMany);
  }

  api::ConfigMap fragment(std::size_t i) const {
    ledger::Fragment content;
    content.serviceID = fmt::format("MANY-{:05}-", i);
    content.serviceID.resize(36, 'X');
    const auto block = i / 64;
    content.addresses = {fmt::format("31.{}.{}.{}/32", 100 + block / 16, block % 16, 4 * (i % 64)),
                         fmt::format("31.{}.{}.{}/32", 100 + block / 16, block % 16, 4 * (i % 64) + 2),
                         fmt::format("2a00:{:x}:{:x}::/64", 0x1000 + block, i)};
    content.posAddresses = {fmt::format("93.{}.{}.{}/32", 100 + block / 16, block % 16, 4 * (i % 64))};
    const auto hash = crypto::sha256Hex(std::to_string(i));
    content.certificates = {{crypto::sha256Hex(hash).substr(0, 40), hash, "2030-01-01T00:00:00Z", {}, {}, {}}};
    return ledger::remember(
        ledger::ownedMeta(testingOut, fmt::format("mpay-fragment-many-{:05}", i), kFragment, testing, std::nullopt),
        content);
  }

  // Every aggregate in testing's output namespace, as a volume shows it.
  void copyFiles(const std::filesystem::path& into) {
    const auto objects = configMaps().list({testingOut, "mpay.gov.md/component=aggregate", ""});
    ASSERT_TRUE(objects) << objects.error().message;
    for (const auto& object : *objects) {
      std::size_t size = 0;
      for (const auto& [name, text] : object.data) {
        size += text.size();
        writeFile(into / name, text);
      }
      EXPECT_LE(size, 900u * 1024) << *object.metadata.name;
    }
    // docs/gateway.md has this command for files that cannot include others.
    const auto joined = run({"sh", "-c",
                             "cd \"$0\" && for index in *.parts; do [ -e \"$index\" ] && "
                             "cat $(cat \"$index\") > \"${index%.parts}\"; done",
                             into.string()});
    ASSERT_EQ(joined.code, 0) << joined.output;
  }

  // True if a file or its parts name the service.
  bool isPublished(const std::string& service) {
    const auto objects = configMaps().list({testingOut, "mpay.gov.md/component=aggregate", ""});
    for (const auto& object : objects.value()) {
      for (const auto& [name, text] : object.data) {
        if (text.find(service) != std::string::npos) return true;
      }
    }
    return false;
  }

  api::MPayIntegration ofTesting(const std::string& name, const std::string& address) {
    auto integration = form(name);
    integration.spec.targetStage = api::Stage::Testing;
    integration.spec.endpoints.testing->addresses = {address};
    return integration;
  }
};

std::chrono::milliseconds since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
}

TEST_F(Thousands, OneMoreCostsOneWriteATargetAndRealGatewaysLoadTheParts) {
  editEnvironment(testing, [](auto& spec) {
    spec.addresses.permitted = {"127.0.0.0/8"};
    spec.allowlist.targets.push_back(
        {"haproxy", api::AllowlistConfigMap{"mpay-haproxy", api::AllowlistFormat::HAProxy}, std::nullopt});
  });
  auto begin = std::chrono::steady_clock::now();
  ASSERT_NO_FATAL_FAILURE(publishMany());
  std::cout << kMany << " fragments created in " << since(begin).count() << " ms\n";
  begin = std::chrono::steady_clock::now();
  startOperator();
  awaitEnvironment(testing, "Published");
  std::cout << "the environment published " << since(begin).count() << " ms after the operator's start\n";
  EXPECT_EQ(environments().get({"", testing})->status->integrations, static_cast<std::int64_t>(kMany));

  awaitRest();
  const auto logged = std::filesystem::file_size(cluster.plane.auditLog());
  begin = std::chrono::steady_clock::now();
  create(ofTesting("certificates", "127.0.0.10"));
  await("TestEnvironmentReady", ConditionStatus::True);
  std::cout << "one more was admitted after " << since(begin).count() << " ms\n";
  const std::map<std::string, int> expected{{"create configmaps", 3},  // the claim, the fragment, the service
                                            {"update mpay-allowlist-part-", 1},
                                            {"update mpay-haproxy-part-", 1},
                                            {"update mpay-clients-part-", 1},
                                            {"update mpay-network-part-", 1}};
  // The API server logs a request after answering it.
  awaitRest();
  std::map<std::string, int> writes;
  waitFor(10s, [&] {
    writes.clear();
    for (const auto& request : requestsOfOperator(cluster, logged)) {
      if (request.find("/namespaces/" + testingOut + "/") == std::string::npos) continue;
      const auto verb = request.substr(0, request.find(' '));
      auto object = request.substr(request.rfind('/') + 1);
      if (const auto digit = object.find("-part-"); digit != std::string::npos) object.resize(digit + 6);
      ++writes[verb + " " + object];
    }
    return writes == expected;
  });
  EXPECT_EQ(writes, expected);

  CertificateOptions server;
  server.alternativeNames = "IP:127.0.0.1";
  const auto identity = authority.issue(server);
  const auto another = authority.issue({});
  const auto keys = folder.path().string();
  writeFile(folder / "gateway.pem", identity.certificate);
  writeFile(folder / "gateway.key", identity.key);
  writeFile(folder / "gateway.crt-and-key", identity.certificate + identity.key);
  const auto call = [&](int port, const Identity& client, const std::string& from) {
    writeFile(folder / "client.pem", client.certificate);
    writeFile(folder / "client.key", client.key);
    return run({"curl", "-ks", "--interface", from, "--cert", folder / "client.pem", "--key", folder / "client.key",
                fmt::format("https://127.0.0.1:{}/", port)})
        .output;
  };
  const auto expectBoth = [&](int port, const std::string& gateway) {
    const auto admitted = "admitted as AM-" + suffix;
    std::string last;
    EXPECT_TRUE(waitFor(10s, [&] { return (last = call(port, certificate, "127.0.0.10")) == admitted; }))
        << gateway << ": " << last;
    EXPECT_NE(call(port, certificate, "127.0.0.11"), admitted) << gateway;
    EXPECT_NE(call(port, another, "127.0.0.10"), admitted) << gateway;
  };
  const int nginxPort = freePort(), haproxyPort = freePort();
  Nginx nginx{""};
  nginx.configureWhole(gatewayConfiguration("gateway.conf", nginxPort, nginx.folder().string(), keys));
  ASSERT_NO_FATAL_FAILURE(copyFiles(nginx.folder()));
  begin = std::chrono::steady_clock::now();
  const auto check = nginx.check();
  ASSERT_EQ(check.code, 0) << check.output;
  EXPECT_EQ(check.output.find("warn"), std::string::npos) << check.output;
  std::cout << "nginx read them in " << since(begin).count() << " ms\n";
  nginx.start();
  expectBoth(nginxPort, "nginx");
  writeFile(folder / "haproxy.cfg", gatewayConfiguration("haproxy.cfg", haproxyPort, nginx.folder().string(), keys));
  const Process haproxy({"/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"}, folder / "haproxy.log", {},
                        SIGTERM);
  expectBoth(haproxyPort, "HAProxy");
  // A gateway that sees the index before a part keeps its old files.
  std::filesystem::remove(nginx.folder() / "clients-3.conf");
  EXPECT_NE(nginx.check().code, 0);

  // Measures the last step of a withdrawal: leaving every file.
  ASSERT_TRUE(isPublished("AM-" + suffix));
  begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(10s, [&] { return !isPublished("AM-" + suffix); }));
  std::cout << "it had left every file " << since(begin).count() << " ms after its deletion\n";
}

}  // namespace
}  // namespace mpay::test
