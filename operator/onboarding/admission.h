// Judges whether the admission policies in force are the ones that this binary was built with.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/wire.h"
#include "onboarding/records.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// The spec of each policy and binding, by name.
struct ShippedPolicies {
  std::map<std::string, json::value> policies;
  std::map<std::string, json::value> bindings;

  // Reads manifests/policies.yaml.
  static Result<ShippedPolicies> parse(std::string_view yaml);
};

// In force since ten seconds after the last write to any of them; that time may be in the future. Nothing, with the
// problem named, where one is missing, being deleted, or differs in any field.
Admission judgeAdmission(const ShippedPolicies& shipped,
                         const std::vector<std::shared_ptr<const api::ValidatingAdmissionPolicy>>& policies,
                         const std::vector<std::shared_ptr<const api::ValidatingAdmissionPolicyBinding>>& bindings);

}  // namespace mpay::onboarding
