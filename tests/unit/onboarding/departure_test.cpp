// Each way of leaving an environment, without a cluster.
#include "onboarding/departure.h"

#include <gtest/gtest.h>

namespace mpay::onboarding {
namespace {

using std::chrono::minutes;

const Holder kHolder{"ns", "x", "uid-1", "1006601000255"};
const WallTime kNow = parseTime("2026-11-28T10:00:00Z").value();

Fragment fragment(std::int64_t revision = 0) {
  Fragment f{kHolder, revision, "AM-1", "sha256:d", {"8.8.8.8/32"}, {}, {}};
  f.certificates.push_back({"s1", "s256", "2027-01-01T00:00:00Z", std::nullopt, std::nullopt, std::nullopt});
  return f;
}

Claim claim() { return claimOf(fragment()); }

WithdrawalRecord record(std::optional<std::string> dueAt) {
  return {kHolder, "AM-1", "2026-11-28T09:00:00Z", std::move(dueAt)};
}

class Leaving {
 public:
  explicit Leaving(api::Stage stage) {
    spec.stage = stage;
    spec.withdrawal.delay = "15m";
    departing.fragment = {fragment(), "7"};
    departing.claim = {claim(), "8"};
    departing.isPublished = true;
  }
  // One assignment, to another integration.
  void assign(AssignmentKind kind, const std::string& value) {
    const Assignment one{
        kind, value, "ns", "other", "1010600034203", "because", "p@mpay.example", "2026-11-24T10:00:00Z"};
    const auto object = std::make_shared<const api::ConfigMap>(
        remember(ownedMeta("out", assignmentName(kind, value), kAssignment, "e", std::nullopt), one));
    departing.barred.assignments = std::make_shared<const Assignments>(Assignments::read({object}, false).assignments);
  }
  Departure decide(Cause cause) const { return decideDeparture(departing, cause, {"ns", "x", "", ""}, kNow); }

  api::MPayEnvironmentSpec spec;
  Departing departing{spec};
};

TEST(Departure, EndsTestingAtOnceWhateverTheCause) {
  for (const auto cause : {Cause::Deleted, Cause::Retained, Cause::NotNamed}) {
    const auto departure = Leaving(api::Stage::Testing).decide(cause);
    EXPECT_TRUE(departure.ends);
    EXPECT_FALSE(departure.withdrawal || departure.fragment || departure.claim || departure.looksAgainAt);
    EXPECT_EQ(departure.forgetsTests, cause != Cause::NotNamed) << "its payments keep their PaymentIDs while it exists";
  }
}

TEST(Departure, ForgetsProductionThatNeverServed) {
  Leaving of(api::Stage::Production);
  of.departing.fragment = {};
  of.departing.isPublished = false;
  for (const auto cause : {Cause::Deleted, Cause::Retained, Cause::NotNamed}) {
    const auto departure = of.decide(cause);
    EXPECT_TRUE(departure.ends);
    EXPECT_FALSE(departure.withdrawal);
  }
}

TEST(Departure, RecordsAWithdrawalBeforeProductionEnds) {
  struct Row {
    std::string name;
    Cause cause;
    std::optional<WithdrawalRecord> known;
    std::optional<std::string> writtenDue;  // of the record that is written; "" of a record without a time
    bool ends;
    std::optional<WallTime> looksAgainAt;
  } const rows[] = {
      {"deleted", Cause::Deleted, {}, "2026-11-28T10:15:00Z", false, kNow + minutes(15)},
      {"retained", Cause::Retained, {}, "", false, {}},
      {"names another environment", Cause::NotNamed, {}, "2026-11-28T10:15:00Z", false, kNow + minutes(15)},
      {"not due", Cause::Deleted, record("2026-11-28T10:05:00Z"), {}, false, kNow + minutes(5)},
      {"due", Cause::Deleted, record("2026-11-28T10:00:00Z"), {}, true, {}},
      {"retained before, and still", Cause::Retained, record(std::nullopt), {}, false, {}},
      {"a time that nobody can read", Cause::Deleted, record("soon"), "2026-11-28T10:15:00Z", false,
       kNow + minutes(15)},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Leaving of(api::Stage::Production);
    of.departing.hasRevisions = true;
    of.departing.promoted = fragment(1);
    of.departing.withdrawal.value = row.known;
    const auto departure = of.decide(row.cause);
    EXPECT_EQ(departure.withdrawal.has_value(), row.writtenDue.has_value());
    if (departure.withdrawal && row.writtenDue) {
      EXPECT_EQ(departure.withdrawal->dueAt.value_or(""), *row.writtenDue);
      EXPECT_EQ(departure.withdrawal->holder, kHolder);
      EXPECT_EQ(departure.withdrawal->serviceID, "AM-1");
    }
    EXPECT_EQ(departure.ends, row.ends);
    EXPECT_EQ(departure.looksAgainAt, row.looksAgainAt);
    EXPECT_EQ(departure.fate, FragmentFate::Stays);
  }
}

TEST(Departure, EndsNothingByARecordThatNobodyCanRead) {
  for (const auto cause : {Cause::Deleted, Cause::Retained, Cause::NotNamed}) {
    Leaving of(api::Stage::Production);
    of.departing.hasRevisions = true;
    of.departing.promoted = fragment(1);
    of.departing.withdrawal = {std::nullopt, "9"};
    auto departure = of.decide(cause);
    EXPECT_FALSE(departure.withdrawal || departure.ends || departure.looksAgainAt) << "it may have been retained";
    of.departing.isDamaged = true;
    EXPECT_TRUE(of.decide(cause).isRestored);
    of.departing.isPublished = of.departing.hasRevisions = false;
    EXPECT_TRUE(of.decide(cause).ends) << "nothing serves";
  }
}

TEST(Departure, EndsAtOnceWhereTheDelayIsNone) {
  Leaving of(api::Stage::Production);
  of.spec.withdrawal.delay = "0s";
  const auto departure = of.decide(Cause::Deleted);
  EXPECT_TRUE(departure.withdrawal) << "so that an interrupted withdrawal is taken up again";
  EXPECT_TRUE(departure.ends);
}

TEST(Departure, TellsWhoseProductionItIsByWhatIsThere) {
  const Holder earlier{"ns", "x", "uid-0", "1"};
  struct Row {
    std::string name;
    bool isPromoted, hasFragment, hasClaim;
    std::string uid;
  } const rows[] = {{"promoted", true, true, true, "promoted"},
                    {"published", false, true, true, "published"},
                    {"claimed", false, false, true, "claimed"},
                    {"nothing", false, false, false, ""}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    Leaving of(api::Stage::Production);
    of.departing.hasRevisions = true;
    auto promoted = fragment(1), published = fragment(1);
    auto claimed = claim();
    promoted.holder.uid = "promoted";
    published.holder.uid = "published";
    claimed.holder.uid = "claimed";
    of.departing.promoted = row.isPromoted ? std::optional(promoted) : std::nullopt;
    of.departing.fragment.value = row.hasFragment ? std::optional(published) : std::nullopt;
    of.departing.claim.value = row.hasClaim ? std::optional(claimed) : std::nullopt;
    const auto departure = of.decide(Cause::Deleted);
    ASSERT_TRUE(departure.withdrawal);
    EXPECT_EQ(departure.withdrawal->holder.uid, row.uid);
    EXPECT_EQ(departure.withdrawal->holder.name, "x");
  }
}

TEST(Departure, RestoresADamagedFragmentUntilProductionEnds) {
  Leaving of(api::Stage::Production);
  of.departing.hasRevisions = true;
  of.departing.fragment = {std::nullopt, "7"};
  EXPECT_EQ(of.decide(Cause::Deleted).fate, FragmentFate::Stays)
      << "seen whole: the environment's controller restores it";
  of.departing.isDamaged = true;
  EXPECT_EQ(of.decide(Cause::Deleted).fate, FragmentFate::Stays) << "nothing says what it said";
  of.departing.promoted = fragment(1);
  for (const auto cause : {Cause::Deleted, Cause::Retained, Cause::NotNamed}) {
    const auto departure = of.decide(cause);
    EXPECT_EQ(departure.fate, FragmentFate::IsReplaced);
    EXPECT_TRUE(departure.isRestored);
    EXPECT_EQ(departure.fragment, fragment(1));
  }
  of.departing.barred.certificates = {"s256"};
  EXPECT_TRUE(of.decide(Cause::Deleted).fragment->certificates.empty()) << "revoked";
  of.assign(AssignmentKind::ServiceID, "AM-1");
  EXPECT_EQ(of.decide(Cause::Deleted).fate, FragmentFate::Goes) << "its ServiceID is another's now";
  of.departing.withdrawal.value = record("2026-11-28T09:30:00Z");
  const auto due = of.decide(Cause::Deleted);
  EXPECT_TRUE(due.ends);
  EXPECT_EQ(due.fate, FragmentFate::Stays) << "all of it goes";
}

TEST(Departure, GoesOnWhileADamagedFragmentCannotBeRestored) {
  Leaving of(api::Stage::Production);
  of.departing.hasRevisions = true;
  of.departing.fragment = {std::nullopt, "7"};
  of.departing.isDamaged = true;
  of.departing.promoted = fragment(1);
  of.departing.barredUnknown = Error{ErrorKind::Timeout, "the records are being read"};
  auto departure = of.decide(Cause::Deleted);
  EXPECT_TRUE(departure.withdrawal) << "the time runs from now";
  EXPECT_EQ(departure.fate, FragmentFate::Stays);
  ASSERT_TRUE(departure.unrestored);
  of.departing.withdrawal.value = record("2026-11-28T09:30:00Z");
  departure = of.decide(Cause::Deleted);
  EXPECT_TRUE(departure.ends && departure.hasServed);
  EXPECT_FALSE(departure.unrestored) << "nothing is restored any more";
  of.departing.withdrawal.value = record("soon");
  of.departing.barredUnknown.reset();
  departure = of.decide(Cause::Deleted);
  EXPECT_TRUE(departure.isRestored && departure.withdrawal);
  Leaving testing(api::Stage::Testing);
  testing.departing.isDamaged = true;
  testing.departing.barredUnknown = Error{ErrorKind::Timeout, "the records are being read"};
  EXPECT_TRUE(testing.decide(Cause::Deleted).ends && !testing.decide(Cause::Deleted).unrestored);
}

TEST(Departure, HandsOverExactlyWhatWasAssigned) {
  struct Row {
    std::string name;
    AssignmentKind kind;
    std::string value;
    FragmentFate fate;
    bool changesClaim;
  } const rows[] = {
      {"another's address", AssignmentKind::Address, "9.9.9.9/32", FragmentFate::Stays, false},
      {"an address", AssignmentKind::Address, "8.8.8.8/32", FragmentFate::IsReplaced, true},
      {"a certificate", AssignmentKind::Certificate, "s256", FragmentFate::IsReplaced, true},
      {"the ServiceID", AssignmentKind::ServiceID, "AM-1", FragmentFate::Goes, true},
      {"another ServiceID", AssignmentKind::ServiceID, "AM-2", FragmentFate::Stays, false},
  };
  for (const auto stage : {api::Stage::Testing, api::Stage::Production}) {
    for (const auto& row : rows) {
      SCOPED_TRACE(row.name);
      Leaving of(stage);
      of.assign(row.kind, row.value);
      if (row.kind == AssignmentKind::Certificate && !of.departing.barred.assignments->ofCertificate("s256")) {
        // Only a whole fingerprint can be assigned.
        of.departing.fragment.value->certificates[0].sha256 = std::string(64, 'a');
        of.departing.claim.value->certificates = {std::string(64, 'a')};
        of.assign(row.kind, std::string(64, 'a'));
      }
      const auto departure = of.decide(Cause::Reassigned);
      EXPECT_EQ(departure.fate, row.fate);
      EXPECT_EQ(departure.claim.has_value(), row.changesClaim);
      EXPECT_FALSE(departure.ends || departure.withdrawal || departure.looksAgainAt) << "the rest stays its own";
      const auto& left = departure.fragment;
      EXPECT_TRUE(!left || left->addresses.empty() || left->certificates.empty());
    }
  }
}

TEST(Departure, HandsOverAServiceThatIsOnlyClaimed) {
  Leaving of(api::Stage::Production);
  of.departing.fragment = {};
  of.assign(AssignmentKind::ServiceID, "AM-1");
  const auto departure = of.decide(Cause::Reassigned);
  EXPECT_EQ(departure.fate, FragmentFate::Goes) << "a damaged fragment under that claim goes too";
  ASSERT_TRUE(departure.claim);
  EXPECT_EQ(departure.claim->serviceID, "");
  of.departing.barred.assignments = nullptr;
  EXPECT_FALSE(of.decide(Cause::Reassigned).claim);
}

TEST(Departure, DropsWhatWasRevokedAndNothingElse) {
  Leaving of(api::Stage::Production);
  EXPECT_EQ(of.decide(Cause::Revoked).fate, FragmentFate::Stays);
  of.departing.barred.certificates = {"another"};
  EXPECT_EQ(of.decide(Cause::Revoked).fate, FragmentFate::Stays);
  of.departing.barred.certificates = {"s256"};
  const auto departure = of.decide(Cause::Revoked);
  ASSERT_TRUE(departure.fragment);
  EXPECT_TRUE(departure.fragment->certificates.empty());
  EXPECT_EQ(departure.fragment->addresses, fragment().addresses);
  EXPECT_FALSE(departure.ends || departure.withdrawal || departure.claim);
}

}  // namespace
}  // namespace mpay::onboarding
