// The client and the runtime against the real API server, without the operator.
#include <mutex>
#include <sstream>
#include <thread>

#include "integration/world.h"
#include "runtime/controller.h"
#include "runtime/events.h"
#include "runtime/lease.h"
#include "runtime/named_watches.h"

namespace mpay::test {
namespace {

using api::ConfigMap;
using api::ObjectKey;
using runtime::Outcome;
using runtime::Store;

// A namespace for each test.
class Runtime : public ::testing::Test {
 protected:
  Runtime() {
    static int counter = 0;
    space = fmt::format("runtime-{}-{}", getpid(), ++counter);
    EXPECT_EQ(cluster.plane.kubectl({"create", "namespace", space}).code, 0);
  }

  ConfigMap object(const std::string& name, const std::string& value = "") const {
    ConfigMap made;
    made.metadata.namespace_ = space;
    made.metadata.name = name;
    made.data["value"] = value;
    return made;
  }
  ConfigMap created(const std::string& name, const std::string& value = "") {
    const auto made = configMaps.create(object(name, value));
    EXPECT_TRUE(made) << made.error().message;
    return made.value_or(ConfigMap{});
  }
  kube::Selectors here(const std::string& labels = "kind!=other") const { return {space, labels, ""}; }

  // This client's requests in this namespace, as "create configmaps", without watches and lists.
  std::vector<std::string> requests() const {
    std::vector<std::string> found;
    std::istringstream log(readFile(cluster.plane.auditLog()));
    for (std::string line; std::getline(log, line);) {
      const auto entry = json::parse(line);
      if (!entry || line.find("\"namespace\":\"" + space + "\"") == std::string::npos) continue;
      const std::string verb(entry->at("verb").as_string());
      if (verb != "watch" && verb != "list" && line.find("\"userAgent\":\"mpay-operator/") != std::string::npos) {
        found.push_back(verb + " " + std::string(entry->at("objectRef").at("resource").as_string()));
      }
    }
    return found;
  }

  Cluster& cluster = Cluster::get();
  kube::Api<ConfigMap> configMaps{cluster.admin};
  std::string space;
};

TEST_F(Runtime, TellsAFailureByItsStatus) {
  const auto absent = configMaps.get({space, "absent"});
  ASSERT_FALSE(absent);
  EXPECT_TRUE(absent.error().isNotFound());
  EXPECT_EQ(absent.error().status->reason, "NotFound");
  auto first = created("a");
  EXPECT_EQ(configMaps.create(object("a")).error().status->reason, "AlreadyExists");
  first.data["value"] = "1";
  ASSERT_TRUE(configMaps.replace(first));
  EXPECT_TRUE(configMaps.replace(first).error().isConflict()) << "the version it was based on is gone";
  EXPECT_TRUE(configMaps.remove({space, "a"}, {"00000000-0000-0000-0000-000000000000", ""}).error().isConflict());
  EXPECT_TRUE(kube::Api<ConfigMap>(cluster.as("stranger")).get({space, "a"}).error().isForbidden());
}

TEST_F(World, PutsAStatusOnlyOnWhatWasSeen) {
  const api::MPayEnvironment seen = environments().get({"", testing}).value();
  api::MPayEnvironmentStatus status;
  status.observedGeneration = 1;
  const auto applied = environments().applyStatus(seen, status);
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(applied->status->observedGeneration, 1);
  status.observedGeneration = 2;
  const auto older = environments().applyStatus(seen, status);
  ASSERT_FALSE(older);
  EXPECT_TRUE(older.error().isConflict()) << older.error().message;
  api::MPayEnvironment again = *applied;
  again.metadata = {};
  again.metadata.name = testing;
  ASSERT_TRUE(environments().remove(applied->metadata.key(), {applied->metadata.uid.value(), ""}));
  ASSERT_TRUE(environments().create(again));
  const auto recreated = environments().applyStatus(*applied, status);
  ASSERT_FALSE(recreated);
  EXPECT_TRUE(recreated.error().isConflict()) << recreated.error().message;
}

TEST_F(Runtime, TrustsOnlyTheAuthorityItWasGiven) {
  auto config = kube::Config::fromFile(cluster.plane.kubeconfig().string()).value();
  const auto with = [&](const std::string& authorities, const std::string& name) {
    auto tls = std::make_shared<net::Tls>(*config.tls);
    tls->authorities = authorities;
    tls->serverName = name;
    auto changed = config;
    changed.tls = tls;
    kube::Client client(changed);
    return kube::Api<ConfigMap>(client).list(here());
  };
  EXPECT_TRUE(with(cluster.plane.caPem(), ""));
  EXPECT_TRUE(with(cluster.plane.caPem(), "kubernetes.default.svc")) << "tls-server-name";
  for (const auto& refused :
       {with(Authority("another").certificate(), ""), with(cluster.plane.caPem(), "other.name")}) {
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Transport);
  }
}

TEST_F(Runtime, ReturnsFromAnEndlessRequestWhenItIsStopped) {
  std::stop_source stop;
  std::thread stopping([&] {
    waitFor(200ms, [] { return false; });
    stop.request_stop();
  });
  const auto path = kube::pathOf(ConfigMap::kResource, space) + "?watch=1";
  const auto answer = cluster.admin.request("GET", path, nullptr, "", stop.get_token());
  stopping.join();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, ErrorKind::Cancelled);
}

TEST_F(Runtime, ListsInPagesAndFollowsEveryChange) {
  constexpr int kMany = 1100;  // three pages
  std::vector<std::thread> writers;
  for (int w = 0; w < 8; ++w) {
    writers.emplace_back([&, w] {
      for (int i = w; i < kMany; i += 8) created(fmt::format("c{}", i));
    });
  }
  for (auto& writer : writers) writer.join();
  Store<ConfigMap> store;
  runtime::Watcher<ConfigMap> watcher(cluster.admin, here("!ignored"), store);
  watcher.start();
  ASSERT_TRUE(waitFor(20s, [&] { return store.synced(); }));
  EXPECT_EQ(store.size(), static_cast<std::size_t>(kMany));

  auto changed = *store.get({space, "c7"});
  changed.data["value"] = "changed";
  ASSERT_TRUE(configMaps.replace(changed));
  ASSERT_TRUE(configMaps.remove({space, "c8"}, {store.get({space, "c8"})->metadata.uid.value(), ""}));
  auto labelled = *store.get({space, "c9"});
  labelled.metadata.labels["ignored"] = "yes";
  labelled = configMaps.replace(labelled).value();
  created("new");
  const auto value = [&](const std::string& name) {
    const auto found = store.get({space, name});
    return found ? found->data.at("value") : "-";
  };
  EXPECT_TRUE(waitFor(10s, [&] {
    return value("c7") == "changed" && value("c8") == "-" && value("c9") == "-" && value("new").empty();
  }));
  labelled.metadata.labels.clear();
  ASSERT_TRUE(configMaps.replace(labelled));
  EXPECT_TRUE(waitFor(10s, [&] { return value("c9").empty(); })) << "it is selected again";
}

TEST_F(Runtime, FollowsOnAcrossARestartOfTheApiServer) {
  created("before");
  Store<ConfigMap> store;
  std::atomic<int> changes{0};
  store.onChange([&](const auto&, const auto&) { ++changes; });
  runtime::Watcher<ConfigMap> watcher(cluster.admin, here(), store);
  watcher.start();
  ASSERT_TRUE(waitFor(10s, [&] { return store.get({space, "before"}) != nullptr; }));
  const int seen = changes;
  cluster.plane.restartApiServer();
  ASSERT_TRUE(waitFor(20s, [&] { return configMaps.create(object("after")).has_value(); }));
  EXPECT_TRUE(waitFor(30s, [&] { return store.get({space, "after"}) != nullptr; }));
  EXPECT_EQ(changes, seen + 1) << "what stayed the same is not told again";
}

TEST_F(Runtime, ReadsOneNamedObjectOnceItMay) {
  const std::string reader = "reader-" + space;
  std::mutex mutex;
  std::map<std::string, int> told;
  runtime::NamedWatches<ConfigMap> watches(cluster.as(reader), [&](const std::string& owner) {
    const std::lock_guard lock(mutex);
    ++told[owner];
  });
  const ObjectKey key{space, "one"};
  EXPECT_TRUE(watches.get(key).pending);
  watches.refer("first", {key});
  watches.refer("second", {key, {space, "two"}});
  ASSERT_TRUE(waitFor(10s, [&] { return watches.get(key).error.has_value(); }));
  EXPECT_TRUE(watches.get(key).error->isForbidden());
  EXPECT_FALSE(watches.get(key).pending);

  cluster.apply(fmt::format(
      "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: reader, namespace: {0}}}, "
      "rules: [{{apiGroups: [''], resources: [configmaps], resourceNames: [one], verbs: [get, list, watch]}}]}}\n---\n"
      "{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: reader, namespace: {0}}}, "
      "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}, "
      "subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {1}}}]}}\n",
      space, reader));
  EXPECT_TRUE(waitFor(30s, [&] { return !watches.get(key).error; }));
  EXPECT_FALSE(watches.get(key).object) << "it may be read, and is not there";
  EXPECT_TRUE(watches.get({space, "two"}).error) << "the other one may still not";

  created("one", "content");
  EXPECT_TRUE(waitFor(10s, [&] { return watches.get(key).object != nullptr; }));
  EXPECT_TRUE(waitFor(10s, [&] {
    const std::lock_guard lock(mutex);
    return told["first"] >= 3 && told["second"] >= 3;
  }));
  watches.refer("first", {});
  EXPECT_TRUE(watches.get(key).object) << "the other owner still refers to it";
  watches.refer("second", {});
  EXPECT_TRUE(watches.get(key).pending) << "nobody does, so nobody watches";
}

// Copies each ConfigMap with the label source, in one write.
class Copier final : public runtime::Reconciler {
 public:
  Copier(kube::Client& client, Store<ConfigMap>& sources, Store<ConfigMap>& copies)
      : writer_(client), sources_(sources), copies_(copies) {}

  Result<Outcome> reconcile(const ObjectKey& key, std::stop_token stop) override {
    const auto source = sources_.get(key);
    const auto copy = copies_.get({key.namespace_, key.name + "-copy"});
    if (!source) {
      if (!copy) return Outcome{};
      TRY(writer_.remove(copy->metadata.key(), {copy->metadata.uid.value(), ""}, stop));
      copies_.forget(copy->metadata.key(), copy->metadata.uid.value());
      return Outcome{};
    }
    if (copy && copy->data == source->data) return Outcome{};
    ConfigMap wanted = copy ? *copy : ConfigMap{};
    wanted.metadata.namespace_ = key.namespace_;
    wanted.metadata.name = key.name + "-copy";
    wanted.metadata.labels = {{"kind", "copy"}};
    wanted.data = source->data;
    copies_.remember(TRY(copy ? writer_.replace(wanted, stop) : writer_.create(wanted, stop)));
    return Outcome{};
  }

 private:
  kube::Api<ConfigMap> writer_;
  Store<ConfigMap>& sources_;
  Store<ConfigMap>& copies_;
};

TEST_F(Runtime, WritesOnceForAChangeAndNeverAsks) {
  constexpr std::size_t kMany = 60;
  Store<ConfigMap> sources, copies;
  Copier copier(cluster.admin, sources, copies);
  runtime::Controller controller("copier", copier, 4);
  sources.onChange(
      [&](const auto& before, const auto& after) { controller.enqueue((after ? after : before)->metadata.key()); });
  copies.onChange([&](const auto& before, const auto& after) {
    ObjectKey key = (after ? after : before)->metadata.key();
    key.name.resize(key.name.size() - 5);
    controller.enqueue(key);
  });
  runtime::Watcher<ConfigMap> sourceWatcher(cluster.admin, here("kind=source"), sources);
  runtime::Watcher<ConfigMap> copyWatcher(cluster.admin, here("kind=copy"), copies);
  sourceWatcher.start();
  copyWatcher.start();
  ASSERT_TRUE(waitFor(10s, [&] { return sources.synced() && copies.synced(); }));
  controller.start();

  const auto equal = [&] {
    if (!controller.idle() || copies.size() != sources.size()) return false;
    for (const auto& source : sources.list()) {
      const auto copy = copies.get({space, *source->metadata.name + "-copy"});
      if (!copy || copy->data != source->data) return false;
    }
    return true;
  };
  std::vector<ConfigMap> written;
  for (std::size_t i = 0; i < kMany; ++i) {
    ConfigMap source = object(fmt::format("s{}", i), "1");
    source.metadata.labels = {{"kind", "source"}};
    written.push_back(configMaps.create(source).value());
  }
  ASSERT_TRUE(waitFor(20s, [&] { return sources.size() == kMany && equal(); }));
  for (auto& source : written) {
    source.data["value"] = "2";
    source = configMaps.replace(source).value();
  }
  ASSERT_TRUE(waitFor(20s, [&] { return sources.get({space, "s59"})->data.at("value") == "2" && equal(); }));
  // Copies that were edited or deleted by hand are restored.
  auto tampered = *copies.get({space, "s1-copy"});
  tampered.data["value"] = "x";
  ASSERT_TRUE(configMaps.replace(tampered));
  const auto uid = copies.get({space, "s2-copy"})->metadata.uid.value();
  ASSERT_TRUE(configMaps.remove({space, "s2-copy"}, {uid, ""}));
  EXPECT_TRUE(waitFor(10s, [&] {
    const auto again = copies.get({space, "s2-copy"});
    return copies.get({space, "s1-copy"})->data.at("value") == "2" && again && again->metadata.uid != uid && equal();
  }));
  ASSERT_TRUE(configMaps.remove({space, "s3"}, {}));
  EXPECT_TRUE(waitFor(10s, [&] { return copies.size() == kMany - 1 && sources.size() == kMany - 1; }));
  for (const auto& source : sources.list()) controller.enqueue(source->metadata.key());
  EXPECT_TRUE(waitFor(5s, [&] { return controller.idle(); }));
  controller.stop();

  std::map<std::string, std::size_t> expected{
      {"create configmaps", 2 * kMany + 1}, {"update configmaps", 2 * kMany + 2}, {"delete configmaps", 3}};
  std::map<std::string, std::size_t> counted;
  EXPECT_TRUE(waitFor(10s, [&] {
    counted.clear();
    for (const auto& request : requests()) ++counted[request];
    return counted == expected;
  })) << ::testing::PrintToString(counted);
}

TEST_F(Runtime, LetsOneLeadAndTheNextFollow) {
  std::atomic<bool> lost{false};
  const ObjectKey lease{space, "leader"};
  ManualClock clock{WallTime(std::chrono::seconds(1'800'000'000))};
  auto first = std::make_unique<runtime::LeaderElection>(cluster.admin, clock, lease, "first", [&] { lost = true; });
  runtime::LeaderElection second(cluster.admin, systemClock(), lease, "second", [] {});
  ASSERT_TRUE(first->acquire({}));
  EXPECT_TRUE(first->holds());
  std::stop_source stop;
  std::atomic<bool> leads{false};
  std::thread waiting([&] { leads = second.acquire(stop.get_token()); });
  EXPECT_FALSE(waitFor(2500ms, [&] { return leads.load(); })) << "the first one renews";
  clock.advance(11s);  // as if it had been paused
  EXPECT_FALSE(first->holds());
  EXPECT_TRUE(waitFor(20s, [&] { return first->holds(); })) << "and renewed before anybody took over";
  first->release();
  EXPECT_FALSE(first->holds());
  EXPECT_TRUE(waitFor(10s, [&] { return leads.load(); })) << "it need not wait for 15 s";
  stop.request_stop();
  waiting.join();
  EXPECT_TRUE(second.holds());
  EXPECT_FALSE(lost);
}

TEST_F(Runtime, NoticesThatAnotherTookTheLease) {
  std::atomic<bool> lost{false};
  const ObjectKey key{space, "leader"};
  runtime::LeaderElection election(cluster.admin, systemClock(), key, "first", [&] { lost = true; });
  ASSERT_TRUE(election.acquire({}));
  const kube::Api<api::Lease> leases(cluster.admin);
  ASSERT_TRUE(waitFor(10s, [&] {
    auto lease = leases.get(key).value();
    lease.spec.holderIdentity = "thief";
    return leases.replace(lease).has_value();
  }));
  EXPECT_TRUE(waitFor(10s, [&] { return lost.load(); }));
  EXPECT_FALSE(election.holds());
  election.release();
  EXPECT_EQ(leases.get(key)->spec.holderIdentity, "thief");
}

TEST_F(Runtime, NoticesThatTheLeaseWasDeleted) {
  std::atomic<bool> lost{false};
  const ObjectKey key{space, "leader"};
  runtime::LeaderElection election(cluster.admin, systemClock(), key, "first", [&] { lost = true; });
  ASSERT_TRUE(election.acquire({}));
  const kube::Api<api::Lease> leases(cluster.admin);
  ASSERT_TRUE(leases.remove(key, {}));
  EXPECT_TRUE(waitFor(9s, [&] { return lost.load(); })) << "before its time is up";
  EXPECT_FALSE(election.holds());
  EXPECT_FALSE(leases.get(key)) << "nor is it made again";
}

TEST_F(Runtime, RecordsEventsWithoutMakingAnybodyWait) {
  const auto about = created("subject");
  api::Namespace clusterScoped;
  clusterScoped.metadata.name = space;
  runtime::EventRecorder events(cluster.admin, systemClock(), "mpay-operator");
  std::string note = "\u0219";
  while (note.size() < 3000) note += "\u0219";  // two bytes each
  events.record(runtime::referenceTo(about), runtime::EventType::Warning, "Broken", "Reconcile", "x" + note);
  events.record(runtime::referenceTo(clusterScoped), runtime::EventType::Normal, "Seen", "Reconcile", "short");
  const auto noteOf = [&](const std::string& from, const std::string& reason) -> std::string {
    const auto all = kube::Api<api::Event>(cluster.admin).list({from, "", ""});
    if (!all) return all.error().message;
    for (const auto& event : *all) {
      if (event.reason == reason && (event.regarding.name == space || event.regarding.name == "subject")) {
        return event.note;
      }
    }
    return "";
  };
  EXPECT_TRUE(waitFor(10s, [&] { return noteOf("default", "Seen") == "short"; }));
  EXPECT_EQ(noteOf(space, "Broken").size(), 1023u) << "cut at a character";
}

}  // namespace
}  // namespace mpay::test
