#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mpay::onboarding
