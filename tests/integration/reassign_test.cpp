// Reassignments by the platform: the admitted client at each moment, in every order and across kills.
#include <algorithm>
#include <sstream>

#include "base/synchronized.h"
#include "crypto/x509.h"
#include "integration/world.h"
#include "ledger/assignment.h"
#include "runtime/watcher.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;
using ledger::AssignmentKind;

// Two texts in one line.
using Mark = std::pair<std::string, std::string>;

// Watches the admitted integrations of one namespace after each change, in the API server's order.
class Onlooker {
 public:
  // One of two integrations: its name, and the texts that admit it in its fragment and in the gateway's files.
  struct Watched {
    std::string name, entry;  // `entry` is in its fragment while it holds the value
    std::vector<Mark> lines;
  };
  Onlooker(kube::Client& client, const std::string& where, Watched first, Watched second)
      : both_{std::move(first), std::move(second)}, watcher_(client, {where, "", ""}, objects_) {
    objects_.onChange([this](const auto&, const auto&) { look(); });
    watcher_.start();
    EXPECT_TRUE(waitFor(10s, [&] { return objects_.synced(); }));
    look();
  }
  // The integrations admitted one after another, with "+" between two at once; waits until the last is `last`.
  std::vector<std::string> order(const std::string& last) {
    EXPECT_TRUE(waitFor(20s, [&] { return order_.with([&](auto& all) { return all.back() == last; }); }));
    watcher_.stop();
    return order_.copy();
  }

 private:
  static bool has(const std::string& text, const Mark& mark) {
    return text.find(mark.first) != std::string::npos && text.find(mark.second) != std::string::npos;
  }
  static bool admits(const api::ConfigMap& object, const Watched& watched) {
    const auto component = object.metadata.labels.find("mpay.gov.md/component");
    if (component == object.metadata.labels.end()) return false;
    for (const auto& [key, text] : object.data) {
      if (component->second == "fragment") {
        if (has(text, {fmt::format("\"name\":\"{}\"", watched.name), watched.entry})) return true;
      } else if (component->second == "aggregate") {
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) {
          if (std::any_of(watched.lines.begin(), watched.lines.end(),
                          [&](const auto& mark) { return has(line, mark); }))
            return true;
        }
      }
    }
    return false;
  }
  void look() {
    if (!objects_.synced()) return;
    order_.with([&](auto& all) {
      std::vector<std::string> admitted;
      const auto objects = objects_.list();
      for (const auto& watched : both_) {
        if (std::any_of(objects.begin(), objects.end(), [&](const auto& object) { return admits(*object, watched); }))
          admitted.push_back(watched.name);
      }
      const auto now = fmt::format("{}", fmt::join(admitted, "+"));
      if (all.empty() || all.back() != now) all.push_back(now);
    });
  }

  const std::vector<Watched> both_;
  Synchronized<std::vector<std::string>> order_;
  runtime::Store<api::ConfigMap> objects_;
  runtime::Watcher<api::ConfigMap> watcher_;
};

class Reassign : public World {
 protected:
  Reassign() : neighbour(anotherTenant("1010600034203")), rivalName(neighbour + "/rival") {
    std::string bindings;
    for (const auto& namespace_ : {testingOut, productionOut}) {
      bindings += fmt::format(
          "---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: reassign, namespace: "
          "{}}}, roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: mpay-reassign-outputs}}, "
          "subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {}}}]}}\n",
          namespace_, platform);
    }
    bindings += fmt::format(
        "---\n{{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {{name: reassign}}, "
        "roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: mpay-reassign}}, "
        "subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {}}}]}}\n",
        platform);
    cluster.apply(bindings);
  }

  struct Case {
    AssignmentKind kind = AssignmentKind::ServiceID;
    std::string option, value, condition, reason;
  };
  const std::string holderID = "AM-" + suffix, rivalID = "RIVAL-" + suffix;
  static constexpr auto kAddress = "203.0.113.10/32";

  Case caseOf(AssignmentKind kind) {
    const auto sha256 = crypto::Certificate::parse(certificate.certificate).value().sha256();
    switch (kind) {
      case AssignmentKind::ServiceID: return {kind, "--service-id", holderID, "Submitted", "ServiceIDConflict"};
      case AssignmentKind::Certificate:
        return {kind, "--certificate", sha256, "CertificateTrusted", "CertificateConflict"};
      case AssignmentKind::Address: break;
    }
    return {kind, "--address", "203.0.113.10", "TestEnvironmentReady", "AddressConflict"};
  }

  // A form of another beneficiary that wants the same value.
  api::MPayIntegration rival(AssignmentKind kind) {
    auto integration = form("rival", kind == AssignmentKind::ServiceID ? holderID : rivalID);
    integration.metadata.namespace_ = neighbour;
    integration.spec.beneficiary.idno = "1010600034203";
    integration.spec.targetStage = api::Stage::Testing;
    integration.spec.certificate = api::ContentSource{
        kind == AssignmentKind::Certificate ? certificate.certificate : rivals.certificate, std::nullopt, std::nullopt};
    integration.spec.endpoints.testing->addresses = {"198.51.100.1"};
    if (kind == AssignmentKind::Address) integration.spec.endpoints.testing->addresses.emplace_back("203.0.113.10");
    integration.spec.endpoints.production->addresses = {"198.51.100.2"};
    return integration;
  }

  std::unique_ptr<Onlooker> watch(AssignmentKind kind) {
    const auto own = crypto::Certificate::parse(certificate.certificate).value(),
               others = crypto::Certificate::parse(rivals.certificate).value();
    Onlooker::Watched first{"certificates", "", {}}, second{"rival", "", {}};
    if (kind == AssignmentKind::ServiceID) {
      first.entry = second.entry = fmt::format("\"serviceID\":\"{}\"", holderID);
      first.lines = {{own.sha1(), holderID}, {"203.0.113.10/32", holderID}};
      second.lines = {{others.sha1(), holderID}, {"198.51.100.1/32", holderID}};
    } else {
      const bool isAddress = kind == AssignmentKind::Address;
      first.entry = second.entry = isAddress ? kAddress : own.sha256();
      first.lines = {{isAddress ? kAddress : own.sha1(), holderID}};
      second.lines = {{isAddress ? kAddress : own.sha1(), rivalID}};
    }
    return std::make_unique<Onlooker>(cluster.admin, testingOut, std::move(first), std::move(second));
  }

  Finished reassign(std::vector<std::string> words, const std::string& typed = "") {
    words.insert(words.begin(), {MPAY_BIN_DIR "/kubectl-mpay", "reassign"});
    words.insert(words.end(), {"--kubeconfig", cluster.plane.kubeconfigFor(platform).string()});
    return run(words, typed);
  }
  void assign(const Case& what, const std::string& to, const std::string& environment) {
    const auto done = reassign(
        {"--environment", environment, what.option, what.value, "--to", to, "--reason", "the service moved", "--yes"});
    ASSERT_EQ(done.code, 0) << done.output;
  }
  void again() {
    killOperator();
    startOperator();
  }

  const std::string platform = "platform@mpay.example";
  const std::string neighbour, rivalName;
  Identity rivals = authority.issue({});
};

class EachKind : public Reassign, public ::testing::WithParamInterface<AssignmentKind> {
 protected:
  void letOneHoldAndTheOtherWait(const Case& what) {
    startOperator();
    auto holder = form();
    holder.spec.targetStage = api::Stage::Testing;
    create(holder);
    await("TestEnvironmentReady", ConditionStatus::True);
    create(rival(GetParam()));
    await(what.condition, ConditionStatus::False, what.reason, rivalName);
  }
};
INSTANTIATE_TEST_SUITE_P(Reassign, EachKind,
                         ::testing::Values(AssignmentKind::ServiceID, AssignmentKind::Certificate,
                                           AssignmentKind::Address),
                         [](const auto& tested) { return std::string(json::nameOf(tested.param)); });

TEST_P(EachKind, PassesOnAndBackWithoutAMomentOfBoth) {
  const auto what = caseOf(GetParam());
  ASSERT_NO_FATAL_FAILURE(letOneHoldAndTheOtherWait(what));
  const auto before = outputs(testingOut);

  auto onlooker = watch(GetParam());
  assign(what, rivalName, testing);
  await("TestEnvironmentReady", ConditionStatus::True, "", rivalName);
  await(what.condition, ConditionStatus::False, what.reason);
  const auto after = outputs(testingOut);
  again();
  awaitEnvironment(testing, "Published");
  await("TestEnvironmentReady", ConditionStatus::True, "", rivalName);
  EXPECT_EQ(outputs(testingOut), after) << "a restart changes nothing";

  // The rest of an integration that lost an address stays published.
  const auto files = published(testingOut, "mpay-allowlist", "allowlist.conf");
  EXPECT_EQ(files.find("203.0.113.16/29 \"" + holderID) != std::string::npos, GetParam() != AssignmentKind::ServiceID)
      << files;

  assign(what, tenant + "/certificates", testing);
  await("TestEnvironmentReady", ConditionStatus::True);
  await(what.condition, ConditionStatus::False, what.reason, rivalName);
  EXPECT_EQ(onlooker->order("certificates"),
            (std::vector<std::string>{"certificates", "", "rival", "", "certificates"}));

  // The holder at that time keeps the value.
  const auto revoked = reassign({"--environment", testing, what.option, what.value, "--revoke"}, "y\n");
  ASSERT_EQ(revoked.code, 0) << revoked.output;
  again();
  await(what.condition, ConditionStatus::False, what.reason, rivalName);
  await("TestEnvironmentReady", ConditionStatus::True);
  EXPECT_NE(reassign({"--environment", testing, "--list"}).output.find("nothing is assigned"), std::string::npos);
  if (GetParam() != AssignmentKind::Address) {
    EXPECT_EQ(published(testingOut, "mpay-clients", "clients.conf"), before.at("mpay-clients").at("clients.conf"));
  }
}

TEST_P(EachKind, IsTheAssigneesWhateverTheOrderOfArrival) {
  const auto what = caseOf(GetParam());
  auto holder = form();
  holder.spec.targetStage = api::Stage::Testing;
  for (const bool first : {true, false}) {
    SCOPED_TRACE(first);
    startOperator();
    // The target must exist; a suspended one claims nothing.
    auto wanting = rival(GetParam());
    wanting.spec.suspend = true;
    create(wanting);
    assign(what, rivalName, testing);
    const auto resume = [&] { edit([](auto& spec) { spec.suspend = false; }, rivalName); };
    if (first) resume();
    if (first) await("TestEnvironmentReady", ConditionStatus::True, "", rivalName);
    create(holder);
    await(what.condition, ConditionStatus::False, what.reason);
    again();
    if (!first) resume();
    await("TestEnvironmentReady", ConditionStatus::True, "", rivalName);
    await(what.condition, ConditionStatus::False, what.reason);
    for (const auto& key : {api::ObjectKey{tenant, "certificates"}, api::ObjectKey{neighbour, "rival"}})
      ASSERT_TRUE(integrations().remove(key, {}));
    ASSERT_TRUE(waitFor(20s, [&] {
      return !integrations().get({tenant, "certificates"}) && !integrations().get({neighbour, "rival"});
    }));
    killOperator();
  }
}

TEST_P(EachKind, EndsTheSameWhereverItIsKilled) {
  const auto what = caseOf(GetParam());
  ASSERT_NO_FATAL_FAILURE(letOneHoldAndTheOtherWait(what));
  auto onlooker = watch(GetParam());
  bool toRival = true;
  const auto versions = [&] {
    std::set<std::string> all;
    const auto listed = configMaps().list({testingOut, "app.kubernetes.io/managed-by=mpay-operator", ""});
    for (const auto& object : *listed)
      all.insert(object.metadata.name.value_or("") + " " + object.metadata.resourceVersion.value_or(""));
    return all;
  };
  // The operator is killed after so many writes in the namespace; the first one is the record itself.
  for (std::size_t writes = 1; writes <= 6; ++writes, toRival = !toRival) {
    SCOPED_TRACE(writes);
    auto seen = versions();
    const auto atFirst = seen.size();
    assign(what, toRival ? rivalName : tenant + "/certificates", testing);
    waitFor(3s, [&] {
      seen.merge(versions());
      return seen.size() >= atFirst + writes;
    });
    again();
    await("TestEnvironmentReady", ConditionStatus::True, "", toRival ? rivalName : "certificates");
    await(what.condition, ConditionStatus::False, what.reason, toRival ? "certificates" : rivalName);
  }
  std::vector<std::string> order{"certificates"};
  for (int i = 0; i < 6; ++i) order.insert(order.end(), {"", i % 2 == 0 ? "rival" : "certificates"});
  EXPECT_EQ(onlooker->order("certificates"), order);
}

TEST_F(Reassign, LetsTheOtherServicesOfTheAssigneesBeneficiaryShareTheCertificate) {
  startOperator();
  auto holder = form();
  holder.spec.targetStage = api::Stage::Testing;
  create(holder);
  await("TestEnvironmentReady", ConditionStatus::True);
  auto second = rival(AssignmentKind::Certificate);
  second.metadata.name = "second";
  second.spec.service.id = rivalID + "-2";
  const auto secondName = neighbour + "/second";
  create(rival(AssignmentKind::Certificate));
  create(second);
  for (const auto& name : {rivalName, secondName})
    await("CertificateTrusted", ConditionStatus::False, "CertificateConflict", name);
  const auto what = caseOf(AssignmentKind::Certificate);
  assign(what, rivalName, testing);
  for (const auto& name : {rivalName, secondName}) await("TestEnvironmentReady", ConditionStatus::True, "", name);
  await("CertificateTrusted", ConditionStatus::False, "CertificateConflict");
  const auto line = fmt::format("{} {},{}-2\n", what.value, rivalID, rivalID);
  EXPECT_NE(published(testingOut, "mpay-clients", "clients.map").find(line), std::string::npos);
  // The certificate is given to one of the two, and the other does not lose it.
  const auto asked = reassign({"--environment", testing, what.option, what.value, "--to", secondName, "--reason", "r"});
  EXPECT_EQ(asked.code, 1) << asked.output;
  EXPECT_EQ(asked.output.find("loses it"), std::string::npos) << asked.output;
}

TEST_F(Reassign, TakesOutOfProductionWhatWasValidated) {
  startOperator();
  create(form());
  promote();
  const auto fragmentName = ledger::memoryName(ledger::kFragment, {tenant, "certificates"});
  const auto fragment = [&] { return published(productionOut, fragmentName, "content.json"); };
  const auto served = fragment();
  const auto clients = published(productionOut, "mpay-clients", "clients.conf");
  auto wanting = rival(AssignmentKind::ServiceID);
  wanting.spec.suspend = true;
  create(wanting);
  auto address = caseOf(AssignmentKind::Address);
  address.value = "203.0.113.40";
  for (const auto& what : {caseOf(AssignmentKind::Certificate), address, caseOf(AssignmentKind::ServiceID)}) {
    SCOPED_TRACE(what.option);
    const auto asked =
        reassign({"--environment", production, what.option, what.value, "--to", rivalName, "--reason", "r"}, "n\n");
    EXPECT_EQ(asked.code, 1) << asked.output;
    EXPECT_NE(asked.output.find("IN PRODUCTION, also where it was validated"), std::string::npos) << asked.output;
    EXPECT_NE(asked.output.find("held now by:     " + tenant + "/certificates"), std::string::npos) << asked.output;
    EXPECT_EQ(fragment(), served) << "nothing was confirmed";
    assign(what, rivalName, production);
    await("Promoted", ConditionStatus::False, what.reason);
    EXPECT_NE(fragment(), served);
    EXPECT_EQ(fragment().empty(), what.kind == AssignmentKind::ServiceID) << fragment();
    ASSERT_TRUE(waitFor(10s, [&] {
      return published(productionOut, "mpay-clients", "clients.conf") != clients ||
             published(productionOut, "mpay-allowlist", "allowlist.conf").find("203.0.113.40") == std::string::npos;
    }));
    again();
    await("Promoted", ConditionStatus::False, what.reason);
    assign(what, tenant + "/certificates", production);
    await("Promoted", ConditionStatus::True);
    await("Ready", ConditionStatus::True, "Production");
    EXPECT_EQ(fragment(), served) << "the same revision, with nothing validated anew";
    ASSERT_TRUE(waitFor(10s, [&] { return published(productionOut, "mpay-clients", "clients.conf") == clients; }));
  }
  // A retained service of a deleted integration loses the value too.
  edit([](auto& spec) { spec.deletionPolicy = api::DeletionPolicy::Retain; });
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(20s, [&] { return !integrations().get({tenant, "certificates"}); }));
  EXPECT_EQ(fragment(), served);
  assign(address, rivalName, production);
  ASSERT_TRUE(waitFor(10s, [&] {
    return published(productionOut, "mpay-allowlist", "allowlist.conf").find("203.0.113.40") == std::string::npos;
  }));
  EXPECT_EQ(published(productionOut, "mpay-clients", "clients.conf"), clients) << "and that alone";
}

TEST_F(Reassign, TakesExactlyTheAddressesThatAreAssigned) {
  startOperator();
  auto holder = form();
  holder.spec.targetStage = api::Stage::Testing;
  create(holder);
  await("TestEnvironmentReady", ConditionStatus::True);
  auto wanting = rival(AssignmentKind::Address);
  wanting.spec.endpoints.testing->addresses = {"203.0.113.18/31"};
  create(wanting);
  await("TestEnvironmentReady", ConditionStatus::False, "AddressConflict", rivalName);
  const Case what{AssignmentKind::Address, "--address", "203.0.113.18/31", "", ""};
  assign(what, rivalName, testing);
  await("TestEnvironmentReady", ConditionStatus::True, "", rivalName);
  const auto files = published(testingOut, "mpay-allowlist", "allowlist.conf");
  for (const auto& row : {"203.0.113.10/32 \"" + holderID, "203.0.113.16/31 \"" + holderID,
                          "203.0.113.18/31 \"" + rivalID, "203.0.113.20/30 \"" + holderID}) {
    EXPECT_NE(files.find(row + "\""), std::string::npos) << row << " in\n" << files;
  }
}

TEST_F(Reassign, RefusesWhatCannotBeMeant) {
  startOperator();
  awaitEnvironment(testing, "Published");
  editEnvironment(testing, [](auto& spec) { spec.addresses.shared = {"198.51.100.0/24"}; });
  auto holder = form();
  holder.spec.targetStage = api::Stage::Testing;
  create(holder);
  create(rival(AssignmentKind::ServiceID));
  const auto other = anotherLike(testing);
  const std::string to = tenant + "/certificates";
  const std::tuple<std::vector<std::string>, std::string> rows[] = {
      {{"--environment", "absent", "--service-id", "X", "--to", to}, "environment absent does not exist"},
      {{"--environment", testing, "--service-id", "X", "--to", tenant + "/absent"}, "absent does not exist"},
      {{"--environment", testing, "--service-id", "X", "--to", "certificates"}, "--to is the NAMESPACE/NAME"},
      {{"--environment", other, "--service-id", "X", "--to", to}, "is not in environment"},
      {{"--environment", testing, "--certificate", "12", "--to", to}, "64 hexadecimal digits"},
      {{"--environment", testing, "--address", "203.0.113.1/24", "--to", to}, "no address or prefix"},
      {{"--environment", testing, "--address", "198.51.100.7", "--to", to}, "is in addresses.shared"}};
  for (auto [words, message] : rows) {
    words.insert(words.end(), {"--reason", "r", "--yes"});
    const auto done = reassign(words);
    EXPECT_EQ(done.code, 1) << message << "\n" << done.output;
    EXPECT_NE(done.output.find(message), std::string::npos) << message << "\n" << done.output;
  }
  assign({AssignmentKind::Address, "--address", "203.0.113.128/25", "", ""}, to, testing);
  const auto overlaps =
      reassign({"--environment", testing, "--address", "203.0.113.130", "--to", rivalName, "--reason", "r", "--yes"});
  EXPECT_EQ(overlaps.code, 1) << overlaps.output;
  EXPECT_NE(overlaps.output.find("overlaps 203.0.113.128/25"), std::string::npos) << overlaps.output;
  const auto listed = reassign({"--environment", testing, "--list"});
  EXPECT_NE(listed.output.find("address 203.0.113.128/25 is assigned to " + to + ", by " + platform), std::string::npos)
      << listed.output;
  // Only the platform may do this.
  const auto stranger = run({MPAY_BIN_DIR "/kubectl-mpay", "reassign", "--environment", testing, "--list",
                             "--kubeconfig", cluster.plane.kubeconfigFor(beneficiary).string()});
  EXPECT_EQ(stranger.code, 1) << stranger.output;
  EXPECT_NE(stranger.output.find("403"), std::string::npos) << stranger.output;
}

TEST_F(Reassign, TellsOfADamagedRecordAndGivesNobodyAnything) {
  startOperator();
  auto holder = form();
  holder.spec.targetStage = api::Stage::Testing;
  create(holder);
  await("TestEnvironmentReady", ConditionStatus::True);
  create(rival(AssignmentKind::Certificate));
  await("CertificateTrusted", ConditionStatus::False, "CertificateConflict", rivalName);
  const auto before = outputs(testingOut);
  const auto what = caseOf(AssignmentKind::Certificate);
  const auto write = [&](const std::string& name, const std::string& content) {
    auto object = api::ConfigMap{};
    object.metadata = ledger::ownedMeta(testingOut, name, ledger::kAssignment, testing, std::nullopt);
    object.data["content.json"] = content;
    ASSERT_TRUE(configMaps().create(object));
  };
  const auto content = [&](const std::string& value, const std::string& idno) {
    return fmt::format(
        R"({{"kind":"Certificate","value":"{}","namespace":"{}","name":"rival","idno":"{}","reason":"r","assignedBy":"x",)"
        R"("assignedAt":"2026-11-24T00:00:00Z"}})",
        value, neighbour, idno);
  };
  write("mpay-assignment-1", "{");
  write("mpay-assignment-2", content(what.value, "1010600034203"));
  write(ledger::assignmentName(what.kind, what.value), content(what.value, "12"));
  ASSERT_TRUE(waitFor(10s, [&] {
    const auto told = events("default", testing);
    return std::count_if(told.begin(), told.end(), [](const auto& e) { return e.reason == "MalformedAssignment"; }) ==
           3;
  }));
  again();
  await("TestEnvironmentReady", ConditionStatus::True);
  await("CertificateTrusted", ConditionStatus::False, "CertificateConflict", rivalName);
  auto now = outputs(testingOut);
  std::erase_if(now, [](const auto& object) { return object.first.starts_with("mpay-assignment"); });
  EXPECT_EQ(now, before);
}

}  // namespace
}  // namespace mpay::test
