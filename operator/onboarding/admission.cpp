#include "onboarding/admission.h"

#include <algorithm>

#include "json/yaml.h"

namespace mpay::onboarding {
namespace {

// The time until every API server enforces a write: each looks for changes once a second, behind a watch.
constexpr std::chrono::seconds kTakeUp{10};

// The time of the API server's last write to the object itself (not to its status).
WallTime lastWritten(const api::PolicyMeta& metadata) {
  WallTime last = parseTime(metadata.creationTimestamp.value_or("")).value_or(WallTime{});
  for (const auto& entry : metadata.managedFields) {
    if (entry.subresource && !entry.subresource->empty()) continue;
    if (const auto time = parseTime(entry.time.value_or(""))) last = std::max(last, *time);
  }
  return last;
}

template <class K>
std::string compare(const std::map<std::string, json::value>& shipped,
                    const std::vector<std::shared_ptr<const K>>& found, WallTime& since) {
  for (const auto& [name, spec] : shipped) {
    const auto object = std::find_if(found.begin(), found.end(),
                                     [&wanted = name](const auto& o) { return o->metadata.name == wanted; });
    const std::string what = fmt::format("{} {}", K::kResource.kind, name);
    const std::string remedy = "; the platform must apply manifests/policies.yaml, until then nothing is promoted";
    if (object == found.end()) return what + " is missing" + remedy;
    if ((*object)->metadata.deletionTimestamp) return what + " is being deleted" + remedy;
    if (json::canonical((*object)->spec) != json::canonical(spec))
      return what + " differs from what this version ships" + remedy;
    since = std::max(since, lastWritten((*object)->metadata));
  }
  return "";
}

}  // namespace

Result<ShippedPolicies> ShippedPolicies::parse(std::string_view yaml) {
  ShippedPolicies shipped;
  for (const auto& document : TRY(json::parseYaml(yaml))) {
    const auto& object = document.as_object();
    const std::string name(object.at("metadata").as_object().at("name").as_string());
    auto& into = object.at("kind").as_string() == "ValidatingAdmissionPolicy" ? shipped.policies : shipped.bindings;
    into[name] = object.at("spec");
  }
  return shipped;
}

Admission judgeAdmission(const ShippedPolicies& shipped,
                         const std::vector<std::shared_ptr<const api::ValidatingAdmissionPolicy>>& policies,
                         const std::vector<std::shared_ptr<const api::ValidatingAdmissionPolicyBinding>>& bindings) {
  WallTime since{};
  if (auto problem = compare(shipped.policies, policies, since); !problem.empty())
    return {std::nullopt, std::move(problem)};
  if (auto problem = compare(shipped.bindings, bindings, since); !problem.empty())
    return {std::nullopt, std::move(problem)};
  return {since + kTakeUp, ""};
}

}  // namespace mpay::onboarding
