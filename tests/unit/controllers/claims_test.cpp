#include "controllers/claims.h"

#include <gtest/gtest.h>

namespace mpay::controllers {
namespace {

onboarding::Claim claim(const std::string& name, const std::string& service, std::vector<std::string> certificates,
                        std::vector<std::string> addresses, const std::string& uid = "u",
                        const std::string& idno = "1") {
  return {{"ns", name, uid, idno}, service, std::move(certificates), std::move(addresses)};
}

TEST(Claims, BelongToTheFirst) {
  Claims claims;
  EXPECT_FALSE(claims.reserve("e", claim("a", "S", {"c"}, {"8.8.8.0/24"}), {}).any());
  EXPECT_FALSE(claims.reserve("e", claim("a", "S", {"c"}, {"8.8.8.0/24"}), {}).any()) << "again is no conflict";
  EXPECT_TRUE(claims.reserve("e", claim("b", "S", {}, {}), {}).service);
  EXPECT_TRUE(claims.reserve("e", claim("b", "T", {"c"}, {}), {}).certificate);
  EXPECT_EQ(claims.reserve("e", claim("b", "T", {}, {"8.8.8.8/32", "9.9.9.9/32"}), {}).addresses,
            std::vector<std::string>{"8.8.8.8/32"});
  EXPECT_EQ(claims.reserve("e", claim("b", "T", {}, {"8.0.0.0/8"}), {}).addresses.size(), 1u)
      << "a wider range overlaps too";
  EXPECT_FALSE(claims.reserve("other", claim("b", "S", {"c"}, {"8.8.8.0/24"}), {}).any()) << "environments are apart";
  EXPECT_EQ(claims.holders("e", claim("b", "S", {}, {})), std::vector<std::string>{"ns/a"});
}

TEST(Claims, AreFreeAgainOnceReleased) {
  Claims claims;
  claims.reserve("e", claim("a", "S", {"c"}, {"8.8.8.0/24"}), {});
  claims.release("e", {"ns", "a"});
  EXPECT_FALSE(claims.reserve("e", claim("b", "S", {"c"}, {"8.8.8.8/32"}), {}).any());
}

TEST(Claims, PassToARecreatedIntegrationOfTheSameIdentityOnly) {
  Claims claims;
  claims.load("e", {claim("a", "S", {"c"}, {}, "old")});
  EXPECT_TRUE(claims.reserve("e", claim("a", "S", {"c"}, {}, "new", "another idno"), {}).service);
  EXPECT_TRUE(claims.reserve("e", claim("a", "T", {"c"}, {}, "new"), {}).service);
  EXPECT_FALSE(claims.reserve("e", claim("a", "S", {"c"}, {}, "new"), {}).any());
}

TEST(Claims, LetSharedRangesBeHeldBySeveral) {
  Claims claims;
  const std::vector<net::Prefix> shared{*net::parsePrefix("8.8.8.0/24")};
  EXPECT_FALSE(claims.reserve("e", claim("a", "S", {}, {"8.8.8.8/32"}), shared).any());
  EXPECT_FALSE(claims.reserve("e", claim("b", "T", {}, {"8.8.8.8/32"}), shared).any());
  EXPECT_TRUE(claims.reserve("e", claim("c", "U", {}, {"8.8.8.8/32"}), {}).any());
}

}  // namespace
}  // namespace mpay::controllers
