#include "cluster/claims.h"

#include <gtest/gtest.h>

#include "gateway/rendering.h"

#include <algorithm>
#include <array>

namespace mpay::cluster {
namespace {

ledger::Claim claim(const std::string& name, const std::string& service, std::vector<std::string> certificates,
                    std::vector<std::string> addresses, const std::string& uid = "u", const std::string& idno = "1") {
  return {{"ns", name, uid, idno}, service, std::move(certificates), std::move(addresses)};
}

class ClaimsTest : public ::testing::Test {
 protected:
  onboarding::Conflicts reserve(const std::string& environment, const ledger::Claim& claim,
                                const std::vector<net::Prefix>& shared = {}, bool provesIdno = false) {
    return claims.reserve({{environment, claim, shared, provesIdno}}).front();
  }
  static std::vector<Claims::Written> written(const std::vector<ledger::Claim>& claims) {
    std::vector<Claims::Written> all;
    for (const auto& claim : claims) all.push_back({claim});
    return all;
  }
  std::vector<std::string> woken;
  Claims claims{[this](const api::ObjectKey& key) { woken.push_back(key.text()); }};
};

TEST_F(ClaimsTest, BelongToTheFirst) {
  EXPECT_FALSE(reserve("e", claim("a", "S", {"c"}, {"8.8.8.0/24"})).any());
  EXPECT_FALSE(reserve("e", claim("a", "S", {"c"}, {"8.8.8.0/24"})).any()) << "again is no conflict";
  EXPECT_TRUE(reserve("e", claim("b", "S", {}, {})).service);
  EXPECT_TRUE(reserve("e", claim("b", "T", {"c"}, {}, "u", "2")).certificate);
  EXPECT_EQ(reserve("e", claim("b", "T", {}, {"8.8.8.8/32", "9.9.9.9/32"})).addresses,
            std::vector<std::string>{"8.8.8.8/32"});
  EXPECT_EQ(reserve("e", claim("b", "T", {}, {"8.0.0.0/8"})).addresses.size(), 1u) << "a wider range overlaps too";
  EXPECT_FALSE(reserve("other", claim("b", "S", {"c"}, {"8.8.8.0/24"})).any()) << "environments are apart";
  EXPECT_EQ(claims.holders("e", claim("b", "S", {}, {})), std::vector<std::string>{"ns/a"});
}

TEST_F(ClaimsTest, AreTakenInEveryEnvironmentOrInNone) {
  reserve("production", claim("a", "S", {}, {}));
  const auto wanted = claim("b", "S", {"c"}, {"8.8.8.8/32"});
  const auto conflicts = claims.reserve({{"testing", wanted, {}}, {"production", wanted, {}}});
  ASSERT_EQ(conflicts.size(), 2u);
  EXPECT_FALSE(conflicts[0].any());
  EXPECT_TRUE(conflicts[1].service);
  EXPECT_FALSE(reserve("testing", claim("d", "S", {"c"}, {"8.8.8.8/32"})).any()) << "nothing of testing was taken";
}

TEST_F(ClaimsTest, AreFreeAgainOnceReleased) {
  reserve("e", claim("a", "S", {"c"}, {"8.8.8.0/24"}));
  claims.release("e", {"ns", "a"});
  EXPECT_FALSE(reserve("e", claim("b", "S", {"c"}, {"8.8.8.8/32"})).any());
}

TEST_F(ClaimsTest, TellWhoWasRefusedOnceSomethingBecomesFree) {
  reserve("e", claim("a", "S", {}, {"8.8.8.8/32"}));
  reserve("e", claim("b", "T", {}, {"8.8.8.8/32"}));
  reserve("e", claim("b", "T", {}, {"8.8.8.8/32"}));
  EXPECT_TRUE(woken.empty()) << "being refused changes nothing";
  reserve("e", claim("a", "S", {}, {"9.9.9.9/32"}));
  EXPECT_EQ(woken, std::vector<std::string>{"ns/b"}) << "an address that is declared no more";
  EXPECT_FALSE(reserve("e", claim("b", "T", {}, {"8.8.8.8/32"})).any());
  reserve("e", claim("c", "S", {}, {}));
  claims.release("e", {"ns", "a"});
  EXPECT_EQ(woken, (std::vector<std::string>{"ns/b", "ns/c"})) << "a deletion; who waits no more is left alone";
}

TEST_F(ClaimsTest, PassToARecreatedIntegrationOfTheSameIdentityOnly) {
  claims.load("e", [] { return written({claim("a", "S", {"c"}, {}, "old")}); });
  claims.load("e", []() -> std::vector<Claims::Written> { throw std::logic_error("read once"); });
  EXPECT_TRUE(reserve("e", claim("a", "S", {"c"}, {}, "new", "another idno")).service);
  EXPECT_TRUE(reserve("e", claim("a", "T", {"c"}, {}, "new")).service);
  EXPECT_FALSE(reserve("e", claim("a", "S", {"c"}, {}, "new")).any());
}

TEST_F(ClaimsTest, LetSharedRangesBeHeldBySeveral) {
  const std::vector<net::Prefix> shared{*net::parsePrefix("8.8.8.0/24")};
  EXPECT_FALSE(reserve("e", claim("a", "S", {}, {"8.8.8.8/32"}), shared).any());
  EXPECT_FALSE(reserve("e", claim("b", "T", {}, {"8.8.8.8/32"}), shared).any());
  EXPECT_TRUE(reserve("e", claim("c", "U", {}, {"8.8.8.8/32"})).any());
}

TEST_F(ClaimsTest, LetServicesOfOneProvenIdnoShareAddressesAndNoServiceID) {
  const std::vector<std::string> address{"8.8.8.8/32"};
  EXPECT_FALSE(reserve("e", claim("a", "S", {"c"}, address, "u", "1"), {}, true).any());
  EXPECT_FALSE(reserve("e", claim("b", "T", {"d"}, {"8.8.8.0/24"}, "u", "1"), {}, true).any());
  EXPECT_EQ(reserve("e", claim("x", "X", {}, address, "u", "2"), {}, true).addresses, address) << "another IDNO";
  EXPECT_TRUE(reserve("e", claim("b", "S", {}, address, "u", "1"), {}, true).service);
  EXPECT_EQ(reserve("f", claim("a", "S", {}, address, "u", "1")).any(), false);
  EXPECT_EQ(reserve("f", claim("b", "T", {}, address, "u", "1")).addresses, address) << "an IDNO that nothing proves";
  // An integration of another IDNO holds a part of the range.
  reserve("g", claim("a", "S", {}, address, "u", "1"), {}, true);
  reserve("g", claim("x", "X", {}, {"8.8.8.9/32"}, "u", "2"), {}, true);
  EXPECT_EQ(reserve("g", claim("b", "T", {}, {"8.8.8.0/24"}, "u", "1"), {}, true).addresses.size(), 1u);
}

TEST_F(ClaimsTest, LetServicesOfOneBeneficiaryShareACertificate) {
  struct Row {
    std::string name;
    ledger::Holder other;
    bool provesIdno = false, isShared = false;
  };
  const std::vector<Row> rows{
      {"one namespace and IDNO", {"ns", "b", "v", "1"}, false, true},
      {"one proven IDNO", {"elsewhere", "b", "v", "1"}, true, true},
      {"one IDNO that nothing proves", {"elsewhere", "b", "v", "1"}, false, false},
      {"another IDNO in one namespace", {"ns", "b", "v", "2"}, true, false},
      {"another IDNO in one namespace, none proven", {"ns", "b", "v", "2"}, false, false},
      {"strangers", {"elsewhere", "b", "v", "2"}, true, false},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    const auto& environment = row.name;
    const auto first = claim("a", "S", {"c"}, {});
    const ledger::Claim second{row.other, "T", {"c"}, {}};
    EXPECT_FALSE(reserve(environment, first, {}, row.provesIdno).any());
    EXPECT_EQ(reserve(environment, second, {}, row.provesIdno).certificate, !row.isShared);
    EXPECT_EQ(claims.holders(environment, second).empty(), row.isShared) << "a conflict's holders are strangers";
    EXPECT_FALSE(reserve(environment, first, {}, row.provesIdno).any()) << "the first keeps it";
    // A restart changes nothing, in whatever order the claims were written.
    for (const bool isReversed : {false, true}) {
      const auto restarted = environment + (isReversed ? ", reversed" : ", restarted");
      std::vector<ledger::Claim> granted{first};
      if (row.isShared) granted.insert(isReversed ? granted.begin() : granted.end(), second);
      claims.load(
          restarted, [&] { return written(granted); }, row.provesIdno);
      EXPECT_EQ(reserve(restarted, second, {}, row.provesIdno).certificate, !row.isShared);
      EXPECT_FALSE(reserve(restarted, first, {}, row.provesIdno).any());
    }
    if (!row.isShared) continue;
    // Each holds the item against a stranger.
    const ledger::Claim stranger{{"x", "x", "w", "3"}, "X", {"c"}, {}};
    claims.release(environment, {"ns", "a"});
    EXPECT_TRUE(reserve(environment, stranger, {}, row.provesIdno).certificate) << "the other still holds it";
    woken.clear();
    claims.release(environment, {row.other.namespace_, "b"});
    EXPECT_EQ(woken, std::vector<std::string>{"x/x"});
    EXPECT_FALSE(reserve(environment, stranger, {}, row.provesIdno).any());
    EXPECT_TRUE(reserve(environment, first, {}, row.provesIdno).certificate);
  }
}

TEST_F(ClaimsTest, LetOneCertificateStandForSoManyServices) {
  for (std::size_t i = 0; i < gateway::kMaximumServices; ++i)
    EXPECT_FALSE(reserve("e", claim(std::to_string(i), std::to_string(i), {"c"}, {})).any()) << i;
  EXPECT_TRUE(reserve("e", claim("late", "L", {"c"}, {})).certificate);
  EXPECT_FALSE(reserve("e", claim("7", "7", {"c"}, {"8.8.8.8/32"})).any()) << "who holds it may change the rest";
  woken.clear();
  claims.release("e", {"ns", "3"});
  EXPECT_EQ(woken, std::vector<std::string>{"ns/late"});
  EXPECT_FALSE(reserve("e", claim("late", "L", {"c"}, {})).any());
}

TEST_F(ClaimsTest, KeepTheirOwnersWhateverTheOrderAfterARestart) {
  const auto a = claim("a", "S", {"c"}, {"8.8.8.8/32"}, "u", "1");
  const auto b = claim("b", "T", {"d"}, {"8.8.8.8/32"}, "u", "1");
  const auto x = claim("x", "X", {"c"}, {"8.8.8.8/32"}, "u", "2");
  for (const bool first : {true, false}) {
    const std::string environment = first ? "one" : "other";
    claims.load(environment, [&] { return first ? written({a, b}) : written({b, a}); });
    const auto refused = reserve(environment, x, {}, true);
    EXPECT_TRUE(refused.certificate);
    EXPECT_EQ(refused.addresses, std::vector<std::string>{"8.8.8.8/32"});
    EXPECT_FALSE(reserve(environment, b, {}, true).any());
    EXPECT_FALSE(reserve(environment, a, {}, true).any());
  }
}

// The state after a crash between the writes of the new owner and of the one that gave the item up.
TEST_F(ClaimsTest, BelongToOneWhereTwoWereWrittenDown) {
  using Pair = std::array<ledger::Claim, 2>;
  const Pair services{claim("a", "S", {"c"}, {}, "u", "1"), claim("b", "S", {"d"}, {}, "u", "2")};
  const Pair certificates{claim("a", "S", {"c"}, {}, "u", "1"), claim("b", "T", {"c"}, {}, "u", "2")};
  const Pair addresses{claim("a", "S", {"c"}, {"8.8.8.8/32"}, "u", "1"),
                       claim("b", "T", {"d"}, {"8.8.8.0/24"}, "u", "2")};
  int round = 0;
  for (const auto& [both, given] : {std::pair(services, claim("a", "V", {"c"}, {}, "u", "1")),
                                    {certificates, claim("a", "S", {"e"}, {}, "u", "1")},
                                    {addresses, claim("a", "S", {"c"}, {}, "u", "1")}}) {
    for (const bool isReversed : {false, true}) {
      for (const std::size_t publisher : {0, 1, 2}) {
        for (const std::size_t first : {0, 1}) {
          const std::string environment = std::to_string(++round);
          SCOPED_TRACE(fmt::format("{} reversed {}, published by {}, asks first {}", both[1].serviceID, isReversed,
                                   publisher, first));
          claims.load(environment, [&, &pair = both] {
            std::vector<Claims::Written> all{{pair[0]}, {pair[1]}};
            if (publisher < 2) all[publisher].published = pair[publisher];
            if (isReversed) std::swap(all[0], all[1]);
            return all;
          });
          const std::size_t owner = publisher == 1 ? 1 : 0;
          for (const std::size_t who : {first, 1 - first, first})
            EXPECT_EQ(reserve(environment, both[who]).any(), who != owner) << both[who].holder.name;
          if (owner == 1) continue;
          // The owner gives the item up, before or after the other one asked: no third one gets it.
          if (!isReversed) {
            woken.clear();
            EXPECT_FALSE(reserve(environment, given).any());
            EXPECT_EQ(woken, std::vector<std::string>{"ns/b"});
          } else {
            claims.release(environment, {"ns", "a"});
          }
          EXPECT_TRUE(
              reserve(environment, claim("x", both[1].serviceID, both[1].certificates, both[1].addresses, "u", "3"))
                  .any());
          EXPECT_FALSE(reserve(environment, both[1]).any());
        }
      }
    }
  }
  // No request comes before the item is given up.
  claims.load("e", [&, &pair = certificates] { return written({pair[0], pair[1]}); });
  EXPECT_FALSE(reserve("e", claim("a", "S", {"e"}, {}, "u", "1")).any());
  EXPECT_TRUE(reserve("e", claim("x", "X", {"c"}, {}, "u", "3")).certificate) << "it is the other's now";
  EXPECT_FALSE(reserve("e", certificates[1]).any());
}

TEST_F(ClaimsTest, AreForgottenWithTheirEnvironment) {
  for (const auto* environment : {"old", "other"})
    claims.load(environment, [] { return written({claim("a", "S", {"c"}, {})}); });
  claims.keepOnly({"other", "new"});
  EXPECT_FALSE(reserve("new", claim("b", "S", {"c"}, {})).any());
  EXPECT_TRUE(reserve("other", claim("b", "S", {"c"}, {})).any());
  bool isRead = false;
  claims.load("old", [&] {
    isRead = true;
    return std::vector<Claims::Written>{};
  });
  EXPECT_TRUE(isRead);
}

TEST_F(ClaimsTest, LetAHundredShareWhateverTheirIdno) {
  const std::vector<net::Prefix> shared{*net::parsePrefix("9.9.9.0/24")};
  for (std::size_t i = 0; i < kMaximumSharers; ++i) {
    const auto name = std::to_string(i);
    EXPECT_FALSE(reserve("e", claim(name, name, {}, {"8.8.8.8/32", "9.9.9.9/32"}), shared, true).any()) << name;
  }
  EXPECT_EQ(reserve("e", claim("late", "L", {}, {"8.8.8.8/32", "9.9.9.9/32"}), shared, true).addresses.size(), 2u);
}

// The platform's assignment moves an item from the first holder to another: given up, gone from the gateway, then held.
class AssignedClaims : public ClaimsTest {
 protected:
  static inline const std::string kIdno = "1006601000255", kOtherIdno = "1007600001230";
  static inline const std::string kCertificate = std::string(64, 'c');

  static ledger::Assignments to(const std::string& name) {
    std::vector<std::shared_ptr<const api::ConfigMap>> objects;
    for (const auto& [kind, value] :
         {std::pair<ledger::AssignmentKind, std::string>{ledger::AssignmentKind::ServiceID, "S"},
          {ledger::AssignmentKind::Certificate, kCertificate},
          {ledger::AssignmentKind::Address, "8.8.8.8/32"}}) {
      const ledger::Assignment assignment{kind, value, "ns", name, kIdno, "r", "p", "2026-11-24T10:00:00Z"};
      objects.push_back(std::make_shared<const api::ConfigMap>(ledger::remember(
          ledger::ownedMeta("out", ledger::assignmentName(kind, value), ledger::kAssignment, "e", {}), assignment)));
    }
    auto read = ledger::Assignments::read(objects, false);
    EXPECT_TRUE(read.problems.empty());
    return std::move(read.assignments);
  }
  // Publishes once, while the given items are held by others than the assignee.
  void publish(const ledger::HeldByOthers& held = {}) {
    claims.publishing("e");
    claims.published("e", held);
  }
  static std::string text(const onboarding::Conflicts& conflicts) {
    return fmt::format("{}{}{}", conflicts.service ? "S" : "", conflicts.certificate ? "C" : "",
                       conflicts.addresses.empty() ? "" : "A");
  }

  const ledger::Claim a = claim("a", "S", {kCertificate}, {"8.8.8.8/32", "9.9.9.9/32"}, "u", kOtherIdno);
  const ledger::Claim b = claim("b", "S", {kCertificate}, {"8.8.8.8/32"}, "v", kIdno);
};

TEST_F(AssignedClaims, PassOnceTheFirstHolderGaveThemUpAndTheGatewayHasThemNoMore) {
  EXPECT_EQ(text(reserve("e", a)), "");
  publish();
  EXPECT_EQ(text(reserve("e", b)), "SCA");
  claims.assign("e", to("b"));
  EXPECT_EQ(woken, (std::vector<std::string>{"ns/a", "ns/b"}));
  EXPECT_EQ(text(reserve("e", a)), "SCA") << "the same claim as before";
  EXPECT_EQ(text(reserve("e", b)), "SCA") << "it is held, and nothing is known of what is published";
  ledger::HeldByOthers held{{"S"}, {kCertificate}, {*net::parsePrefix("8.8.8.0/24")}, {{"ns", "a"}}};
  publish(held);
  claims.yield("e", {"ns", "a"}, *claims.assignments("e"));
  EXPECT_EQ(text(reserve("e", b)), "SCA") << "it is published";
  publish();
  claims.publishing("e");
  EXPECT_EQ(text(reserve("e", b)), "SCA") << "it is being published";
  claims.notLookedAt("e");
  woken.clear();
  publish();
  EXPECT_EQ(woken, std::vector<std::string>{"ns/b"});
  EXPECT_EQ(text(reserve("e", b)), "");
  claims.publishing("e");
  EXPECT_EQ(text(reserve("e", b)), "") << "what is held already goes on";
  EXPECT_EQ(text(reserve("e", a)), "SCA");
  EXPECT_EQ(claims.holders("e", a), std::vector<std::string>{"ns/b"});
  EXPECT_FALSE(reserve("e", claim("c", "T", {}, {"9.9.9.9/32"}, "w", kIdno)).addresses.empty())
      << "the rest stays the first holder's";
}

TEST_F(AssignedClaims, AreNotGivenWhileTheFirstHolderMayBeAboutToPublishThem) {
  EXPECT_EQ(text(reserve("e", a)), "");
  claims.assign("e", to("b"));
  // The first holder has not written its grant yet; the gateway holds nothing of it.
  publish();
  auto rest = a;
  rest.addresses = {"9.9.9.9/32"};
  rest.certificates.clear();
  rest.serviceID = "T";
  reserve("e", rest);
  EXPECT_EQ(text(reserve("e", b)), "CA");
  claims.yield("e", {"ns", "a"}, *claims.assignments("e"));
  EXPECT_EQ(text(reserve("e", b)), "");
}

TEST_F(AssignedClaims, AreReservedForWhoComesLater) {
  claims.assign("e", to("b"));
  publish();
  EXPECT_EQ(text(reserve("e", a)), "SCA");
  EXPECT_EQ(text(reserve("e", claim("b", "S", {}, {}, "v", "1010600034203"))), "S") << "another beneficiary's";
  EXPECT_EQ(text(reserve("e", b)), "");
  woken.clear();
  claims.assign("e", {});
  EXPECT_EQ(std::count(woken.begin(), woken.end(), "ns/a"), 1) << "it looks again";
  EXPECT_EQ(text(reserve("e", a)), "SCA") << "who holds it keeps it";
}

TEST_F(AssignedClaims, LetTheAssigneesBeneficiaryShareTheCertificate) {
  const auto sibling = claim("sibling", "T", {kCertificate}, {}, "w", kIdno);
  EXPECT_EQ(text(reserve("e", a)), "");
  EXPECT_EQ(text(reserve("e", sibling)), "C");
  claims.assign("e", to("b"));
  publish({{"S"}, {kCertificate}, {}, {{"ns", "a"}}});
  claims.yield("e", {"ns", "a"}, *claims.assignments("e"));
  EXPECT_EQ(text(reserve("e", sibling)), "C") << "it is still published of the stranger";
  woken.clear();
  publish();
  EXPECT_EQ(woken, std::vector<std::string>{"ns/sibling"});
  EXPECT_EQ(text(reserve("e", sibling)), "");
  EXPECT_EQ(text(reserve("e", b)), "") << "whichever of them comes first";
  EXPECT_EQ(text(reserve("e", a)), "SCA");
}

}  // namespace
}  // namespace mpay::cluster
