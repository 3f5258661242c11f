#include "ledger/memory.h"

#include <gtest/gtest.h>

namespace mpay::ledger {
namespace {

TEST(Memory, NamesAreOfTheWholeKey) { EXPECT_NE(hashOf({"a-b", "c"}), hashOf({"a", "b-c"})); }

TEST(Component, IsToldByTheNameWhateverTheLabelSays) {
  const api::ObjectKey key{"ns", "x"};
  auto metadata = memoryMeta("out", kFragment, "testing", key);
  EXPECT_EQ(componentOf(metadata), kFragment);
  metadata.labels.clear();
  EXPECT_EQ(componentOf(metadata), kFragment);
  metadata.labels[std::string(kComponent)] = kClaim;
  EXPECT_EQ(componentOf(metadata), kFragment);
  for (const auto component : {kClaim, kWithdrawal, kNotifications, kRevocation})
    EXPECT_TRUE(isMemoryName(memoryName(component, key))) << component;
  const auto hash = hashOf(key);
  for (const auto& name : {"mpay-service-" + hash, "mpay-fragment-" + hash.substr(1), "mpay-fragment-" + hash + "0",
                           "mpay-fragment" + hash, "my-fragment-" + hash, std::string("mpay-fragment-"), std::string()})
    EXPECT_FALSE(isMemoryName(name)) << name;
  metadata.name = "mpay-clients";
  EXPECT_EQ(componentOf(metadata), kClaim);
  metadata.labels.clear();
  EXPECT_EQ(componentOf(metadata), "");
}

}  // namespace
}  // namespace mpay::ledger
