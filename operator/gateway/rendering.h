// What the gateway reads, byte for byte. Equal input gives equal bytes; an empty set denies.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/environment.h"
#include "api/wire.h"
#include "gateway/sharding.h"
#include "ledger/fragment.h"

namespace mpay::gateway {

// The objects of one target. Parts are to be written before the index, which names them, and what is part no more is to
// be removed after it: then nothing that stays published is missing at any moment.
template <class K>
struct Published {
  std::vector<K> parts;
  K index;
};

struct Aggregates {
  std::vector<Published<api::ConfigMap>> configMaps;
  // The parts of a NetworkPolicy admit all by themselves, and the index then nobody: policies add up.
  std::vector<Published<api::NetworkPolicy>> networkPolicies;
};

// What one object may hold, smaller in tests.
struct ObjectLimits {
  std::size_t bytes = kMaximumFileBytes;
  std::size_t peers = kMaximumPeers;
};

// A name that a target or a bundle gives to what it writes and may not: that of a part of another's, of what the
// operator remembers, or a target's that is a bundle of authorities'. Nothing: there is none.
std::optional<std::string> takenName(const api::MPayEnvironmentSpec& spec);

// Everything that the environment of that name publishes of all its integrations, but for what would take the place of
// another's part or of a record. With authorities null, which is while they cannot be read, ConfigMaps with a bundle of
// them are left out.
Aggregates renderAggregates(const api::MPayEnvironmentSpec& spec, const std::string& environment,
                            const crypto::Authorities* authorities, const ledger::Fragments& fragments,
                            const ObjectLimits& limits = {});

// nginx: `geo $<variable>` from an address to the ServiceIDs that may call from it, separated by commas; "" for every
// other address.
File renderGeo(std::string name, std::string_view variable, const std::vector<domain::AddressRow>& rows);

// HAProxy: a file for map_ip() from an address to the ServiceIDs that may call from it, separated by commas.
File renderAddressMap(std::string name, const std::vector<domain::AddressRow>& rows);

// A prefix a line, of all that may call.
File renderPrefixes(std::string name, const std::vector<domain::AddressRow>& rows);

// How many services one certificate may stand for: renderAdmission() tells so many apart.
inline constexpr std::size_t kMaximumServices = 32;

// nginx: `map $ssl_client_fingerprint $mpay_client_service` from a certificate (its SHA-1, nginx knows no other) to
// the ServiceIDs that it stands for, separated by commas; "" for every other certificate.
File renderFingerprints(const ledger::Fragments& fragments);

// HAProxy: a file for map_str() from a certificate's SHA-256 in lower-case hexadecimal to the same.
File renderFingerprintMap(const ledger::Fragments& fragments);

// "admitted.conf" of nginx: $mpay_admitted, the ServiceIDs that a request is admitted for, separated by commas: those
// of its certificate that may call from its address; where its query or path names a ServiceID, that one alone; ""
// admits nobody. A request that names several, or none that can be one, is not admitted. The same text for every
// environment.
std::string renderAdmission();

// The name of the service document's object.
std::string serviceName(const api::NameReference& registrar, const api::ObjectKey& integration);

// The service document: what MPay needs to know of one service. `effect` is a testing or production
// effect, see onboarding/effect.h; `logo` is base64. The registrar must be a ConfigMap, as examineEnvironment says.
api::ConfigMap renderService(const api::MPayEnvironmentSpec& spec, const std::string& environment,
                             const api::ObjectKey& integration, const json::object& effect,
                             const std::optional<std::string>& logo);

}  // namespace mpay::gateway
