#include "onboarding/notifications.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "crypto/digest.h"
#include "unit/onboarding/form.h"

namespace mpay::onboarding {
namespace {

const WallTime kNow = parseTime("2026-11-24T10:00:00Z").value();
const api::ObjectKey kKey{"ns", "x"};
const std::string kFrom = "suport@mpay.example";

Notification expiring(const std::string& sha256, std::int64_t days) {
  Notification effect;
  effect.kind = NotificationKind::CertificateExpiring;
  effect.certificate = ToldCertificate{"CN=system", "01", sha256, "2026-12-01T00:00:00Z"};
  effect.days = days;
  effect.messageID = messageIDOf(kKey, effect, kFrom);
  effect.recipients = {"ion@agentia.example"};
  return effect;
}
Notification revoked(const std::string& sha256) {
  auto effect = expiring(sha256, 0);
  effect.kind = NotificationKind::CertificateRevoked;
  effect.messageID = messageIDOf(kKey, effect, kFrom);
  return effect;
}
Notification activated(std::int64_t revision) {
  Notification effect;
  effect.revision = revision;
  effect.digest = fmt::format("sha256:{:064}", revision);
  effect.messageID = messageIDOf(kKey, effect, kFrom);
  return effect;
}
Notification sent(Notification effect, std::chrono::seconds ago = {}) {
  effect.intendedAt = formatTime(kNow - ago);
  effect.sentAt = effect.intendedAt;
  return effect;
}

std::vector<std::string> identifiers(const Notifications& effects) {
  std::vector<std::string> all;
  for (const auto& effect : effects.notifications) all.push_back(effect.messageID);
  std::sort(all.begin(), all.end());
  return all;
}

TEST(Notifications, HaveOneMessageIDForEachMatter) {
  const std::vector<Notification> all{activated(1),      activated(2), expiring("a", 30), expiring("a", 7),
                                      expiring("b", 30), revoked("a"), revoked("b")};
  Notifications effects{all};
  auto ids = identifiers(effects);
  EXPECT_EQ(std::unique(ids.begin(), ids.end()), ids.end());
  for (const auto& id : ids) EXPECT_TRUE(id.ends_with("@mpay.example>")) << id;
  EXPECT_EQ(messageIDOf(kKey, expiring("a", 30), kFrom), all[2].messageID);
  EXPECT_NE(messageIDOf({"ns", "y"}, all[2], kFrom), all[2].messageID) << "another integration's";
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < all.size(); ++j) EXPECT_EQ(tellTheSame(all[i], all[j]), i == j) << i << " " << j;
  }
  // The Message-ID was the same before there were several kinds.
  EXPECT_EQ(all[0].messageID, "<" + crypto::sha256Hex("ns/x " + all[0].digest).substr(0, 32) + ".1@mpay.example>");
}

TEST(Notifications, AreToldOnce) {
  Notifications known;
  const auto intended = continued(known, expiring("a", 7), kNow);
  EXPECT_EQ(intended.intendedAt, formatTime(kNow));
  known.notifications = {intended};
  known.notifications[0].failure = "550 no such mailbox";
  auto corrected = expiring("a", 7);
  corrected.recipients = {"ana@agentia.example"};
  const auto later = continued(known, corrected, kNow + std::chrono::hours(1));
  EXPECT_EQ(later.intendedAt, intended.intendedAt);
  EXPECT_EQ(later.failure, "550 no such mailbox");
  EXPECT_EQ(later.recipients, corrected.recipients);
  known.notifications = {sent(intended)};
  EXPECT_EQ(continued(known, corrected, kNow + std::chrono::hours(1)), known.notifications[0]) << "it was sent";
  EXPECT_FALSE(continued(known, expiring("a", 1), kNow).sentAt) << "the next warning was not";
  EXPECT_FALSE(continued(known, revoked("a"), kNow).sentAt);
}

TEST(Notifications, AreForgottenWhenNobodyNeedsThem) {
  struct Row {
    std::string name;
    Notification known;
    bool kept;
  };
  const Row rows[] = {
      {"the activation of what serves", activated(2), true},
      {"the activation of an earlier revision", activated(1), false},
      {"what was sent of it", sent(activated(1)), true},
      {"a warning that a later one follows", expiring("a", 30), false},
      {"a warning that was sent", sent(expiring("a", 30)), true},
      {"a revocation, whatever became of the certificate", revoked("a"), true},
  };
  for (const auto& row : rows) {
    const auto wanted = expiring("a", 7);
    const auto effects = merged(Notifications{{row.known}}, {wanted}, 2);
    EXPECT_EQ(effects.notifications.size(), row.kept ? 2u : 1u) << row.name;
    const auto again = merged(effects, {wanted}, 2);
    EXPECT_EQ(again, effects) << row.name << ": nothing to write";
  }
}

TEST(Notifications, AreBoundedInNumber) {
  Notifications known;
  for (int i = 0; i < 100; ++i)
    known.notifications.push_back(sent(expiring(fmt::format("{}", i), 30), std::chrono::hours(i)));
  known.notifications.push_back(activated(2));
  const auto effects = merged(known, {expiring("new", 7)}, 2);
  ASSERT_EQ(effects.notifications.size(), kNotificationsKept);
  const auto all = identifiers(effects);
  const auto isKept = [&](const Notification& effect) {
    return std::find(all.begin(), all.end(), effect.messageID) != all.end();
  };
  EXPECT_TRUE(isKept(expiring("new", 7)));
  EXPECT_TRUE(isKept(activated(2))) << "it was not sent yet";
  EXPECT_TRUE(isKept(expiring("0", 30)));
  EXPECT_FALSE(isKept(expiring("99", 30))) << "the oldest go first";
}

TEST(Notifications, AreReadAsTheyWereWrittenBefore) {
  const auto effect = sent(activated(3));
  auto single = json::encode(effect).as_object();
  for (const auto* later : {"kind", "days"}) single.erase(later);
  api::ConfigMap object;
  object.data["content.json"] = json::canonical(single);
  EXPECT_EQ(remembered<Notifications>(object).value(), Notifications{{effect}});
  EXPECT_EQ(remembered<Notifications>(remember({}, Notifications{{effect, revoked("a")}})).value(),
            (Notifications{{effect, revoked("a")}}));
  for (const auto* damaged : {"nonsense", "[]", "7", R"({"notifications":7})", R"({"messageID":7})"}) {
    object.data["content.json"] = damaged;
    EXPECT_FALSE(remembered<Notifications>(object)) << damaged;
  }
}

// A write of the sender must not be overwritten by an earlier decision.
TEST(Notifications, AreWrittenOverTheVersionThatWasRead) {
  Form form;
  form.giveChannel();
  form.promote();
  form.snapshot.production.notifications.value.reset();
  form.snapshot.production.notifications.version = "41";
  const auto plan = form.decide();
  ASSERT_EQ(plan.production.back().metadata.labels.at(std::string(kComponent)), kNotifications);
  EXPECT_EQ(plan.production.back().metadata.resourceVersion, "41");
}

}  // namespace
}  // namespace mpay::onboarding
