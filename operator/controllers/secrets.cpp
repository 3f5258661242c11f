#include "controllers/secrets.h"

#include "crypto/digest.h"
#include "crypto/x509.h"
#include "onboarding/logo.h"

namespace mpay::controllers {
namespace {

Result<std::string> publicPart(std::string bytes) {
  if (onboarding::isPng(bytes)) return bytes;
  auto certificate = crypto::Certificate::parse(bytes);
  if (certificate || crypto::certificatesIn(bytes)) return bytes;
  return fail(std::move(certificate).error());
}

std::optional<std::string> valueOf(const api::Secret& secret, const std::string& key) {
  const auto found = secret.data.find(key);
  return found == secret.data.end() ? std::nullopt : crypto::fromBase64(found->second);
}

}  // namespace

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

}  // namespace mpay::controllers
