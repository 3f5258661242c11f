#include "controllers/claims.h"

#include <gtest/gtest.h>

namespace mpay::controllers {
namespace {

onboarding::Claim claim(const std::string& name, const std::string& service, std::vector<std::string> certificates,
                        std::vector<std::string> addresses, const std::string& uid = "u",
                        const std::string& idno = "1") {
  return {{"ns", name, uid, idno}, service, std::move(certificates), std::move(addresses)};
}

class ClaimsTest : public ::testing::Test {
 protected:
  onboarding::Conflicts reserve(const std::string& environment, const onboarding::Claim& claim,
                                const std::vector<net::Prefix>& shared = {}, bool provesIdno = false) {
    return claims.reserve({{environment, claim, shared, provesIdno}}).front();
  }
  std::vector<std::string> woken;
  Claims claims{[this](const api::ObjectKey& key) { woken.push_back(key.text()); }};
};

TEST_F(ClaimsTest, BelongToTheFirst) {
  EXPECT_FALSE(reserve("e", claim("a", "S", {"c"}, {"8.8.8.0/24"})).any());
  EXPECT_FALSE(reserve("e", claim("a", "S", {"c"}, {"8.8.8.0/24"})).any()) << "again is no conflict";
  EXPECT_TRUE(reserve("e", claim("b", "S", {}, {})).service);
  EXPECT_TRUE(reserve("e", claim("b", "T", {"c"}, {})).certificate);
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
  claims.load("e", [] { return std::vector{claim("a", "S", {"c"}, {}, "old")}; });
  claims.load("e", []() -> std::vector<onboarding::Claim> { throw std::logic_error("read once"); });
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

TEST_F(ClaimsTest, LetServicesOfOneProvenIdnoShareAddressesAndNothingElse) {
  const std::vector<std::string> address{"8.8.8.8/32"};
  EXPECT_FALSE(reserve("e", claim("a", "S", {"c"}, address, "u", "1"), {}, true).any());
  EXPECT_FALSE(reserve("e", claim("b", "T", {"d"}, {"8.8.8.0/24"}, "u", "1"), {}, true).any());
  EXPECT_EQ(reserve("e", claim("x", "X", {}, address, "u", "2"), {}, true).addresses, address) << "another IDNO";
  EXPECT_TRUE(reserve("e", claim("b", "T", {"c"}, address, "u", "1"), {}, true).certificate);
  EXPECT_TRUE(reserve("e", claim("b", "S", {}, address, "u", "1"), {}, true).service);
  EXPECT_EQ(reserve("f", claim("a", "S", {}, address, "u", "1")).any(), false);
  EXPECT_EQ(reserve("f", claim("b", "T", {}, address, "u", "1")).addresses, address) << "an IDNO that nothing proves";
  // A range that one of another IDNO holds a part of.
  reserve("g", claim("a", "S", {}, address, "u", "1"), {}, true);
  reserve("g", claim("x", "X", {}, {"8.8.8.9/32"}, "u", "2"), {}, true);
  EXPECT_EQ(reserve("g", claim("b", "T", {}, {"8.8.8.0/24"}, "u", "1"), {}, true).addresses.size(), 1u);
}

TEST_F(ClaimsTest, KeepTheirOwnersWhateverTheOrderAfterARestart) {
  const auto a = claim("a", "S", {"c"}, {"8.8.8.8/32"}, "u", "1");
  const auto b = claim("b", "T", {"d"}, {"8.8.8.8/32"}, "u", "1");
  const auto x = claim("x", "X", {"c"}, {"8.8.8.8/32"}, "u", "2");
  for (const bool first : {true, false}) {
    const std::string environment = first ? "one" : "other";
    claims.load(environment, [&] { return first ? std::vector{a, b} : std::vector{b, a}; });
    const auto refused = reserve(environment, x, {}, true);
    EXPECT_TRUE(refused.certificate);
    EXPECT_EQ(refused.addresses, std::vector<std::string>{"8.8.8.8/32"});
    EXPECT_FALSE(reserve(environment, b, {}, true).any());
    EXPECT_FALSE(reserve(environment, a, {}, true).any());
  }
}

TEST_F(ClaimsTest, LetAHundredShareWhateverTheirIdno) {
  const std::vector<net::Prefix> shared{*net::parsePrefix("9.9.9.0/24")};
  for (std::size_t i = 0; i < kMaximumSharers; ++i) {
    const auto name = std::to_string(i);
    EXPECT_FALSE(reserve("e", claim(name, name, {}, {"8.8.8.8/32", "9.9.9.9/32"}), shared, true).any()) << name;
  }
  EXPECT_EQ(reserve("e", claim("late", "L", {}, {"8.8.8.8/32", "9.9.9.9/32"}), shared, true).addresses.size(), 2u);
}

}  // namespace
}  // namespace mpay::controllers
