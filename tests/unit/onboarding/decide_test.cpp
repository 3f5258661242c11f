#include <gtest/gtest.h>

#include "api/crd.h"
#include "base/text.h"
#include "unit/onboarding/form.h"

namespace mpay::onboarding {
namespace {

using api::ConditionStatus;

const api::Condition& said(const Plan& plan, std::string_view type) {
  static const api::Condition none;
  const auto* found = api::findCondition(plan.status.conditions, type);
  return found ? *found : none;
}

// The API server refuses a condition without a reason.
void expectComplete(const Plan& plan, const std::string& name) {
  EXPECT_EQ(plan.status.conditions.size(), 11u) << name;
  for (const auto& condition : plan.status.conditions) {
    EXPECT_FALSE(condition.reason.empty()) << name << ": " << condition.type;
    EXPECT_FALSE(condition.message.empty()) << name << ": " << condition.type;
  }
}

const Error kUnusable{ErrorKind::Invalid, "environment production: the authorities are gone", "ReferenceNotFound"};

TEST(Decide, SaysWhatProductionServesWhereItsEnvironmentIsUnusable) {
  Form form;
  form.promote();
  ASSERT_EQ(said(form.decide(), "Ready").reason, "Production");
  form.edit([](auto& i) { i.spec.targetStage = api::Stage::Testing; });
  form.snapshot.production.settings = nullptr;
  const std::pair<std::optional<Error>, std::string> rows[] = {{kUnusable, "ReferenceNotFound"},
                                                               {std::nullopt, "Pending"}};
  for (const auto& [problem, reason] : rows) {
    form.snapshot.production.problem = problem;
    const auto plan = form.decide();
    expectComplete(plan, reason);
    EXPECT_EQ(said(plan, "Promoted").reason, reason);
    EXPECT_TRUE(said(plan, "Promoted").message.starts_with("production goes on as it is; "));
    ASSERT_TRUE(plan.status.production) << "environments would no longer be immutable";
    EXPECT_EQ(plan.status.production->revision, 1);
    EXPECT_EQ(said(plan, "Ready").reason, "Testing");
  }
}

TEST(Decide, KeepsWhatProductionServedWhileItCannotBeRead) {
  Form form;
  form.promote();
  const auto before = form.decide().status;
  form.edit([&](auto& i) { i.status = before; });
  const auto served = form.snapshot.production;
  const std::pair<std::string, std::function<void(EnvironmentSnapshot&)>> rows[] = {
      {"the revision is damaged",
       [](auto& e) {
         e.liveProblem = Error{ErrorKind::Invalid, "m", "RevisionCorrupt"};
       }},
      {"the namespace is not read",
       [](auto& e) {
         e = {};
         e.problem = kUnusable;
       }},
  };
  for (const auto& [name, lose] : rows) {
    form.snapshot.production = served;
    form.snapshot.production.live.reset();
    lose(form.snapshot.production);
    const auto plan = form.decide();
    expectComplete(plan, name);
    ASSERT_TRUE(plan.status.production) << name;
    EXPECT_EQ(plan.status.production->revision, 1) << name;
  }
  form.snapshot.production = served;
  form.snapshot.production.live.reset();
  EXPECT_FALSE(form.decide().status.production) << "it was read, and there is none";
}

// Every line of the table in docs/domain.md, "Reasons", with the cause of each reason.
TEST(Decide, SumsUpWhoHasToAct) {
  constexpr auto T = ConditionStatus::True, F = ConditionStatus::False;
  using Change = std::function<void(Form&)>;
  using Conflicting = std::pair<Conflicts, Conflicts>;
  struct Row {
    std::string reason;  // of Ready
    ConditionStatus ready, reconciling, stalled;
    Change change;
    Conflicting conflicts{};
    std::string because{};  // the condition with that reason
  };
  const auto stage = [](Form& f, api::Stage target) { f.edit([&](auto& i) { i.spec.targetStage = target; }); };
  const auto rejected = [](Form& f) {
    f.carryOut();
    f.record(api::Milestone::FunctionalTesting, api::Role::MPayRepresentative, "ana", api::Decision::Rejected);
  };
  const Conflicts service{true, false, {}}, certificate{false, true, {}}, address{false, false, {"8.8.8.8/32"}};
  const Row rows[] = {
      // The stage is reached, whatever Notified says.
      {"Production", T, F, F, [](Form& f) { f.promote(); }, {}, ""},
      {"Testing",
       T,
       F,
       F,
       [&](Form& f) {
         stage(f, api::Stage::Testing);
         f.carryOut();
       },
       {},
       ""},
      // Work under way.
      {"Pending", F, T, F, [](Form& f) { f.snapshot.certificate.reset(); }, {}, "CertificateTrusted"},
      {"Pending", F, T, F, [](Form& f) { f.snapshot.namespaceLabels.reset(); }, {}, "Submitted"},
      {"Provisioning", F, T, F, [](Form&) {}, {}, "TestEnvironmentReady"},
      {"NameConflict", F, T, F, [](Form& f) { f.snapshot.testing.takenName = "o"; }, {}, "TestEnvironmentReady"},
      {"NameConflict", F, T, F, [](Form& f) { f.snapshot.testing.aggregateProblem = "o"; }, {}, "TestEnvironmentReady"},
      {"AdmissionPolicyMissing",
       F,
       T,
       F,
       [](Form& f) {
         f.carryOut();
         f.snapshot.admission = {std::nullopt, "gone"};
       },
       {},
       "FunctionalTestsPassed"},
      {"Promoting",
       F,
       T,
       F,
       [](Form& f) {
         f.carryOut();
         f.passFunctionalTests();
         f.validate();
       },
       {},
       "Promoted"},
      {"Provisioning",
       F,
       T,
       F,
       [](Form& f) {
         f.promote();
         f.snapshot.production.isInGatewayFiles = false;
       },
       {},
       "Promoted"},
      {"RevisionCorrupt",
       F,
       T,
       F,
       [](Form& f) {
         f.promote();
         f.snapshot.production.liveProblem = Error{ErrorKind::Invalid, "damaged", "RevisionCorrupt"};
       },
       {},
       "Promoted"},
      // The user must edit something.
      {"InvalidField",
       F,
       F,
       T,
       [](Form& f) { f.edit([](auto& i) { i.spec.beneficiary.idno = "1"; }); },
       {},
       "PrerequisitesMet"},
      {"CertificateMissing",
       F,
       F,
       T,
       [](Form& f) { f.edit([](auto& i) { i.spec.certificate.reset(); }); },
       {},
       "CertificateTrusted"},
      {"NonPublicAddress",
       F,
       F,
       T,
       [](Form& f) { f.edit([](auto& i) { i.spec.endpoints.testing->addresses = {"10.0.0.1"}; }); },
       {},
       "TestEnvironmentReady"},
      {"CertificateConflict", F, F, T, [](Form&) {}, {certificate, {}}, "CertificateTrusted"},
      {"ServiceIDConflict", F, F, T, [](Form&) {}, {{}, service}, "Submitted"},
      {"AddressConflict", F, F, T, [](Form&) {}, {{}, address}, "Submitted"},
      {"AddressConflict", F, F, T, [](Form&) {}, {address, {}}, "TestEnvironmentReady"},
      {"Rejected", F, F, T, rejected, {}, "FunctionalTestsPassed"},
      // A person is awaited.
      {"AwaitingServiceID",
       F,
       F,
       F,
       [](Form& f) { f.edit([](auto& i) { i.spec.service.id.reset(); }); },
       {},
       "Submitted"},
      {"AwaitingFunctionalTesting", F, F, F, [](Form& f) { f.carryOut(); }, {}, "FunctionalTestsPassed"},
      {"AwaitingValidation",
       F,
       F,
       F,
       [](Form& f) {
         f.carryOut();
         f.passFunctionalTests();
       },
       {},
       "Validated"},
      // A newer digest waits while production serves.
      {"AwaitingValidation",
       F,
       F,
       F,
       [](Form& f) {
         f.promote();
         f.edit([](auto& i) { i.spec.service.name.ro = "Alt nume"; });
         f.carryOut();
       },
       {},
       ""},
      {"Suspended", F, F, F, [](Form& f) { f.edit([](auto& i) { i.spec.suspend = true; }); }, {}, ""},
  };
  for (const auto& row : rows) {
    Form form;
    row.change(form);
    const auto plan = form.decide(row.conflicts.first, row.conflicts.second);
    const std::string name = row.reason + " by " + row.because;
    expectComplete(plan, name);
    EXPECT_EQ(said(plan, "Ready").reason, row.reason) << name << ": " << said(plan, "Ready").message;
    EXPECT_EQ(said(plan, "Ready").status, row.ready) << name;
    EXPECT_EQ(said(plan, "Reconciling").status, row.reconciling) << name;
    EXPECT_EQ(said(plan, "Stalled").status, row.stalled) << name;
    if (!row.because.empty()) {
      EXPECT_EQ(said(plan, row.because).reason, row.reason) << name;
    }
  }
}

TEST(Decide, SaysWhereTheNotificationIs) {
  const auto said = [](Form& form) { return mpay::onboarding::said(form.decide(), "Notified").reason; };
  Form form;
  EXPECT_EQ(said(form), "AwaitingPromotion");
  form.promote();
  EXPECT_EQ(said(form), "NotConfigured");
  form.giveChannel();
  EXPECT_EQ(said(form), "NotificationPending");
  form.carryOut();
  EXPECT_EQ(said(form), "NotificationPending");
  auto& effects = form.snapshot.production.notifications.value->notifications;
  ASSERT_EQ(effects.size(), 1u);
  EXPECT_TRUE(effects[0].messageID.ends_with(".1@mpay.example>"));
  effects[0].sentAt = formatTime(form.now);
  EXPECT_EQ(said(form), "Sent");
  expectComplete(form.decide(), "Sent");
  form.edit([](auto& i) { i.spec.targetStage = api::Stage::Testing; });
  EXPECT_EQ(said(form), "Sent") << "production serves what is declared";
}

TEST(Decide, ForgetsAWithdrawalOnlyOfWhoIsBack) {
  const std::string idno = "1006601000255";
  struct Row {
    std::string name, idno, service;
    std::function<void(Form&)> change;
    bool forgets, carriesOut;
  };
  const Row rows[] = {
      {"the same", idno, "AM-1", [](Form&) {}, true, false},
      {"another IDNO", "1010600034203", "AM-1", [](Form&) {}, false, true},
      {"another ServiceID", idno, "AM-2", [](Form&) {}, false, true},
      {"the namespace is no tenant", idno, "AM-1", [](Form& f) { f.snapshot.namespaceLabels->clear(); }, false, true},
      {"the namespace is another's", idno, "AM-1",
       [](Form& f) {
         Form::editSettings(f.snapshot.production, [](auto& s) { s.spec.tenants.idnoLabel = "idno"; });
         f.snapshot.namespaceLabels->emplace("idno", "1010600034203");
       },
       false, true},
      {"the same, without a certificate", idno, "AM-1",
       [](Form& f) { f.edit([](auto& i) { i.spec.certificate.reset(); }); }, true, false},
      {"the same, for testing only", idno, "AM-1",
       [](Form& f) { f.edit([](auto& i) { i.spec.targetStage = api::Stage::Testing; }); }, true, false},
      {"the environment is unusable", idno, "AM-1",
       [](Form& f) {
         f.snapshot.production.settings = nullptr;
         f.snapshot.production.problem = kUnusable;
       },
       true, false},
      {"the environment is gone", idno, "AM-1",
       [](Form& f) {
         f.snapshot.production.settings = nullptr;
         f.snapshot.production.declared = nullptr;
         f.snapshot.production.problem = kUnusable;
       },
       false, false},
      {"the namespace is not read", idno, "AM-1", [](Form& f) { f.snapshot.namespaceLabels.reset(); }, false, false},
  };
  for (const auto& row : rows) {
    Form form;
    form.snapshot.production.withdrawal = WithdrawalRecord{{"ns", "x", "old", row.idno}, row.service, "", std::nullopt};
    row.change(form);
    const auto plan = form.decide();
    EXPECT_EQ(plan.forgetWithdrawal, row.forgets) << row.name;
    EXPECT_EQ(plan.carryOutWithdrawal, row.carriesOut) << row.name;
  }
}

TEST(Decide, ForgetsADamagedWithdrawalOnlyOfTheServiceThatIsLive) {
  Form form;
  form.snapshot.production.isWithdrawalDamaged = true;
  EXPECT_FALSE(form.decide().forgetWithdrawal) << "nothing says whose it is";
  form.promote();
  EXPECT_TRUE(form.decide().forgetWithdrawal);
  form.snapshot.namespaceLabels->clear();
  EXPECT_FALSE(form.decide().forgetWithdrawal) << "production does not permit it";
}

TEST(Decide, EndsWhatAnEarlierIntegrationOfThisNameLeft) {
  Form form;
  EXPECT_FALSE(form.decide().carryOutWithdrawal);
  EXPECT_FALSE(form.decide().endTesting);
  form.snapshot.testing.isPredecessors = form.snapshot.production.isPredecessors = true;
  EXPECT_TRUE(form.decide().carryOutWithdrawal) << "nobody wrote down that it ends";
  EXPECT_TRUE(form.decide().endTesting);
}

// The withdrawal removed the fragment, and the operator was interrupted before it removed the revision.
TEST(Decide, ReopensNothingThatADueWithdrawalClosed) {
  Form form;
  form.promote();
  form.snapshot.namespaceLabels->clear();
  form.snapshot.production.withdrawal =
      WithdrawalRecord{{"ns", "x", "uid-1", "1006601001185"}, "AM-1", "", formatTime(form.now + std::chrono::hours(1))};
  form.snapshot.production.fragment.reset();
  const auto publishes = [&] {
    const auto plan = form.decide();
    EXPECT_TRUE(plan.endProduction);
    return std::any_of(plan.production.begin(), plan.production.end(), [](const auto& object) {
      const auto component = componentOf(object.metadata);
      return component == kFragment || component == kService;
    });
  };
  EXPECT_TRUE(publishes()) << "it is not due";
  form.snapshot.production.withdrawal->dueAt = formatTime(form.now);
  EXPECT_FALSE(publishes());
}

TEST(Decide, EndsWhereTheNamespaceIsPermittedNoMoreAndNowhereElse) {
  struct Row {
    const char* name;
    std::function<void(Form&)> spoil;
    bool testing, production;
  };
  const auto needs = [](const std::string& label) {
    return [label](api::MPayEnvironment& environment) {
      environment.spec.tenants.namespaceSelector.matchLabels = {{label, "true"}};
    };
  };
  const auto redeclare = [](EnvironmentSnapshot& environment, const auto& change) {
    auto declared = *environment.declared;
    change(declared);
    environment.declared = std::make_shared<const api::MPayEnvironment>(std::move(declared));
  };
  const Row rows[] = {
      {"permitted", [](Form&) {}, false, false},
      {"the label is gone", [](Form& f) { f.snapshot.namespaceLabels->clear(); }, true, true},
      {"labels unknown", [](Form& f) { f.snapshot.namespaceLabels.reset(); }, false, false},
      {"production asks for more", [&](Form& f) { redeclare(f.snapshot.production, needs("more")); }, false, true},
      {"testing asks for more", [&](Form& f) { redeclare(f.snapshot.testing, needs("more")); }, true, false},
      {"an environment is not there",
       [](Form& f) {
         f.snapshot.production.declared.reset();
         f.snapshot.production.settings.reset();
       },
       false, false},
      {"another's IDNO",
       [&](Form& f) {
         redeclare(f.snapshot.testing, [](auto& environment) { environment.spec.tenants.idnoLabel = "idno"; });
       },
       false, false}};
  for (const auto& row : rows) {
    Form form;
    form.promote();
    row.spoil(form);
    const auto plan = form.decide();
    EXPECT_EQ(plan.endTesting, row.testing) << row.name;
    EXPECT_EQ(plan.endProduction, row.production) << row.name;
  }
}

TEST(Decide, HoldsWhatItWasGrantedAlsoWhereAnAddressIsAnothers) {
  Form form;
  Conflicts conflicts;
  conflicts.addresses = {"8.8.4.4/32"};
  const auto plan = form.decide({}, conflicts);
  EXPECT_EQ(said(plan, "Submitted").reason, "AddressConflict");
  ASSERT_EQ(plan.testing.size(), 1u);
  ASSERT_EQ(plan.production.size(), 1u);
  const auto claim = remembered<Claim>(plan.production[0]).value();
  EXPECT_EQ(claim.serviceID, "AM-1");
  EXPECT_EQ(claim.addresses, std::vector<std::string>{"9.9.9.9/32"});
  Conflicts service;
  service.service = true;
  EXPECT_TRUE(form.decide({}, service).testing.empty()) << "in both environments or in none";
}

// The strings of the value that have more characters than their schema allows.
std::string tooLong(const std::string& path, const json::value& value, const json::object& schema) {
  std::string found;
  if (value.is_string() && schema.contains("maxLength") &&
      countCharacters(value.as_string()) > static_cast<std::size_t>(schema.at("maxLength").to_number<std::int64_t>()))
    return path + " ";
  if (value.is_array())
    for (const auto& item : value.as_array()) found += tooLong(path + "[]", item, schema.at("items").as_object());
  if (value.is_object() && schema.contains("properties"))
    for (const auto& [name, member] : value.as_object())
      found += tooLong(path + "." + std::string(name), member, schema.at("properties").at(name).as_object());
  return found;
}

TEST(Decide, WritesAStatusThatTheSchemaTakes) {
  Form form;
  test::CertificateOptions options;
  // Sixty of 64 characters, each of them two bytes; and one byte, so that the bound falls into a character.
  for (int i = 0; i < 60; ++i) {
    std::string organization = i == 59 ? "a" : "";
    for (int n = 0; n < 63; ++n) organization += "ă";
    options.organizations.push_back(organization);
  }
  form.snapshot.certificate = Result<std::string>(form.authority.issue(options).certificate);
  TestRecord record;
  record.last.emplace();
  record.last->status.runID = "run-1";
  record.last->status.reportProblem = std::string(1023, 'a') + "ă";
  const auto name = form.snapshot.integration->metadata.name.value_or("");
  record.holder = holderOf(*form.snapshot.integration);
  form.snapshot.testing.tests.value = record;
  form.promote();
  const auto plan = form.decide();
  ASSERT_TRUE(plan.status.certificate && plan.status.functionalTests && plan.status.production);
  EXPECT_EQ(plan.status.functionalTests->reportProblem, std::string(1023, 'a'));
  EXPECT_GT(plan.status.certificate->subject.size(), 1000u);
  EXPECT_EQ(plan.status.certificate->subject, plan.status.production->certificate->subject);
  const auto status = json::encode(plan.status);
  EXPECT_TRUE(json::parse(json::canonical(status))) << "no UTF-8";
  for (const auto& file : api::crdFiles()) {
    if (file.name != "mpay.gov.md_mpayintegrations.yaml") continue;
    const auto& schema = file.definition.at_pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status");
    EXPECT_EQ(tooLong("status", status, schema.as_object()), "");
  }
}

TEST(Decide, KeepsProductionWhenACertificateExpires) {
  Form form;
  form.promote();
  const auto before = form.decide();
  form.now = form.examine().leaf->notAfter() + std::chrono::hours(1);
  const auto plan = form.decide();
  expectComplete(plan, "expired");
  EXPECT_EQ(said(plan, "CertificateTrusted").reason, "CertificateExpired");
  EXPECT_EQ(said(plan, "Promoted").reason, "Promoted") << said(plan, "Promoted").message;
  EXPECT_EQ(said(plan, "Validated").reason, "AsPromoted");
  EXPECT_EQ(said(plan, "FunctionalTestsPassed").reason, "AsPromoted");
  EXPECT_EQ(said(plan, "Ready").reason, "CertificateExpired");
  EXPECT_EQ(said(plan, "Stalled").status, ConditionStatus::True);
  EXPECT_EQ(plan.status.digest, before.status.digest) << "nothing was changed";
  EXPECT_EQ(plan.status.certificate->notAfter, before.status.certificate->notAfter);
  EXPECT_EQ(plan.status.stage, "Production");
  EXPECT_FALSE(plan.revision);
}

TEST(Decide, SaysThatWhatIsDeclaredCannotBeJudged) {
  Form form;
  form.promote();
  form.snapshot.certificate = Result<std::string>(fail(Error{ErrorKind::Invalid, "gone", "ReferenceNotFound"}));
  const auto plan = form.decide();
  EXPECT_EQ(said(plan, "Promoted").reason, "AwaitingSubmission");
  EXPECT_NE(said(plan, "Promoted").message.find("goes on serving"), std::string::npos);
  EXPECT_EQ(said(plan, "TestEnvironmentReady").message, "Submitted comes first; testing goes on as it was published");
}

TEST(Decide, MakesNoRevisionWhereAnothersHasItsName) {
  Form form;
  form.carryOut();
  form.passFunctionalTests();
  form.validate();
  EXPECT_TRUE(form.decide().revision);
  form.snapshot.production.takenRevisionName = "mpay-revision-x-1";
  const auto plan = form.decide();
  EXPECT_FALSE(plan.revision);
  EXPECT_EQ(said(plan, "Promoted").reason, "NameConflict");
  EXPECT_NE(said(plan, "Promoted").message.find("mpay-revision-x-1"), std::string::npos);
}

TEST(Decide, NotifiesNobodyWhereAnothersObjectHasTheRecordsName) {
  Form form;
  form.giveChannel();
  form.snapshot.production.notifications.nameTaken = true;
  form.promote();
  EXPECT_TRUE(notificationsIn(form.snapshot.production).notifications.empty());
  EXPECT_EQ(said(form.decide(), "Notified").reason, "NameConflict");
  EXPECT_EQ(said(form.decide(), "Ready").reason, "Production");
}

TEST(Decide, CorrectsTheRecipientsOfAMailThatWasNotAccepted) {
  Form form;
  form.giveChannel();
  form.promote();
  auto& effects = form.snapshot.production.notifications.value->notifications;
  ASSERT_EQ(effects.size(), 1u);
  const auto first = effects[0];
  effects[0].failure = "550 no such mailbox";
  EXPECT_NE(said(form.decide(), "Notified").message.find("550 no such mailbox"), std::string::npos);
  EXPECT_FALSE(form.carryOut()) << "nothing to correct";
  form.edit([](auto& i) { i.spec.notification.recipients = {"ana@agentia.example"}; });
  EXPECT_TRUE(form.carryOut());
  EXPECT_EQ(effects[0].recipients, std::vector<std::string>{"ana@agentia.example"});
  EXPECT_EQ(effects[0].messageID, first.messageID);
  EXPECT_EQ(effects[0].intendedAt, first.intendedAt);
  effects[0].sentAt = formatTime(form.now);
  form.edit([](auto& i) { i.spec.notification.recipients = {"ion@agentia.example"}; });
  EXPECT_FALSE(form.carryOut()) << "it was sent";
}

TEST(Decide, ExplainsWhyNothingIsWritten) {
  Form form;
  auto plan = form.decide();
  explain(plan, Error{ErrorKind::Api, "replace configmaps out/x: 403: forbidden"});
  for (const auto type : {"TestEnvironmentReady", "Ready", "Reconciling"}) {
    const auto* condition = api::findCondition(plan.status.conditions, type);
    EXPECT_NE(condition->message.find("403: forbidden"), std::string::npos) << type << ": " << condition->message;
  }
  EXPECT_EQ(api::findCondition(plan.status.conditions, "Submitted")->message.find("403"), std::string::npos);
}

TEST(Decide, WritesNothingWhileSuspended) {
  Form form;
  form.edit([](auto& i) { i.spec.suspend = true; });
  const auto plan = form.decide();
  EXPECT_TRUE(plan.testing.empty());
  EXPECT_TRUE(plan.production.empty());
  EXPECT_FALSE(plan.revision);
}

// A damaged fragment stops the files of everybody.
TEST(Decide, RestoresADamagedFragmentAlsoWhileSuspended) {
  const auto hasFragment = [](const std::vector<api::ConfigMap>& objects) {
    return std::any_of(objects.begin(), objects.end(),
                       [](const auto& object) { return componentOf(object.metadata) == kFragment; });
  };
  Form form;
  form.promote();
  const auto claimed = form.examine().testingClaim;
  const auto damage = [](EnvironmentSnapshot& environment) {
    environment.fragment.reset();
    environment.isDamaged = true;
  };
  damage(form.snapshot.testing);
  damage(form.snapshot.production);
  form.snapshot.testing.claimed = claimed;
  EXPECT_FALSE(form.decide().dropTesting) << "it is restored";
  form.edit([](auto& i) { i.spec.suspend = true; });
  auto plan = form.decide();
  EXPECT_EQ(plan.testing.size(), 1u);
  EXPECT_EQ(plan.production.size(), 1u);
  EXPECT_TRUE(hasFragment(plan.testing));
  EXPECT_TRUE(hasFragment(plan.production));
  EXPECT_FALSE(plan.dropTesting);

  // Edited while suspended: the declared form is not the published one.
  form.edit([](auto& i) { i.spec.endpoints.testing->addresses.emplace_back("8.8.4.4"); });
  plan = form.decide();
  EXPECT_TRUE(plan.testing.empty());
  EXPECT_TRUE(plan.dropTesting);
  EXPECT_TRUE(hasFragment(plan.production)) << "that is the revision's";
  form.snapshot.testing.claimed.reset();
  form.edit([](auto& i) { i.spec.endpoints.testing->addresses.pop_back(); });
  EXPECT_TRUE(form.decide().dropTesting) << "nothing tells what was claimed";

  // With a broken form only production is restored.
  form.edit([](auto& i) {
    i.spec.suspend = false;
    i.spec.beneficiary.idno = "1";
  });
  plan = form.decide();
  EXPECT_TRUE(plan.dropTesting);
  EXPECT_FALSE(hasFragment(plan.testing));
  EXPECT_TRUE(hasFragment(plan.production));
  form.snapshot.certificate.reset();
  EXPECT_FALSE(form.decide().dropTesting) << "what is being read may restore it";
}

// Production serves the validated revision without the items that the platform assigned to another.
TEST(Decide, TakesOutOfProductionWhatWasAssignedToAnother) {
  Form form;
  form.promote();
  const auto served = *form.snapshot.production.fragment;
  const std::tuple<AssignmentKind, std::string, std::string> rows[] = {
      {AssignmentKind::ServiceID, served.serviceID, "ServiceIDConflict"},
      {AssignmentKind::Certificate, served.certificates[0].sha256, "CertificateConflict"},
      {AssignmentKind::Address, served.addresses.at(0), "AddressConflict"}};
  for (const auto& [kind, value, reason] : rows) {
    Assignment assignment{kind, value, "elsewhere", "rival", "1010600034203", "r", "p", "2026-11-24T10:00:00Z"};
    const auto objectOf = [](const Assignment& content) {
      return std::make_shared<const api::ConfigMap>(remember(
          ownedMeta("out", assignmentName(content.kind, content.value), kAssignment, "production", {}), content));
    };
    form.snapshot.production.assignments =
        std::make_shared<const Assignments>(Assignments::read({objectOf(assignment)}, false).assignments);
    const auto plan = form.decide();
    expectComplete(plan, reason);
    EXPECT_EQ(said(plan, "Promoted").reason, reason);
    EXPECT_NE(said(plan, "Promoted").message.find("the platform assigned"), std::string::npos) << reason;
    EXPECT_EQ(plan.status.stage == "Production", kind == AssignmentKind::Address) << plan.status.stage.value_or("");
    bool published = false;
    for (const auto& object : plan.production) {
      const auto& component = object.metadata.labels.at(std::string(kComponent));
      EXPECT_FALSE(component == kService && kind == AssignmentKind::ServiceID);
      if (component != kFragment) continue;
      published = true;
      const auto fragment = remembered<Fragment>(object).value();
      EXPECT_EQ(fragment.certificates.empty(), kind == AssignmentKind::Certificate);
      EXPECT_EQ(fragment.addresses.size(), served.addresses.size() - (kind == AssignmentKind::Address ? 1 : 0));
    }
    EXPECT_EQ(published, kind != AssignmentKind::ServiceID);
    if (kind == AssignmentKind::Certificate) {
      // With another certificate declared, the claim no longer contains the assigned one for the revision's sake.
      const auto declared =
          std::exchange(form.snapshot.certificate, Result<std::string>(form.authority.issue({}).certificate));
      const auto fragment = std::exchange(form.snapshot.production.fragment, served);
      form.snapshot.production.assignments->takeOut(*form.snapshot.production.fragment);
      EXPECT_EQ(form.examine().productionClaim->certificates.size(), 1u);
      form.snapshot.certificate = declared;
      form.snapshot.production.fragment = fragment;
    }
    // Assigned to the integration itself.
    assignment.namespace_ = served.holder.namespace_;
    assignment.name = served.holder.name;
    assignment.idno = served.holder.idno;
    form.snapshot.production.assignments =
        std::make_shared<const Assignments>(Assignments::read({objectOf(assignment)}, false).assignments);
    EXPECT_EQ(said(form.decide(), "Promoted").reason, "Promoted");
  }
}

}  // namespace
}  // namespace mpay::onboarding
