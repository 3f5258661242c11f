#include "cli/validate.h"

#include <gtest/gtest.h>

#include "domain/digest.h"
#include "onboarding/effect.h"

namespace mpay::cli {
namespace {

api::MPayIntegration integration() {
  api::MPayIntegration i;
  i.metadata.name = "x";
  i.metadata.namespace_ = "ns";
  i.metadata.uid = "uid-1";
  i.metadata.generation = 3;
  i.spec.environments = {"t", "p"};
  i.spec.endpoints.testing = api::Endpoint{"https://t.example", {}};
  i.status.emplace();
  i.status->observedGeneration = 3;
  i.status->contentHashes.emplace();
  i.status->digest = domain::digestOf(onboarding::productionEffect(i, {}));
  i.status->testingDigest = domain::digestOf(onboarding::testingEffect(i, {}));
  return i;
}

ValidateOptions options() {
  ValidateOptions o;
  o.name = "x";
  o.namespace_ = "ns";
  return o;
}

std::string reason(const api::MPayIntegration& i, const ValidateOptions& o = options()) {
  const auto record = prepareRecord(i, o, "ion");
  return record ? "" : record.error().reason;
}

TEST(Validate, RecordsTheDigestOfTheMilestone) {
  const auto i = integration();
  auto o = options();
  auto record = prepareRecord(i, o, "ion");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->spec.digest, i.status->digest);
  EXPECT_EQ(record->spec.environment, "p");
  EXPECT_EQ(record->spec.integration.uid, "uid-1");
  EXPECT_EQ(record->spec.recordedBy, "ion");
  o.milestone = api::Milestone::FunctionalTesting;
  record = prepareRecord(i, o, "ion");
  ASSERT_TRUE(record);
  EXPECT_EQ(record->spec.digest, i.status->testingDigest);
  EXPECT_EQ(record->spec.environment, "t");
  EXPECT_NE(i.status->digest, i.status->testingDigest);
}

TEST(Validate, RefusesWhatWasNotLookedAt) {
  auto i = integration();
  i.status.reset();
  EXPECT_EQ(reason(i), "NotReady");
  i = integration();
  i.status->digest.reset();
  EXPECT_EQ(reason(i), "NotReady");
  i = integration();
  i.metadata.generation = 4;
  EXPECT_EQ(reason(i), "Outdated");
  i = integration();
  i.spec.contract.number = "another";
  EXPECT_EQ(reason(i), "DigestMismatch") << "the spec is not what the status says";
  i = integration();
  i.status->contentHashes->certificate = "sha256:" + std::string(64, 'a');
  EXPECT_EQ(reason(i), "DigestMismatch") << "nor is the content";
  auto o = options();
  o.digest = "sha256:" + std::string(64, 'b');
  EXPECT_EQ(reason(integration(), o), "DigestMismatch") << "--digest is another";
  o.digest = *integration().status->digest;
  EXPECT_EQ(reason(integration(), o), "");
}

TEST(Validate, RefusesMilestonesThatNothingReads) {
  auto o = options();
  o.milestone = api::Milestone::TestEnvironmentConfigured;
  EXPECT_EQ(reason(integration(), o), "NotSupported");
  o.milestone = api::Milestone::ProductionActivated;
  EXPECT_EQ(reason(integration(), o), "NotSupported");
  const auto record = prepareRecord(integration(), o, "ion");
  ASSERT_FALSE(record);
  EXPECT_NE(record.error().message.find("ProductionActivated"), std::string::npos) << record.error().message;
}

}  // namespace
}  // namespace mpay::cli
