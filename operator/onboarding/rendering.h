// What the gateway reads, byte for byte. Equal input gives equal bytes; an empty set denies.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "api/wire.h"
#include "onboarding/environment.h"
#include "onboarding/memory.h"

namespace mpay::onboarding {

// By the name of the fragment's ConfigMap.
using Fragments = std::map<std::string, Fragment>;

struct Aggregates {
  std::vector<api::ConfigMap> configMaps;
  std::vector<api::NetworkPolicy> networkPolicies;
};

// Everything that the environment of that name publishes of all its integrations. With authorities null, which is
// while they cannot be read, the bundles of authorities are left out.
Aggregates renderAggregates(const api::MPayEnvironmentSpec& spec, const std::string& environment,
                            const crypto::Authorities* authorities, const Fragments& fragments);

// nginx: `geo $<variable>` from an address to the ServiceIDs that may call from it, separated by
// commas; "" for every other address.
std::string renderGeo(std::string_view variable, const std::vector<Segment>& segments);

// HAProxy: a file for map_ip() from an address to the ServiceIDs that may call from it, separated by commas.
std::string renderAddressMap(const std::vector<Segment>& segments);

// A prefix a line, of all that may call.
std::string renderPrefixes(const std::vector<Segment>& segments);

// nginx: `map $ssl_client_fingerprint $mpay_client_service` from a certificate (its SHA-1, nginx knows no other) to
// its ServiceID; "" for every other certificate.
std::string renderFingerprints(const Fragments& fragments);

// HAProxy: a file for map_str() from a certificate's SHA-256 in lower-case hexadecimal to its ServiceID.
std::string renderFingerprintMap(const Fragments& fragments);

// The name of the service document's object.
std::string serviceName(const api::NameReference& registrar, const api::ObjectKey& integration);

// The service document: what MPay needs to know of one service. `effect` is a testing or production
// effect, see digest.h; `logo` is base64. The registrar must be a ConfigMap, as examineEnvironment says.
api::ConfigMap renderService(const Settings& settings, const api::ObjectKey& integration, const json::object& effect,
                             const std::optional<std::string>& logo);

}  // namespace mpay::onboarding
