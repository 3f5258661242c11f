// What an environment publishes, with what it owes to earlier certificates and without what is withheld.
#include "onboarding/decision.h"

#include "crypto/digest.h"
#include "onboarding/rotation.h"

namespace mpay::onboarding {

std::optional<std::string> encoded(const Content& content) {
  if (!content || !*content) return std::nullopt;
  return crypto::base64(**content);
}

api::ConfigMap fragmentObject(const api::MPayEnvironment& environment, const api::ObjectKey& key,
                              const Fragment& fragment) {
  return remember(memoryMeta(environment.spec.outputNamespace, kFragment, environment.metadata.name.value_or(""), key),
                  fragment);
}

bool isFragment(const api::ConfigMap& object) { return componentOf(object.metadata) == kFragment; }

const std::optional<Fragment>& publishedIn(const EnvironmentSnapshot& environment) {
  return environment.fragment ? environment.fragment : environment.leaving;
}

void listEarlier(const EnvironmentSnapshot& environment, const Fragment& fragment, api::MPayIntegrationStatus& status) {
  for (const auto& entry : fragment.certificates) {
    if (!isEarlier(entry)) continue;
    status.earlierCertificates.push_back({environment.declared->spec.stage, entry.sha256, entry.notAfter, entry.until});
  }
}

std::string tellEarlier(const Fragment& fragment) {
  std::string text;
  for (const auto& entry : fragment.certificates) {
    if (!isEarlier(entry) || !entry.until) continue;
    text += fmt::format("; the earlier certificate {} is admitted until {}", entry.sha256.substr(0, 16), *entry.until);
  }
  return text;
}

Verdict nameTaken(std::string_view what, const std::string& name) {
  return working("NameConflict",
                 fmt::format("{} named {} in the output namespace is not the operator's; the platform must remove it",
                             what, name));
}

bool Decision::isPublished(const EnvironmentSnapshot& environment, const Fragment& fragment,
                           const api::ConfigMap& service, Verdict& verdict) const {
  if (!environment.foreign.empty()) {
    verdict = nameTaken("an object", environment.foreign);
  } else if (!environment.aggregateProblem.empty()) {
    verdict = working("NameConflict", environment.aggregateProblem);
  } else if (environment.fragment != fragment || !environment.service || environment.service->data != service.data ||
             environment.service->binaryData != service.binaryData || !environment.aggregated) {
    verdict = working("Provisioning", "the allowlist, the trust and the service document are being written");
  } else {
    return true;
  }
  return false;
}

Fragment Decision::publish(const EnvironmentSnapshot& environment, Fragment next, const RevocationRecord& checks,
                           std::vector<api::ConfigMap>& into) {
  // The overlap begins when nobody has to present the earlier certificate any more.
  auto fragment = overlapped(std::move(next), environment.fragment, environment.aggregated && !presentsEarlier,
                             overlapOf(environment.settings->spec), now);
  // After the overlap: while a new certificate is withheld the earlier one stays.
  takeOut(fragment, withheld(environment, checks));
  if (environment.assignments) environment.assignments->takeOut(fragment);
  into.push_back(fragmentObject(*environment.declared, key(), fragment));
  noteEnds(plan.nextInstant, fragment, now);
  listEarlier(environment, fragment, plan.status);
  return fragment;
}

void Decision::end(const EnvironmentSnapshot& environment, const RevocationRecord& checks,
                   std::vector<api::ConfigMap>& into) {
  const auto& published = publishedIn(environment);
  if (!published || !environment.declared) return;
  auto fragment = withoutEnded(*published, now);
  takeOut(fragment, withheld(environment, checks));
  if (environment.assignments) environment.assignments->takeOut(fragment);
  if (fragment != *published) into.push_back(fragmentObject(*environment.declared, key(), fragment));
  noteEnds(plan.nextInstant, fragment, now);
  // What is an earlier integration's is not this one's to show.
  if (environment.fragment) listEarlier(environment, fragment, plan.status);
}

}  // namespace mpay::onboarding
