#include "onboarding/verdict.h"

#include <gtest/gtest.h>

namespace mpay::onboarding {
namespace {

const WallTime kNow{std::chrono::seconds(1000)};

TEST(Verdict, KeepsTheTimeOfItsLastTransition) {
  const std::vector<api::Condition> before{conditionOf("Ready", good("A", "a"), 1, nullptr, WallTime{})};
  EXPECT_EQ(conditionOf("Ready", good("B", "b"), 2, &before, kNow).lastTransitionTime, formatTime(WallTime{}));
  EXPECT_EQ(conditionOf("Ready", fix("B", "b"), 2, &before, kNow).lastTransitionTime, formatTime(kNow));
  EXPECT_EQ(conditionOf("Stalled", good("B", "b"), 2, &before, kNow).lastTransitionTime, formatTime(kNow));
  EXPECT_EQ(conditionOf("Ready", good("B", "b"), 2, &before, kNow).observedGeneration, 2);
}

TEST(Verdict, CutsALongMessageBetweenTwoCharacters) {
  const auto said = [](std::string message) {
    return conditionOf("Ready", good("A", std::move(message)), 1, nullptr, kNow).message;
  };
  EXPECT_EQ(said(std::string(4000, 'a')).size(), 4000u);
  EXPECT_EQ(said(std::string(4001, 'a')).size(), 4000u);
  EXPECT_EQ(said(std::string(3999, 'a') + "ă"), std::string(3999, 'a'));
  EXPECT_EQ(said(std::string(3998, 'a') + "€"), std::string(3998, 'a'));
  EXPECT_EQ(said(std::string(3998, 'a') + "ăa"), std::string(3998, 'a') + "ă");
}

TEST(Verdict, OfAnErrorIsForTheUserUnlessItIsBeingRead) {
  EXPECT_EQ(ofError(beingRead("m")).reason, "Pending");
  EXPECT_TRUE(ofError(beingRead("m")).isBeingRead());
  EXPECT_TRUE(ofError(beingRead("m")).isUnderWay());
  EXPECT_EQ(ofError({ErrorKind::Invalid, "m", "HostBitsSet"}).attention, Attention::Fix);
  EXPECT_EQ(ofError({ErrorKind::Decode, "m"}).reason, "Invalid");
}

}  // namespace
}  // namespace mpay::onboarding
