#include "onboarding/functional_testing.h"

#include <gtest/gtest.h>

#include "unit/onboarding/form.h"

namespace mpay::onboarding {
namespace {

using api::ConditionStatus;

// A form whose testing environment has a tester, provisioned there.
class Tested : public Form {
 public:
  Tested() {
    editSettings(snapshot.testing, [](Settings& s) {
      s.spec.tester = api::Tester{};
      s.tester = TesterSettings{};
    });
    edit([](auto& i) {
      i.spec.functionalTests =
          api::FunctionalTestData{api::KnownOrder{"K", "1.00", "MDL"}, api::OrderKeyOnly{"U"}, api::OrderKeyOnly{"P"}};
    });
    carryOut();
  }
  // Remembers the record that the decision wants to be remembered.
  const TestRecord& intend() {
    for (const auto& object : decide().testing) {
      if (componentOf(object.metadata) != kTests) continue;
      EXPECT_EQ(object.metadata.resourceVersion, snapshot.testing.tests.version.value_or(""));
      snapshot.testing.tests.value = remembered<TestRecord>(object).value();
      snapshot.testing.tests.version = fmt::format("{}", ++version_);
    }
    if (!snapshot.testing.tests.value) snapshot.testing.tests.value = TestRecord{};
    return *snapshot.testing.tests.value;
  }
  // Ends a run of the intended tests with this outcome.
  void finish(api::TestOutcome outcome) {
    auto& record = *snapshot.testing.tests.value;
    const auto intent = record.intended.value();
    TestResult result{intent.subject, intent.requests, 0, {}, {}, {}};
    result.status.runID = intent.id;
    result.status.outcome = outcome;
    result.status.digest = intent.digest;
    result.status.finishedAt = formatTime(now);
    result.status.report = "x-functional-tests";
    if (outcome != api::TestOutcome::Passed) {
      result.status.failedChecks = {"S1", "G6", "T1", "G9"};
      result.blocking = {"S1: not signed", "G6: one too much", "T1: late"};
    }
    if (outcome == api::TestOutcome::Unreachable) {
      result.attempt = intent.attempt + 1;
      result.retryAt = formatTime(now + std::chrono::seconds(60));
    }
    record.last = result;
    record.intended.reset();
  }
  const api::Condition& said(std::string_view type = "FunctionalTestsPassed") {
    plan_ = decide();
    return *api::findCondition(plan_.status.conditions, type);
  }
  const Plan& plan() { return plan_; }

 private:
  Plan plan_;
  int version_ = 0;
};

TEST(FunctionalTesting, IsIntendedOnceWithAllThatARunNeeds) {
  Tested form;
  EXPECT_EQ(form.said().reason, "TestsRunning");
  const auto intent = form.intend().intended.value();
  EXPECT_EQ(intent.url, "https://pay-test.agentia.example/mpay");
  EXPECT_EQ(intent.serviceID, "AM-1");
  EXPECT_EQ(intent.digest, form.examine().testingDigest);
  EXPECT_EQ(intent.orders->payable->orderKey, "P");
  EXPECT_EQ(crypto::Certificate::parseBase64(intent.certificate)->sha256(), form.examine().leaf->sha256());
  EXPECT_EQ(form.snapshot.testing.tests.value->holder.uid, "uid-1");
  form.now += std::chrono::hours(1);
  EXPECT_EQ(form.intend().intended, intent) << "nothing changed";
  EXPECT_NE(form.said().message.find(intent.id), std::string::npos);
}

TEST(FunctionalTesting, IsRepeatedWhenAnythingChangesThatItDependsOn) {
  const std::pair<const char*, std::function<void(Tested&)>> changes[] = {
      {"the endpoint",
       [](Tested& f) { f.edit([](auto& i) { i.spec.endpoints.testing->url = "https://other.example/"; }); }},
      {"the known order", [](Tested& f) { f.edit([](auto& i) { i.spec.functionalTests->known->amount = "2.00"; }); }},
      {"the payable order", [](Tested& f) { f.edit([](auto& i) { i.spec.functionalTests->payable.reset(); }); }},
      {"what production serves", [](Tested& f) { f.edit([](auto& i) { i.spec.service.name.ro = "Altele"; }); }},
      {"the profile",
       [](Tested& f) {
         Form::editSettings(f.snapshot.testing, [](Settings& s) { s.spec.tester->profile.recommended = {"S4"}; });
       }},
      {"the algorithm",
       [](Tested& f) {
         Form::editSettings(f.snapshot.testing, [](Settings& s) { s.spec.tester->signatureAlgorithm = "RSA-SHA256"; });
       }},
  };
  for (const auto& [what, change] : changes) {
    Tested form;
    const auto first = form.intend().intended->id;
    form.finish(api::TestOutcome::Passed);
    EXPECT_EQ(form.said().reason, "AwaitingFunctionalTesting") << what;
    EXPECT_FALSE(form.intend().intended) << what;
    change(form);
    form.carryOut();
    EXPECT_EQ(form.said().reason, "TestsRunning") << what;
    ASSERT_TRUE(form.intend().intended) << what;
    EXPECT_NE(form.snapshot.testing.tests.value->intended->id, first) << what;
  }
  Tested form;
  form.intend();
  form.finish(api::TestOutcome::Passed);
  form.edit([](auto& i) { i.spec.notification.language = api::Language::en; });
  EXPECT_FALSE(form.intend().intended) << "the language says nothing of the web service";
}

TEST(FunctionalTesting, IsRepeatedForWhoeverAsksOnce) {
  Tested form;
  form.snapshot.testRequests = {"r1"};
  EXPECT_EQ(form.intend().intended->requests, TestRequests{"r1"}) << "the first run answers it";
  form.snapshot.testRequests = {"r1", "r2"};
  EXPECT_EQ(form.intend().intended->requests, TestRequests{"r1"}) << "that run may have looked already";
  form.finish(api::TestOutcome::Failed);
  EXPECT_EQ(form.intend().intended->requests, (TestRequests{"r1", "r2"}));
  form.finish(api::TestOutcome::Passed);
  form.snapshot.testRequests = {"r2"};
  EXPECT_FALSE(form.intend().intended) << "answered, and not removed yet";
  // Run r1 answers a, while b was asked; a cannot be deleted.
  form.snapshot.testRequests = {"a"};
  ASSERT_TRUE(form.intend().intended);
  form.finish(api::TestOutcome::Passed);
  form.snapshot.testRequests = {"a", "b"};
  ASSERT_TRUE(form.intend().intended);
  form.finish(api::TestOutcome::Passed);
  EXPECT_FALSE(form.intend().intended) << "what was answered asks again";
  form.snapshot.testRequests.clear();
  for (int i = 0; i < 2500; ++i) form.snapshot.testRequests.push_back(fmt::format("many-{}", i));
  int runs = 0;
  for (; form.intend().intended; ++runs) {
    EXPECT_LE(form.snapshot.testing.tests.value->intended->requests.size(), 1000u);
    const auto answered = form.snapshot.testing.tests.value->intended->requests;
    form.finish(api::TestOutcome::Passed);
    std::erase_if(form.snapshot.testRequests, [&](const auto& request) {
      return std::find(answered.begin(), answered.end(), request) != answered.end();
    });
  }
  EXPECT_EQ(runs, 3);
}

TEST(FunctionalTesting, SaysWhatTheRunsSay) {
  constexpr auto T = ConditionStatus::True, F = ConditionStatus::False;
  using api::TestOutcome;
  struct Row {
    std::string name;
    std::function<void(Tested&)> change;
    ConditionStatus status;
    std::string reason;
    std::string words;
    ConditionStatus stalled = F;
  };
  const auto after = [](TestOutcome outcome) {
    return [outcome](Tested& f) {
      f.intend();
      f.finish(outcome);
    };
  };
  const auto automatic = [](Tested& f) {
    Form::editSettings(f.snapshot.testing, [](Settings& s) {
      s.spec.validation.functionalTesting = api::FunctionalTestingPolicy::Automatic;
    });
  };
  const Row rows[] = {
      {"failed", after(TestOutcome::Failed), F, "TestsFailed",
       "S1: not signed; G6: one too much; T1: late; and 1 more. ConfigMap x-functional-tests has the report; mend the "
       "web "
       "service, then kubectl mpay test x -n ns",
       T},
      {"unreachable", after(TestOutcome::Unreachable), F, "EndpointUnreachable", "it is tried again at "},
      {"passed, a record is needed", after(TestOutcome::Passed), F, "AwaitingFunctionalTesting",
       "kubectl mpay validate x"},
      {"passed, none is", [&](Tested& f) { after(TestOutcome::Passed)(f), automatic(f); }, T, "Tested",
       "checks passed"},
      {"passed and recorded", [&](Tested& f) { after(TestOutcome::Passed)(f), f.passFunctionalTests(); }, T, "Accepted",
       "checks passed"},
      {"recorded, but failed", [&](Tested& f) { after(TestOutcome::Failed)(f), f.passFunctionalTests(); }, F,
       "TestsFailed", "", T},
      {"recorded, not run", [](Tested& f) { f.passFunctionalTests(); }, F, "TestsRunning", "is being tested"},
      {"no key",
       [](Tested& f) {
         f.intend();
         f.snapshot.testing.tests.value->problem = "the Secret is gone";
       },
       F, "TesterUnavailable", "the Secret is gone"},
      {"another's object", [](Tested& f) { f.snapshot.testing.tests.nameTaken = true; }, F, "NameConflict",
       "mpay-tests-"},
      {"no orders", [](Tested& f) { f.edit([](auto& i) { i.spec.functionalTests.reset(); }); }, F, "TestDataMissing",
       "functionalTests has to name", T},
      {"no unknown order", [](Tested& f) { f.edit([](auto& i) { i.spec.functionalTests->unknown.reset(); }); }, F,
       "TestDataMissing", "functionalTests has to name", T},
      {"one order for two", [](Tested& f) { f.edit([](auto& i) { i.spec.functionalTests->payable->orderKey = "K"; }); },
       F, "TestDataMissing", "different orders", T},
      {"another order for two",
       [](Tested& f) { f.edit([](auto& i) { i.spec.functionalTests->unknown->orderKey = "K"; }); }, F,
       "TestDataMissing", "different orders", T},
      {"a third order for two",
       [](Tested& f) { f.edit([](auto& i) { i.spec.functionalTests->unknown->orderKey = "P"; }); }, F,
       "TestDataMissing", "different orders", T},
      {"no tester",
       [](Tested& f) {
         Form::editSettings(f.snapshot.testing, [](Settings& s) {
           s.spec.tester.reset();
           s.tester.reset();
         });
       },
       F, "AwaitingFunctionalTesting", "waiting for FunctionalTesting"},
  };
  for (const auto& row : rows) {
    Tested form;
    row.change(form);
    const auto condition = form.said();
    EXPECT_EQ(condition.status, row.status) << row.name;
    EXPECT_EQ(condition.reason, row.reason) << row.name << ": " << condition.message;
    EXPECT_NE(condition.message.find(row.words), std::string::npos) << row.name << ": " << condition.message;
    EXPECT_EQ(form.said("Stalled").status, row.stalled) << row.name;
  }
}

TEST(FunctionalTesting, TriesAgainWhatCannotBeReached) {
  Tested form;
  form.intend();
  form.finish(api::TestOutcome::Unreachable);
  EXPECT_FALSE(form.intend().intended);
  form.said();
  ASSERT_TRUE(form.plan().nextInstant);
  EXPECT_LE(*form.plan().nextInstant, form.now + std::chrono::seconds(60));
  form.now += std::chrono::seconds(61);
  ASSERT_TRUE(form.intend().intended);
  EXPECT_EQ(form.snapshot.testing.tests.value->intended->attempt, 1);
  EXPECT_EQ(form.said().reason, "EndpointUnreachable") << "until the next run has ended";
  form.finish(api::TestOutcome::Failed);
  EXPECT_EQ(form.said().reason, "TestsFailed");
}

TEST(FunctionalTesting, WaitsLongerAndLonger) {
  const WallTime now{};
  std::vector<std::int64_t> waits;
  for (const std::int64_t attempts : {1, 2, 3, 6, 7, 1000}) waits.push_back((retryOf(attempts, 0, now) - now).count());
  EXPECT_EQ(waits, (std::vector<std::int64_t>{60, 120, 240, 1920, 3600, 3600}));
  EXPECT_EQ((retryOf(1, 1, now) - now).count(), 75);
}

TEST(FunctionalTesting, KeepsNothingOfAnEarlierIntegration) {
  TestRecord known;
  known.holder.uid = "uid-0";
  known.amounts = {{"P", "1.00"}};
  EXPECT_TRUE(recordFor(known, {"ns", "x", "uid-1", ""}).amounts.empty()) << "its payments had other PaymentIDs";
  known.holder.uid = "uid-1";
  EXPECT_EQ(recordFor(known, {"ns", "x", "uid-1", ""}).amounts.size(), 1u);
}

TEST(FunctionalTesting, RunsNothingThatIsSuspendedOrNotSubmitted) {
  Tested form;
  form.edit([](auto& i) { i.spec.suspend = true; });
  EXPECT_TRUE(form.decide().testing.empty());
  Tested other;
  other.intend();
  other.snapshot.namespaceLabels->clear();
  ASSERT_NE(other.said("Submitted").status, ConditionStatus::True);
  EXPECT_FALSE(other.intend().intended) << "what is not submitted any more is not called";
}

TEST(FunctionalTesting, IsNotIntendedAnyMoreWhereTheTesterIsGone) {
  Tested form;
  form.intend();
  Form::editSettings(form.snapshot.testing, [](Settings& s) {
    s.spec.tester.reset();
    s.tester.reset();
  });
  EXPECT_FALSE(form.intend().intended);
  EXPECT_EQ(form.said().reason, "AwaitingFunctionalTesting");
}

TEST(FunctionalTesting, NeverTakesAPromotionBack) {
  Tested form;
  form.intend();
  form.finish(api::TestOutcome::Passed);
  form.promote();
  ASSERT_EQ(form.said("Ready").reason, "Production");
  ASSERT_TRUE(form.snapshot.production.live->revision.functionalTests) << "the revision keeps what it rests on";
  form.snapshot.testRequests = {"r"};
  ASSERT_TRUE(form.intend().intended);
  form.finish(api::TestOutcome::Failed);
  EXPECT_EQ(form.said().reason, "AsPromoted");
  EXPECT_NE(form.said().message.find("the last run did not pass"), std::string::npos);
  EXPECT_EQ(form.said("Ready").reason, "Production");
}

TEST(FunctionalTesting, KnowsWhichServicesHaveAnEndpoint) {
  using enum api::Mode;
  const struct {
    std::vector<api::Mode> modes;
    bool applies;
  } rows[] = {{{OnlineRedirect}, true}, {{ExistingOrder}, true},   {{PosTerminal}, true},
              {{InvoiceApi}, false},    {{GenericService}, false}, {{InvoiceApi, ExistingOrder}, true}};
  for (const auto& row : rows) EXPECT_EQ(!whyNotTested(row.modes), row.applies);
}

TEST(FunctionalTesting, NamesAReportThatFits) {
  EXPECT_EQ(reportName("certificates"), "certificates-functional-tests");
  const auto shortened = reportName(std::string(253, 'a'));
  EXPECT_LE(shortened.size(), 253u);
  EXPECT_NE(shortened, reportName(std::string(252, 'a')));
}

}  // namespace
}  // namespace mpay::onboarding
