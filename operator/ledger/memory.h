// How the operator's records are named, marked and written: a ConfigMap a record, in the output namespace.
//
// A name carries a hash of namespace/name, so that a-b/c is not a/b-c. No record is ever read from a place that a
// tenant can write. Each record type has a file of its own beside this one: the type, its component (`kName`), and what
// can be said of it without anything else. Pure.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "api/wire.h"
#include "json/codec.h"

namespace mpay::ledger {

inline constexpr std::string_view kManagedBy = "app.kubernetes.io/managed-by";
inline constexpr std::string_view kOperator = "mpay-operator";
inline constexpr std::string_view kComponent = "mpay.gov.md/component";
inline constexpr std::string_view kEnvironment = "mpay.gov.md/environment";  // annotation
inline constexpr std::string_view kIntegration = "mpay.gov.md/integration";  // annotation
inline constexpr std::string_view kFinalizer = "mpay.gov.md/withdrawal";
inline constexpr std::string_view kEnvironmentFinalizer = "mpay.gov.md/in-use";

// The components of the operator's ConfigMaps: the records, then what is published.
inline constexpr std::string_view kClaim = "claim";
inline constexpr std::string_view kFragment = "fragment";
inline constexpr std::string_view kWithdrawal = "withdrawal";
inline constexpr std::string_view kNotifications = "effects";
inline constexpr std::string_view kRevocation = "revocation";
inline constexpr std::string_view kAssignment = "assignment";
inline constexpr std::string_view kTests = "tests";
inline constexpr std::string_view kMadeKey = "key";
inline constexpr std::string_view kService = "service";
inline constexpr std::string_view kAggregate = "aggregate";

// A type that a ConfigMap keeps for one integration: its component names it.
template <class T>
concept Record = requires {
  { T::kName } -> std::convertible_to<std::string_view>;
};

// A record as it was read.
template <class T>
struct Kept {
  std::optional<T> value{};              // absent: there is no record, or nobody can read it
  std::optional<std::string> version{};  // resourceVersion of its object, "damaged" ones included; absent: no object
  bool nameTaken = false;                // an object that is not the operator's has its name
};

// The component of an object of the operator's: by its name, which nobody can change, where the name tells; else by its
// label. Empty: neither tells.
std::string componentOf(const api::ObjectMeta& metadata);

// True if the operator gives such names to its records, so that nothing else may have them.
bool isMemoryName(std::string_view name);

// Thirty-two hexadecimal digits: names of integrations are free, so half of that could be collided with.
std::string hashOf(const api::ObjectKey& integration);

// "mpay-claim-0123456789abcdef0123456789abcdef".
std::string memoryName(std::string_view component, const api::ObjectKey& integration);

// The metadata of an object of the operator's in an output namespace.
api::ObjectMeta ownedMeta(std::string namespace_, std::string name, std::string_view component,
                          const std::string& environment, const std::optional<api::ObjectKey>& integration);

// The same of a record about an integration, named by its component.
api::ObjectMeta memoryMeta(std::string outputNamespace, std::string_view component, const std::string& environment,
                           const api::ObjectKey& integration);

// True if the operator made that object for the environment.
bool isOurs(const api::ObjectMeta& metadata, const std::string& environment);

// The JSON that a record's ConfigMap keeps under "content.json". Errors: Decode.
Result<json::value> contentIn(const api::ConfigMap& object);

// Reads a record. Errors: Decode.
template <class T>
Result<T> remembered(const api::ConfigMap& object) {
  return json::decode<T>(TRY(contentIn(object)));
}

// The same where a damaged record counts as none. `object` null: there is none.
template <class T>
std::optional<T> contentOf(const std::shared_ptr<const api::ConfigMap>& object) {
  auto content = object ? remembered<T>(*object) : fail(Error{});
  return content ? std::optional(std::move(*content)) : std::nullopt;
}

// The same with its version.
template <class T>
Kept<T> keptIn(const std::shared_ptr<const api::ConfigMap>& object, bool nameTaken = false) {
  return {contentOf<T>(object), object ? object->metadata.resourceVersion : std::nullopt, nameTaken};
}

// The ConfigMap that keeps a T.
template <class T>
api::ConfigMap remember(api::ObjectMeta metadata, const T& content) {
  api::ConfigMap object;
  object.metadata = std::move(metadata);
  object.data["content.json"] = json::canonical(json::encode(content));
  return object;
}

}  // namespace mpay::ledger
