// The effect in an environment, which a digest stands for, and the statement that a record signs.
#pragma once

#include <string>

#include "api/integration.h"
#include "api/validation.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// The effect in production, with referenced content replaced by its hash. It does not contain environments,
// targetStage, suspend, deletionPolicy, notification, applicant, functionalTests, endpoints.testing, and the places
// where content is kept.
json::object productionEffect(const api::MPayIntegration& integration, const api::ContentHashes& hashes);

// The effect in production and endpoints.testing.
json::object testingEffect(const api::MPayIntegration& integration, const api::ContentHashes& hashes);

// The bytes that a record stands for and a signature covers: canonical JSON of integration (namespace, name, uid),
// environment, milestone, role, decision, digest, recordedBy.
std::string statementOf(const std::string& namespace_, const api::MPayValidationSpec& record);

}  // namespace mpay::onboarding
