#include "onboarding/publication.h"

#include "crypto/digest.h"
#include "onboarding/rotation.h"

namespace mpay::onboarding {

std::optional<std::string> encoded(const Content& content) {
  if (!content || !*content) return std::nullopt;
  return crypto::base64(**content);
}

const std::optional<Fragment>& publishedIn(const EnvironmentSnapshot& environment) {
  return environment.fragment ? environment.fragment : environment.leaving;
}

std::vector<api::EarlierCertificate> earlierIn(const EnvironmentSnapshot& environment, const Fragment& fragment) {
  std::vector<api::EarlierCertificate> earlier;
  for (const auto& entry : fragment.certificates) {
    if (isEarlier(entry))
      earlier.push_back({environment.declared->spec.stage, entry.sha256, entry.notAfter, entry.until});
  }
  return earlier;
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

std::optional<Verdict> whatIsMissing(const EnvironmentSnapshot& environment, const Fragment& fragment,
                                     const api::ConfigMap& service) {
  if (!environment.takenName.empty()) return nameTaken("an object", environment.takenName);
  if (!environment.aggregateProblem.empty()) return working("NameConflict", environment.aggregateProblem);
  if (environment.fragment != fragment || !environment.service || environment.service->data != service.data ||
      environment.service->binaryData != service.binaryData || !environment.isInGatewayFiles)
    return writing("Provisioning", "the allowlist, the trust and the service document are being written");
  return std::nullopt;
}

Issue publish(const PublicationQuestion& question, Fragment next) {
  const auto& environment = question.environment;
  // The overlap begins when nobody has to present the earlier certificate any more.
  auto fragment =
      overlapped(std::move(next), environment.fragment, environment.isInGatewayFiles && !question.presentsEarlier,
                 overlapOf(environment.settings->spec), question.now);
  // Taken out after overlapped(): while a new certificate is withheld the earlier one stays.
  Issue issue{admissible(std::move(fragment), question.barred), true, {}};
  noteEnds(issue.ends, issue.fragment, question.now);
  return issue;
}

std::optional<Issue> dropEnded(const PublicationQuestion& question) {
  const auto& published = publishedIn(question.environment);
  if (!published || !question.environment.declared) return std::nullopt;
  Issue issue{admissible(withoutEnded(*published, question.now), question.barred), false, {}};
  issue.isWritten = issue.fragment != *published;
  noteEnds(issue.ends, issue.fragment, question.now);
  return issue;
}

}  // namespace mpay::onboarding
