// The files that the gateway reads, byte for byte. Equal input gives equal bytes; an empty set denies.
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

// The objects of one target. Parts must be written before the index, which names them, and parts that are no longer
// used must be removed after it. Then nothing that stays published is missing at any moment.
template <class K>
struct Published {
  std::vector<K> parts;
  K index;
};

struct Aggregates {
  std::vector<Published<api::ConfigMap>> configMaps;
  // The parts of a NetworkPolicy admit all callers, and the index then nobody: policies add up.
  std::vector<Published<api::NetworkPolicy>> networkPolicies;
};

// The capacity of one object; smaller in tests.
struct ObjectLimits {
  std::size_t bytes = kMaximumFileBytes;
  std::size_t peers = kMaximumPeers;
};

// A name that a target or a bundle uses for an object and may not: the name of a part of another one, of a record of
// the operator, or a target's name that is also the name of a bundle of authorities. Nothing: there is none.
std::optional<std::string> takenName(const api::MPayEnvironmentSpec& spec);

// Everything that the environment of that name publishes of all its integrations, except objects that would take the
// place of a part of another one or of a record. `authorities` is null while they cannot be read: then ConfigMaps with
// a bundle of authorities are left out.
Aggregates renderAggregates(const api::MPayEnvironmentSpec& spec, const std::string& environment,
                            const crypto::Authorities* authorities, const ledger::Fragments& fragments,
                            const ObjectLimits& limits = {});

// nginx: `geo $<variable>` from an address to the ServiceIDs that may call from it, separated by commas; "" for every
// other address.
File renderGeo(std::string name, std::string_view variable, const std::vector<domain::AddressRow>& rows);

// HAProxy: a file for map_ip() from an address to the ServiceIDs that may call from it, separated by commas.
File renderAddressMap(std::string name, const std::vector<domain::AddressRow>& rows);

// The prefixes of all callers, one a line.
File renderPrefixes(std::string name, const std::vector<domain::AddressRow>& rows);

// The largest number of services that one certificate may stand for: renderAdmission() tells so many apart.
inline constexpr std::size_t kMaximumServices = 32;

// nginx: `map $ssl_client_fingerprint $mpay_client_service` from a certificate (its SHA-1: nginx knows no other) to the
// ServiceIDs that it stands for, separated by commas; "" for every other certificate.
File renderFingerprints(const ledger::Fragments& fragments);

// HAProxy: a file for map_str() from a certificate's SHA-256 in lower-case hexadecimal to the same ServiceIDs.
File renderFingerprintMap(const ledger::Fragments& fragments);

// "admitted.conf" of nginx sets $mpay_admitted: the ServiceIDs that a request is admitted for, separated by commas; ""
// admits nobody. They are the ServiceIDs of the request's certificate that may call from its address. If the query
// or path names a ServiceID, only that ServiceID. A request that names several, or none that can be one, is not
// admitted. The text is the same for every environment.
std::string renderAdmission();

// The name of the service document's object.
std::string serviceName(const api::NameReference& registrar, const api::ObjectKey& integration);

// The service document: the facts that MPay needs about one service. `effect` is a testing or production effect, see
// onboarding/effect.h; `logo` is base64. The registrar must be a ConfigMap; examineEnvironment makes sure.
api::ConfigMap renderService(const api::MPayEnvironmentSpec& spec, const std::string& environment,
                             const api::ObjectKey& integration, const json::object& effect,
                             const std::optional<std::string>& logo);

}  // namespace mpay::gateway
