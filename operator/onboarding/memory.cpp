#include "onboarding/memory.h"

#include <algorithm>

#include "crypto/digest.h"
#include "onboarding/digest.h"

namespace mpay::onboarding {
namespace {

constexpr std::string_view kRemembered[] = {kClaim, kFragment, kWithdrawal, kEffects, kRevocation, kAssignment, kTests};

const json::object& members(const json::value& of, std::string_view key) {
  static const json::object empty;
  const auto* object = of.if_object();
  const auto* found = object ? object->if_contains(key) : nullptr;
  return found && found->is_object() ? found->get_object() : empty;
}

// Whether the base64 content has the hash that the effect names; both absent is right too.
bool matches(const std::optional<std::string>& content, const json::value& effect, std::string_view key) {
  const auto* hash = members(effect, "content").if_contains(key);
  if (!hash || !content) return !hash && !content;
  const auto bytes = crypto::fromBase64(*content);
  return bytes && hash->is_string() && hash->get_string() == crypto::digestText(*bytes);
}

// The component that a name of memoryName() tells; empty where it is none.
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

Holder holderOf(const api::MPayIntegration& integration) {
  const auto& metadata = integration.metadata;
  return {metadata.namespace_.value_or(""), metadata.name.value_or(""), metadata.uid.value_or(""),
          integration.spec.beneficiary.idno};
}

bool isOneBeneficiary(const Holder& one, const Holder& other, bool provesIdno) {
  return one.idno == other.idno && (provesIdno || one.namespace_ == other.namespace_);
}

std::string memoryName(std::string_view component, const api::ObjectKey& integration) {
  return fmt::format("mpay-{}-{}", component, hashOf(integration));
}

Claim claimOf(const Fragment& fragment) {
  Claim claim{fragment.holder, fragment.serviceID, {}, fragment.addresses};
  for (const auto& certificate : fragment.certificates) claim.certificates.push_back(certificate.sha256);
  claim.addresses.insert(claim.addresses.end(), fragment.posAddresses.begin(), fragment.posAddresses.end());
  std::sort(claim.certificates.begin(), claim.certificates.end());
  std::sort(claim.addresses.begin(), claim.addresses.end());
  claim.addresses.erase(std::unique(claim.addresses.begin(), claim.addresses.end()), claim.addresses.end());
  return claim;
}

Fingerprints fingerprintsOf(const crypto::Certificate& certificate, std::vector<std::string> intermediates) {
  return {certificate.sha1(),
          certificate.sha256(),
          formatTime(certificate.notAfter()),
          crypto::base64(certificate.der()),
          std::nullopt,
          std::nullopt,
          std::move(intermediates)};
}

std::optional<crypto::Certificate> certificateIn(const std::optional<std::string>& base64) {
  auto certificate = base64 ? crypto::Certificate::parseBase64(*base64) : fail(Error{});
  return certificate ? std::optional(std::move(*certificate)) : std::nullopt;
}

std::vector<std::string> textsOf(const crypto::Intermediates& intermediates) {
  std::vector<std::string> texts;
  for (const auto& intermediate : intermediates) texts.push_back(crypto::base64(intermediate.der()));
  return texts;
}

crypto::Intermediates intermediatesOf(const std::vector<std::string>& texts) {
  crypto::Intermediates intermediates;
  for (const auto& text : texts) {
    if (auto intermediate = certificateIn(text)) intermediates.push_back(std::move(*intermediate));
  }
  return intermediates;
}

std::string revisionName(const api::ObjectKey& integration, std::int64_t number) {
  return fmt::format("{}-{}", memoryName("revision", integration), number);
}

std::string messageIDOf(const api::ObjectKey& integration, const EffectRecord& effect, const std::string& from) {
  const auto certificate = effect.certificate ? effect.certificate->sha256 : "";
  std::string about, number;
  switch (effect.kind) {
    case NotificationKind::Activated:
      about = effect.digest;
      number = fmt::format("{}", effect.revision);
      break;
    case NotificationKind::CertificateExpiring:
      about = "expiring " + certificate;
      number = fmt::format("expiring-{}", effect.days);
      break;
    case NotificationKind::CertificateRevoked:
      about = "revoked " + certificate;
      number = "revoked";
      break;
  }
  const auto at = from.find('@');
  return fmt::format("<{}.{}@{}>", crypto::sha256Hex(integration.text() + " " + about).substr(0, 32), number,
                     at == std::string::npos ? "mpay.invalid" : from.substr(at + 1));
}

Result<Effects> rememberedEffects(const api::ConfigMap& object) {
  const auto content = TRY(remembered<json::value>(object));
  if (!content.is_object()) return fail(ErrorKind::Decode, object.metadata.key().text() + " holds no notifications");
  if (content.get_object().contains("messageID")) return Effects{{TRY(json::decode<EffectRecord>(content))}};
  return json::decode<Effects>(content);
}

Result<void> verifyRevision(const Revision& revision) {
  const bool whole = revision.effect.is_object() && digestOf(revision.effect.get_object()) == revision.digest &&
                     matches(revision.certificate, revision.effect, "certificate") &&
                     matches(revision.logo, revision.effect, "logo");
  if (whole) return {};
  return refuse("RevisionCorrupt",
                "the promoted revision does not hash to its digest; production stays as it is. "
                "Compare the ControllerRevision with a backup");
}

bool isOf(const Revision& revision, const api::MPayIntegrationSpec& spec) {
  const auto* id = members(revision.effect, "service").if_contains("id");
  return revision.holder.idno == spec.beneficiary.idno && id && id->is_string() &&
         std::string_view(id->get_string()) == spec.service.id.value_or("");
}

Result<Fragment> fragmentOf(const NumberedRevision& numbered) {
  const Revision& revision = numbered.revision;
  const auto service = TRY(json::decode<api::Service>(json::value(members(revision.effect, "service"))));
  const auto endpoints = TRY(json::decode<api::Endpoints>(json::value(members(revision.effect, "endpoints"))));
  const auto canonicalTexts = [](const std::vector<std::string>& texts) {
    std::vector<net::Prefix> prefixes;
    for (const auto& text : texts) {
      if (const auto prefix = net::parsePrefix(text)) prefixes.push_back(*prefix);
    }
    return AddressSet::of(std::move(prefixes)).texts();
  };
  Fragment fragment;
  fragment.holder = revision.holder;
  fragment.revision = numbered.number;
  fragment.serviceID = service.id.value_or("");
  fragment.digest = revision.digest;
  if (endpoints.production) fragment.addresses = canonicalTexts(endpoints.production->addresses);
  std::vector<std::string> terminals;
  for (const auto& terminal : service.posTerminals) terminals.push_back(terminal.address);
  fragment.posAddresses = canonicalTexts(terminals);
  if (revision.certificate) {
    fragment.certificates.push_back(
        fingerprintsOf(TRY(crypto::Certificate::parseBase64(*revision.certificate)), revision.intermediates));
  }
  return fragment;
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

}  // namespace mpay::onboarding
