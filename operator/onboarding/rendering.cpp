#include "onboarding/rendering.h"

#include <set>

namespace mpay::onboarding {
namespace {

AddressSet parsed(const std::vector<std::string>& texts) {
  std::vector<net::Prefix> prefixes;
  for (const auto& text : texts) {
    if (const auto prefix = net::parsePrefix(text)) prefixes.push_back(*prefix);
  }
  return AddressSet::of(std::move(prefixes));
}

std::vector<Segment> segmentsOf(const Fragments& fragments, std::vector<std::string> Fragment::*addresses) {
  std::multimap<std::string, AddressSet> byService;
  for (const auto& [name, fragment] : fragments) byService.emplace(fragment.serviceID, parsed(fragment.*addresses));
  return segments(byService);
}

// Of `ingress: []` nobody is admitted; a rule with an empty `from` would admit everybody.
json::value ingressOf(const api::AllowlistNetworkPolicy& target, const Fragments& fragments) {
  std::vector<net::Prefix> all;
  for (const auto& [name, fragment] : fragments) {
    for (const auto* texts : {&fragment.addresses, &fragment.posAddresses}) {
      for (const auto& prefix : parsed(*texts).prefixes()) all.push_back(prefix);
    }
  }
  const AddressSet admitted = AddressSet::of(std::move(all));
  if (admitted.empty()) return json::array();
  json::array from;
  for (const auto& text : admitted.texts()) from.push_back(json::object{{"ipBlock", json::object{{"cidr", text}}}});
  json::object rule{{"from", std::move(from)}};
  json::array ports;
  for (const auto& port : target.ports) {
    ports.push_back(json::object{{"port", port.port}, {"protocol", json::encode(port.protocol)}});
  }
  if (!ports.empty()) rule["ports"] = std::move(ports);
  return json::array{std::move(rule)};
}

std::map<std::string, std::string> servicesBy(std::string Fingerprints::*fingerprint, const Fragments& fragments) {
  std::map<std::string, std::string> services;
  for (const auto& [name, fragment] : fragments) {
    for (const auto& certificate : fragment.certificates)
      services.emplace(certificate.*fingerprint, fragment.serviceID);
  }
  return services;
}

// The files of one target: who may call, and from where payment terminals may.
void renderAllowlist(api::AllowlistFormat format, const Fragments& fragments,
                     std::map<std::string, std::string>& data) {
  const auto systems = segmentsOf(fragments, &Fragment::addresses);
  const auto terminals = segmentsOf(fragments, &Fragment::posAddresses);
  switch (format) {
    case api::AllowlistFormat::CIDR:
      data["allowlist.txt"] = renderPrefixes(systems);
      data["pos-allowlist.txt"] = renderPrefixes(terminals);
      break;
    case api::AllowlistFormat::Nginx:
      data["allowlist.conf"] = renderGeo("mpay_address_service", systems);
      data["pos-allowlist.conf"] = renderGeo("mpay_pos_service", terminals);
      break;
    case api::AllowlistFormat::HAProxy:
      data["allowlist.map"] = renderAddressMap(systems);
      data["pos-allowlist.map"] = renderAddressMap(terminals);
      break;
  }
}

}  // namespace

std::string renderGeo(std::string_view variable, const std::vector<Segment>& all) {
  std::string text = fmt::format("geo ${} {{\n    default \"\";\n", variable);
  for (const auto& segment : all) {
    text += fmt::format("    {} \"{}\";\n", segment.prefix.text(), fmt::join(segment.services, ","));
  }
  return text + "}\n";
}

std::string renderAddressMap(const std::vector<Segment>& all) {
  std::string text;
  for (const auto& segment : all)
    text += fmt::format("{} {}\n", segment.prefix.text(), fmt::join(segment.services, ","));
  return text;
}

std::string renderPrefixes(const std::vector<Segment>& all) {
  std::vector<net::Prefix> prefixes;
  for (const auto& segment : all) prefixes.push_back(segment.prefix);
  std::string text;
  for (const auto& prefix : AddressSet::of(std::move(prefixes)).texts()) text += prefix + "\n";
  return text;
}

std::string renderFingerprintMap(const Fragments& fragments) {
  std::string text;
  for (const auto& [fingerprint, service] : servicesBy(&Fingerprints::sha256, fragments))
    text += fmt::format("{} {}\n", fingerprint, service);
  return text;
}

std::string renderFingerprints(const Fragments& fragments) {
  std::string text = "map $ssl_client_fingerprint $mpay_client_service {\n    default \"\";\n";
  for (const auto& [fingerprint, service] : servicesBy(&Fingerprints::sha1, fragments))
    text += fmt::format("    {} \"{}\";\n", fingerprint, service);
  return text + "}\n";
}

Aggregates renderAggregates(const api::MPayEnvironmentSpec& spec, const std::string& environment,
                            const crypto::Authorities* authorities, const Fragments& fragments) {
  std::map<std::string, api::ConfigMap> configMaps;
  const auto named = [&](const std::string& name) -> api::ConfigMap& {
    auto& object = configMaps[name];
    object.metadata = ownedMeta(spec.outputNamespace, name, kAggregate, environment, std::nullopt);
    return object;
  };
  Aggregates aggregates;
  for (const auto& target : spec.allowlist.targets) {
    if (target.configMap) renderAllowlist(target.configMap->format, fragments, named(target.configMap->name).data);
    if (target.networkPolicy) {
      api::NetworkPolicy policy;
      policy.metadata = ownedMeta(spec.outputNamespace, "mpay-" + target.name, kAggregate, environment, std::nullopt);
      json::object selector;
      if (!target.networkPolicy->podSelector.matchLabels.empty()) {
        selector["matchLabels"] = json::encode(target.networkPolicy->podSelector.matchLabels);
      }
      policy.spec = json::object{{"podSelector", std::move(selector)}, {"policyTypes", json::array{"Ingress"}}};
      // The API server leaves an empty list out, which means the same: with policyTypes Ingress and no rule nobody
      // enters.
      json::value ingress = ingressOf(*target.networkPolicy, fragments);
      if (!ingress.as_array().empty()) policy.spec.as_object()["ingress"] = std::move(ingress);
      aggregates.networkPolicies.push_back(std::move(policy));
    }
  }
  for (const auto& bundle : spec.trust.bundles) {
    if (bundle.format == api::BundleFormat::PEM && !authorities) continue;
    auto& data = named(bundle.name).data;
    if (bundle.format == api::BundleFormat::PEM) {
      data["authorities.pem"] = authorities->pem();
    } else {
      data["clients.conf"] = renderFingerprints(fragments);
      data["clients.map"] = renderFingerprintMap(fragments);
    }
  }
  for (auto& [name, object] : configMaps) aggregates.configMaps.push_back(std::move(object));
  return aggregates;
}

std::string serviceName(const api::NameReference& registrar, const api::ObjectKey& integration) {
  return registrar.name + "-" + hashOf(integration);
}

api::ConfigMap renderService(const Settings& settings, const api::ObjectKey& integration, const json::object& effect,
                             const std::optional<std::string>& logo) {
  api::ConfigMap object;
  object.metadata =
      ownedMeta(settings.spec.outputNamespace, serviceName(settings.spec.registrar.configMap.value(), integration),
                kService, settings.name, integration);
  const std::string stage(json::nameOf(settings.spec.stage));
  json::object document = effect;
  document.erase("backOfficeUsers");
  // Of the endpoints only this stage's is this environment's business.
  const std::string_view mine = settings.spec.stage == api::Stage::Testing ? "testing" : "production";
  json::object endpoints = effect.at("endpoints").as_object();
  document.erase("endpoints");
  if (const auto* endpoint = endpoints.if_contains(mine)) document["endpoint"] = *endpoint;
  document["stage"] = stage;
  document["environment"] = settings.name;
  object.data["service.json"] = json::canonical(document);
  if (logo) object.binaryData["logo.png"] = *logo;
  return object;
}

}  // namespace mpay::onboarding
