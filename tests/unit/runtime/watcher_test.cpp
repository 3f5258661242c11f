#include "runtime/watcher.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "api/wire.h"
#include "support/process.h"
#include "unit/net/scripted_server.h"

namespace mpay::runtime {
namespace {

using namespace std::chrono_literals;
using test::ScriptedServer;
using Peer = ScriptedServer::Peer;

// A ConfigMap whose UID follows from its name.
std::string object(const std::string& name, const std::string& version, const std::string& value = "") {
  return fmt::format(
      R"({{"metadata":{{"namespace":"n","name":"{0}","uid":"uid-{0}","resourceVersion":"{1}"}},"data":{{"value":"{2}"}}}})",
      name, version, value);
}
std::string unreadable(const std::string& name, const std::string& version) {
  return fmt::format(
      R"({{"metadata":{{"namespace":"n","name":"{0}","uid":"uid-{0}","resourceVersion":"{1}"}},"data":7}})", name,
      version);
}
std::string page(const std::string& version, const std::string& items, const std::string& more = "") {
  return fmt::format(R"({{"metadata":{{"resourceVersion":"{}","continue":"{}"}},"items":[{}]}})", version, more, items);
}
std::string event(const std::string& type, const std::string& what) {
  return fmt::format(R"({{"type":"{}","object":{}}})", type, what) + "\n";
}
std::string bookmark(const std::string& version) {
  return event("BOOKMARK", fmt::format(R"({{"metadata":{{"resourceVersion":"{}"}}}})", version));
}
const std::string kExpired = R"({"kind":"Status","code":410,"reason":"Expired","message":"too old"})";

// Answers the n-th list and the n-th watch (from 0) as the test says. The server, the store and the watcher live as
// long as the test.
class WatcherTest : public ::testing::Test {
 protected:
  using Answer = std::function<void(std::size_t nth, const Peer& peer)>;

  void start(Answer lists, Answer watches) {
    server_.emplace(
        [this, lists = std::move(lists), watches = std::move(watches)](const auto& request, auto, const Peer& peer) {
          const bool watch = request.line.find("watch=1") != std::string::npos;
          if (watch) cameAt_.with([](auto& all) { all.push_back(std::chrono::steady_clock::now()); });
          (watch ? watches : lists)((watch ? watched_ : listed_)++, peer);
        });
    kube::Config config;
    config.server = server_->url();
    client_.emplace(config);
    Watcher<api::ConfigMap>::Hooks hooks;
    hooks.problem = [this](const std::optional<Error>& error) {
      problems_.with([&](auto& all) { all.push_back(error ? std::string(toString(error->kind)) : "well"); });
      if (throwing_) throw std::runtime_error("a bug of the hook");
    };
    hooks.unread = [this](const api::ObjectReference& what, const std::string& why) {
      unread_.with([&](auto& all) { all.push_back(what.kind + " " + what.name + ": " + why); });
      if (throwing_) throw std::runtime_error("a bug of the hook");
    };
    watcher_.emplace(*client_, kube::Selectors{}, store_, std::move(hooks));
    watcher_->start();
  }
  ~WatcherTest() override {
    if (watcher_) watcher_->stop();
  }

  // The time between the arrivals of the n-th watch and the one before.
  std::chrono::steady_clock::duration pauseBefore(std::size_t nth) const {
    return cameAt_.with([&](const auto& all) { return all.at(nth) - all.at(nth - 1); });
  }

  // The content of the store, as "a=1 b=2".
  std::string held() const {
    std::string all;
    for (const auto& known : store_.list()) all += *known->metadata.name + "=" + known->data.at("value") + " ";
    return all;
  }
  bool becomes(const std::string& wanted) {
    const bool did = test::waitFor(10s, [&] { return held() == wanted; });
    EXPECT_EQ(held(), wanted);
    return did;
  }
  // The resourceVersion from which the n-th watch started.
  std::string watchedFrom(std::size_t nth) const {
    for (const auto& request : server_->requests()) {
      const auto at = request.line.find("&resourceVersion=");
      if (at == std::string::npos || nth-- > 0) continue;
      return request.line.substr(at + 17, request.line.find('&', at + 17) - at - 17);
    }
    return "";
  }

  std::atomic<std::size_t> listed_{0}, watched_{0};
  std::atomic<bool> throwing_{false};
  Synchronized<std::vector<std::string>> problems_;
  Synchronized<std::vector<std::chrono::steady_clock::time_point>> cameAt_;  // for each watch
  Synchronized<std::vector<std::string>> unread_;
  Store<api::ConfigMap> store_;
  std::optional<ScriptedServer> server_;
  std::optional<kube::Client> client_;
  std::optional<Watcher<api::ConfigMap>> watcher_;
};

void silent(std::size_t, const Peer& peer) {
  peer.begin();
  peer.hang();
}

TEST_F(WatcherTest, ListsPageByPageThenFollows) {
  start(
      [](auto nth, const auto& peer) {
        peer.answer(200, nth == 0 ? page("10", object("a", "1", "1"), "more") : page("10", object("b", "2", "1")));
      },
      [](auto, const auto& peer) {
        peer.begin();
        peer.chunk(event("ADDED", object("c", "11", "1")) + event("MODIFIED", object("a", "12", "2")));
        peer.chunk(event("DELETED", object("b", "13", "1")));
        peer.hang();
      });
  EXPECT_TRUE(becomes("a=2 c=1 "));
  EXPECT_TRUE(store_.synced());
  EXPECT_EQ(listed_, 2u);
  EXPECT_EQ(watchedFrom(0), "10");
  EXPECT_EQ(problems_.copy(), std::vector<std::string>{"well"});
}

TEST_F(WatcherTest, PutsTogetherEventsThatArriveInPieces) {
  start([](auto, const auto& peer) { peer.answer(200, page("10", "")); },
        [](auto, const auto& peer) {
          peer.begin();
          const std::string all = event("ADDED", object("a", "11", "1")) + event("ADDED", object("b", "12", "\u0219"));
          for (const char byte : all) peer.chunk(std::string(1, byte));
          peer.hang();
        });
  EXPECT_TRUE(becomes("a=1 b=\u0219 "));
}

TEST_F(WatcherTest, ResumesACutStreamAfterItsLastWholeEvent) {
  start([](auto, const auto& peer) { peer.answer(200, page("10", "")); },
        [](auto nth, const auto& peer) {
          peer.begin();
          if (nth > 0) return peer.hang();
          peer.chunk(event("ADDED", object("a", "11", "1")) + bookmark("20") +
                     event("ADDED", object("b", "21", "1")).substr(0, 30));
          peer.close();
        });
  EXPECT_TRUE(test::waitFor(10s, [&] { return watchedFrom(1) == "20"; }));
  EXPECT_TRUE(becomes("a=1 "));
  EXPECT_EQ(listed_, 1u);
}

// The expiry of the first watch is reported in two ways: by a status or in the stream.
class ExpiredWatchTest : public WatcherTest, public ::testing::WithParamInterface<bool> {};

TEST_P(ExpiredWatchTest, LeadsToANewListThatTellsWhatIsGone) {
  start(
      [](auto nth, const auto& peer) {
        peer.answer(200, nth == 0 ? page("10", object("a", "1", "1") + "," + object("b", "2", "1"))
                                  : page("30", object("b", "25", "2")));
      },
      [inStream = GetParam()](auto nth, const auto& peer) {
        if (nth > 0) return silent(nth, peer);
        if (!inStream) return peer.answer(410, kExpired);
        peer.begin();
        peer.chunk(event("ERROR", kExpired));
        peer.hang();
      });
  EXPECT_TRUE(becomes("b=2 "));
  EXPECT_TRUE(test::waitFor(10s, [&] { return watchedFrom(1) == "30"; }));
  EXPECT_EQ(listed_, 2u);
}
INSTANTIATE_TEST_SUITE_P(, ExpiredWatchTest, ::testing::Values(false, true),
                         [](const auto& row) { return row.param ? "InTheStream" : "AsAStatus"; });

TEST_F(WatcherTest, StartsAListAgainWhenItsContinueTokenExpired) {
  start(
      [](auto nth, const auto& peer) {
        if (nth == 0) return peer.answer(200, page("10", object("a", "1", "1"), "more"));
        if (nth == 1) return peer.answer(410, kExpired);
        peer.answer(200, page("30", object("b", "25", "1")));
      },
      silent);
  EXPECT_TRUE(becomes("b=1 "));
  EXPECT_TRUE(store_.synced());
  EXPECT_EQ(server_->requests().at(2).line.find("continue"), std::string::npos);
}

TEST_F(WatcherTest, NeverTakesAnotherAnswerForAnEmptyList) {
  start(
      [](auto nth, const auto& peer) {
        if (nth == 0) return peer.answer(200, page("10", object("a", "1", "1")));
        if (nth == 1) return peer.answer(200, "<html>Welcome</html>");
        if (nth == 2) return peer.answer(200, "{}");
        if (nth == 3) return peer.answer(500, "");
        peer.answer(200, page("30", object("a", "1", "1")));
      },
      [](auto nth, const auto& peer) { nth == 0 ? peer.answer(410, kExpired) : silent(nth, peer); });
  std::atomic<bool> vanished{false};
  EXPECT_TRUE(test::waitFor(10s, [&] {
    if (store_.synced() && store_.size() == 0) vanished = true;
    return watched_ == 2;
  }));
  EXPECT_FALSE(vanished);
  EXPECT_EQ(problems_.copy(), (std::vector<std::string>{"well", "Decode", "Decode", "Api", "well"}));
}

TEST_F(WatcherTest, SlowsDownForAServerThatAnswersAWatchWithNonsense) {
  start([](auto, const auto& peer) { peer.answer(200, page("10", "")); },
        [](auto, const auto& peer) { peer.answer(200, "<html>\n"); });
  EXPECT_TRUE(test::waitFor(10s, [&] { return cameAt_.copy().size() >= 4; }));
  EXPECT_GE(pauseBefore(3), 400ms) << "200, 400, 800 ms and so on, or half of it";
}

TEST_F(WatcherTest, SaysThatNoWatchIsAnswered) {
  start([](auto, const auto& peer) { peer.answer(200, page("10", "")); },
        [](auto nth, const auto& peer) {
          if (nth > 1) return silent(nth, peer);
          peer.answer(200, nth == 0 ? "<html>Sign in</html>" : "");
        });
  EXPECT_TRUE(test::waitFor(10s, [&] { return watched_ == 3 && problems_.copy().size() == 5; }));
  EXPECT_EQ(problems_.copy(), (std::vector<std::string>{"well", "Decode", "well", "Decode", "well"}));
}

// The first event of a quiet kind may come a minute later.
TEST_F(WatcherTest, IsWellAgainOnceAWatchIsAccepted) {
  start([](auto, const auto& peer) { peer.answer(200, page("10", "")); },
        [](auto nth, const auto& peer) {
          nth == 0 ? peer.answer(403, R"({"kind":"Status","reason":"Forbidden"})") : silent(nth, peer);
        });
  EXPECT_TRUE(test::waitFor(10s, [&] { return problems_.copy().size() == 3; }));
  EXPECT_EQ(problems_.copy(), (std::vector<std::string>{"well", "Api", "well"}));
  EXPECT_EQ(listed_, 1u);
}

TEST_F(WatcherTest, LeavesWhatItCannotReadAsItWas) {
  start(
      [](auto nth, const auto& peer) {
        peer.answer(200,
                    nth == 0
                        ? page("10", object("a", "1", "1") + "," + unreadable("b", "2") + "," + object("c", "3", "1"))
                        : page("20", unreadable("a", "15") + "," + unreadable("b", "2") + "," + unreadable("c", "3")));
      },
      [](auto nth, const auto& peer) {
        peer.begin();
        if (nth == 0) {
          peer.chunk(event("MODIFIED", unreadable("a", "11")) + event("ADDED", object("d", "12", "1")) +
                     event("ERROR", kExpired));
        } else {
          peer.chunk(event("DELETED", unreadable("c", "21")) + event("MODIFIED", object("b", "22", "1")));
        }
        peer.hang();
      });
  EXPECT_TRUE(becomes("a=1 b=1 "));
  const auto unread = unread_.copy();
  EXPECT_EQ(unread.size(), 2u) << "each once, whatever list or event it comes with: "
                               << ::testing::PrintToString(unread);
  EXPECT_EQ(unread.front(), "ConfigMap b: $.data: want object, got number");
}

TEST_F(WatcherTest, LetsAnOlderServersListUndoNothing) {
  start(
      [](auto nth, const auto& peer) {
        peer.answer(200, nth == 0 ? page("30", object("a", "28", "new") + "," + object("b", "29", "1"))
                                  : page("20", object("a", "9", "old") + "," + object("gone", "8", "1")));
      },
      [](auto nth, const auto& peer) {
        peer.begin();
        if (nth == 0) {
          peer.chunk(event("ADDED", object("gone", "31", "1")) + event("DELETED", object("gone", "32", "1")) +
                     event("ERROR", kExpired));
        }
        peer.hang();
      });
  EXPECT_TRUE(test::waitFor(10s, [&] { return watched_ == 2; }));
  EXPECT_TRUE(becomes("a=new b=1 "));
}

TEST_F(WatcherTest, SaysThatItMayNotReadUntilItMay) {
  start(
      [](auto nth, const auto& peer) {
        nth == 0 ? peer.answer(403, R"({"kind":"Status","reason":"Forbidden"})")
                 : peer.answer(200, page("10", object("a", "1", "1")));
      },
      silent);
  EXPECT_TRUE(becomes("a=1 "));
  EXPECT_TRUE(test::waitFor(5s, [&] { return problems_.copy() == std::vector<std::string>{"Api", "well"}; }));
}

TEST_F(WatcherTest, GoesOnWhateverHooksAndListenersThrow) {
  throwing_ = true;
  store_.onChange([](const auto&, const auto&) { throw std::runtime_error("a bug of the listener"); });
  start(
      [](auto nth, const auto& peer) {
        if (nth == 0) return peer.answer(500, "");
        if (nth == 1) return peer.answer(200, page("10", object("a", "1", "1") + "," + unreadable("b", "2")));
        peer.answer(200, page("20", object("c", "15", "1")));
      },
      [](auto nth, const auto& peer) {
        if (nth == 0) return peer.answer(410, kExpired);
        peer.begin();
        peer.chunk(event("MODIFIED", object("c", "21", "2")));
        peer.hang();
      });
  EXPECT_TRUE(becomes("c=2 "));
  EXPECT_EQ(problems_.copy(), (std::vector<std::string>{"Api", "well"}));
}

TEST_F(WatcherTest, TellsOfErrorsInAStreamAndSlowsDownForThem) {
  const std::string broken = R"({"kind":"Status","code":500,"reason":"InternalError","message":"no"})";
  start([](auto nth, const auto& peer) { peer.answer(200, page(std::to_string(10 + nth), "")); },
        [&](auto nth, const auto& peer) {
          if (nth == 4) return silent(nth, peer);
          peer.begin();
          // Lines before the error do not make the watch a success.
          peer.chunk(bookmark(std::to_string(10 + nth)) + event("ERROR", nth == 0 ? kExpired : broken));
          peer.hang();
        });
  EXPECT_TRUE(test::waitFor(10s, [&] { return cameAt_.copy().size() == 5; }));
  EXPECT_GE(pauseBefore(4), 800ms) << "0, 400, 800, 1600 ms, or half of it";
  EXPECT_EQ(problems_.copy(), (std::vector<std::string>{"well", "Api", "well", "Api", "well", "Api", "well"}))
      << "but for the first expiry";
}

std::string deep(std::size_t levels) {
  std::string text;
  for (std::size_t i = 0; i < levels; ++i) text += R"({"x":[)";
  for (std::size_t i = 0; i < levels; ++i) text += "]}";
  return text;
}
std::string nested(const std::string& name, const std::string& version, std::size_t levels) {
  std::string text = object(name, version, "1");
  text.insert(text.size() - 1, R"(,"extra":)" + deep(levels));
  return text;
}

TEST_F(WatcherTest, LetsAnObjectThatIsTooDeepStopNoOther) {
  start(
      [](auto, const auto& peer) {
        peer.answer(200, page("10", nested("deep", "1", 2000) + "," + nested("less", "2", 200) + "," +
                                        object("plain", "3", "1")));
      },
      [](auto, const auto& peer) {
        peer.begin();
        peer.chunk(event("MODIFIED", nested("less", "11", 50'000)) + event("ADDED", object("z", "12", "1")) +
                   event("MODIFIED", object("deep", "13", "2")));
        peer.hang();
      });
  EXPECT_TRUE(becomes("deep=2 less=1 plain=1 z=1 "));
  EXPECT_EQ(unread_.copy(), (std::vector<std::string>{"ConfigMap deep: nested deeper than 512 levels",
                                                      "ConfigMap less: nested deeper than 512 levels"}));
  EXPECT_EQ(listed_, 1u);
}

TEST_F(WatcherTest, ForgetsWhatItCouldNotReadOnceAListDoesNotHoldIt) {
  start(
      [](auto nth, const auto& peer) {
        peer.answer(200, nth == 1 ? page("20", "") : page(std::to_string(10 + 10 * nth), unreadable("a", "5")));
      },
      [](auto nth, const auto& peer) { nth < 2 ? peer.answer(410, kExpired) : silent(nth, peer); });
  EXPECT_TRUE(test::waitFor(10s, [&] { return watched_ == 3; }));
  EXPECT_EQ(unread_.copy().size(), 2u) << "it is told again when it comes again";
}

TEST_F(WatcherTest, DropsAnObjectWhoseSuccessorCannotBeRead) {
  const auto another = [](std::string text) { return text.replace(text.find("uid-"), 4, "new-"); };
  start(
      [](auto, const auto& peer) { peer.answer(200, page("10", object("a", "1", "1") + "," + object("b", "2", "1"))); },
      [&](auto, const auto& peer) {
        peer.begin();
        peer.chunk(event("MODIFIED", another(unreadable("a", "11"))));  // whose DELETED event was lost
        peer.hang();
      });
  EXPECT_TRUE(becomes("b=1 "));
}

TEST_F(WatcherTest, SkipsTheOneOfTenThousandThatCannotBeRead) {
  start(
      [](auto, const auto& peer) {
        std::string items = object("w-0", "1", "1");
        for (int i = 1; i < 10'000; ++i) {
          items += "," + (i == 5000 ? unreadable("w-5000", "1") : object("w-" + std::to_string(i), "1", "1"));
        }
        peer.answer(200, page("10", items));
      },
      [](auto, const auto& peer) {
        peer.begin();
        peer.chunk(event("MODIFIED", object("w-5000", "11", "mended")));
        peer.hang();
      });
  EXPECT_TRUE(test::waitFor(20s, [&] { return store_.size() == 10'000; }));
  EXPECT_EQ(store_.get({"n", "w-5000"})->data.at("value"), "mended");
  EXPECT_EQ(unread_.copy().size(), 1u);
}

TEST_F(WatcherTest, ReadsLargeObjectsAndLongNames) {
  const std::string large(1'400'000, 'x'), name(253, 'n');
  start([&](auto,
            const auto& peer) { peer.answer(200, page("10", object("a", "1", large) + "," + object(name, "2", "1"))); },
        [&](auto, const auto& peer) {
          peer.begin();
          peer.chunk(event("MODIFIED", object("a", "11", large + "!")) + event("MODIFIED", object(name, "12", "2")));
          peer.hang();
        });
  EXPECT_TRUE(test::waitFor(20s, [&] {
    const auto known = store_.get({"n", name});
    return known && known->data.at("value") == "2";
  }));
  EXPECT_EQ(store_.get({"n", "a"})->data.at("value").size(), 1'400'001u);
}

TEST_F(WatcherTest, KeepsNothingOfAMillionBookmarks) {
  constexpr int kChunks = 1000, kEach = 1000;
  const auto resident = [] {
    std::ifstream status("/proc/self/statm");
    long all = 0, pages = 0;
    status >> all >> pages;
    return pages * sysconf(_SC_PAGESIZE) / (1 << 20);
  };
  long before = 0;
  start([](auto, const auto& peer) { peer.answer(200, page("10", object("a", "1", "1"))); },
        [&](auto nth, const auto& peer) {
          if (nth > 0) return silent(nth, peer);
          before = resident();
          peer.begin();
          for (int i = 0; i < kChunks; ++i) {
            std::string chunk;
            for (int j = 1; j <= kEach; ++j) chunk += bookmark(std::to_string(1000 + i * kEach + j));
            peer.chunk(chunk);
          }
          peer.close();
        });
  EXPECT_TRUE(test::waitFor(60s, [&] { return watched_ == 2; }));
  EXPECT_EQ(watchedFrom(1), std::to_string(1000 + kChunks * kEach));
  // The sanitizers keep freed memory.
  EXPECT_LT(resident() - before, test::kSanitized ? 2000 : 32) << "MiB";
  EXPECT_EQ(held(), "a=1 ");
}

TEST_F(WatcherTest, CallsNobodyAfterItStopped) {
  std::promise<void> asked, stopped;
  start(
      [&](auto, const auto& peer) {
        asked.set_value();
        stopped.get_future().wait();
        peer.answer(200, page("10", object("a", "1", "1")));
      },
      silent);
  asked.get_future().wait();
  watcher_->stop();
  stopped.set_value();
  EXPECT_FALSE(test::waitFor(100ms, [&] { return store_.size() > 0; }));
  EXPECT_TRUE(problems_.copy().empty());
}

}  // namespace
}  // namespace mpay::runtime
