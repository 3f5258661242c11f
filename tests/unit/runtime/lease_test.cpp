#include "runtime/lease.h"

#include <gtest/gtest.h>

#include "support/process.h"
#include "unit/net/scripted_server.h"

namespace mpay::runtime {
namespace {

using namespace std::chrono_literals;
using test::ScriptedServer;

// The wall clock jumps an hour whenever it is asked; the monotonic one is the machine's.
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

class LeaseTest : public ::testing::Test {
 protected:
  // Gives the lease; renews it as long as it is told to, then says that another one has it.
  LeaseTest()
      : server_([this](const auto& request, auto, const auto& peer) {
          if (request.line.starts_with("POST")) return peer.answer(201, leaseOf("me", "1"));
          if (request.line.starts_with("GET")) {
            return taken_ ? peer.answer(200, leaseOf("another", "9")) : peer.answer(404, "");
          }
          taken_ ? peer.answer(409, "") : peer.answer(200, request.body);
        }) {
    kube::Config config;
    config.server = server_.url();
    client_.emplace(config);
  }
  std::atomic<bool> taken_{false};
  ScriptedServer server_;
  std::optional<kube::Client> client_;
};

TEST_F(LeaseTest, MayBeReleasedByWhoIsToldThatItIsLost) {
  std::atomic<bool> lost{false};
  LeaderElection* self = nullptr;
  LeaderElection election(*client_, systemClock(), {"n", "l"}, "me", [&] {
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
  LeaderElection election(*client_, clock, {"n", "l"}, "me", [&] { lost = true; });
  ASSERT_TRUE(election.acquire({}));
  EXPECT_TRUE(test::waitFor(10s, [&] { return server_.requests().size() >= 4; })) << "renewed twice";
  EXPECT_TRUE(election.holds());
  EXPECT_FALSE(lost);
}

}  // namespace
}  // namespace mpay::runtime
