#include "onboarding/effect.h"

namespace mpay::onboarding {

json::object productionEffect(const api::MPayIntegration& integration, const api::ContentHashes& hashes) {
  const auto& spec = integration.spec;
  json::object effect{{"namespace", integration.metadata.namespace_.value_or("")},
                      {"name", integration.metadata.name.value_or("")},
                      {"beneficiary", json::encode(spec.beneficiary)},
                      {"contract", json::encode(spec.contract)}};
  if (spec.informationSystem) effect["informationSystem"] = json::encode(*spec.informationSystem);
  if (spec.genericService) effect["genericService"] = json::encode(*spec.genericService);
  json::value service = json::encode(spec.service);
  service.as_object().erase("logo");
  effect["service"] = std::move(service);
  json::object endpoints;
  if (spec.endpoints.production) endpoints["production"] = json::encode(*spec.endpoints.production);
  effect["endpoints"] = std::move(endpoints);
  json::array users;
  for (std::size_t i = 0; i < spec.backOfficeUsers.size(); ++i) {
    json::value user = json::encode(spec.backOfficeUsers[i]);
    user.as_object().erase("signatureCertificate");
    if (i < hashes.users.size() && !hashes.users[i].empty()) user.as_object()["signatureCertificate"] = hashes.users[i];
    users.push_back(std::move(user));
  }
  effect["backOfficeUsers"] = std::move(users);
  json::object content;
  if (hashes.certificate) content["certificate"] = *hashes.certificate;
  if (hashes.logo) content["logo"] = *hashes.logo;
  effect["content"] = std::move(content);
  return effect;
}

json::object testingEffect(const api::MPayIntegration& integration, const api::ContentHashes& hashes) {
  json::object effect = productionEffect(integration, hashes);
  if (const auto& testing = integration.spec.endpoints.testing) {
    effect["endpoints"].as_object()["testing"] = json::encode(*testing);
  }
  return effect;
}

std::string statementOf(const std::string& namespace_, const api::MPayValidationSpec& record) {
  return json::canonical(json::object{
      {"integration",
       json::object{{"namespace", namespace_}, {"name", record.integration.name}, {"uid", record.integration.uid}}},
      {"environment", api::environmentOf(record)},
      {"milestone", json::encode(record.milestone)},
      {"role", json::encode(record.role)},
      {"decision", json::encode(record.decision)},
      {"digest", record.digest},
      {"recordedBy", record.recordedBy}});
}

}  // namespace mpay::onboarding
