#include "onboarding/writes.h"

namespace mpay::onboarding {

std::vector<api::ConfigMap> inOrder(const EnvironmentWrites& writes, const EnvironmentSnapshot& environment,
                                    const api::ObjectKey& integration) {
  std::vector<api::ConfigMap> objects;
  const auto add = [&](std::string_view component, const auto& content) {
    if (!content) return;
    const auto& declared = *environment.declared;
    objects.push_back(
        remember(memoryMeta(declared.spec.outputNamespace, component, declared.metadata.name.value_or(""), integration),
                 *content));
  };
  // "" means that there is no such record yet.
  const auto addBound = [&](std::string_view component, const auto& content, const auto& version) {
    add(component, content);
    if (content) objects.back().metadata.resourceVersion = version.value_or("");
  };
  addBound(kRevocation, writes.revocation, environment.revocation.version);
  add(kClaim, writes.claim);
  add(kFragment, writes.fragment);
  if (writes.service) objects.push_back(*writes.service);
  addBound(kTests, writes.tests, environment.tests.version);
  addBound(kNotifications, writes.notifications, environment.notifications.version);
  return objects;
}

}  // namespace mpay::onboarding
