#include "controllers/notification_controller.h"

#include "base/log.h"
#include "crypto/digest.h"
#include "notify/smtp.h"
#include "notify/templates.h"

namespace mpay::controllers {
namespace {

// username and password of a Secret that is watched by name.
Result<void> readCredentials(const runtime::NamedWatches<api::Secret>::Seen& seen, const std::string& name,
                             notify::SmtpServer& server) {
  if (!seen.object) {
    const std::string why = seen.error     ? "may not be read by the operator"
                            : seen.pending ? "is being read"
                                           : "does not exist";
    return refuse("ReferenceNotFound", fmt::format("the Secret {} with the SMTP credentials {}", name, why));
  }
  for (const auto& [key, into] : {std::pair{"username", &server.username}, std::pair{"password", &server.password}}) {
    const auto found = seen.object->data.find(key);
    const auto bytes = found == seen.object->data.end() ? std::nullopt : crypto::fromBase64(found->second);
    if (!bytes) return refuse("ReferenceNotFound", fmt::format("the Secret {} has no {}", name, key));
    *into = *bytes;
  }
  return {};
}

notify::Encryption encryptionOf(api::StartTls startTls) {
  switch (startTls) {
    case api::StartTls::Disabled: return notify::Encryption::Off;
    case api::StartTls::Optional: return notify::Encryption::Optional;
    case api::StartTls::Required: break;
  }
  return notify::Encryption::Required;
}

api::Language languageOf(const std::string& name) {
  return name == "ru" ? api::Language::ru : name == "en" ? api::Language::en : api::Language::ro;
}

}  // namespace

NotificationController::NotificationController(const Clock& clock, Caches& caches, std::function<bool()> mayWrite)
    : clock_(clock), caches_(caches), mayWrite_(std::move(mayWrite)) {}

Result<runtime::Outcome> NotificationController::reconcile(const ObjectKey& key, std::stop_token stop) {
  const std::string name = onboarding::memoryName(onboarding::kEffects, key);
  for (const auto& environment : caches_.environments().list()) {
    const auto outputs = caches_.outputs(*environment);
    const auto object = outputs->own(name);
    if (!object) continue;
    auto effect = TRY(onboarding::remembered<onboarding::EffectRecord>(*object));
    if (effect.sentAt) continue;
    const auto& spec = environment->spec;
    if (spec.notifications.channels.empty() || !spec.notifications.channels.front().smtp) continue;
    const auto& channel = *spec.notifications.channels.front().smtp;
    notify::SmtpServer server{channel.url, encryptionOf(channel.startTLS), "", ""};
    if (channel.credentialsSecretRef) {
      const auto& secret = channel.credentialsSecretRef->name;
      TRY(readCredentials(caches_.secret({caches_.resourceNamespace(), secret}), secret, server));
    }
    const auto text = notify::activated({effect.serviceID, effect.serviceName, spec.frontEndURL, effect.digest},
                                        languageOf(effect.language));
    const auto when = parseTime(effect.intendedAt).value_or(clock_.now());
    if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
    TRY(notify::sendMail(server, {channel.from, effect.recipients, text.subject, text.body, effect.messageID, when},
                         stop));
    effect.sentAt = formatTime(clock_.now());
    api::ConfigMap sent = onboarding::remember(object->metadata, effect);
    TRY(outputs->ensure(sent, stop));
    spdlog::info("integration {}: notification {} sent", key.text(), effect.messageID);
  }
  return runtime::Outcome{};
}

}  // namespace mpay::controllers
