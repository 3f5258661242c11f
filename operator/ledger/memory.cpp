#include "ledger/memory.h"

#include <algorithm>

#include "crypto/digest.h"

namespace mpay::ledger {
namespace {

constexpr std::string_view kRemembered[] = {kClaim,      kFragment,   kWithdrawal, kNotifications,
                                            kRevocation, kAssignment, kTests};

// The component that a name of memoryName() tells; empty where it tells none.
std::string_view componentIn(std::string_view name) {
  constexpr std::string_view prefix = "mpay-";
  constexpr std::size_t digits = 32;
  if (!name.starts_with(prefix) || name.size() < prefix.size() + digits + 2) return {};
  name.remove_prefix(prefix.size());
  const auto hash = name.substr(name.size() - digits);
  const auto component = name.substr(0, name.size() - digits - 1);
  const bool isNamed = std::any_of(std::begin(kRemembered), std::end(kRemembered),
                                   [&](const auto& known) { return known == component; });
  const bool isHash =
      std::all_of(hash.begin(), hash.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  return isNamed && isHash && name[component.size()] == '-' ? component : std::string_view();
}

}  // namespace

bool isMemoryName(std::string_view name) { return !componentIn(name).empty(); }

std::string componentOf(const api::ObjectMeta& metadata) {
  if (const auto component = componentIn(metadata.name ? std::string_view(*metadata.name) : ""); !component.empty())
    return std::string(component);
  const auto label = metadata.labels.find(std::string(kComponent));
  return label == metadata.labels.end() ? "" : label->second;
}

std::string hashOf(const api::ObjectKey& integration) {
  return crypto::sha256Hex(integration.namespace_ + "/" + integration.name).substr(0, 32);
}

std::string memoryName(std::string_view component, const api::ObjectKey& integration) {
  return fmt::format("mpay-{}-{}", component, hashOf(integration));
}

Result<json::value> contentIn(const api::ConfigMap& object) {
  const auto found = object.data.find("content.json");
  if (found == object.data.end()) return fail(ErrorKind::Decode, object.metadata.key().text() + " has no content.json");
  return json::parse(found->second);
}

api::ObjectMeta ownedMeta(std::string namespace_, std::string name, std::string_view component,
                          const std::string& environment, const std::optional<api::ObjectKey>& integration) {
  api::ObjectMeta metadata;
  metadata.name = std::move(name);
  metadata.namespace_ = std::move(namespace_);
  metadata.labels = {{std::string(kManagedBy), std::string(kOperator)},
                     {std::string(kComponent), std::string(component)}};
  metadata.annotations = {{std::string(kEnvironment), environment}};
  if (integration) metadata.annotations[std::string(kIntegration)] = integration->text();
  return metadata;
}

api::ObjectMeta memoryMeta(std::string outputNamespace, std::string_view component, const std::string& environment,
                           const api::ObjectKey& integration) {
  return ownedMeta(std::move(outputNamespace), memoryName(component, integration), component, environment, integration);
}

bool isOurs(const api::ObjectMeta& metadata, const std::string& environment) {
  const auto label = metadata.labels.find(std::string(kManagedBy));
  const auto annotation = metadata.annotations.find(std::string(kEnvironment));
  return label != metadata.labels.end() && label->second == kOperator && annotation != metadata.annotations.end() &&
         annotation->second == environment;
}

}  // namespace mpay::ledger
