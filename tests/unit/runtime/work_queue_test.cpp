#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <thread>

#include "runtime/controller.h"
#include "support/process.h"

namespace mpay::runtime {
namespace {

using namespace std::chrono_literals;
const ObjectKey kA{"n", "a"}, kB{"n", "b"};

TEST(WorkQueue, QueuesAKeyOnce) {
  WorkQueue queue;
  queue.add(kA);
  queue.add(kA);
  queue.add(kB);
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(queue.take()->key(), kA);
  EXPECT_EQ(queue.take()->key(), kB);
}

TEST(WorkQueue, QueuesAHeldKeyAgainWhenItIsGivenBack) {
  WorkQueue queue;
  queue.add(kA);
  {
    const auto lease = queue.take();
    queue.add(kA);
    queue.add(kB);
    EXPECT_EQ(queue.take()->key(), kB) << "one worker a key";
  }
  EXPECT_EQ(queue.take()->key(), kA);
}

TEST(WorkQueue, LetsTheEarliestWaitCount) {
  WorkQueue queue;
  queue.addAfter(kA, 1h);
  queue.addAfter(kA, 5ms);
  queue.addAfter(kA, 2h);
  EXPECT_EQ(queue.take()->key(), kA);
}

TEST(WorkQueue, LetsConflictsWaitASecondAtMostAndCountThemApart) {
  WorkQueue queue;
  for (int i = 0; i < 30; ++i) queue.addConflicted(kA);
  EXPECT_TRUE(queue.take()) << "the earliest of these waits";
  const auto began = std::chrono::steady_clock::now();
  queue.addConflicted(kA);
  EXPECT_TRUE(queue.take());
  queue.addFailed(kA);
  EXPECT_TRUE(queue.take());
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
}

TEST(WorkQueue, WaitsAsLongAsItIsAskedToAfterAFailure) {
  WorkQueue queue({Duration(1), Duration(1)});
  const auto began = std::chrono::steady_clock::now();
  queue.addFailed(kA, 50ms);
  EXPECT_TRUE(queue.take());
  EXPECT_GE(std::chrono::steady_clock::now() - began, 50ms);
  WorkQueue slow({Duration(100), Duration(100)});
  slow.addFailed(kA, 0ms);
  EXPECT_TRUE(slow.take());
  EXPECT_GE(std::chrono::steady_clock::now() - began, 100ms) << "and no less than the backoff";
}

TEST(WorkQueue, AsksAFailingServerNoEarlierForAnEarlierWait) {
  WorkQueue queue;
  queue.addAfter(kA, 20ms);
  queue.addFailed(kA, 1h);
  queue.addAfter(kB, 60ms);
  EXPECT_EQ(queue.take()->key(), kB);
  queue.addConflicted(kA);
  EXPECT_EQ(queue.take()->key(), kA) << "a conflict is no reason to wait";
}

TEST(WorkQueue, KeepsNothingThatComesAfterItsEnd) {
  WorkQueue queue;
  queue.shutDown();
  queue.add(kA);
  queue.addAll({kA, kB});
  queue.addAfter(kB, 1h);
  queue.addFailed(kA);
  queue.addConflicted(kB);
  EXPECT_EQ(queue.known(), 0u);
}

TEST(WorkQueue, GivesEachKeyToOneWorkerAtATimeAndLosesNone) {
  constexpr int kKeys = 20, kRounds = 200;
  WorkQueue queue;
  std::array<std::atomic<int>, kKeys> seen{}, holding{};
  std::vector<std::thread> workers;
  for (int i = 0; i < 4; ++i) {
    workers.emplace_back([&] {
      while (const auto lease = queue.take()) {
        const auto key = static_cast<std::size_t>(std::stoi(lease->key().name));
        EXPECT_EQ(++holding[key], 1);
        const int round = ++seen[key];
        queue.succeeded(lease->key());
        --holding[key];
        // Adds the held key in each possible way.
        if (round >= kRounds) continue;
        if (round % 3 == 0) queue.add(lease->key());
        if (round % 3 == 1) queue.addAfter(lease->key(), Duration(1));
        if (round % 3 == 2) queue.addConflicted(lease->key());
      }
    });
  }
  std::vector<ObjectKey> keys;
  for (int i = 0; i < kKeys; ++i) keys.push_back({"n", std::to_string(i)});
  queue.addAll(keys);
  EXPECT_TRUE(test::waitFor(
      60s, [&] { return std::all_of(seen.begin(), seen.end(), [](const auto& count) { return count == kRounds; }); }));
  queue.shutDown();
  for (auto& worker : workers) worker.join();
}

TEST(WorkQueue, EndsWhoWaits) {
  WorkQueue queue;
  std::thread waiting([&] { EXPECT_FALSE(queue.take()); });
  queue.shutDown();
  waiting.join();
  queue.add(kA);
  EXPECT_FALSE(queue.take());
}

// Fails as the test says, then succeeds.
class Scripted final : public Reconciler {
 public:
  std::vector<std::function<Result<Outcome>()>> script;
  std::atomic<std::size_t> calls{0};
  Result<Outcome> reconcile(const ObjectKey&, std::stop_token) override {
    const std::size_t call = calls++;
    return call < script.size() ? script[call]() : Result<Outcome>(Outcome{});
  }
};

TEST(Controller, TriesAgainAfterFailuresConflictsAndBugs) {
  Scripted reconciler;
  reconciler.script = {[]() -> Result<Outcome> { return fail(ErrorKind::Transport, "refused"); },
                       []() -> Result<Outcome> {
                         Error conflict{ErrorKind::Api, "409"};
                         conflict.status = ApiStatus{409, "Conflict", ""};
                         return fail(conflict);
                       },
                       []() -> Result<Outcome> { throw std::runtime_error("a bug"); },
                       []() -> Result<Outcome> { return Outcome{Duration(1)}; }};
  Controller controller("test", reconciler, 2);
  controller.start();
  controller.enqueue(kA);
  EXPECT_TRUE(test::waitFor(5s, [&] { return reconciler.calls == 5; }));
  controller.stop();
  EXPECT_EQ(reconciler.calls, 5u);
}

TEST(Controller, LeavesATerminalErrorAlone) {
  Scripted reconciler;
  reconciler.script = {[]() -> Result<Outcome> {
    Error error{ErrorKind::Invalid, "never"};
    error.terminal = true;
    return fail(error);
  }};
  Controller controller("test", reconciler, 1);
  controller.start();
  controller.enqueue(kA);
  EXPECT_TRUE(test::waitFor(5s, [&] { return reconciler.calls == 1 && controller.idle(); }));
  EXPECT_FALSE(test::waitFor(200ms, [&] { return reconciler.calls > 1; }));
}

}  // namespace
}  // namespace mpay::runtime
