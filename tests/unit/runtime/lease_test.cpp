#include "runtime/lease.h"

#include <gtest/gtest.h>

#include "base/host.h"
#include "support/process.h"
#include "unit/net/scripted_server.h"

namespace mpay::runtime {
namespace {

using namespace std::chrono_literals;
using test::ScriptedServer;

const std::string kNotFound = R"({"kind":"Status","reason":"NotFound"})";

// The wall clock jumps an hour at each call; the monotonic clock is the machine's.
class SteppingClock final : public Clock {
 public:
  WallTime now() const override {
    const int nth = asked_++;
    return systemClock().now() + (nth % 2 == 0 ? 1h : -1h);
  }
  MonoTime monotonic() const override { return systemClock().monotonic(); }

 private:
  mutable std::atomic<int> asked_{0};
};

std::string leaseOf(const std::string& holder, const std::string& version) {
  return fmt::format(
      R"({{"metadata":{{"namespace":"n","name":"l","uid":"u","resourceVersion":"{}"}},"spec":{{"holderIdentity":"{}"}}}})",
      version, holder);
}

kube::Client clientOf(const ScriptedServer& server) {
  kube::Config config;
  config.server = server.url();
  return kube::Client(config);
}

class LeaseTest : public ::testing::Test {
 protected:
  // Grants the lease, renews it as often as the test says, then reports another holder.
  LeaseTest()
      : server_([this](const auto& request, auto, const auto& peer) {
          if (request.line.starts_with("POST")) return peer.answer(201, leaseOf("me", "1"));
          if (request.line.starts_with("GET")) {
            return taken_ ? peer.answer(200, leaseOf("another", "9")) : peer.answer(404, kNotFound);
          }
          taken_ ? peer.answer(409, "") : peer.answer(200, request.body);
        }) {}
  std::atomic<bool> taken_{false};
  ScriptedServer server_;
  kube::Client client_ = clientOf(server_);
};

TEST_F(LeaseTest, MayBeReleasedByWhoIsToldThatItIsLost) {
  std::atomic<bool> lost{false};
  LeaderElection* self = nullptr;
  LeaderElection election(client_, systemClock(), {"n", "l"}, "me", [&] {
    self->release();
    lost = true;
  });
  self = &election;
  ASSERT_TRUE(election.acquire({}));
  EXPECT_TRUE(election.holds());
  taken_ = true;
  EXPECT_TRUE(test::waitFor(10s, [&] { return lost.load(); }));
  EXPECT_FALSE(election.holds());
}

TEST_F(LeaseTest, IsNeitherLostNorKeptByAClockThatIsSet) {
  const SteppingClock clock;
  std::atomic<bool> lost{false};
  LeaderElection election(client_, clock, {"n", "l"}, "me", [&] { lost = true; });
  ASSERT_TRUE(election.acquire({}));
  EXPECT_TRUE(test::waitFor(10s, [&] { return server_.requests().size() >= 4; })) << "renewed twice";
  EXPECT_TRUE(election.holds());
  EXPECT_FALSE(lost);
}

TEST(LeaseLoss, IsSeenAtTheNextRenewalOfALeaseThatWasDeleted) {
  // An API server answers 409 to a PUT with the UID of a deleted object.
  for (const int status : {404, 409}) {
    ScriptedServer server([&](const auto& request, auto, const auto& peer) {
      if (request.line.starts_with("POST")) return peer.answer(201, leaseOf("me", "1"));
      peer.answer(request.line.starts_with("PUT") ? status : 404, kNotFound);
    });
    kube::Client client = clientOf(server);
    std::atomic<bool> lost{false};
    LeaderElection election(client, systemClock(), {"n", "l"}, "me", [&] { lost = true; });
    ASSERT_TRUE(election.acquire({}));
    EXPECT_TRUE(test::waitFor(6s, [&] { return lost.load(); })) << status << ": before its time is up";
    EXPECT_FALSE(election.holds());
  }
}

TEST(LeaseAcquisition, WaitsForTheHolderOfALeaseThatWasDeleted) {
  ManualClock clock{WallTime(1'800'000'000s)};
  ScriptedServer server([](const auto& request, auto count, const auto& peer) {
    if (request.line.starts_with("POST")) return peer.answer(201, leaseOf("me", "9"));
    count == 0 ? peer.answer(200, leaseOf("another", "1")) : peer.answer(404, kNotFound);
  });
  kube::Client client = clientOf(server);
  LeaderElection election(client, clock, {"n", "l"}, "me", [] {});
  std::stop_source stop;
  std::atomic<bool> leads{false};
  std::thread waiting([&] { leads = election.acquire(stop.get_token()); });
  EXPECT_TRUE(test::waitFor(10s, [&] { return server.requests().size() >= 3; }));
  for (const auto& request : server.requests()) EXPECT_TRUE(request.line.starts_with("GET")) << request.line;
  clock.advance(15s);
  EXPECT_TRUE(test::waitFor(10s, [&] { return leads.load(); }));
  stop.request_stop();
  waiting.join();
}

TEST(LeaseRenewal, IsRepeatedAtOnceWhenTheAnswerToAnEarlierOneWasLost) {
  std::atomic<MonoTime::rep> read{0}, repeated{0};
  ScriptedServer server([&](const auto& request, auto count, const auto& peer) {
    if (count == 0) return peer.answer(404, kNotFound);
    if (request.line.starts_with("POST")) return peer.answer(201, leaseOf("me", "1"));
    if (request.line.starts_with("GET")) {
      read = systemClock().monotonic().time_since_epoch().count();
      return peer.answer(200, leaseOf("me", "2"));
    }
    if (request.body.find(R"("resourceVersion":"1")") != std::string::npos) return peer.answer(409, "");
    if (repeated == 0) repeated = systemClock().monotonic().time_since_epoch().count();
    peer.answer(200, leaseOf("me", "3"));
  });
  kube::Client client = clientOf(server);
  LeaderElection election(client, systemClock(), {"n", "l"}, "me", [] {});
  ASSERT_TRUE(election.acquire({}));
  ASSERT_TRUE(test::waitFor(10s, [&] { return repeated != 0; }));
  EXPECT_LT(MonoTime::duration(repeated - read), 1s) << "not after another period of 2 s";
  EXPECT_TRUE(election.holds());
}

TEST(LeaseIdentity, IsAnotherForEachProcessOfAHost) {
  const auto first = uniqueIdentity(), second = uniqueIdentity();
  EXPECT_NE(first, second);
  EXPECT_EQ(first.substr(0, first.size() - 32), hostName() + "_") << first;
}

}  // namespace
}  // namespace mpay::runtime
