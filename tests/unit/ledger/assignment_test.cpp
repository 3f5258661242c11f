#include "ledger/assignment.h"

#include <gtest/gtest.h>

namespace mpay::ledger {
namespace {

const std::string kIdno = "1006601000255";
const std::string kCertificate(64, 'a'), kAnother(64, 'b');
const Holder kMine{"ns", "mine", "u", kIdno}, kOther{"ns", "other", "v", "1010600034203"};

Assignment assignment(AssignmentKind kind, const std::string& value, const std::string& name = "mine",
                      const std::string& at = "2026-11-24T10:00:00Z") {
  return {kind, value, "ns", name, kIdno, "because", "platform@mpay.example", at};
}

std::shared_ptr<const api::ConfigMap> object(const Assignment& content, std::string name = "") {
  if (name.empty()) name = assignmentName(content.kind, content.value);
  return std::make_shared<const api::ConfigMap>(
      remember(ownedMeta("out", name, kAssignment, "testing", std::nullopt), content));
}

Assignments of(const std::vector<Assignment>& all, bool provesIdno = false) {
  std::vector<std::shared_ptr<const api::ConfigMap>> objects;
  for (const auto& each : all) objects.push_back(object(each));
  return Assignments::read(objects, provesIdno).assignments;
}

TEST(Assignment, HasOneSpelling) {
  struct Row {
    AssignmentKind kind;
    std::string text, value;  // empty: refused
  };
  const std::string upper(64, 'A');
  const Row rows[] = {{AssignmentKind::ServiceID, "AM-1", "AM-1"},
                      {AssignmentKind::ServiceID, "", ""},
                      {AssignmentKind::ServiceID, "a\nb", ""},
                      {AssignmentKind::ServiceID, std::string(37, 'x'), ""},
                      {AssignmentKind::Certificate, kCertificate, kCertificate},
                      {AssignmentKind::Certificate, upper, kCertificate},
                      {AssignmentKind::Certificate, "AA:AA" + std::string(60, 'a'), kCertificate},
                      {AssignmentKind::Certificate, std::string(40, 'a'), ""},
                      {AssignmentKind::Certificate, std::string(64, 'g'), ""},
                      {AssignmentKind::Address, "8.8.8.8", "8.8.8.8/32"},
                      {AssignmentKind::Address, "2001:DB8::/64", "2001:db8::/64"},
                      {AssignmentKind::Address, "8.8.8.8/24", ""},
                      {AssignmentKind::Address, "0.0.0.0/0", ""},
                      {AssignmentKind::Address, "8.8.8", ""}};
  for (const auto& row : rows) {
    const auto value = canonicalValue(row.kind, row.text);
    ASSERT_EQ(value.has_value(), !row.value.empty()) << row.text;
    if (value) {
      EXPECT_EQ(*value, row.value);
    } else {
      EXPECT_EQ(value.error().reason, "InvalidField") << row.text;
    }
  }
}

TEST(Assignment, CountsNothingOfADamagedRecord) {
  auto nobody = assignment(AssignmentKind::ServiceID, "AM-1");
  nobody.idno = "12";
  auto nameless = assignment(AssignmentKind::ServiceID, "AM-2", "");
  auto broken = *object(assignment(AssignmentKind::ServiceID, "AM-3"));
  broken.data["content.json"] = R"({"kind":"Everything"})";
  const auto read = Assignments::read(
      {object(nobody), object(nameless), object(assignment(AssignmentKind::ServiceID, "AM-4"), "mpay-assignment-other"),
       object(assignment(AssignmentKind::Address, "8.8.8.8")), std::make_shared<const api::ConfigMap>(broken)},
      false);
  EXPECT_TRUE(read.assignments.empty());
  EXPECT_EQ(read.problems.size(), 5u);
}

TEST(Assignment, LetsTheEarlierOneOfTwoOverlappingCount) {
  const auto wide = assignment(AssignmentKind::Address, "8.8.8.0/24", "other", "2026-11-24T11:00:00Z");
  const auto narrow = assignment(AssignmentKind::Address, "8.8.8.8/32", "mine", "2026-11-24T10:00:00Z");
  for (const auto& objects : {std::vector{object(wide), object(narrow)}, std::vector{object(narrow), object(wide)}}) {
    const auto read = Assignments::read(objects, false);
    EXPECT_EQ(read.assignments.all(), std::vector{narrow});
    EXPECT_EQ(read.problems.count(assignmentName(wide.kind, wide.value)), 1u);
  }
  auto mineToo = wide;
  mineToo.name = "mine";
  EXPECT_EQ(of({mineToo, narrow}).all().size(), 2u) << "of one integration they may nest";
}

TEST(Assignment, TakesFromOthersAlone) {
  const auto assignments =
      of({assignment(AssignmentKind::ServiceID, "AM-1"), assignment(AssignmentKind::Certificate, kCertificate),
          assignment(AssignmentKind::Address, "8.8.8.0/25")});
  EXPECT_TRUE(assignments.takesService(kOther, "AM-1"));
  EXPECT_FALSE(assignments.takesService(kMine, "AM-1"));
  EXPECT_FALSE(assignments.takesService(kOther, "AM-2"));
  EXPECT_TRUE(assignments.takesCertificate(kOther, kCertificate));
  EXPECT_FALSE(assignments.takesCertificate(kMine, kCertificate));
  for (const auto* text : {"8.8.8.8/32", "8.8.8.0/24", "8.8.8.0/25", "8.0.0.0/8"}) {
    EXPECT_TRUE(assignments.takesAddress(kOther, *net::parsePrefix(text))) << text;
    EXPECT_FALSE(assignments.takesAddress(kMine, *net::parsePrefix(text))) << text;
  }
  EXPECT_FALSE(assignments.takesAddress(kOther, *net::parsePrefix("8.8.8.128/25")));
  auto successor = kMine;
  successor.idno = "1010600034203";
  EXPECT_TRUE(assignments.takesService(successor, "AM-1")) << "of this name, and another beneficiary's";
  successor = kMine;
  successor.uid = "created again";
  EXPECT_FALSE(assignments.takesService(successor, "AM-1"));
}

// The services of one beneficiary share a certificate, also one that was assigned to one of them.
TEST(Assignment, TakesACertificateFromOtherBeneficiariesAlone) {
  for (const bool provesIdno : {false, true}) {
    const auto assignments =
        of({assignment(AssignmentKind::ServiceID, "AM-1"), assignment(AssignmentKind::Certificate, kCertificate)},
           provesIdno);
    const Holder sibling{"ns", "sibling", "v", kIdno}, elsewhere{"elsewhere", "sibling", "v", kIdno};
    EXPECT_FALSE(assignments.takesCertificate(sibling, kCertificate));
    EXPECT_TRUE(assignments.takesService(sibling, "AM-1")) << "a ServiceID is one integration's";
    EXPECT_EQ(assignments.takesCertificate(elsewhere, kCertificate), !provesIdno);
    EXPECT_TRUE(assignments.takesCertificate(kOther, kCertificate));
  }
}

TEST(Assignment, TakesExactlyWhatIsAssigned) {
  const auto assignments =
      of({assignment(AssignmentKind::ServiceID, "AM-1"), assignment(AssignmentKind::Certificate, kCertificate),
          assignment(AssignmentKind::Address, "8.8.8.8/32"), assignment(AssignmentKind::Address, "9.9.9.0/24")});
  Fragment fragment;
  fragment.holder = kOther;
  fragment.serviceID = "AM-2";
  fragment.addresses = {"8.8.8.8/30", "9.9.9.9/32"};
  fragment.posAddresses = {"9.9.8.0/23"};
  fragment.certificates = {{"1", kCertificate, "", {}, "2026-11-24T09:00:00Z", {}}, {"2", kAnother, "", {}, {}, {}}};
  auto mine = fragment;
  mine.holder = kMine;
  EXPECT_FALSE(assignments.takeOut(mine));
  EXPECT_TRUE(assignments.takeOut(fragment));
  EXPECT_EQ(fragment.addresses, (std::vector<std::string>{"8.8.8.9/32", "8.8.8.10/31"}));
  EXPECT_EQ(fragment.posAddresses, std::vector<std::string>{"9.9.8.0/24"});
  ASSERT_EQ(fragment.certificates.size(), 1u);
  EXPECT_EQ(fragment.certificates[0].sha256, kAnother);
  EXPECT_FALSE(assignments.takeOut(fragment)) << "nothing more";

  Claim claim{kOther, "AM-1", {kCertificate, kAnother}, {"8.8.8.8/32", "1.1.1.1/32"}};
  EXPECT_TRUE(assignments.takeOut(claim));
  EXPECT_EQ(claim, (Claim{kOther, "", {kAnother}, {"1.1.1.1/32"}}));
}

TEST(Assignment, KnowsWhatIsStillPublishedOfOthers) {
  const auto assignments =
      of({assignment(AssignmentKind::ServiceID, "AM-1"), assignment(AssignmentKind::Certificate, kCertificate),
          assignment(AssignmentKind::Address, "8.8.8.8/32")});
  Fragment other;
  other.holder = kOther;
  other.serviceID = "AM-1";
  other.addresses = {"8.8.8.0/24", "1.1.1.1/32"};
  other.certificates = {{"1", kCertificate, "", {}, {}, {}}, {"2", kAnother, "", {}, {}, {}}};
  Fragment mine = other;
  mine.holder = kMine;
  const auto held = heldByOthers(assignments, {{"a", other}, {"b", mine}});
  EXPECT_EQ(held.services, std::set<std::string>{"AM-1"});
  EXPECT_EQ(held.certificates, std::set<std::string>{kCertificate});
  EXPECT_EQ(held.addresses, std::vector{*net::parsePrefix("8.8.8.0/24")});
  EXPECT_EQ(held.holders, (std::set<api::ObjectKey>{{"ns", "other"}}));
  EXPECT_TRUE(heldByOthers(assignments, {{"b", mine}}).holders.empty());
}

TEST(AddressSet, LosesExactlyWhatIsTaken) {
  struct Row {
    std::vector<std::string> all, taken, left;
  };
  const Row rows[] = {{{"8.8.8.0/30"}, {"8.8.8.1/32"}, {"8.8.8.0/32", "8.8.8.2/31"}},
                      {{"8.8.8.0/30"}, {"8.8.8.0/24"}, {}},
                      {{"8.8.8.0/30"}, {"9.9.9.9/32"}, {"8.8.8.0/30"}},
                      {{"8.8.8.0/30", "9.9.9.9/32"}, {"8.8.8.0/31", "8.8.8.3/32"}, {"8.8.8.2/32", "9.9.9.9/32"}},
                      {{"2001:db8::/126"}, {"2001:db8::2/128"}, {"2001:db8::/127", "2001:db8::3/128"}},
                      {{"8.8.8.8/32"}, {"8.8.8.8/32"}, {}},
                      {{"::/1"}, {"0.0.0.0/1"}, {"::/1"}}};
  for (const auto& row : rows) {
    const auto parsed = [](const std::vector<std::string>& texts) {
      std::vector<net::Prefix> prefixes;
      for (const auto& text : texts) prefixes.push_back(*net::parsePrefix(text));
      return prefixes;
    };
    EXPECT_EQ(domain::AddressSet::of(parsed(row.all)).without(parsed(row.taken)).texts(), row.left) << row.all[0];
  }
}

}  // namespace
}  // namespace mpay::ledger
