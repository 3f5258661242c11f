#include "gateway/rendering.h"

#include <limits>
#include <set>

namespace mpay::gateway {
namespace {

std::vector<domain::AddressRow> tableOf(const ledger::Fragments& fragments,
                                        domain::AddressSet ledger::Contribution::*addresses) {
  std::multimap<std::string, const domain::AddressSet*> byService;
  for (const auto& [name, contribution] : fragments)
    byService.emplace(contribution.fragment.serviceID, &(contribution.*addresses));
  return domain::addressTable(byService);
}

// `ingress: []` admits nobody; a rule with an empty `from` would admit everybody.
json::value ingressOf(const api::AllowlistNetworkPolicy& target, const std::vector<const Entry*>& peers) {
  if (peers.empty()) return json::array();
  json::array from;
  for (const auto* peer : peers) from.push_back(json::object{{"ipBlock", json::object{{"cidr", peer->text}}}});
  json::object rule{{"from", std::move(from)}};
  json::array ports;
  for (const auto& port : target.ports) {
    ports.push_back(json::object{{"port", port.port}, {"protocol", json::encode(port.protocol)}});
  }
  if (!ports.empty()) rule["ports"] = std::move(ports);
  return json::array{std::move(rule)};
}

std::vector<Entry> peersOf(const ledger::Fragments& fragments) {
  std::vector<net::Prefix> all;
  for (const auto& [name, contribution] : fragments) {
    for (const auto* addresses : {&contribution.addresses, &contribution.posAddresses})
      all.insert(all.end(), addresses->prefixes().begin(), addresses->prefixes().end());
  }
  std::vector<Entry> peers;
  for (const auto& prefix : domain::AddressSet::of(std::move(all)).prefixes())
    peers.push_back({shardKey(prefix), prefix.text()});
  return peers;
}

Published<api::NetworkPolicy> renderNetworkPolicy(const api::AllowlistNetworkPolicy& target,
                                                  const api::ObjectMeta& metadata, const std::vector<Entry>& peers,
                                                  std::size_t limit) {
  const auto policy = [&](const std::string& name, const std::vector<const Entry*>& admitted) {
    api::NetworkPolicy object;
    object.metadata = metadata;
    object.metadata.name = name;
    json::object selector;
    if (!target.podSelector.matchLabels.empty()) selector["matchLabels"] = json::encode(target.podSelector.matchLabels);
    object.spec = json::object{{"podSelector", std::move(selector)}, {"policyTypes", json::array{"Ingress"}}};
    // The API server leaves an empty list out. The meaning is the same: with policyTypes Ingress and no rule nobody
    // enters.
    json::value ingress = ingressOf(target, admitted);
    if (!ingress.as_array().empty()) object.spec.as_object()["ingress"] = std::move(ingress);
    return object;
  };
  const auto name = metadata.name.value_or("");
  const auto parts = partition({&peers}, std::numeric_limits<std::size_t>::max(), limit);
  if (parts.size() == 1) return {{}, policy(name, parts.front().files.front())};
  Published<api::NetworkPolicy> published{{}, policy(name, {})};
  for (const auto& part : parts) {
    if (!part.files.front().empty()) published.parts.push_back(policy(partName(name, part.digits), part.files.front()));
  }
  return published;
}

// The ServiceIDs that a certificate stands for, and the key of its parts; by its fingerprint. Both files of a
// certificate are keyed by its SHA-256, so that it is in one part.
struct Registered {
  std::set<std::string> services;
  std::uint64_t key = 0;
};
std::map<std::string, Registered> registeredBy(std::string ledger::Fingerprints::*fingerprint,
                                               const ledger::Fragments& fragments) {
  std::map<std::string, Registered> all;
  for (const auto& [name, contribution] : fragments) {
    for (const auto& certificate : contribution.fragment.certificates) {
      auto& registered = all[certificate.*fingerprint];
      registered.services.insert(contribution.fragment.serviceID);
      registered.key = shardKey(certificate.sha256);
    }
  }
  return all;
}

// "serviceID" in every spelling that a query may use: in any case, and with any letter percent-encoded.
std::string anySpelling(std::string_view name) {
  std::string pattern;
  for (const char letter : name) {
    const auto capital = static_cast<unsigned char>(letter & ~0x20), small = static_cast<unsigned char>(letter | 0x20);
    pattern += fmt::format("(?:{}|%{:02x}|%{:02x})", letter, capital, small);
  }
  return pattern;
}

// The callers and their addresses, the same for all targets.
struct Tables {
  std::vector<domain::AddressRow> systems;
  std::vector<domain::AddressRow> terminals;
};

// The files of one target: who may call, and the addresses that payment terminals may call from.
void renderAllowlist(api::AllowlistFormat format, const Tables& tables, std::vector<File>& files) {
  const auto& [systems, terminals] = tables;
  switch (format) {
    case api::AllowlistFormat::CIDR:
      files.push_back(renderPrefixes("allowlist.txt", systems));
      files.push_back(renderPrefixes("pos-allowlist.txt", terminals));
      break;
    case api::AllowlistFormat::Nginx:
      files.push_back(renderGeo("allowlist.conf", "mpay_address_service", systems));
      files.push_back(renderGeo("pos-allowlist.conf", "mpay_pos_service", terminals));
      break;
    case api::AllowlistFormat::HAProxy:
      files.push_back(renderAddressMap("allowlist.map", systems));
      files.push_back(renderAddressMap("pos-allowlist.map", terminals));
      break;
  }
}

File renderAuthorities(const crypto::Authorities& authorities) {
  File file{"authorities.pem", "", "", false, {}};
  for (const auto& certificate : authorities.certificates())
    file.entries.push_back({shardKey(certificate.sha256()), certificate.pem()});
  return file;
}

std::string policyName(const api::AllowlistTarget& target) { return "mpay-" + target.name; }

}  // namespace

File renderGeo(std::string name, std::string_view variable, const std::vector<domain::AddressRow>& rows) {
  File file{std::move(name), fmt::format("geo ${} {{\n    default \"\";\n", variable), "}\n", true, {}};
  for (const auto& row : rows) {
    file.entries.push_back(
        {shardKey(row.prefix), fmt::format("    {} \"{}\";\n", row.prefix.text(), fmt::join(row.services, ","))});
  }
  return file;
}

File renderAddressMap(std::string name, const std::vector<domain::AddressRow>& rows) {
  File file{std::move(name), "", "", false, {}};
  for (const auto& row : rows) {
    file.entries.push_back(
        {shardKey(row.prefix), fmt::format("{} {}\n", row.prefix.text(), fmt::join(row.services, ","))});
  }
  return file;
}

File renderPrefixes(std::string name, const std::vector<domain::AddressRow>& rows) {
  std::vector<net::Prefix> prefixes;
  for (const auto& row : rows) prefixes.push_back(row.prefix);
  File file{std::move(name), "", "", false, {}};
  for (const auto& prefix : domain::AddressSet::of(std::move(prefixes)).prefixes())
    file.entries.push_back({shardKey(prefix), prefix.text() + "\n"});
  return file;
}

File renderFingerprintMap(const ledger::Fragments& fragments) {
  File file{"clients.map", "", "", false, {}};
  for (const auto& [fingerprint, registered] : registeredBy(&ledger::Fingerprints::sha256, fragments))
    file.entries.push_back({registered.key, fmt::format("{} {}\n", fingerprint, fmt::join(registered.services, ","))});
  return file;
}

File renderFingerprints(const ledger::Fragments& fragments) {
  File file{"clients.conf", "map $ssl_client_fingerprint $mpay_client_service {\n    default \"\";\n", "}\n", true, {}};
  for (const auto& [fingerprint, registered] : registeredBy(&ledger::Fingerprints::sha1, fragments))
    file.entries.push_back(
        {registered.key, fmt::format("    {} \"{}\";\n", fingerprint, fmt::join(registered.services, ","))});
  return file;
}

std::string renderAdmission() {
  // Captures each service of the certificate, with the comma before it, that the address's list has too. Possessive, so
  // that no part of a ServiceID is taken for a whole one.
  std::string services, captured;
  for (std::size_t i = 1; i <= kMaximumServices; ++i) {
    services += fmt::format(R"((?:(?<mpay_{0}>,[^,|]++)(?=[^|]*+\|.*\k<mpay_{0}>(?:,|$))|,[^,|]++)?+)", i);
    captured += fmt::format("$mpay_{}", i);
  }
  const auto name = anySpelling("serviceid");
  const std::string_view id = "[A-Za-z0-9._-]{1,36}";
  std::string text = "# Services of the certificate that may call from the address, each with a comma before it.\n";
  text += fmt::format(
      "map \",$mpay_client_service|,$mpay_address_service\" $mpay_shared_services {{\n    default \"\";\n"
      "    \"~^{}\" \"{}\";\n}}\n",
      services, captured);
  text += "# The ServiceID that the query or the path names; \"?\" where that is none, or not one.\n";
  text += fmt::format(
      "map $args $mpay_query_service {{\n    default \"\";\n    \"~*(?:^|&){0}(?:=[^&]*)?&(?:.*&)?{0}(?:=|&|$)\" "
      "\"?\";\n"
      "    \"~*(?:^|&){0}=(?<mpay_in_query>{1})(?:&|$)\" $mpay_in_query;\n    \"~*(?:^|&){0}(?:=|&|$)\" \"?\";\n}}\n",
      name, id);
  text += fmt::format(
      "map $uri $mpay_path_service {{\n    default \"\";\n"
      "    \"~*^/PosTerminal/Pay/(?<mpay_in_path>{})(?:/|$)\" $mpay_in_path;\n"
      "    \"~*^/PosTerminal/Pay(?:/|$)\" \"?\";\n}}\n",
      id);
  text +=
      "map \"$mpay_query_service|$mpay_path_service|$mpay_shared_services\" $mpay_admitted {\n    default \"\";\n"
      "    \"~^\\|\\|,(?<mpay_all>.+)$\" $mpay_all;\n"
      "    \"~^(?<mpay_one>[^|]+)\\|(?:\\k<mpay_one>)?\\|.*,\\k<mpay_one>(?:,|$)\" $mpay_one;\n"
      "    \"~^\\|(?<mpay_other>[^|]+)\\|.*,\\k<mpay_other>(?:,|$)\" $mpay_other;\n}\n";
  return text;
}

std::optional<std::string> takenName(const api::MPayEnvironmentSpec& spec) {
  std::set<std::string> configMaps, authorities, policies;
  for (const auto& bundle : spec.trust.bundles) {
    configMaps.insert(bundle.name);
    if (bundle.format == api::BundleFormat::PEM) authorities.insert(bundle.name);
  }
  for (const auto& target : spec.allowlist.targets) {
    if (target.configMap && authorities.contains(target.configMap->name)) return target.configMap->name;
    if (target.configMap) configMaps.insert(target.configMap->name);
    if (target.networkPolicy) policies.insert(policyName(target));
  }
  for (const auto* names : {&configMaps, &policies}) {
    for (const auto& name : *names) {
      if (names == &configMaps && ledger::isMemoryName(name)) return name;
      if (std::any_of(names->begin(), names->end(), [&](const auto& other) { return isPartOf(name, other); }))
        return name;
    }
  }
  return std::nullopt;
}

Aggregates renderAggregates(const api::MPayEnvironmentSpec& spec, const std::string& environment,
                            const crypto::Authorities* authorities, const ledger::Fragments& fragments,
                            const ObjectLimits& limits) {
  const auto named = [&](const std::string& name) {
    return ledger::ownedMeta(spec.outputNamespace, name, ledger::kAggregate, environment, std::nullopt);
  };
  Aggregates aggregates;
  std::map<std::string, std::vector<File>> files;  // by ConfigMap
  std::set<std::string> leftOut, policyParts, withClients;
  std::optional<std::vector<Entry>> peers;
  std::optional<Tables> tables;
  for (const auto& target : spec.allowlist.targets) {
    if (target.configMap) {
      if (!tables)
        tables = {tableOf(fragments, &ledger::Contribution::addresses),
                  tableOf(fragments, &ledger::Contribution::posAddresses)};
      renderAllowlist(target.configMap->format, *tables, files[target.configMap->name]);
    }
    if (target.networkPolicy) {
      if (!peers) peers = peersOf(fragments);
      aggregates.networkPolicies.push_back(
          renderNetworkPolicy(*target.networkPolicy, named(policyName(target)), *peers, limits.peers));
      for (const auto& part : aggregates.networkPolicies.back().parts) policyParts.insert(*part.metadata.name);
    }
  }
  std::erase_if(aggregates.networkPolicies,
                [&](const auto& policy) { return policyParts.contains(*policy.index.metadata.name); });
  for (const auto& bundle : spec.trust.bundles) {
    if (bundle.format == api::BundleFormat::PEM && !authorities) {
      leftOut.insert(bundle.name);
      continue;
    }
    auto& into = files[bundle.name];
    if (bundle.format == api::BundleFormat::PEM) {
      into.push_back(renderAuthorities(*authorities));
    } else {
      withClients.insert(bundle.name);
      into.push_back(renderFingerprints(fragments));
      into.push_back(renderFingerprintMap(fragments));
    }
  }
  for (const auto& [name, contents] : files) {
    // In this order the name of a part comes after the name of its whole.
    if (leftOut.contains(name) || ledger::isMemoryName(name)) continue;
    auto sharded = shard(contents, limits.bytes);
    auto& published = aggregates.configMaps.emplace_back();
    published.index.metadata = named(name);
    published.index.data = std::move(sharded.index);
    if (withClients.contains(name)) published.index.data["admitted.conf"] = renderAdmission();
    for (auto& [digits, data] : sharded.parts) {
      auto& part = published.parts.emplace_back();
      part.metadata = named(partName(name, digits));
      leftOut.insert(*part.metadata.name);
      part.data = std::move(data);
    }
  }
  return aggregates;
}

std::string serviceName(const api::NameReference& registrar, const api::ObjectKey& integration) {
  return registrar.name + "-" + ledger::hashOf(integration);
}

api::ConfigMap renderService(const api::MPayEnvironmentSpec& spec, const std::string& environment,
                             const api::ObjectKey& integration, const json::object& effect,
                             const std::optional<std::string>& logo) {
  api::ConfigMap object;
  object.metadata = ledger::ownedMeta(spec.outputNamespace, serviceName(spec.registrar.configMap.value(), integration),
                                      ledger::kService, environment, integration);
  const std::string stage(json::nameOf(spec.stage));
  json::object document = effect;
  document.erase("backOfficeUsers");
  // This environment publishes the endpoints of its own stage only.
  const std::string_view mine = spec.stage == api::Stage::Testing ? "testing" : "production";
  json::object endpoints = effect.at("endpoints").as_object();
  document.erase("endpoints");
  if (const auto* endpoint = endpoints.if_contains(mine)) document["endpoint"] = *endpoint;
  document["stage"] = stage;
  document["environment"] = environment;
  object.data["service.json"] = json::canonical(document);
  if (logo) object.binaryData["logo.png"] = *logo;
  return object;
}

}  // namespace mpay::gateway
