#include "onboarding/admission.h"

#include <gtest/gtest.h>

#include "api/crd.h"

namespace mpay::onboarding {
namespace {

TEST(Admission, IsInForceOnlyWhenEveryPolicyIsAsShipped) {
  const auto shipped = ShippedPolicies::parse(api::shippedPolicies()).value();
  ASSERT_EQ(shipped.policies.size(), 4u);
  ASSERT_EQ(shipped.bindings.size(), 4u);
  std::vector<std::shared_ptr<const api::ValidatingAdmissionPolicy>> policies;
  std::vector<std::shared_ptr<const api::ValidatingAdmissionPolicyBinding>> bindings;
  const auto meta = [](const std::string& name, const std::string& time) {
    api::PolicyMeta m;
    m.name = name;
    m.creationTimestamp = "2026-01-01T00:00:00Z";
    m.managedFields = {{time, std::nullopt}, {"2027-01-01T00:00:00Z", "status"}};
    return m;
  };
  for (const auto& [name, spec] : shipped.policies) {
    policies.push_back(std::make_shared<const api::ValidatingAdmissionPolicy>(
        api::ValidatingAdmissionPolicy{meta(name, "2026-01-01T00:00:00Z"), spec}));
  }
  for (const auto& [name, spec] : shipped.bindings) {
    bindings.push_back(std::make_shared<const api::ValidatingAdmissionPolicyBinding>(
        api::ValidatingAdmissionPolicyBinding{meta(name, "2026-02-01T00:00:00Z"), spec}));
  }
  const auto good = judgeAdmission(shipped, policies, bindings);
  ASSERT_TRUE(good.inForceSince) << good.problem;
  EXPECT_EQ(formatTime(*good.inForceSince), "2026-02-01T00:00:10Z") << "ten seconds after the last write, status aside";

  auto missing = bindings;
  missing.pop_back();
  EXPECT_FALSE(judgeAdmission(shipped, policies, missing).inForceSince);
  auto warning = *bindings[0];
  warning.spec.as_object()["validationActions"] = json::array{"Warn"};
  auto altered = bindings;
  altered[0] = std::make_shared<const api::ValidatingAdmissionPolicyBinding>(warning);
  EXPECT_FALSE(judgeAdmission(shipped, policies, altered).inForceSince);
  auto leaving = *policies[0];
  leaving.metadata.deletionTimestamp = "2026-03-01T00:00:00Z";
  policies[0] = std::make_shared<const api::ValidatingAdmissionPolicy>(leaving);
  EXPECT_FALSE(judgeAdmission(shipped, policies, bindings).inForceSince);
}

}  // namespace
}  // namespace mpay::onboarding
