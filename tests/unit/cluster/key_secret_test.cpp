#include "cluster/key_secret.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/process.h"
#include "unit/net/scripted_server.h"

namespace mpay::cluster {
namespace {

using namespace std::chrono_literals;

// An RSA key takes a worker seconds, and all other withdrawals wait for workers.
TEST(KeySecretWriter, MakesOneRsaKeyAtATime) {
  const test::ScriptedServer server([](const auto&, auto, const auto& peer) { peer.hang(); });
  kube::Config config;
  config.server = server.url();
  kube::Client client(config);
  const KeySecretWriter writer(client, [] { return true; });
  const auto noted = [](const std::string&) { return Result<void>{}; };
  const auto plan = [](const std::string& secret, const std::string& keyType) {
    return onboarding::KeyPlan{onboarding::KeyStep::MakeKey, {"ns", secret}, "1", keyType, {}, {}, ""};
  };
  std::stop_source stop;
  std::vector<std::thread> threads;
  threads.emplace_back([&] { (void)writer.carryOut(plan("a", "RSA-4096"), noted, stop.get_token()); });
  ASSERT_TRUE(test::waitFor(10s, [&] { return server.requests().size() == 1; }));
  const auto refused = writer.carryOut(plan("b", "RSA-2048"), noted, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Timeout);
  EXPECT_TRUE(refused.error().retryAfter);
  EXPECT_EQ(server.requests().size(), 1u) << "and asks the API server for nothing";
  // A key on a curve takes no time, and the other steps make no key.
  threads.emplace_back([&] { (void)writer.carryOut(plan("c", "P-256"), noted, stop.get_token()); });
  EXPECT_TRUE(test::waitFor(10s, [&] { return server.requests().size() == 2; }));
  threads.emplace_back([&] {
    auto complete = plan("d", "RSA-4096");
    complete.step = onboarding::KeyStep::Complete;
    (void)writer.carryOut(complete, noted, stop.get_token());
  });
  EXPECT_TRUE(test::waitFor(10s, [&] { return server.requests().size() == 3; }));
  stop.request_stop();
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace mpay::cluster
