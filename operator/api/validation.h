// MPayValidation: one recorded decision of one person; its spec is immutable.
#pragma once

#include "api/environment.h"
#include "api/meta.h"

namespace mpay::api {

enum class Milestone { TestEnvironmentConfigured, FunctionalTesting, FinalValidation, ProductionActivated };
BOOST_DESCRIBE_ENUM(Milestone, TestEnvironmentConfigured, FunctionalTesting, FinalValidation, ProductionActivated)

enum class Decision { Accepted, Rejected };
BOOST_DESCRIBE_ENUM(Decision, Accepted, Rejected)

struct IntegrationReference {
  std::string name;
  std::string uid;
};
BOOST_DESCRIBE_STRUCT(IntegrationReference, (), (name, uid))

struct MPayValidationSpec {
  IntegrationReference integration;
  // Default: "testing" for the first two milestones, "production" for the last two.
  std::optional<std::string> environment;
  Milestone milestone = Milestone::FinalValidation;
  Role role = Role::Beneficiary;
  Decision decision = Decision::Rejected;
  std::string digest;
  std::string recordedBy;
  std::optional<std::string> comment;
  std::optional<std::string> signature;
};
BOOST_DESCRIBE_STRUCT(MPayValidationSpec, (),
                      (integration, environment, milestone, role, decision, digest, recordedBy, comment, signature))

// Reserved: the operator does not write it. The integration's conditions say if a record counts.
struct MPayValidationStatus {
  std::int64_t observedGeneration = 0;
  std::vector<Condition> conditions;
};
BOOST_DESCRIBE_STRUCT(MPayValidationStatus, (), (observedGeneration, conditions))

struct MPayValidation {
  static constexpr ResourceType kResource{kGroup, kVersion, "mpayvalidations", "MPayValidation", true};
  ObjectMeta metadata;
  MPayValidationSpec spec;
  std::optional<MPayValidationStatus> status;
};
BOOST_DESCRIBE_STRUCT(MPayValidation, (), (metadata, spec, status))

// The stage that a milestone belongs to.
constexpr Stage stageOf(Milestone milestone) {
  return milestone == Milestone::TestEnvironmentConfigured || milestone == Milestone::FunctionalTesting
             ? Stage::Testing
             : Stage::Production;
}

// The environment that a record is about, or the default.
inline std::string environmentOf(const MPayValidationSpec& record) {
  return record.environment.value_or(stageOf(record.milestone) == Stage::Testing ? "testing" : "production");
}

}  // namespace mpay::api
