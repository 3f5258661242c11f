#include "effects/host_slots.h"

#include <gtest/gtest.h>

namespace mpay::effects {
namespace {

TEST(HostSlots, LetInOneAtATimeAndNameWhoWaits) {
  HostSlots slots;
  const api::ObjectKey a{"ns", "a"}, b{"ns", "b"}, c{"ns", "c"};
  EXPECT_TRUE(slots.take("one:443", a));
  EXPECT_TRUE(slots.take("two:443", b)) << "another host";
  EXPECT_FALSE(slots.take("one:443", b));
  EXPECT_FALSE(slots.take("one:443", c));
  EXPECT_EQ(slots.leave("one:443"), (std::set<api::ObjectKey>{b, c}));
  EXPECT_TRUE(slots.take("one:443", c));
  EXPECT_TRUE(slots.leave("one:443").empty());
}

}  // namespace
}  // namespace mpay::effects
