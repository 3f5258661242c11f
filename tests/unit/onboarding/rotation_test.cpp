#include "onboarding/rotation.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "unit/onboarding/form.h"

namespace mpay::onboarding {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const WallTime kNow = parseTime("2026-11-24T10:00:00Z").value();
constexpr hours kOverlap{24};

std::string at(seconds offset) { return formatTime(kNow + offset); }

Fingerprints current(const std::string& name) {
  return {"sha1-" + name, name, at(hours(24 * 365)), "der-" + name, std::nullopt, std::nullopt};
}
Fingerprints earlier(const std::string& name, seconds replaced, const std::optional<std::string>& until = {}) {
  auto entry = current(name);
  entry.replacedAt = at(replaced);
  entry.until = until;
  return entry;
}
Fingerprints expired(Fingerprints entry) {
  entry.notAfter = at(seconds(-1));
  return entry;
}
Fragment fragment(std::vector<Fingerprints> certificates, const std::string& service = "AM-1") {
  Fragment fragment;
  fragment.holder.idno = "1006601000255";
  fragment.serviceID = service;
  fragment.certificates = std::move(certificates);
  return fragment;
}

TEST(Rotation, KeepsTheEarlierCertificateUntilItsOverlapIsOver) {
  struct Row {
    std::string name;
    Fragment next;
    std::optional<Fragment> published;
    bool isLive;
    std::vector<Fingerprints> certificates;
  };
  const seconds hourAgo = -hours(1);
  const auto later = at(kOverlap), soon = at(hours(5)), past = at(seconds(-1));
  const Row rows[] = {
      {"nothing was published", fragment({current("b")}), std::nullopt, false, {current("b")}},
      {"nothing changes", fragment({current("a")}), fragment({current("a")}), true, {current("a")}},
      {"a new one is declared",
       fragment({current("b")}),
       fragment({current("a")}),
       true,
       {current("b"), earlier("a", {})}},
      {"the new one is not live yet",
       fragment({current("b")}),
       fragment({current("b"), earlier("a", hourAgo)}),
       false,
       {current("b"), earlier("a", hourAgo)}},
      {"the new one is live",
       fragment({current("b")}),
       fragment({current("b"), earlier("a", hourAgo)}),
       true,
       {current("b"), earlier("a", hourAgo, later)}},
      {"the overlap runs, whatever is live",
       fragment({current("b")}),
       fragment({current("b"), earlier("a", hourAgo, soon)}),
       false,
       {current("b"), earlier("a", hourAgo, soon)}},
      {"the overlap is over",
       fragment({current("b")}),
       fragment({current("b"), earlier("a", hourAgo, past)}),
       true,
       {current("b")}},
      {"the overlap ends this very second",
       fragment({current("b")}),
       fragment({current("b"), earlier("a", hourAgo, at({}))}),
       true,
       {current("b")}},
      {"the overlap was lengthened by hand",
       fragment({current("b")}),
       fragment({current("b"), earlier("a", hourAgo, at(hours(1000)))}),
       true,
       {current("b"), earlier("a", hourAgo, later)}},
      {"the end was damaged",
       fragment({current("b")}),
       fragment({current("b"), earlier("a", hourAgo, "nonsense")}),
       false,
       {current("b"), earlier("a", hourAgo, later)}},
      {"another rotation before the end of the first",
       fragment({current("c")}),
       fragment({current("b"), earlier("a", hourAgo, soon)}),
       true,
       {current("c"), earlier("b", {}), earlier("a", hourAgo, soon)}},
      {"back to the earlier one",
       fragment({current("a")}),
       fragment({current("b"), earlier("a", hourAgo, soon)}),
       true,
       {current("a"), earlier("b", {})}},
      {"the earlier one expired",
       fragment({current("b")}),
       fragment({current("b"), expired(earlier("a", hourAgo))}),
       false,
       {current("b")}},
      {"the current one expired, and stays",
       fragment({expired(current("b"))}),
       fragment({expired(current("b"))}),
       true,
       {expired(current("b"))}},
      {"no certificate is declared any more",
       fragment({}),
       fragment({current("b"), earlier("a", hourAgo, soon)}),
       true,
       {}},
      {"what is published is another service's",
       fragment({current("b")}),
       fragment({current("a")}, "AM-2"),
       true,
       {current("b")}},
  };
  for (const auto& row : rows) {
    const auto next = overlapped(row.next, row.published, row.isLive, kOverlap, kNow);
    EXPECT_EQ(next.certificates, row.certificates) << row.name << "\n" << json::canonical(json::encode(next));
    if (row.isLive && next == row.published) continue;
    EXPECT_EQ(overlapped(row.next, next, false, kOverlap, kNow), next) << row.name << ": settles";
  }
  auto strangers = fragment({current("a")});
  strangers.holder.idno = "1010600034203";
  EXPECT_EQ(overlapped(fragment({current("b")}), strangers, true, kOverlap, kNow).certificates.size(), 1u);
  const auto running = fragment({current("b"), earlier("a", hourAgo, later)});
  EXPECT_EQ(overlapped(fragment({current("b")}), running, true, hours(0), kNow).certificates.size(), 1u)
      << "the platform ends all overlaps";
}

TEST(Rotation, BoundsHowManyEarlierCertificatesThereAre) {
  Fragment published = fragment({current("0")});
  for (int i = 1; i < 30; ++i) {
    published = overlapped(fragment({current(fmt::format("{}", i))}), published, false, kOverlap, kNow + seconds(i));
    ASSERT_LE(published.certificates.size(), kEarlierKept + 1);
    EXPECT_EQ(published.certificates[0].sha256, fmt::format("{}", i));
    EXPECT_EQ(published.certificates[1].sha256, fmt::format("{}", i - 1)) << "the one before is always admitted";
  }
  EXPECT_EQ(published.certificates.size(), kEarlierKept + 1);
}

TEST(Rotation, EndsWhatIsDueAlsoWhereNothingNewCanBePublished) {
  const auto soon = at(hours(5));
  const auto published = fragment({expired(current("c")), earlier("b", {}), earlier("a", {}, soon)});
  EXPECT_EQ(withoutEnded(published, kNow), published);
  EXPECT_EQ(withoutEnded(published, kNow + hours(5)).certificates,
            (std::vector<Fingerprints>{expired(current("c")), earlier("b", {})}));
  std::optional<WallTime> instant;
  noteEnds(instant, published, kNow);
  EXPECT_EQ(instant, kNow + hours(5));
}

TEST(Rotation, TellsWhatIsCurrentFromWhatIsEarlier) {
  const auto hash = [](const Fragment& fragment) {
    return currentHash(fragment, json::canonical(json::encode(fragment)));
  };
  const auto alone = fragment({current("b")});
  EXPECT_EQ(hash(alone), crypto::sha256Hex(json::canonical(json::encode(alone))));
  EXPECT_EQ(hash(fragment({current("b"), earlier("a", {})})), hash(alone));
  EXPECT_EQ(hash(fragment({current("b"), earlier("a", {}, at(hours(5)))})), hash(alone));
  EXPECT_NE(hash(fragment({current("a"), earlier("b", {})})), hash(alone));
}

TEST(Expiry, IsWarnedOfByTheMostUrgentWarning) {
  const std::vector<std::int64_t> days{30, 7, 1};
  struct Row {
    seconds left;
    std::optional<std::int64_t> due;
    std::optional<seconds> next;  // before the end
  };
  const Row rows[] = {
      {hours(24 * 31), std::nullopt, hours(24 * 30)},
      {hours(24 * 30) + seconds(1), std::nullopt, hours(24 * 30)},
      {hours(24 * 30), 30, hours(24 * 7)},
      {hours(24 * 5), 7, hours(24)},
      {hours(24), 1, seconds(-1)},
      {seconds(0), 1, seconds(-1)},
      {seconds(-1), 0, std::nullopt},
  };
  for (const auto& row : rows) {
    const auto notAfter = kNow + row.left;
    EXPECT_EQ(dueWarning(notAfter, days, kNow), row.due) << row.left.count();
    std::optional<WallTime> instant;
    noteWarnings(instant, notAfter, days, kNow);
    EXPECT_EQ(instant, row.next ? std::optional(notAfter - *row.next) : std::nullopt) << row.left.count();
  }
  EXPECT_EQ(dueWarning(kNow + hours(1), {}, kNow), std::nullopt);
  EXPECT_EQ(dueWarning(kNow - hours(1), {}, kNow), 0);
}

// A certificate that is valid for so long.
test::CertificateOptions lasting(seconds validity) {
  test::CertificateOptions options;
  options.validFor = validity.count();
  return options;
}

const api::Condition& said(const Plan& plan, std::string_view type) {
  return *api::findCondition(plan.status.conditions, type);
}

void giveChannels(Form& form) {
  form.giveChannel();
  Form::editSettings(form.snapshot.testing, [](Settings& s) {
    api::SmtpChannel smtp;
    smtp.from = "suport@mpay.example";
    s.spec.notifications.channels.push_back({"mail", smtp});
  });
}

std::vector<std::int64_t> warnings(const EnvironmentSnapshot& environment) {
  std::vector<std::int64_t> days;
  for (const auto& effect : notificationsIn(environment).notifications) {
    if (effect.kind == NotificationKind::CertificateExpiring) days.push_back(effect.days);
  }
  return days;
}
void sendAll(EnvironmentSnapshot& environment, WallTime now) {
  for (auto& effect : environment.notifications.value->notifications) effect.sentAt = formatTime(now);
}

TEST(Decide, WarnsOnceOfTheCertificateThatProductionServes) {
  Form form;
  giveChannels(form);
  form.snapshot.certificate = form.authority.issue(lasting(hours(24 * 40))).certificate;
  form.promote();
  EXPECT_TRUE(warnings(form.snapshot.production).empty());
  EXPECT_FALSE(form.decide().status.certificate->expiresWithinDays);
  sendAll(form.snapshot.production, form.now);
  const auto next = form.decide().nextInstant;
  ASSERT_TRUE(next);
  form.now = *next;
  while (form.carryOut()) {
  }
  EXPECT_EQ(warnings(form.snapshot.production), (std::vector<std::int64_t>{30}));
  EXPECT_TRUE(warnings(form.snapshot.testing).empty()) << "one notification, not one in each environment";
  EXPECT_EQ(said(form.decide(), "Notified").reason, "Sent") << "Notified is about the activation";
  EXPECT_NE(said(form.decide(), "CertificateTrusted").message.find("within 30 days"), std::string::npos);
  EXPECT_EQ(form.decide().status.production->certificate->expiresWithinDays, 30);

  // The mail was not accepted before the next one is due.
  form.now = *form.decide().nextInstant;
  while (form.carryOut()) {
  }
  EXPECT_EQ(warnings(form.snapshot.production), (std::vector<std::int64_t>{7}));
  sendAll(form.snapshot.production, form.now);
  EXPECT_FALSE(form.carryOut()) << "it was told";
  form.now = *form.decide().nextInstant;
  while (form.carryOut()) {
  }
  EXPECT_EQ(warnings(form.snapshot.production), (std::vector<std::int64_t>{7, 1}));
  sendAll(form.snapshot.production, form.now);
  form.now = *form.decide().nextInstant;
  EXPECT_FALSE(form.carryOut()) << "nothing is told of what has expired, and production goes on";
  EXPECT_EQ(form.decide().status.production->certificate->expiresWithinDays, 0);
  EXPECT_EQ(said(form.decide(), "CertificateTrusted").reason, "CertificateExpired");
  EXPECT_EQ(form.snapshot.production.fragment->certificates.size(), 1u);
}

TEST(Decide, WarnsOfADeclaredCertificateInTesting) {
  Form form;
  giveChannels(form);
  form.promote();
  form.snapshot.certificate = form.authority.issue(lasting(hours(24 * 5))).certificate;
  while (form.carryOut()) {
  }
  EXPECT_EQ(warnings(form.snapshot.testing), (std::vector<std::int64_t>{7})) << "the most urgent one alone";
  EXPECT_TRUE(warnings(form.snapshot.production).empty());
  EXPECT_FALSE(form.decide().status.production->certificate->expiresWithinDays);
  sendAll(form.snapshot.testing, form.now);
  form.promote();
  EXPECT_TRUE(warnings(form.snapshot.production).empty()) << "it was told already";
  EXPECT_EQ(form.decide().status.production->certificate->expiresWithinDays, 7);
}

TEST(Decide, AdmitsBothCertificatesUntilTheOverlapIsOver) {
  Form form;
  form.promote();
  const auto names = [](const EnvironmentSnapshot& environment) {
    std::vector<std::string> all;
    for (const auto& entry : environment.fragment->certificates) all.push_back(entry.sha256);
    return all;
  };
  const auto old = names(form.snapshot.testing).at(0);
  const auto replacement = form.authority.issue({});
  form.snapshot.certificate = replacement.certificate;
  const auto young = crypto::Certificate::parse(replacement.certificate)->sha256();
  while (form.carryOut()) {
  }
  EXPECT_EQ(names(form.snapshot.testing), (std::vector{young, old}));
  EXPECT_EQ(names(form.snapshot.production), std::vector{old}) << "until it is validated";
  EXPECT_EQ(form.examine().testingClaim->certificates.size(), 2u) << "both stay claimed";
  const auto entry = form.snapshot.testing.fragment->certificates[1];
  ASSERT_TRUE(entry.until && entry.der);
  EXPECT_EQ(*entry.until, formatTime(form.now + kOverlap));
  EXPECT_NE(said(form.decide(), "TestEnvironmentReady").message.find(*entry.until), std::string::npos);
  EXPECT_EQ(form.decide().nextInstant, form.now + kOverlap) << "looked at when it ends";
  ASSERT_EQ(form.decide().status.earlierCertificates.size(), 1u);
  EXPECT_EQ(form.decide().status.earlierCertificates[0].until, entry.until);

  form.now += hours(1);
  form.passFunctionalTests();
  form.validate();
  while (form.carryOut()) {
  }
  EXPECT_EQ(names(form.snapshot.production), (std::vector{young, old}));
  EXPECT_EQ(form.snapshot.production.fragment->revision, 2);
  EXPECT_EQ(form.decide().status.earlierCertificates.size(), 2u);
  form.now += kOverlap - hours(1);
  while (form.carryOut()) {
  }
  EXPECT_EQ(names(form.snapshot.testing), std::vector{young});
  EXPECT_EQ(names(form.snapshot.production), (std::vector{young, old})) << "an hour later";
  // The same with any fault of the form, or of the revision.
  form.edit([](auto& i) { i.spec.beneficiary.idno = "1"; });
  form.now += hours(1);
  form.snapshot.production.liveProblem = Error{ErrorKind::Invalid, "damaged", "RevisionCorrupt"};
  while (form.carryOut()) {
  }
  EXPECT_EQ(names(form.snapshot.production), std::vector{young});
}

}  // namespace
}  // namespace mpay::onboarding
