// Objects in an output namespace that somebody edits, deletes or puts in the way.
#include <algorithm>

#include "integration/world.h"
#include "ledger/fragment.h"
#include "ledger/memory.h"
#include "ledger/notifications.h"
#include "ledger/revision.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;
using ledger::memoryName;
using std::chrono::steady_clock;

// A repair takes some tens of milliseconds; many times as long without optimisation or with sanitizers.
#ifdef NDEBUG
constexpr auto kSoon = 1s;
#else
constexpr auto kSoon = 5s;
#endif

class Repair : public World {
 protected:
  Repair() {
    // Production gets a network policy too; the tests' example has none.
    editEnvironment(production, [](auto& spec) {
      api::AllowlistNetworkPolicy policy;
      policy.podSelector.matchLabels = {{"app", "mpay-gateway"}};
      policy.ports = {{8443, api::Protocol::TCP}};
      spec.allowlist.targets.push_back({"network", std::nullopt, policy});
    });
  }

  template <class K>
  static bool isSame(const K& a, const K& b) {
    if (a.metadata.labels != b.metadata.labels || a.metadata.annotations != b.metadata.annotations) return false;
    if constexpr (requires { a.spec; }) {
      return a.spec == b.spec;
    } else {
      return a.data == b.data && a.binaryData == b.binaryData;
    }
  }

  // Patches or deletes the object, and waits until `holds` is true of it.
  template <class K>
  void expectRepaired(const api::ObjectKey& object, const std::string& patch,
                      const std::function<bool(const K&)>& holds) {
    SCOPED_TRACE(fmt::format("{} {} after {}", K::kResource.kind, object.text(), patch.empty() ? "deletion" : patch));
    const kube::Api<K> objects(cluster.admin);
    if (patch.empty()) {
      ASSERT_TRUE(objects.remove(object, {}));
    } else {
      const auto done = objects.patch(object, json::parse(patch).value());
      ASSERT_TRUE(done) << done.error().message;
    }
    const auto began = steady_clock::now();
    EXPECT_TRUE(waitFor(kSoon, [&] {
      const auto now = objects.get(object);
      return now && holds(*now);
    })) << json::canonical(json::encode(objects.get(object).value_or(K{})));
    slowest_ = std::max(slowest_, steady_clock::now() - began);
    RecordProperty("slowestRepairMilliseconds",
                   std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(slowest_).count()));
  }

  // Somebody replaces our object by a foreign one while the operator is stopped.
  template <class K>
  void expectLeftAlone(const K& foreign, const std::string& condition) {
    const api::ObjectKey place = foreign.metadata.key();
    SCOPED_TRACE(fmt::format("{} {}", K::kResource.kind, place.text()));
    const kube::Api<K> objects(cluster.admin);
    const auto ours = objects.get(place);
    ASSERT_TRUE(ours) << ours.error().message;
    killOperator();
    ASSERT_TRUE(objects.remove(place, {}));
    const auto made = objects.create(foreign);
    ASSERT_TRUE(made) << made.error().message;
    const auto before = told();
    startOperator();
    await(condition, ConditionStatus::False, "NameConflict");
    // A problem in testing alone leaves production Ready and appears in its condition. The Event comes after the
    // status; an operator that is killed in between does not post it.
    if (condition == "Promoted") {
      EXPECT_TRUE(waitFor(10s, [&] { return told() > before; })) << "not told";
    }
    EXPECT_EQ(objects.get(place)->metadata.resourceVersion, made->metadata.resourceVersion) << "adopted";
    ASSERT_TRUE(objects.remove(place, {}));
    await(condition, ConditionStatus::True);
    const auto now = objects.get(place);
    ASSERT_TRUE(now) << now.error().message;
    EXPECT_TRUE(isSame(*now, *ours)) << json::canonical(json::encode(*now));
  }

  // The number of Events about a name that a foreign object has.
  std::ptrdiff_t told() {
    const auto all = events(tenant, "certificates");
    return std::count_if(all.begin(), all.end(), [](const auto& event) { return event.reason == "NameConflict"; });
  }

  const api::ObjectKey key{tenant, "certificates"};
  const std::string service = "mpay-services-" + ledger::hashOf(key);

 private:
  steady_clock::duration slowest_{};
};

TEST_F(Repair, RestoresWhatIsEditedOrDeletedByHand) {
  startOperator();
  create(form());
  promote();
  await("Notified", ConditionStatus::True);
  const std::string ofEnvironment = R"({"metadata":{"annotations":{"mpay.gov.md/environment":null}}})",
                    ofIntegration = R"({"metadata":{"annotations":{"mpay.gov.md/integration":null}}})";
  const std::vector<std::string> marks{R"({"metadata":{"labels":{"extra":"label"}}})",
                                       R"({"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}})",
                                       ofEnvironment};
  for (const auto& namespace_ : {testingOut, productionOut}) {
    for (const auto& name :
         {std::string("mpay-allowlist"), std::string("mpay-clients"), std::string("mpay-authorities"), service,
          memoryName("fragment", key), memoryName("claim", key)}) {
      const auto good = configMaps().get({namespace_, name}).value();
      auto patches = marks;
      patches.push_back(fmt::format(R"({{"data":{{"{}":"admit all"}}}})", good.data.begin()->first));
      patches.push_back(R"({"data":{"extra.conf":"admit all"}})");
      if (good.metadata.annotations.contains("mpay.gov.md/integration")) patches.push_back(ofIntegration);
      patches.emplace_back();
      for (const auto& patch : patches) {
        expectRepaired<api::ConfigMap>({namespace_, name}, patch, [&](const auto& now) { return isSame(now, good); });
      }
    }
    const auto good = kube::Api<api::NetworkPolicy>(cluster.admin).get({namespace_, "mpay-network"}).value();
    auto patches = marks;
    patches.push_back(R"({"spec":{"ingress":[{}]}})");
    patches.push_back(R"({"spec":{"podSelector":{"matchLabels":{"app":"another"}}}})");
    patches.emplace_back();
    for (const auto& patch : patches) {
      expectRepaired<api::NetworkPolicy>({namespace_, "mpay-network"}, patch,
                                         [&](const auto& now) { return isSame(now, good); });
    }
  }
  await("Ready", ConditionStatus::True, "Production");
  EXPECT_EQ(mail.messages().size(), 1u);
}

// An unreadable fragment freezes the files of its environment for everybody.
TEST_F(Repair, RestoresDamagedFragmentsThatNoIntegrationWrites) {
  const auto another = [&](const std::string& name) {
    auto integration = form(name, "ID-" + name + suffix);
    integration.spec.endpoints.testing->addresses.clear();
    integration.spec.endpoints.production->addresses.clear();
    integration.spec.certificate = api::ContentSource{authority.issue({}).certificate, std::nullopt, std::nullopt};
    return integration;
  };
  startOperator();
  create(form());
  promote();
  auto kept = another("kept");
  kept.spec.deletionPolicy = api::DeletionPolicy::Retain;
  create(kept);
  promote("kept");
  create(another("broken"));
  await("TestEnvironmentReady", ConditionStatus::True, "", "broken");
  edit([](auto& spec) { spec.suspend = true; });
  awaitReason("Ready", "Suspended");
  edit([](auto& spec) { spec.contract.signedOn = "2099-01-01"; }, "broken");
  await("PrerequisitesMet", ConditionStatus::False, "", "broken");
  ASSERT_TRUE(integrations().remove({tenant, "kept"}, {}));
  ASSERT_TRUE(waitFor(20s, [&] { return !integrations().get({tenant, "kept"}); }));

  const auto fragmentOf = [&](const std::string& namespace_, const std::string& name) {
    return api::ObjectKey{namespace_, memoryName("fragment", {tenant, name})};
  };
  const api::ObjectKey broken = fragmentOf(testingOut, "broken");
  std::map<api::ObjectKey, api::ConfigMap> good;
  for (const auto& place : {fragmentOf(testingOut, "certificates"), fragmentOf(productionOut, "certificates"),
                            fragmentOf(productionOut, "kept"), broken})
    good[place] = configMaps().get(place).value();
  ASSERT_TRUE(waitFor(
      10s, [&] { return published(testingOut, "mpay-clients", "clients.conf").find("ID-kept") == std::string::npos; }));
  const auto inTesting = outputs(testingOut), inProduction = outputs(productionOut);
  const std::string damage = R"({"data":{"content.json":"nonsense"}})";
  // The operator saw the fragments whole, so it restores them as they were, also the one of the broken form.
  for (const auto& [place, object] : good) {
    const auto& before = object;
    ASSERT_TRUE(configMaps().patch(place, json::parse(damage).value()));
    EXPECT_TRUE(waitFor(10s, [&] {
      const auto now = configMaps().get(place);
      return now && isSame(*now, before);
    })) << place.text();
  }
  EXPECT_EQ(outputs(productionOut), inProduction);

  // The fragments were damaged before this process began. They are restored from the revision; in testing from the
  // form, if it agrees with the claim.
  killOperator();
  for (const auto& [place, object] : good) ASSERT_TRUE(configMaps().patch(place, json::parse(damage).value()));
  startOperator();
  for (const auto& [place, object] : good) {
    if (place == broken) continue;
    const auto& before = object;
    EXPECT_TRUE(waitFor(20s, [&] {
      const auto now = configMaps().get(place);
      return now && isSame(*now, before);
    })) << place.text();
  }
  EXPECT_TRUE(waitFor(20s, [&] { return !configMaps().get(broken); })) << "nothing tells what it said";
  EXPECT_EQ(outputs(productionOut), inProduction);
  awaitEnvironment(testing, "Published");
  awaitEnvironment(production, "Published");
  // The files change again; an integration with a mended form returns.
  edit([](auto& spec) { spec.contract.signedOn = "2026-09-14"; }, "broken");
  await("TestEnvironmentReady", ConditionStatus::True, "", "broken");
  EXPECT_EQ(outputs(testingOut), inTesting);
}

// Only the fragment has the earlier certificate.
TEST_F(Repair, RestoresADamagedFragmentWithTheEarlierCertificate) {
  startOperator();
  create(form());
  promote();
  edit([&](auto& spec) { spec.certificate = api::ContentSource{authority.issue({}).certificate, {}, {}}; });
  const api::ObjectKey place{testingOut, memoryName("fragment", key)};
  const auto certificates = [&] {
    const auto fragment = ledger::remembered<ledger::Fragment>(configMaps().get(place).value());
    return fragment ? fragment->certificates.size() : 0;
  };
  ASSERT_TRUE(waitFor(20s, [&] { return certificates() == 2; }));
  awaitRest();  // the overlap begins when the files have both
  const auto good = configMaps().get(place).value();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(configMaps().patch(place, json::parse(R"({"data":{"content.json":"nonsense"}})").value()));
    ASSERT_TRUE(waitFor(20s, [&] { return isSame(configMaps().get(place).value(), good); }))
        << configMaps().get(place)->data.begin()->second;
  }
}

// A disputed name does not stop withdrawals: an integration that leaves goes from all objects, across a restart too.
TEST_F(Repair, KeepsUpToDateWhatHasADisputedName) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  editEnvironment(testing, [](auto& spec) {
    spec.allowlist.targets.push_back(
        {"another", api::AllowlistConfigMap{"mpay-clients-part-3", api::AllowlistFormat::CIDR}, {}});
  });
  awaitEnvironment(testing, "InvalidField");
  const auto prefixes = [&] { return published(testingOut, "mpay-clients-part-3", "allowlist.txt"); };
  EXPECT_TRUE(waitFor(20s, [&] { return prefixes().find("203.0.113.10/32") != std::string::npos; }));
  killOperator();
  startOperator();
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  EXPECT_TRUE(waitFor(20s, [&] {
    return published(testingOut, "mpay-clients", "clients.conf").find("AM-") == std::string::npos && prefixes().empty();
  }));
}

// Changes that were read before the damaged fragment are not forgotten.
TEST_F(Repair, PublishesWhatChangedWhileAFragmentWasDamaged) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  api::ConfigMap damaged;
  damaged.metadata = ledger::ownedMeta(testingOut, "mpay-fragment-stranger", ledger::kFragment, testing, {});
  damaged.data = {{"content.json", "nonsense"}};
  ASSERT_TRUE(configMaps().create(damaged));
  awaitEnvironment(testing, "PublishFailed");
  edit([](auto& spec) { spec.endpoints.testing->addresses = {"203.0.113.77"}; });
  await("TestEnvironmentReady", ConditionStatus::False);
  ASSERT_TRUE(configMaps().remove({testingOut, "mpay-fragment-stranger"}, {}));
  await("TestEnvironmentReady", ConditionStatus::True);
  EXPECT_NE(published(testingOut, "mpay-allowlist", "allowlist.conf").find("203.0.113.77"), std::string::npos);
}

TEST_F(Repair, SendsNoOtherMailWhateverBecomesOfItsRecord) {
  startOperator();
  create(form());
  promote();
  await("Notified", ConditionStatus::True);
  const api::ObjectKey record{productionOut, memoryName("effects", key)};
  const auto good = configMaps().get(record).value();
  const auto sent = ledger::remembered<ledger::Notifications>(good).value().notifications.at(0);
  const auto edited = [&](const std::function<void(ledger::Notification&)>& change) {
    auto effect = sent;
    change(effect);
    return json::canonical(json::object{
        {"data", json::object{{"content.json", json::canonical(json::encode(ledger::Notifications{{effect}}))}}}});
  };
  // The record's form from the time when the activation was the only notification.
  const auto single =
      json::canonical(json::object{{"data", json::object{{"content.json", json::canonical(json::encode(sent))}}}});
  // Only the record has the time of the intent.
  const auto isWhole = [&](const api::ConfigMap& now) {
    auto effects = ledger::remembered<ledger::Notifications>(now);
    if (!effects || effects->notifications.size() != 1 || now.data.at("content.json").find("notifications") > 2)
      return false;
    auto* effect = &effects->notifications[0];
    if (!effect->sentAt) return false;
    effect->intendedAt = sent.intendedAt;
    effect->sentAt = sent.sentAt;
    return *effect == sent && now.data.size() == 1 && now.metadata.labels == good.metadata.labels &&
           now.metadata.annotations == good.metadata.annotations;
  };
  const std::vector<std::string> patches{edited([](auto& effect) {
                                           effect.messageID = "<another@mpay.example>";
                                           effect.sentAt.reset();
                                         }),
                                         edited([](auto& effect) {
                                           effect.digest = "sha256:" + std::string(64, 'a');
                                           effect.messageID = "<another@mpay.example>";
                                           effect.sentAt.reset();
                                         }),
                                         edited([](auto& effect) { effect.sentAt.reset(); }),
                                         edited([](auto& effect) { effect.messageID = "<another@mpay.example>"; }),
                                         edited([](auto& effect) {
                                           effect.revision = 7;
                                           effect.sentAt.reset();
                                         }),
                                         single,
                                         R"({"data":{"content.json":"nonsense"}})",
                                         R"({"data":{"content.json":null}})",
                                         R"({"data":{"extra.json":"{}"}})",
                                         R"({"metadata":{"labels":{"extra":"label"}}})",
                                         R"({"metadata":{"labels":{"app.kubernetes.io/managed-by":null}}})",
                                         R"({"metadata":{"annotations":{"mpay.gov.md/integration":null}}})",
                                         ""};
  for (const auto& patch : patches) expectRepaired<api::ConfigMap>(record, patch, isWhole);
  EXPECT_EQ(mail.messages().size(), 1u) << "this process knows that it sent it";
  // Another process cannot know this; it may send the same mail again, and no other.
  for (const auto& patch : {patches[0], patches[1], patches[6], std::string()}) {
    killOperator();
    if (patch.empty()) {
      ASSERT_TRUE(configMaps().remove(record, {}));
    } else {
      ASSERT_TRUE(configMaps().patch(record, json::parse(patch).value()));
    }
    startOperator();
    EXPECT_TRUE(waitFor(20s, [&] {
      const auto now = configMaps().get(record);
      return now && isWhole(*now);
    })) << patch;
  }
  await("Notified", ConditionStatus::True, "Sent");
  for (const auto& message : mail.messages()) EXPECT_EQ(message.header("Message-ID"), sent.messageID);
}

// A network policy admits its members whatever else is published.
TEST_F(Repair, EndsANetworkPolicyAlsoWhereAnothersObjectIsInTheWay) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  const kube::Api<api::NetworkPolicy> policies(cluster.admin);
  ASSERT_FALSE(policies.list({testingOut, "", ""})->empty());
  api::ConfigMap foreign;
  foreign.metadata.name = "blocked";
  foreign.metadata.namespace_ = testingOut;
  ASSERT_TRUE(configMaps().create(foreign));
  editEnvironment(testing, [](auto& spec) {
    spec.allowlist.targets = {
        {"blocked", api::AllowlistConfigMap{"blocked", api::AllowlistFormat::CIDR}, std::nullopt}};
  });
  awaitEnvironment(testing, "NameConflict");
  EXPECT_TRUE(waitFor(10s, [&] { return policies.list({testingOut, "", ""})->empty(); }));
}

TEST_F(Repair, AdoptsNothingOfOthersAndGoesOnOnceItIsGone) {
  api::ControllerRevision revision;
  revision.metadata.name = ledger::revisionName(key, 1);
  revision.metadata.namespace_ = productionOut;
  revision.data = json::object{{"whose", "somebody's"}};
  revision.revision = 7;
  const kube::Api<api::ControllerRevision> revisions(cluster.admin);
  ASSERT_TRUE(revisions.create(revision));
  startOperator();
  create(form());
  recordAll();
  await("Promoted", ConditionStatus::False, "NameConflict");
  EXPECT_TRUE(waitFor(10s, [&] { return told() == 1; })) << told() << " Events";
  EXPECT_EQ(revisions.get(revision.metadata.key())->revision, 7);
  ASSERT_TRUE(revisions.remove(revision.metadata.key(), {}));
  await("Notified", ConditionStatus::True, "Sent");

  for (const auto& [namespace_, condition] : {std::pair(testingOut, std::string("TestEnvironmentReady")),
                                              std::pair(productionOut, std::string("Promoted"))}) {
    for (const auto& name :
         {std::string("mpay-allowlist"), service, memoryName("fragment", key), memoryName("claim", key)}) {
      api::ConfigMap foreign;
      foreign.metadata.name = name;
      foreign.metadata.namespace_ = namespace_;
      foreign.data["whose"] = "somebody's";
      expectLeftAlone(foreign, condition);
    }
    api::NetworkPolicy foreign;
    foreign.metadata.name = "mpay-network";
    foreign.metadata.namespace_ = namespace_;
    foreign.spec = json::object{{"podSelector", json::object{}}, {"policyTypes", json::array{"Ingress"}}};
    expectLeftAlone(foreign, condition);
  }
  EXPECT_EQ(told(), 6);
  EXPECT_EQ(mail.messages().size(), 1u);
}

}  // namespace
}  // namespace mpay::test
