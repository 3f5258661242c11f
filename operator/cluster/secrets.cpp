#include "cluster/secrets.h"

#include "crypto/digest.h"
#include "crypto/x509.h"
#include "domain/logo.h"

namespace mpay::cluster {
namespace {

Result<std::string> publicPart(std::string bytes) {
  if (domain::isPng(bytes)) return bytes;
  auto certificate = crypto::Certificate::parse(bytes);
  if (certificate || crypto::certificatesIn(bytes)) return bytes;
  return fail(std::move(certificate).error());
}

std::optional<std::string> valueOf(const api::Secret& secret, const std::string& key) {
  const auto found = secret.data.find(key);
  return found == secret.data.end() ? std::nullopt : crypto::fromBase64(found->second);
}

onboarding::KeySlot slotOf(const api::Secret& secret, std::string_view keyName, std::string_view requestName) {
  onboarding::KeySlot slot;
  const crypto::SecretText key(valueOf(secret, std::string(keyName)).value_or(""));
  slot.empty = key.view().empty();
  if (const auto parsed = crypto::PrivateKey::parse(key.view())) slot.publicKeySha256 = parsed->publicKeySha256();
  auto request = valueOf(secret, std::string(requestName)).value_or("");
  // Anything else that somebody put there is not kept.
  if (crypto::parseRequest(request)) slot.request = std::move(request);
  return slot;
}

}  // namespace

KeyedSecret KeyedSecret::of(api::Secret secret) {
  using namespace onboarding;
  KeyedSecret kept;
  kept.content.resourceVersion = secret.metadata.resourceVersion.value_or("");
  kept.content.type = secret.type.value_or("");
  kept.content.immutable = secret.immutable.value_or(false);
  kept.content.current = slotOf(secret, kKeyName, kRequestName);
  kept.content.renewal = slotOf(secret, kRenewalKeyName, kRenewalRequestName);
  auto certificate = valueOf(secret, std::string(kCertificateName)).value_or("");
  kept.content.hasCertificate = !certificate.empty();
  if (auto shown = publicPart(std::move(certificate))) kept.content.certificate = std::move(*shown);
  kept.metadata = api::leanOf(std::move(secret.metadata));
  for (auto& [name, value] : secret.data) crypto::cleanse(value);
  return kept;
}

PublicSecret PublicSecret::of(api::Secret secret) {
  PublicSecret kept;
  for (const auto& [key, base64] : secret.data) {
    if (auto bytes = crypto::fromBase64(base64)) kept.values.emplace(key, publicPart(std::move(*bytes)));
  }
  kept.metadata = api::leanOf(std::move(secret.metadata));
  return kept;
}

MailCredentials MailCredentials::of(api::Secret secret) {
  MailCredentials kept{{}, valueOf(secret, "username"), valueOf(secret, "password")};
  kept.metadata = api::leanOf(std::move(secret.metadata));
  return kept;
}

GuardedSecret::~GuardedSecret() {
  for (auto& [name, value] : secret.data) crypto::cleanse(value);
}

}  // namespace mpay::cluster
