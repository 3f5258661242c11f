// The meaning of gathered objects: whole, damaged, of a predecessor, of somebody else.
#include "onboarding/snapshot.h"

#include <gtest/gtest.h>

#include "gateway/rendering.h"
#include "unit/onboarding/form.h"

namespace mpay::onboarding {
namespace {

const api::ObjectKey kKey{"ns", "x"};

// An environment that holds everything that a promoted form writes there.
class Held : public Form {
 public:
  Held() {
    giveChannel();
    promote();
    checkRevocation();
    gathered.declared = snapshot.production.declared;
    gathered.settings = snapshot.production.settings;
    gathered.isRead = true;
    Fragment fragment = snapshot.production.fragment.value();
    put(gathered.fragment, fragment);
    put(gathered.claim, claimOf(fragment));
    put(gathered.notifications, notificationsIn(snapshot.production));
    put(gathered.revocation, snapshot.production.revocation.value.value_or(RevocationRecord{}));
    put(gathered.withdrawal, WithdrawalRecord{fragment.holder, fragment.serviceID, formatTime(now), std::nullopt});
    put(gathered.tests, recordFor(std::nullopt, fragment.holder));
    gathered.service.object = snapshot.production.service;
    gathered.published = gathered.fragment.object;
    gathered.publishedHash = currentHash(fragment, gathered.fragment.object->data.at("content.json"));
    const auto& live = snapshot.production.live.value();
    api::ControllerRevision revision;
    revision.revision = live.number;
    revision.metadata.name = live.name;
    revision.data = json::encode(live.revision);
    gathered.lastRevision = std::make_shared<const api::ControllerRevision>(std::move(revision));
  }
  EnvironmentSnapshot read() const { return snapshotOf(gathered, "production", *snapshot.integration); }

  template <Record T>
  static void put(GatheredObject& slot, const T& record) {
    auto object = remember(memoryMeta("out", T::kName, "production", kKey), record);
    object.metadata.resourceVersion = "7";
    slot.object = std::make_shared<const api::ConfigMap>(std::move(object));
  }
  static void damage(GatheredObject& slot) {
    auto object = *slot.object;
    object.data["content.json"] = "{";
    slot.object = std::make_shared<const api::ConfigMap>(std::move(object));
  }

  GatheredEnvironment gathered;
};

TEST(Snapshot, HoldsEverythingThatIsThere) {
  const Held held;
  const auto read = held.read();
  EXPECT_TRUE(read.read && read.fragment && read.isInGatewayFiles && read.service && read.live && read.withdrawal);
  EXPECT_FALSE(read.isDamaged || read.isPredecessors || read.problem || read.liveProblem || read.leaving);
  EXPECT_FALSE(read.claimed) << "the fragment says it";
  EXPECT_EQ(notificationsIn(read).notifications.size(), 1u);
  for (const auto& version : {read.notifications.version, read.revocation.version, read.tests.version})
    EXPECT_EQ(version, "7");
}

TEST(Snapshot, SaysWhatADamagedRecordMeans) {
  struct Row {
    std::string name;
    std::function<void(Held&)> damage;
    std::function<bool(const EnvironmentSnapshot&)> holds;
  } const rows[] = {
      {"a fragment that was seen whole", [](Held& h) { Held::damage(h.gathered.fragment); },
       [](const auto& s) { return s.fragment && !s.isDamaged && s.isInGatewayFiles; }},
      {"a fragment that nobody saw whole",
       [](Held& h) {
         Held::damage(h.gathered.fragment);
         h.gathered.published = nullptr;
       },
       [](const auto& s) { return !s.fragment && s.isDamaged && s.claimed && s.live; }},
      {"the claim beside it",
       [](Held& h) {
         Held::damage(h.gathered.fragment);
         Held::damage(h.gathered.claim);
         h.gathered.published = nullptr;
       },
       [](const auto& s) { return s.isDamaged && !s.claimed && s.live; }},
      {"notifications", [](Held& h) { Held::damage(h.gathered.notifications); },
       [](const auto& s) { return !s.notifications.value && s.notifications.version == "7"; }},
      {"revocation", [](Held& h) { Held::damage(h.gathered.revocation); },
       [](const auto& s) { return !s.revocation.value && s.revocation.version == "7"; }},
      {"functional tests", [](Held& h) { Held::damage(h.gathered.tests); },
       [](const auto& s) { return !s.tests.value && s.tests.version == "7"; }},
      {"the withdrawal", [](Held& h) { Held::damage(h.gathered.withdrawal); },
       [](const auto& s) { return !s.withdrawal && s.isWithdrawalDamaged; }},
      {"the revision",
       [](Held& h) {
         auto revision = *h.gathered.lastRevision;
         revision.data.as_object()["digest"] = "sha256:0";
         h.gathered.lastRevision = std::make_shared<const api::ControllerRevision>(std::move(revision));
       },
       [](const auto& s) {
         return !s.live && s.liveProblem && s.liveProblem->reason == "RevisionCorrupt" && s.fragment;
       }},
      {"a revision that is gone", [](Held& h) { h.gathered.lastRevision = nullptr; },
       [](const auto& s) {
         return !s.live && s.liveProblem && s.liveProblem->reason == "RevisionCorrupt" && s.fragment;
       }},
  };
  for (const auto& row : rows) {
    Held held;
    row.damage(held);
    EXPECT_TRUE(row.holds(held.read())) << row.name;
  }
}

TEST(Snapshot, SetsAPredecessorAside) {
  struct Row {
    std::string name;
    bool hasRevision;
    std::function<void(api::MPayIntegration&)> change;
    bool isPredecessors;
  } const rows[] = {
      {"an edit of the beneficiary, promoted before", true, [](auto& i) { i.spec.beneficiary.idno = "1010600034203"; },
       true},
      {"an edit, never promoted", false, [](auto& i) { i.spec.beneficiary.idno = "1010600034203"; }, false},
      {"created again by another beneficiary", false,
       [](auto& i) {
         i.metadata.uid = "uid-2";
         i.spec.beneficiary.idno = "1010600034203";
       },
       true},
      {"created again for another service", false,
       [](auto& i) {
         i.metadata.uid = "uid-2";
         i.spec.service.id = "AM-2";
       },
       true},
      {"created again, with no ServiceID yet", false,
       [](auto& i) {
         i.metadata.uid = "uid-2";
         i.spec.service.id.reset();
       },
       false},
      {"created again as it was", true, [](auto& i) { i.metadata.uid = "uid-2"; }, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Held held;
    if (!row.hasRevision) {
      auto fragment = held.snapshot.production.fragment.value();
      fragment.revision = 0;
      Held::put(held.gathered.fragment, fragment);
      held.gathered.lastRevision = nullptr;
    }
    held.edit(row.change);
    const auto read = held.read();
    EXPECT_EQ(read.isPredecessors, row.isPredecessors);
    EXPECT_EQ(read.leaving.has_value(), row.isPredecessors);
    EXPECT_EQ(read.fragment.has_value(), !row.isPredecessors);
    EXPECT_EQ(notificationsIn(read).notifications.empty(), row.isPredecessors);
    EXPECT_TRUE(read.notifications.version) << "its record is written over";
  }
}

TEST(Snapshot, NamesTheObjectThatIsInTheWay) {
  const std::pair<std::string, GatheredObject GatheredEnvironment::*> rows[] = {
      {memoryName(kClaim, kKey), &GatheredEnvironment::claim},
      {memoryName(kFragment, kKey), &GatheredEnvironment::fragment},
      {memoryName(kRevocation, kKey), &GatheredEnvironment::revocation},
      {serviceName(api::NameReference{"mpay-services"}, kKey), &GatheredEnvironment::service}};
  for (const auto& [name, slot] : rows) {
    Held held;
    (held.gathered.*slot).nameTaken = true;
    EXPECT_EQ(held.read().takenName, name);
  }
  Held held;
  held.editSettings(held.snapshot.production, [](Settings& s) { s.revocation.mode = api::RevocationMode::None; });
  held.gathered.settings = held.snapshot.production.settings;
  held.gathered.revocation.nameTaken = true;
  EXPECT_EQ(held.read().takenName, "") << "nothing is written there";
  held.gathered.notifications.nameTaken = held.gathered.tests.nameTaken = held.gathered.nextRevisionTaken = true;
  const auto read = held.read();
  EXPECT_TRUE(read.notifications.nameTaken && read.tests.nameTaken);
  EXPECT_EQ(read.takenRevisionName, revisionName(kKey, 2));
}

TEST(Snapshot, SaysNothingBeforeTheOutputsAreRead) {
  Held held;
  held.gathered.isRead = false;
  const auto read = held.read();
  EXPECT_FALSE(read.read || read.settings || read.fragment || read.live);
  ASSERT_TRUE(read.problem);
  EXPECT_TRUE(isBeingRead(*read.problem));
  held.gathered.declared = nullptr;
  EXPECT_EQ(held.read().problem->reason, "EnvironmentNotFound");
}

}  // namespace
}  // namespace mpay::onboarding
