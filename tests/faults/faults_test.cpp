// Every fault at every write of the story, and every fault of lists and watches. make test runs a quick choice of them;
// FAULTS=all (make faults) runs all.
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "faults/story.h"
#include "json/codec.h"

namespace mpay::test {
namespace {

using namespace std::chrono_literals;
using Kind = Verdict::Kind;

StoryWorld& world() {
  static StoryWorld world;
  return world;
}

bool all() {
  const char* choice = std::getenv("FAULTS");
  return choice && std::string_view(choice) == "all";
}

std::string status(int code, const std::string& reason) {
  return fmt::format(
      R"({{"kind":"Status","apiVersion":"v1","status":"Failure","code":{},"reason":"{}","message":"scripted"}})", code,
      reason);
}

Verdict answer(int code, const std::string& reason, Headers headers = {}) {
  headers["content-type"] = "application/json";
  return {Kind::Answer, {code, std::move(headers), status(code, reason)}};
}

const Verdict kHtml{Kind::Answer, {200, {{"content-type", "text/html"}}, "<html>Sign in</html>"}};

struct Counts {
  std::size_t points = 0, violations = 0;
};
Counts counts;

void judge(const StoryRun& run) {
  ++counts.points;
  counts.violations += run.violations().size();
  for (const auto& violation : run.violations()) ADD_FAILURE() << violation << "\nthe operator's log:\n" << run.log();
}

// The last of a kind waits long enough to show a key that fails without end.
void tell(Fault fault, bool last) {
  StoryRun run(world(), std::move(fault));
  run.tell(all() && last ? StoryRun::kLongSilence : StoryRun::kSilence);
  judge(run);
}

class Faults : public ::testing::Test {
 protected:
  static void TearDownTestSuite() { std::cout << counts.points << " points, " << counts.violations << " violations\n"; }
};

TEST_F(Faults, UndisturbedStoryTakesTwelveWrites) {
  StoryRun run(world(), {"undisturbed"});
  const bool told = run.create() && run.edit() && run.tamper() && run.removeOutput() && run.settles();
  EXPECT_EQ(run.writes(), 10u) << "two a Widget, two for the edit, one for each output brought back";
  if (told && run.recreate()) run.settles();
  judge(run);
  // The operator may hear from another stream of the garbage collector's deletion before it hears of the Widget's. It
  // then writes the output again for a Widget that is gone.
  EXPECT_GE(run.writes(), 12u) << "two again";
}

// The fault of one write, or of several in a row.
struct WriteFault {
  std::string name;
  std::size_t times = 1;
  std::optional<Verdict> verdict = {};
  bool killBefore = false, killAfter = false;
  bool slow = false;  // takes a deadline's time: not in the quick choice
};

const std::vector<WriteFault> kWriteFaults{
    {"killed before it is forwarded", 1, {}, true, false},
    {"committed, the answer lost, killed", 1, {}, false, true},
    {"committed, the answer lost", 1, Verdict{Kind::LoseAnswer}},
    {"cut before it is forwarded", 1, Verdict{Kind::Refuse}},
    {"409", 1, answer(409, "Conflict")},
    {"409 twenty times", 20, answer(409, "Conflict"), false, false, true},
    {"429 with Retry-After", 1, answer(429, "TooManyRequests", {{"retry-after", "1"}})},
    {"429 without", 1, answer(429, "TooManyRequests")},
    {"500", 1, answer(500, "InternalError")},
    {"503", 1, answer(503, "ServiceUnavailable")},
    {"HTML with 200", 1, kHtml},
    {"committed, HTML with 200", 1, Verdict{Kind::ReplaceAnswer, kHtml.answer}},
    {"half an answer", 1, Verdict{Kind::HalfAnswer}},
    {"stalled", 1, Verdict{Kind::Stall}, false, false, true},
    {"committed and stalled", 1, Verdict{Kind::StallAfter}, false, false, true},
};

TEST_F(Faults, OfAWriteLeadToTheSameEnd) {
  constexpr std::size_t kWrites = 12;
  for (std::size_t kind = 0; kind < kWriteFaults.size(); ++kind) {
    const WriteFault& fault = kWriteFaults[kind];
    for (std::size_t at = 0; at < kWrites; ++at) {
      // The quick choice: each kind of fault at one write, each kind at another one.
      if (!all() && (fault.slow || at != kind * 5 % kWrites)) continue;
      Fault told{fmt::format("write {}: {}", at, fault.name)};
      if (fault.killBefore) told.killBefore = at;
      if (fault.killAfter) told.killAfter = at;
      if (fault.verdict) {
        told.onWrite = [&fault, at](std::size_t n) {
          return n >= at && n < at + fault.times ? *fault.verdict : Verdict{};
        };
      }
      tell(std::move(told), at + 1 == kWrites);
    }
  }
}

std::string typed(const std::string& type, const std::string& object) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, object);
}
bool isBookmark(const std::string& line) { return line.starts_with(R"({"type":"BOOKMARK")"); }

std::vector<Fault> readFaults() {
  std::vector<Fault> faults;
  const auto onWatch = [](Verdict verdict, std::size_t times) {
    return [verdict, times](const ProxiedRequest& request, std::size_t n) {
      return request.isWatch() && n < times ? verdict : Verdict{};
    };
  };
  const auto onList = [](Verdict verdict, std::size_t times) {
    return [verdict, times](const ProxiedRequest& request, std::size_t n) {
      return !request.isWatch() && n < times ? verdict : Verdict{};
    };
  };
  Fault fault{"watches answered with 410"};
  fault.onRead = onWatch(answer(410, "Expired"), 2);
  faults.push_back(fault);

  fault = {"410 inside the stream"};
  fault.onEvent = [](const std::string& line, std::size_t n) -> FaultScript::Lines {
    if (n % 3 == 1) return {{typed("ERROR", status(410, "Expired"))}, true};
    return {{line}, false};
  };
  faults.push_back(fault);

  fault = {"lists answered with 500, HTML and half an answer"};
  fault.onRead = [](const ProxiedRequest& request, std::size_t n) {
    const std::array verdicts{answer(500, "InternalError"), kHtml, Verdict{Kind::HalfAnswer}};
    return !request.isWatch() && n < verdicts.size() ? verdicts[n] : Verdict{};
  };
  faults.push_back(fault);

  fault = {"lists answered with 429 and Retry-After"};
  fault.onRead = onList(answer(429, "TooManyRequests", {{"retry-after", "1"}}), 2);
  faults.push_back(fault);

  fault = {"an expired continue token"};
  fault.onList = [](const ProxiedRequest&, std::size_t n, ProxiedResponse& response) {
    if (n != 0) return;
    auto list = json::parse(response.body).value();
    list.at("metadata").as_object()["continue"] = "expired";
    response.body = boost::json::serialize(list);
  };
  fault.onRead = [](const ProxiedRequest& request, std::size_t) {
    return request.target.find("continue=expired") != std::string::npos ? answer(410, "Expired") : Verdict{};
  };
  faults.push_back(fault);

  fault = {"events dropped until the next list"};
  fault.onEvent = [](const std::string& line, std::size_t n) -> FaultScript::Lines {
    if (n == 3) return {{typed("ERROR", status(410, "Expired"))}, true};
    if (n == 1 || n == 2) return {};
    return {{line}, false};
  };
  faults.push_back(fault);

  fault = {"every event twice"};
  fault.onEvent = [](const std::string& line, std::size_t) -> FaultScript::Lines { return {{line, line}, false}; };
  faults.push_back(fault);

  fault = {"events of different objects in another order"};
  fault.onEvent = [held = std::make_shared<std::map<bool, std::string>>()](const std::string& line,
                                                                           std::size_t n) -> FaultScript::Lines {
    // The line's kind is ConfigMap's; the owner reference also contains the Widget's kind.
    std::string& first = (*held)[line.find(R"("kind":"ConfigMap")") != std::string::npos];
    if (n == 0) {
      first = line;
      return {};
    }
    if (n == 1) return {{line, first}, false};
    return {{line}, false};
  };
  faults.push_back(fault);

  fault = {"the stream cut after every event"};
  fault.onEvent = [](const std::string& line, std::size_t) -> FaultScript::Lines { return {{line}, true}; };
  faults.push_back(fault);

  fault = {"the stream cut before every event, once"};
  fault.onEvent = [](const std::string& line, std::size_t n) -> FaultScript::Lines {
    if (n % 2 == 0) return {{}, true};
    return {{line}, false};
  };
  faults.push_back(fault);

  fault = {"half an event, then cut"};
  fault.onEvent = [](const std::string& line, std::size_t n) -> FaultScript::Lines {
    if (n % 2 == 0) return {{line.substr(0, line.size() / 2)}, true};
    return {{line}, false};
  };
  faults.push_back(fault);

  fault = {"no bookmarks"};
  fault.onEvent = [](const std::string& line, std::size_t) -> FaultScript::Lines {
    return isBookmark(line) ? FaultScript::Lines{} : FaultScript::Lines{{line}, false};
  };
  faults.push_back(fault);
  return faults;
}

TEST_F(Faults, OfListsAndWatchesLeadToTheSameEnd) {
  const auto faults = readFaults();
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (all() || i % 3 == 1) tell(faults[i], true);
  }
}

TEST_F(Faults, AStaleListAfterARestartUndoesNothing) {
  StoryRun run(world(), {"a stale list after a restart"});
  ASSERT_TRUE(run.create());
  std::map<std::string, std::string> old;
  for (const auto* path : {"/apis/bench.example.com/v1alpha1/widgets", "/api/v1/configmaps"}) {
    old[path] = world().admin.request("GET", std::string(path) + "?limit=500", nullptr, "", {}).value();
  }
  ASSERT_TRUE(run.edit() && run.tamper() && run.removeOutput() && run.recreate() && run.settles());
  run.kill();
  Fault fault{"a stale list after a restart"};
  fault.onRead = [&old](const ProxiedRequest& request, std::size_t n) {
    const auto stale = old.find(request.target.substr(0, request.target.find('?')));
    if (request.isWatch() || n > 0 || stale == old.end()) return Verdict{};
    return Verdict{Kind::Answer, {200, {{"content-type", "application/json"}}, stale->second}};
  };
  run.fault(std::move(fault));
  run.settles();
  judge(run);
}

// From some moment on the operator's token is refused, and another one replaces it.
void expire(const std::string& name, const std::function<void(StoryRun&, const std::string& token)>& renew) {
  StoryRun run(world(), {name});
  ASSERT_TRUE(run.create());
  Fault fault{name};
  const std::string expired = world().token;
  fault.onRead = [expired](const ProxiedRequest& request, std::size_t) {
    const auto sent = request.headers.find("authorization");
    const bool refused = sent == request.headers.end() || sent->second == "Bearer " + expired;
    return refused ? answer(401, "Unauthorized") : Verdict{};
  };
  run.fault(std::move(fault));
  run.cutConnections();
  world().plane.kubeconfigForServiceAccount("default", "widget-operator");
  renew(run, readFile(world().plane.folder() / "serviceaccount-default-widget-operator.token"));
  EXPECT_TRUE(run.edit() && run.tamper() && run.removeOutput() && run.recreate() && run.settles());
  judge(run);
}

TEST_F(Faults, ATokenThatExpiresIsReadAgain) {
  expire("a token that expires", [](StoryRun& run, const std::string& token) { run.useToken(token); });
}

TEST_F(Faults, AKubeconfigThatChangesIsFollowed) {
  expire("a kubeconfig that changes", [](StoryRun& run, const std::string& token) { run.useKubeconfigWith(token); });
}

TEST_F(Faults, ObjectsAtTheLimitsHoldUpNoOthers) {
  StoryRun run(world(), {"objects at the limits"});
  const auto named = [](std::size_t size) { return R"({"name":")" + std::string(size, 'x') + R"("})"; };
  ASSERT_TRUE(run.create());
  run.put(std::string(253, 'n'), R"({"name":"long"})");
  run.put("large", named(1'000'000));  // a ConfigMap holds 1 MiB
  ASSERT_TRUE(run.converges("a long name and a large object"));
  // The Widget is stored, but the ConfigMap for it is refused.
  run.put("large", named(1'400'000));
  EXPECT_TRUE(waitFor(20s, [&] { return run.log().find("/large: replace configmaps") != std::string::npos; }))
      << run.log();
  world().kubectl({"delete", "configmap", "a", "-n", run.space()});
  EXPECT_TRUE(waitFor(20s, [&] {
    return world().kubectl({"get", "configmaps", "-n", run.space(), "--field-selector=metadata.name=a", "-oname"}) !=
           "";
  })) << "another one is mended meanwhile";
  run.put("large", named(7));
  EXPECT_TRUE(run.converges("small again") && run.settles());
  judge(run);
}

TEST_F(Faults, APermissionWithdrawnAndGivenBackIsWaitedFor) {
  StoryRun run(world(), {"a permission withdrawn and given back"});
  ASSERT_TRUE(run.create());
  const std::string binding =
      R"({"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRoleBinding","metadata":{"name":"widget-operator"},)"
      R"("roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"widget-operator"},)"
      R"("subjects":[{"kind":"ServiceAccount","name":"widget-operator","namespace":"default"}]})";
  world().kubectl({"delete", "clusterrolebinding", "widget-operator"});
  run.cutConnections();
  world().kubectl({"delete", "configmap", "a", "-n", run.space()});
  EXPECT_TRUE(waitFor(20s, [&] { return run.log().find("403") != std::string::npos; })) << run.log();
  world().kubectl({"apply", "-f", "-"}, binding);
  EXPECT_TRUE(run.edit() && run.tamper() && run.removeOutput() && run.recreate() && run.settles());
  judge(run);
}

TEST_F(Faults, ARestartedApiServerIsFoundAgain) {
  StoryRun run(world(), {"the API server restarted three times"});
  ASSERT_TRUE(run.create());
  for (const auto step : {&StoryRun::edit, &StoryRun::tamper, &StoryRun::removeOutput}) {
    world().plane.restartApiServer();
    if (!all() && step == &StoryRun::tamper) continue;
    ASSERT_TRUE((run.*step)());
  }
  run.settles();
  judge(run);
}

}  // namespace
}  // namespace mpay::test
