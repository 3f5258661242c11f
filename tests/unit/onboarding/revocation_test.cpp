#include "onboarding/revocation.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "unit/onboarding/form.h"

namespace mpay::onboarding {
namespace {

using api::ConditionStatus;
using crypto::RevocationFinding;
using State = crypto::RevocationState;
using Found = Result<RevocationFinding>;

WallTime at(const char* time) { return parseTime(time).value(); }
Found foundAt(State state, const char* thisUpdate, const std::string& reason = "") {
  RevocationFinding finding;
  finding.state = state;
  finding.reason = reason;
  if (state == State::Revoked) finding.revokedAt = at("2026-11-20T09:30:00Z");
  finding.thisUpdate = at(thisUpdate);
  return finding;
}

const Found kGood = foundAt(State::Good, "2026-11-20T08:00:00Z");
const Found kRevoked = foundAt(State::Revoked, "2026-11-20T10:00:00Z", "keyCompromise");
const Found kHeld = foundAt(State::Revoked, "2026-11-20T10:00:00Z", "certificateHold");
const Found kReleased = foundAt(State::Good, "2026-11-20T12:00:00Z");
const Found kUnknown = foundAt(State::Unknown, "2026-11-20T10:00:00Z");
const Found kNothing = fail(Error{ErrorKind::Transport, "http://crl.example/: cannot be reached"});

std::string reasonOf(const Plan& plan, std::string_view type) {
  return api::findCondition(plan.status.conditions, type)->reason;
}
std::string messageOf(const Plan& plan, std::string_view type) {
  return api::findCondition(plan.status.conditions, type)->message;
}

std::size_t admitted(const EnvironmentSnapshot& environment) {
  return environment.fragment ? environment.fragment->certificates.size() : 0;
}

TEST(AfterLook, GoesByTheVerdictBefore) {
  using Verdict = RevocationVerdict;
  struct Row {
    Verdict before;
    Found found;
    bool keepGood;
    Verdict after;
  };
  const Row rows[] = {
      {Verdict::Pending, kGood, false, Verdict::Good},       {Verdict::Pending, kRevoked, false, Verdict::Revoked},
      {Verdict::Pending, kUnknown, true, Verdict::Unknown},  {Verdict::Pending, kNothing, true, Verdict::Unknown},
      {Verdict::Good, kRevoked, true, Verdict::Revoked},     {Verdict::Good, kNothing, true, Verdict::Good},
      {Verdict::Good, kNothing, false, Verdict::Unknown},    {Verdict::Revoked, kNothing, false, Verdict::Revoked},
      {Verdict::Revoked, kUnknown, false, Verdict::Revoked}, {Verdict::Revoked, kReleased, false, Verdict::Good},
      {Verdict::Unknown, kRevoked, false, Verdict::Revoked}, {Verdict::Unknown, kGood, false, Verdict::Good},
      {Verdict::Unknown, kNothing, true, Verdict::Unknown},
  };
  for (const auto& row : rows) {
    CheckedCertificate before{"f", "c", "i", row.before, std::nullopt, "t", std::nullopt, "p"};
    const auto after = afterLook(before, row.found, row.keepGood);
    const auto name = fmt::format("{} {}", json::nameOf(row.before), json::nameOf(row.after));
    EXPECT_EQ(after.verdict, row.after) << name;
    EXPECT_EQ(after.sha256 + after.certificate + after.issuer, "fci") << name;
    if (after.verdict != row.before) {
      EXPECT_EQ(after.revokedAt.has_value(), row.after == Verdict::Revoked) << name;
      EXPECT_EQ(after.problem.has_value(), row.after == Verdict::Unknown) << name;
    }
  }
}

TEST(AfterLook, LeavesRevokedOnlyForALaterWordAndOnlyAHold) {
  using Verdict = RevocationVerdict;
  struct Row {
    std::string name;
    Found first, then;
    Verdict after;
  };
  const auto good = [](const char* time) { return foundAt(State::Good, time); };
  const auto revoked = [](const char* time, const std::string& reason) {
    return foundAt(State::Revoked, time, reason);
  };
  const auto early = "2026-11-20T09:00:00Z", late = "2026-11-20T10:00:00Z";
  const Row rows[] = {
      {"a hold is lifted", revoked(early, "certificateHold"), good(late), Verdict::Good},
      {"no reason", revoked(early, ""), good(late), Verdict::Good},
      {"unspecified", revoked(early, "unspecified"), good(late), Verdict::Good},
      {"for good", revoked(early, "keyCompromise"), good(late), Verdict::Revoked},
      {"for good too", revoked(early, "superseded"), good(late), Verdict::Revoked},
      {"an older list, sent again", revoked(late, "certificateHold"), good(early), Verdict::Revoked},
      {"two lists of one second", revoked(late, "certificateHold"), good(late), Verdict::Revoked},
      {"two lists of one second", good(late), revoked(late, "certificateHold"), Verdict::Revoked},
      {"the list before the hold was lifted", good(late), revoked(early, "certificateHold"), Verdict::Good},
      {"a hold that becomes final", revoked(early, "certificateHold"), revoked(late, "keyCompromise"),
       Verdict::Revoked}};
  for (const auto& row : rows) {
    CheckedCertificate check{"f", "c", "i", {}, {}, {}, {}, {}};
    const auto first = afterLook(check, row.first, false);
    const auto then = afterLook(first, row.then, false);
    EXPECT_EQ(then.verdict, row.after) << row.name;
    EXPECT_EQ(afterLook(then, row.then, false), then) << row.name << ": the same again changes nothing";
    EXPECT_EQ(afterLook(then, kNothing, true), then) << row.name;
    if (row.then->reason == "keyCompromise") {
      EXPECT_EQ(then.reason, "keyCompromise") << row.name;
    }
  }
  const auto checked = afterLook({"f", "c", "i", {}, {}, {}, {}, {}}, good(late), false);
  EXPECT_EQ(afterLook(checked, good("2026-11-21T10:00:00Z"), false), checked) << "no time of a check is written down";
  EXPECT_EQ(afterLook(checked, kNothing, false).evidence, late) << "that it was good once is not forgotten";
}

TEST(AfterLook, KeepsAReasonForGoodWhateverIsSaidLater) {
  const auto times = std::array{"2026-11-20T09:00:00Z", "2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z"};
  const auto revoked = [&](std::size_t when, const std::string& reason) {
    return foundAt(State::Revoked, times.at(when), reason);
  };
  const std::string reasons[] = {"keyCompromise",        "cACompromise",       "affiliationChanged", "superseded",
                                 "cessationOfOperation", "privilegeWithdrawn", "aACompromise",       "reason 7"};
  for (const auto& reason : reasons) {
    for (const std::string later : {"", "unspecified", "certificateHold"}) {
      const auto first = afterLook({"f", "c", "i", {}, {}, {}, {}, {}}, revoked(0, reason), false);
      const auto then = afterLook(first, revoked(1, later), false);
      EXPECT_EQ(then.reason, reason) << later;
      EXPECT_EQ(afterLook(then, foundAt(State::Good, times[2]), false).verdict, RevocationVerdict::Revoked)
          << reason << ", then \"" << later << "\", then good";
    }
    // A reason that could be lifted is replaced by a final one.
    const auto held = afterLook({"f", "c", "i", {}, {}, {}, {}, {}}, revoked(0, "certificateHold"), false);
    EXPECT_EQ(afterLook(held, revoked(1, reason), false).reason, reason);
  }
  const auto other = afterLook(afterLook({"f", "c", "i", {}, {}, {}, {}, {}}, revoked(0, "superseded"), false),
                               revoked(1, "keyCompromise"), false);
  EXPECT_EQ(other.reason, "keyCompromise") << "one reason for good may become another";
}

TEST(ChecksOf, KnowWhoElseSignsTheIssuersLists) {
  using test::Authority;
  const Authority root, signing = root.subordinate("Issuing CA"), lists = root.subordinate("Issuing CA"),
                        elsewhere = Authority("Stranger").subordinate("Issuing CA");
  const auto weak =
      root.subordinate(test::CertificateOptions{.commonName = "Issuing CA", .key = test::KeyKind::Rsa1024});
  const auto leaf = crypto::Certificate::parse(signing.issue().certificate).value();
  const auto now = systemClock().now();
  const auto signersOf = [&](const std::string& trusted, const std::string& given,
                             const std::optional<RevocationRecord>& known = {}) {
    const auto intermediates = given.empty() ? crypto::Intermediates() : crypto::parseIntermediates(given).value();
    return checksOf(known, {}, {{leaf, intermediates}}, {}, crypto::Authorities::parse(trusted).value(), now);
  };
  const auto text = [](const Authority& authority) {
    return crypto::base64(crypto::Certificate::parse(authority.certificate())->der());
  };
  const auto base = root.certificate() + signing.certificate();
  EXPECT_TRUE(signersOf(base, "").certificates.at(0).signers.empty());
  EXPECT_TRUE(signersOf(base + elsewhere.certificate() + weak.certificate(), "").certificates.at(0).signers.empty());
  const auto known = signersOf(base, lists.certificate());
  EXPECT_EQ(known.certificates.at(0).signers, std::vector<std::string>{text(lists)});
  EXPECT_EQ(signersOf(base + lists.certificate(), "").certificates.at(0).signers,
            std::vector<std::string>{text(lists)});
  EXPECT_TRUE(signersOf(base, "", known).certificates.at(0).signers.empty()) << "nobody gives it any more";
  EXPECT_EQ(afterLook(known.certificates.at(0), kGood, false).signers, known.certificates.at(0).signers);
}

TEST(DecideRevocation, AdmitsACertificateOnlyOnceItWasChecked) {
  struct Row {
    std::string name;
    api::FailureMode onFailure;
    Found found;
    std::string reason;  // of CertificateTrusted
    std::string says;
    bool admits;
  };
  const auto Hard = api::FailureMode::Hard, Soft = api::FailureMode::Soft;
  const Row rows[] = {
      {"good", Hard, kGood, "Trusted", "not revoked (CRL)", true},
      {"revoked", Hard, kRevoked, "CertificateRevoked", "at 2026-11-20T09:30:00Z (keyCompromise)", false},
      {"revoked", Soft, kRevoked, "CertificateRevoked", "request a new one", false},
      {"unknown", Hard, kUnknown, "RevocationUnknown", "does not know the certificate", false},
      {"nothing", Hard, kNothing, "RevocationUnknown", "cannot be reached", false},
      {"nothing", Soft, kNothing, "Trusted", "cannot be reached", true}};
  for (const auto& row : rows) {
    Form form;
    form.checkRevocation(row.onFailure);
    EXPECT_EQ(reasonOf(form.decide(), "CertificateTrusted"), "Pending") << row.name;
    while (form.carryOut()) {
    }
    EXPECT_EQ(reasonOf(form.decide(), "CertificateTrusted"), "Pending") << row.name;
    EXPECT_FALSE(form.snapshot.testing.fragment) << row.name << ": published before it was checked";
    ASSERT_TRUE(form.snapshot.testing.revocation.value && form.snapshot.production.revocation.value) << row.name;
    const auto& check = form.snapshot.testing.revocation.value->certificates.at(0);
    EXPECT_EQ(crypto::Certificate::parse(crypto::fromBase64(check.issuer).value())->pem(),
              form.authority.certificate());
    form.find(row.found);
    while (form.carryOut()) {
    }
    const auto plan = form.decide();
    EXPECT_EQ(reasonOf(plan, "CertificateTrusted"), row.reason) << row.name;
    EXPECT_NE(messageOf(plan, "CertificateTrusted").find(row.says), std::string::npos)
        << row.name << ": " << messageOf(plan, "CertificateTrusted");
    EXPECT_EQ(admitted(form.snapshot.testing), row.admits ? 1u : 0u) << row.name;
    const bool isRevoked = row.reason == "CertificateRevoked";
    EXPECT_EQ(reasonOf(plan, "Stalled"), isRevoked ? "CertificateRevoked" : "NotStalled") << row.name;
  }
}

TEST(DecideRevocation, AsksNothingWhereNothingIsChecked) {
  Form form;
  form.promote();
  EXPECT_FALSE(form.snapshot.testing.revocation.value || form.snapshot.production.revocation.value);
  EXPECT_NE(messageOf(form.decide(), "CertificateTrusted").find("revocation is not checked (None)"), std::string::npos);
}

// A promoted integration whose environments check.
struct Promoted : Form {
  Promoted() {
    checkRevocation();
    settle(kGood);
    passFunctionalTests();
    validate();
    settle(kGood);
    EXPECT_EQ(reasonOf(decide(), "Ready"), "Production");
    EXPECT_EQ(admitted(snapshot.production), 1u);
  }
  void settle(const Found& found) {
    for (int i = 0; i < 8; ++i) {
      carryOut();
      find(found);
    }
  }
  void settle() {
    while (carryOut()) {
    }
  }
};

TEST(DecideRevocation, TakesARevokedCertificateOutOfBothEnvironments) {
  Promoted form;
  const auto revision = form.snapshot.production.live->revision.digest;
  form.settle(kHeld);
  EXPECT_EQ(admitted(form.snapshot.testing), 0u);
  EXPECT_EQ(admitted(form.snapshot.production), 0u);
  const auto plan = form.decide();
  for (const auto type : {"CertificateTrusted", "Promoted", "Ready", "Stalled"})
    EXPECT_EQ(reasonOf(plan, type), "CertificateRevoked") << type << ": " << messageOf(plan, type);
  EXPECT_NE(messageOf(plan, "Promoted").find("admits nobody"), std::string::npos);
  EXPECT_EQ(messageOf(plan, "TestEnvironmentReady"),
            "Submitted comes first; testing admits nobody with this certificate");
  EXPECT_NE(plan.status.stage, "Production");
  EXPECT_EQ(plan.status.production->digest, revision) << "the revision itself is as it was validated";
  EXPECT_FALSE(form.snapshot.production.fragment->addresses.empty());

  form.settle(kNothing);
  EXPECT_EQ(admitted(form.snapshot.production), 0u) << "that nothing can be learnt readmits nobody";
  form.settle(kGood);
  EXPECT_EQ(admitted(form.snapshot.production), 0u) << "what was said before it was revoked";
  form.settle(kReleased);
  EXPECT_EQ(admitted(form.snapshot.testing), 1u) << "a hold that was lifted";
  EXPECT_EQ(admitted(form.snapshot.production), 1u);
  EXPECT_EQ(reasonOf(form.decide(), "Ready"), "Production");
}

TEST(DecideRevocation, CountsInBothEnvironmentsWhicheverKnows) {
  for (const bool inTesting : {true, false}) {
    Promoted form;
    form.find(inTesting ? form.snapshot.testing : form.snapshot.production, kRevoked);
    form.settle();
    EXPECT_EQ(admitted(form.snapshot.testing) + admitted(form.snapshot.production), 0u) << inTesting;
    EXPECT_EQ(reasonOf(form.decide(), "Promoted"), "CertificateRevoked") << inTesting;
  }
}

TEST(DecideRevocation, OnlyReportsWhereTheEnvironmentSaysSo) {
  Promoted form;
  Form::editSettings(form.snapshot.production,
                     [](Settings& s) { s.spec.trust.revocation.onRevoked = api::RevokedPolicy::Report; });
  form.settle(kRevoked);
  EXPECT_EQ(admitted(form.snapshot.testing), 0u);
  EXPECT_EQ(admitted(form.snapshot.production), 1u);
  const auto plan = form.decide();
  EXPECT_EQ(reasonOf(plan, "CertificateTrusted"), "CertificateRevoked");
  EXPECT_EQ(reasonOf(plan, "Ready"), "CertificateRevoked");
  EXPECT_EQ(reasonOf(plan, "Promoted"), "Promoted");
}

TEST(DecideRevocation, KeepsWhatIsPublishedWhileNothingCanBeLearnt) {
  Promoted form;
  const auto before = form.snapshot.production.fragment;
  form.settle(kNothing);
  EXPECT_EQ(admitted(form.snapshot.testing), 1u);
  EXPECT_EQ(form.snapshot.production.fragment, before);
  const auto plan = form.decide();
  EXPECT_EQ(reasonOf(plan, "CertificateTrusted"), "RevocationUnknown");
  EXPECT_EQ(reasonOf(plan, "Ready"), "Production");
  form.snapshot.production.fragment.reset();
  form.settle();
  EXPECT_EQ(admitted(form.snapshot.production), 1u) << "restored after somebody deleted it";
}

TEST(DecideRevocation, TakesOutAlsoWhereNothingElseIsWritten) {
  const std::pair<std::string, std::function<void(Form&)>> rows[] = {
      {"suspended", [](Form& f) { f.edit([](auto& i) { i.spec.suspend = true; }); }},
      {"the certificate is gone", [](Form& f) { f.edit([](auto& i) { i.spec.certificate.reset(); }); }},
      {"no tenant any more", [](Form& f) { f.snapshot.namespaceLabels->clear(); }},
      {"the environments are unusable",
       [](Form& f) {
         f.snapshot.testing.settings = f.snapshot.production.settings = nullptr;
         f.snapshot.testing.problem = f.snapshot.production.problem = Error{ErrorKind::Invalid, "m", "InvalidField"};
       }},
      {"the revision is damaged", [](Form& f) {
         f.snapshot.production.liveProblem = Error{ErrorKind::Invalid, "m", "RevisionCorrupt"};
       }}};
  for (const auto& [name, change] : rows) {
    Promoted form;
    change(form);
    form.find(kRevoked);
    form.settle();
    EXPECT_EQ(admitted(form.snapshot.testing), 0u) << name;
    EXPECT_EQ(admitted(form.snapshot.production), 0u) << name;
  }
}

TEST(DecideRevocation, GoesOnWithAnotherCertificate) {
  Promoted form;
  form.settle(kRevoked);
  form.snapshot.certificate = Result<std::string>(form.authority.issue({}).certificate);
  form.settle();
  EXPECT_EQ(reasonOf(form.decide(), "CertificateTrusted"), "Pending") << "the new one is to be checked too";
  EXPECT_EQ(form.snapshot.production.revocation.value->certificates.size(), 2u) << "the live revision's stays known";
  const auto isNew = [&](const auto& check) { return check.verdict == RevocationVerdict::Pending; };
  for (auto* environment : {&form.snapshot.testing, &form.snapshot.production}) {
    for (auto& check : environment->revocation.value->certificates) {
      if (isNew(check)) check = afterLook(check, kGood, false);
    }
  }
  form.settle();
  EXPECT_EQ(admitted(form.snapshot.testing), 1u);
  EXPECT_EQ(admitted(form.snapshot.production), 0u);
  EXPECT_NE(messageOf(form.decide(), "Promoted").find("admits nobody"), std::string::npos);
  EXPECT_EQ(reasonOf(form.decide(), "Ready"), "AwaitingValidation");
  form.now += std::chrono::minutes(1);
  form.passFunctionalTests();
  form.validate();
  form.settle();
  EXPECT_EQ(admitted(form.snapshot.production), 1u);
  EXPECT_EQ(reasonOf(form.decide(), "Ready"), "Production");
  EXPECT_EQ(form.snapshot.production.revocation.value->certificates.size(), 2u) << "what is revoked stays known";
}

TEST(DecideRevocation, ForgetsWhatIsRevokedOnceItHasExpired) {
  Promoted form;
  form.settle(kRevoked);
  const auto record = form.snapshot.production.revocation.value.value();
  EXPECT_EQ(withoutSettled(record, form.now), record);
  EXPECT_TRUE(withoutSettled(record, form.now + std::chrono::hours(24 * 366)).certificates.empty());
  const auto& authorities = form.snapshot.production.settings->authorities;
  EXPECT_EQ(checksOf(record, std::nullopt, {}, {}, authorities, form.now), record);
  const auto later = form.now + std::chrono::hours(24 * 366);
  EXPECT_TRUE(checksOf(record, std::nullopt, {}, {}, authorities, later).certificates.empty());
}

TEST(DecideRevocation, ReadmitsNothingInProductionWhenTestingGoesOnWithAnother) {
  Promoted form;
  const auto old = form.examine().leaf->sha256();
  form.find(form.snapshot.testing, kRevoked);  // only testing's list revokes it
  form.settle();
  ASSERT_EQ(admitted(form.snapshot.production), 0u);
  form.snapshot.certificate = Result<std::string>(form.authority.issue({}).certificate);
  form.settle();
  EXPECT_TRUE(form.snapshot.testing.revocation.value->isRevoked(old));
  EXPECT_EQ(admitted(form.snapshot.production), 0u);
}

TEST(DecideRevocation, KeepsInMindWhatWasRevokedBeforeItWasReplaced) {
  for (const auto onFailure : {api::FailureMode::Soft, api::FailureMode::Hard}) {
    Promoted form;
    form.checkRevocation(onFailure);
    const auto old = form.snapshot.certificate;
    form.settle(kRevoked);
    form.snapshot.certificate = Result<std::string>(form.authority.issue({}).certificate);
    form.settle(kGood);
    ASSERT_EQ(admitted(form.snapshot.testing), 1u);
    form.snapshot.certificate = old;
    form.settle(kNothing);
    EXPECT_EQ(reasonOf(form.decide(), "CertificateTrusted"), "CertificateRevoked") << "the responder is down";
    EXPECT_FALSE(publishes(form.snapshot.testing.fragment, form.examine().leaf->sha256()));
  }
}

TEST(DecideRevocation, KnowsWhatWasRevokedWhileItWasAnothers) {
  for (auto environment : {&Snapshot::testing, &Snapshot::production}) {
    Form form;
    form.checkRevocation(api::FailureMode::Soft);
    CheckedCertificate check;
    check.sha256 = form.examine().leaf->sha256();
    check.certificate = crypto::base64(form.examine().leaf->der());
    check.verdict = RevocationVerdict::Revoked;
    (form.snapshot.*environment).revoked =
        std::make_shared<const RevokedCertificates>(RevokedCertificates{{check.sha256, check}});
    while (form.carryOut()) {
    }
    form.find(kNothing);
    while (form.carryOut()) {
    }
    EXPECT_EQ(reasonOf(form.decide(), "CertificateTrusted"), "CertificateRevoked");
    EXPECT_EQ(admitted(form.snapshot.testing), 0u);
  }
}

// Nothing is checked any more: the record of another integration counts all the same, until the integration's own
// record knows better.
TEST(DecideRevocation, KnowsWhatAnothersRecordSaysAlsoWhereNothingIsChecked) {
  Form form;
  CheckedCertificate check;
  check.sha256 = form.examine().leaf->sha256();
  check.verdict = RevocationVerdict::Revoked;
  form.snapshot.production.revoked =
      std::make_shared<const RevokedCertificates>(RevokedCertificates{{check.sha256, check}});
  while (form.carryOut()) {
  }
  EXPECT_EQ(reasonOf(form.decide(), "CertificateTrusted"), "CertificateRevoked");
  EXPECT_EQ(admitted(form.snapshot.testing), 0u);
  check.verdict = RevocationVerdict::Good;
  check.evidence = formatTime(form.now);
  form.snapshot.testing.revocation.value = RevocationRecord{{check}};
  while (form.carryOut()) {
  }
  EXPECT_EQ(reasonOf(form.decide(), "CertificateTrusted"), "Trusted");
  EXPECT_EQ(admitted(form.snapshot.testing), 1u);
}

// The damaged fragment was published: while nobody can be asked, nothing that was admitted is withheld.
TEST(DecideRevocation, RestoresADamagedFragmentWithTheRevisionsCertificate) {
  Promoted form;
  form.checkRevocation(api::FailureMode::Hard);
  form.settle();
  form.settle(kNothing);
  form.snapshot.production.fragment.reset();
  form.snapshot.production.isDamaged = true;
  form.settle();
  EXPECT_EQ(admitted(form.snapshot.production), 1u);
  form.settle(kRevoked);
  form.snapshot.production.fragment.reset();
  form.settle();
  EXPECT_EQ(admitted(form.snapshot.production), 0u);
}

TEST(DecideRevocation, AdmitsNothingThatWasNeverFoundGood) {
  for (const auto onFailure : {api::FailureMode::Hard, api::FailureMode::Soft}) {
    Promoted form;
    form.checkRevocation(onFailure);
    form.settle(kRevoked);
    form.snapshot.testing.revocation.value.reset();  // somebody deleted the record
    form.snapshot.production.revocation.value.reset();
    form.settle();
    form.settle(kNothing);
    const bool isHard = onFailure == api::FailureMode::Hard;
    EXPECT_EQ(admitted(form.snapshot.production), isHard ? 0u : 1u);
    if (isHard) {
      EXPECT_NE(messageOf(form.decide(), "Promoted").find("could not be checked"), std::string::npos);
    }
  }
}

TEST(DecideRevocation, ClaimsWhatIsOnlyHeld) {
  Promoted form;
  const auto held = form.examine().leaf->sha256();
  form.settle(kHeld);
  form.snapshot.certificate = Result<std::string>(form.authority.issue({}).certificate);
  form.settle();
  form.find(kGood);
  const auto claim = form.examine().productionClaim.value();
  EXPECT_EQ(std::count(claim.certificates.begin(), claim.certificates.end(), held), 1)
      << "it is published again when the hold is lifted, so nobody else may have it until then";
  form.snapshot.production.fragment.reset();
  const auto addresses = form.examine().productionClaim->addresses;
  EXPECT_EQ(std::count(addresses.begin(), addresses.end(), "8.8.4.4/32"), 1);
}

TEST(DecideRevocation, ChecksWhatWasVerifiedOverIntermediatesThatTheFormNoLongerGives) {
  Form form;
  const auto policy = form.authority.subordinate("Policy CA");
  form.edit([&](auto& i) { i.spec.certificate->intermediates = api::ContentSource{"given", {}, {}}; });
  form.snapshot.intermediates = Result<std::string>(policy.certificate());
  form.snapshot.certificate = Result<std::string>(policy.issue({}).certificate);
  form.promote();
  ASSERT_EQ(admitted(form.snapshot.production), 1u);
  const auto old = form.examine().leaf->sha256();
  form.edit([&](auto& i) { i.spec.certificate->intermediates.reset(); });
  form.snapshot.intermediates.reset();
  form.snapshot.certificate = Result<std::string>(form.authority.issue({}).certificate);
  while (form.carryOut()) {
  }
  form.checkRevocation();
  while (form.carryOut()) {
  }
  EXPECT_TRUE(form.snapshot.testing.revocation.value->find(old)) << "it overlaps";
  EXPECT_TRUE(form.snapshot.production.revocation.value->find(old)) << "it is live";
  // Two cases: published and not live, live and not published.
  form.snapshot.testing.revocation.value.reset();
  form.snapshot.production.revocation.value.reset();
  const auto live = std::exchange(form.snapshot.production.live, std::nullopt);
  form.carryOut();
  EXPECT_TRUE(form.snapshot.testing.revocation.value->find(old));
  form.snapshot.production.live = live;
  form.snapshot.production.fragment.reset();
  form.snapshot.production.revocation.value.reset();
  form.carryOut();
  EXPECT_TRUE(form.snapshot.production.revocation.value->find(old));
}

TEST(DecideRevocation, SaysThatNobodyIsAdmittedAlsoWhereTheEnvironmentIsUnusable) {
  Promoted form;
  form.settle(kRevoked);
  form.snapshot.production.settings = nullptr;
  form.snapshot.production.problem = Error{ErrorKind::Invalid, "m", "InvalidField"};
  const auto plan = form.decide();
  EXPECT_NE(plan.status.stage, "Production");
  EXPECT_NE(messageOf(plan, "Promoted").find("admits nobody"), std::string::npos) << messageOf(plan, "Promoted");
}

TEST(DecideRevocation, TakesOutWhatAnEarlierIntegrationOfThisNameLeft) {
  Promoted form;
  form.settle(kGood);
  // A form with another ServiceID has the name now.
  form.snapshot.production.leaving = std::exchange(form.snapshot.production.fragment, std::nullopt);
  form.snapshot.production.live.reset();
  form.snapshot.certificate = Result<std::string>(form.authority.issue({}).certificate);
  const auto old = form.snapshot.production.leaving->certificates.at(0).sha256;
  form.snapshot.production.revocation.value.reset();
  form.carryOut();
  ASSERT_TRUE(form.snapshot.production.revocation.value && form.snapshot.production.revocation.value->find(old));
  form.find(kRevoked);
  const auto plan = form.decide();
  const auto fragment = std::find_if(plan.production.begin(), plan.production.end(), [](const auto& object) {
    return object.metadata.labels.at(std::string(kComponent)) == kFragment;
  });
  ASSERT_NE(fragment, plan.production.end());
  EXPECT_TRUE(remembered<Fragment>(*fragment)->certificates.empty());
}

TEST(DecideRevocation, RestoresNothingThatWasNotCheckedAgain) {
  Promoted form;
  form.settle(kRevoked);
  form.snapshot.testing.revocation.value.reset();
  form.snapshot.production.revocation.value.reset();
  form.settle();
  EXPECT_EQ(admitted(form.snapshot.production), 0u) << "somebody deleted what was remembered";
  EXPECT_EQ(reasonOf(form.decide(), "Promoted"), "Provisioning");
  form.settle(kGood);
  EXPECT_EQ(admitted(form.snapshot.production), 1u);
}

TEST(DecideRevocation, GoesOnWithWhatIsPublishedWhileItIsCheckedForTheFirstTime) {
  Form form;
  form.promote();
  form.checkRevocation();
  while (form.carryOut()) {
  }
  EXPECT_EQ(form.snapshot.production.revocation.value->certificates.size(), 1u);
  EXPECT_EQ(admitted(form.snapshot.testing) + admitted(form.snapshot.production), 2u);
  const auto plan = form.decide();
  EXPECT_EQ(reasonOf(plan, "CertificateTrusted"), "Trusted");
  EXPECT_NE(messageOf(plan, "CertificateTrusted").find("revocation is being checked"), std::string::npos);
  EXPECT_EQ(reasonOf(plan, "Ready"), "Production");
}

TEST(DecideRevocation, ChecksAlsoWhatWasReplacedBeforeChecksBegan) {
  Form form;
  form.promote();
  form.snapshot.certificate = Result<std::string>(form.authority.issue({}).certificate);
  while (form.carryOut()) {
  }
  ASSERT_EQ(admitted(form.snapshot.testing), 2u);
  const auto old = form.snapshot.testing.fragment->certificates[1].sha256;
  form.checkRevocation();
  while (form.carryOut()) {
  }
  const auto* check = form.snapshot.testing.revocation.value->find(old);
  ASSERT_TRUE(check);
  EXPECT_EQ(admitted(form.snapshot.testing), 2u) << "until something is known";
  for (auto& each : form.snapshot.testing.revocation.value->certificates)
    each = afterLook(each, each.sha256 == old ? kRevoked : kGood, false);
  while (form.carryOut()) {
  }
  EXPECT_EQ(admitted(form.snapshot.testing), 1u);
  EXPECT_NE(form.snapshot.testing.fragment->certificates[0].sha256, old);
}

TEST(DecideRevocation, TellsOnceOfEachRevokedCertificate) {
  Promoted form;
  form.giveChannel();
  form.settle(kRevoked);
  const auto told = [&] {
    std::vector<Notification> all;
    for (const auto& effect : notificationsIn(form.snapshot.production).notifications) {
      if (effect.kind == NotificationKind::CertificateRevoked) all.push_back(effect);
    }
    return all;
  };
  ASSERT_EQ(told().size(), 1u);
  EXPECT_EQ(told()[0].certificate->sha256, form.snapshot.production.live ? form.examine().leaf->sha256() : "");
  EXPECT_TRUE(told()[0].certificate->withdrawn);
  form.settle(kGood);
  form.settle(kRevoked);
  EXPECT_EQ(told().size(), 1u);
  EXPECT_TRUE(notificationsIn(form.snapshot.testing).notifications.empty()) << "testing has no channel";
}

TEST(DecideRevocation, TellsByOneEnvironmentOnly) {
  Promoted form;
  form.giveChannel();
  Form::editSettings(form.snapshot.testing, [&](Settings& s) {
    s.spec.notifications.channels = form.snapshot.production.settings->spec.notifications.channels;
  });
  const auto count = [](const EnvironmentSnapshot& environment) {
    const auto& all = notificationsIn(environment).notifications;
    return std::count_if(all.begin(), all.end(),
                         [](const auto& e) { return e.kind == NotificationKind::CertificateRevoked; });
  };
  form.settle(kRevoked);
  EXPECT_EQ(count(form.snapshot.production), 1);
  EXPECT_EQ(count(form.snapshot.testing), 0);
}

TEST(DecideRevocation, WritesNothingOnceNothingChanges) {
  Promoted form;
  for (const auto& found : {kGood, kRevoked, kNothing}) {
    form.settle(found);
    EXPECT_FALSE(form.carryOut());
    const auto plan = form.decide();
    for (const auto* objects : {&plan.testing, &plan.production}) {
      for (const auto& object : *objects)
        EXPECT_NE(object.metadata.labels.at(std::string(kComponent)), kRevocation) << "rewrites what another writes";
    }
  }
}

}  // namespace
}  // namespace mpay::onboarding
