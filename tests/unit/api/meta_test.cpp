#include "api/meta.h"

#include <gtest/gtest.h>

namespace mpay::api {
namespace {

LeanMeta lean() {
  return {"agency", "civil-status", "8f4b8a1c-6a0f-4c5e-9d55-6b6a1f1c2d3e", "184467", 7, std::nullopt, {}};
}

TEST(PackedMeta, SaysWhatTheLeanOneSays) {
  LeanMeta meta = lean();
  const PackedMeta packed = meta;
  EXPECT_EQ(keyOf(packed), keyOf(meta));
  EXPECT_EQ(packed.key(), meta.key());
  EXPECT_EQ(uidOf(packed), meta.uid);
  EXPECT_EQ(versionOf(packed), meta.resourceVersion);
  EXPECT_EQ(packed.generation(), 7);
  EXPECT_FALSE(isBeingDeleted(packed));
  EXPECT_FALSE(hasFinalizers(packed));
  meta.deletionTimestamp = "2026-01-01T00:00:00Z";
  meta.finalizers = {"example.com/kept"};
  EXPECT_TRUE(isBeingDeleted(PackedMeta(meta)));
  EXPECT_TRUE(hasFinalizers(PackedMeta(meta)));
}

TEST(PackedMeta, HoldsNothingWhereNothingWas) {
  EXPECT_EQ(keyOf(PackedMeta()), KeyView("", ""));
  EXPECT_EQ(keyOf(PackedMeta(LeanMeta{})), KeyView("", ""));
  LeanMeta meta = lean();
  meta.namespace_.clear();
  EXPECT_EQ(PackedMeta(meta).key().text(), "civil-status");
}

TEST(KeyView, IsOrderedAsKeysAre) {
  const ObjectKey first{"a", "z"}, second{"a-b", "c"};
  EXPECT_EQ(first < second, viewOf(first) < viewOf(second));
  EXPECT_EQ(viewOf(first), KeyView("a", "z"));
}

}  // namespace
}  // namespace mpay::api
