#include "conformance/tally.h"

#include <gtest/gtest.h>

#include "conformance/session.h"

namespace mpay::test {
namespace {

using conformance::Outcome;
using conformance::Tally;

TEST(Tally, AFailureOutweighsWarningsAndAllAreTold) {
  const conformance::Exchange first, second;
  Tally tally;
  EXPECT_TRUE(tally.isEmpty());
  EXPECT_EQ(tally.verdict("fine").outcome, Outcome::pass);
  EXPECT_EQ(tally.verdict("fine").message, "fine");
  tally.warn("one", {&first});
  tally.warn("two", {&first});
  EXPECT_EQ(tally.verdict("fine").outcome, Outcome::warn);
  EXPECT_EQ(tally.verdict("fine").message, "one; two");
  tally.fail("three", {&first, &second});
  const auto verdict = tally.verdict("fine");
  EXPECT_EQ(verdict.outcome, Outcome::fail);
  EXPECT_EQ(verdict.message, "three; a warning: one; a warning: two");
  EXPECT_EQ(verdict.shown, (std::vector<const conformance::Exchange*>{&first, &second}));
}

TEST(Tally, SaysHowMuchDoesNotFit) {
  Tally tally;
  for (int i = 0; i < 10; ++i) tally.fail(std::string(100, 'a'));
  tally.warn("small");
  const auto verdict = tally.verdict("fine");
  EXPECT_LE(verdict.message.size(), 500u);
  EXPECT_TRUE(verdict.message.ends_with("; and 7 more")) << verdict.message;
  Tally long_;
  long_.fail(std::string(2'000, 'a'));
  long_.warn("small");
  EXPECT_TRUE(long_.verdict("fine").message.ends_with("; and 1 more"));
}

}  // namespace
}  // namespace mpay::test
