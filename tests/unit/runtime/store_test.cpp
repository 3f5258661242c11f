#include "runtime/store.h"

#include <gtest/gtest.h>

#include "api/wire.h"

namespace mpay::runtime {
namespace {

api::ConfigMap object(const std::string& name, const std::string& version, const std::string& uid = "u",
                      const std::string& value = "") {
  api::ConfigMap o;
  o.metadata.namespace_ = "n";
  o.metadata.name = name;
  o.metadata.uid = uid;
  o.metadata.resourceVersion = version;
  o.data["value"] = value;
  return o;
}

class StoreTest : public ::testing::Test {
 protected:
  StoreTest() {
    store.onChange([this](const auto& before, const auto& after) { changes += before ? (after ? "U" : "D") : "A"; });
  }
  std::string value(const std::string& name) const {
    const auto found = store.get({"n", name});
    return found ? found->data.at("value") : "-";
  }
  void list(const api::ConfigMap& item) {
    store.apply(item);
    store.listed(item.metadata.key(), item.metadata.uid.value_or(""));
  }
  Store<api::ConfigMap> store{[](const api::ConfigMap& o) { return std::vector<std::string>{o.data.at("value")}; }};
  std::string changes;
};

TEST_F(StoreTest, NeverGoesBackToAnOlderVersion) {
  store.apply(object("a", "10", "u", "new"));
  store.apply(object("a", "9", "u", "old"));
  store.apply(object("a", "10", "u", "same"));
  EXPECT_EQ(value("a"), "new");
  store.apply(object("a", "11", "u", "newer"));
  EXPECT_EQ(value("a"), "newer");
  EXPECT_EQ(changes, "AU");
}

TEST_F(StoreTest, ReadsItsOwnWritesBeforeTheWatchDoes) {
  store.apply(object("a", "10", "u", "before"));
  store.remember(object("a", "20", "u", "written"));
  store.apply(object("a", "15", "u", "between"));
  EXPECT_EQ(value("a"), "written");
  store.apply(object("a", "20", "u", "written"));
  EXPECT_EQ(changes, "AU");
}

TEST_F(StoreTest, ForgetsWhatWasDeletedUntilTheEventComes) {
  store.apply(object("a", "10"));
  store.forget({"n", "a"}, "u");
  store.apply(object("a", "12"));  // a late event of the deleted object
  EXPECT_EQ(value("a"), "-");
  store.apply(object("a", "14", "another"));
  EXPECT_EQ(value("a"), "");
  store.remove({"n", "a"}, "u", "13");  // the DELETED event of the old object must not remove the new one
  EXPECT_EQ(value("a"), "");
  EXPECT_EQ(changes, "ADA");
}

TEST_F(StoreTest, DoesNotBringBackWhatWentBeforeTheAnswerToAWriteWasRead) {
  store.apply(object("a", "10"));
  store.remove({"n", "a"}, "u", "21");
  store.remember(object("a", "20", "u", "written"));
  EXPECT_EQ(value("a"), "-");
  EXPECT_EQ(changes, "AD");
}

TEST_F(StoreTest, TakesBackAnObjectThatLeftTheSelectionOnlyForAWhile) {
  store.apply(object("a", "10"));
  store.remove({"n", "a"}, "u", "11");  // its label was removed
  store.remember(object("a", "12", "u", "restored"));
  EXPECT_EQ(value("a"), "restored");
  store.remove({"n", "a"}, "u", "11");  // the event comes again, late
  EXPECT_EQ(value("a"), "restored");
}

TEST_F(StoreTest, KeepsWhatAListHoldsButCannotBeRead) {
  store.apply(object("a", "1"));
  store.beginList();
  store.listed({"n", "a"}, "u");
  store.endList("5");
  EXPECT_EQ(value("a"), "");
}

TEST_F(StoreTest, DropsWhatANewListDoesNotHoldUnlessItIsNewer) {
  EXPECT_FALSE(store.synced());
  store.beginList();
  list(object("a", "1"));
  list(object("b", "2"));
  store.endList("5");
  EXPECT_TRUE(store.synced());
  store.remember(object("c", "30"));
  store.beginList();
  list(object("b", "2"));
  store.endList("20");
  EXPECT_EQ(value("a"), "-");
  EXPECT_EQ(value("b"), "");
  EXPECT_EQ(value("c"), "") << "written after the list";
}

TEST_F(StoreTest, DoesNotBringBackWhatAListDidNotHoldAnyMore) {
  store.beginList();
  store.endList("10");
  // Created at 20 and deleted at 25, while the answer to the create was slow; no watch saw either.
  store.beginList();
  store.endList("30");
  store.remember(object("a", "20", "u", "written"));
  EXPECT_EQ(value("a"), "-");
  store.remember(object("a", "31", "u", "written"));
  EXPECT_EQ(value("a"), "written");
}

TEST_F(StoreTest, SeesThatWhatItForgotIsStillThere) {
  store.apply(object("a", "10"));
  store.forget({"n", "a"}, "u");
  auto finalized = object("a", "12", "u", "not yet");
  finalized.metadata.finalizers = {"another's"};
  store.apply(finalized);  // from before the delete
  EXPECT_EQ(value("a"), "-");
  finalized.metadata.resourceVersion = "13";
  finalized.metadata.deletionTimestamp = "2026-11-20T09:30:05Z";
  store.apply(finalized);
  EXPECT_EQ(value("a"), "not yet");
  store.remove({"n", "a"}, "u", "15");
  store.apply(finalized);
  EXPECT_EQ(value("a"), "-");
}

TEST_F(StoreTest, DropsAnEarlierObjectOfThatNameWhenItsSuccessorCannotBeRead) {
  store.apply(object("a", "1", "u"));
  store.apply(object("b", "2", "u2"));
  store.beginList();
  store.listed({"n", "a"}, "another");
  store.listed({"n", "b"}, "u2");
  store.endList("5");
  EXPECT_EQ(value("a"), "-");
  store.superseded({"n", "b"}, "u2", "6");
  EXPECT_EQ(value("b"), "") << "it is the same";
  store.superseded({"n", "b"}, "another", "7");
  EXPECT_EQ(value("b"), "-");
  EXPECT_EQ(changes, "AADD");
}

TEST_F(StoreTest, TellsEveryListenerWhateverOneThrows) {
  Store<api::ConfigMap> two;
  int told = 0;
  two.onChange([](const auto&, const auto&) { throw std::runtime_error("a bug"); });
  two.onChange([](const auto&, const auto&) { throw 7; });
  two.onChange([&](const auto&, const auto&) { ++told; });
  two.apply(object("a", "1"));
  two.beginList();
  two.endList("5");
  EXPECT_EQ(told, 2);
}

TEST_F(StoreTest, FindsByIndex) {
  store.apply(object("a", "1", "u1", "x"));
  store.apply(object("b", "2", "u2", "x"));
  EXPECT_EQ(store.indexed("x").size(), 2u);
  store.apply(object("a", "3", "u1", "y"));
  EXPECT_EQ(store.indexed("x").size(), 1u);
  EXPECT_EQ(store.indexed("y").size(), 1u);
  store.remove({"n", "b"}, "u2", "4");
  EXPECT_TRUE(store.indexed("x").empty());
}

TEST(ResourceVersions, AreComparedAsNumbers) {
  EXPECT_TRUE(isOlder("9", "10"));
  EXPECT_FALSE(isOlder("10", "9"));
  EXPECT_FALSE(isOlder("x", "10"));
  EXPECT_FALSE(isOlder("", "10"));
}

}  // namespace
}  // namespace mpay::runtime
