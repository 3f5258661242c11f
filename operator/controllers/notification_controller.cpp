#include "controllers/notification_controller.h"

#include "base/log.h"
#include "notify/smtp.h"
#include "notify/templates.h"

namespace mpay::controllers {
namespace {

// username and password of a Secret that is watched by name.
Result<void> readCredentials(const runtime::NamedWatches<MailCredentials>::Seen& seen, const std::string& name,
                             notify::SmtpServer& server) {
  if (!seen.object) {
    const std::string why = seen.error     ? "may not be read by the operator"
                            : seen.pending ? "is being read"
                                           : "does not exist";
    return refuse("ReferenceNotFound", fmt::format("the Secret {} with the SMTP credentials {}", name, why));
  }
  const auto& [metadata, username, password] = *seen.object;
  if (!username || !password)
    return refuse("ReferenceNotFound",
                  fmt::format("the Secret {} has no {}", name, username ? "password" : "username"));
  server.username = *username;
  server.password = *password;
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

Result<void> NotificationController::send(const onboarding::EffectRecord& effect, const api::MPayEnvironmentSpec& spec,
                                          const std::stop_token& stop) {
  const auto& channel = *spec.notifications.channels.front().smtp;
  notify::SmtpServer server{channel.url, encryptionOf(channel.startTLS), "", ""};
  if (channel.credentialsSecretRef) {
    const auto& secret = channel.credentialsSecretRef->name;
    TRY(readCredentials(caches_.credentials({caches_.resourceNamespace(), secret}), secret, server));
  }
  const auto text = notify::activated({effect.serviceID, effect.serviceName, spec.frontEndURL, effect.digest},
                                      languageOf(effect.language));
  const auto when = parseTime(effect.intendedAt).value_or(clock_.now());
  return notify::sendMail(server, {channel.from, effect.recipients, text.subject, text.body, effect.messageID, when},
                          stop);
}

Result<runtime::Outcome> NotificationController::reconcile(const ObjectKey& key, std::stop_token stop) {
  const std::string name = onboarding::memoryName(onboarding::kEffects, key);
  for (const auto& environment : caches_.environments().list()) {
    const auto outputs = caches_.outputs(*environment);
    const auto object = outputs->own(name);
    if (!object) continue;
    auto effect = TRY(onboarding::remembered<onboarding::EffectRecord>(*object));
    const auto& spec = environment->spec;
    const auto metadata = onboarding::ownedMeta(spec.outputNamespace, name, onboarding::kEffects,
                                                environment->metadata.name.value_or(""), key);
    if (effect.sentAt) {
      // Nobody else writes it any more, so a label or key that somebody added goes here.
      TRY(outputs->ensure(onboarding::remember(metadata, effect), stop));
      continue;
    }
    if (spec.notifications.channels.empty() || !spec.notifications.channels.front().smtp) continue;
    // Edited by hand: whoever intended it will write it again, and only what was intended is sent.
    const auto& from = spec.notifications.channels.front().smtp->from;
    if (effect.messageID != onboarding::messageIDOf(key, effect.digest, effect.revision, from)) continue;
    if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
    auto sentAt = sent_.with([&](const auto& sent) {
      const auto found = sent.find(effect.messageID);
      return found == sent.end() ? std::optional<std::string>() : std::optional(found->second);
    });
    if (!sentAt) {
      if (const auto done = send(effect, spec, stop); !done) {
        if (effect.failure != done.error().message && done.error().kind != ErrorKind::Cancelled) {
          effect.failure = done.error().message;
          TRY(outputs->ensure(onboarding::remember(metadata, effect), stop));
        }
        return fail(done.error());
      }
      sentAt = formatTime(clock_.now());
      sent_.with([&](auto& sent) { sent[effect.messageID] = *sentAt; });
      spdlog::info("integration {}: notification {} sent", key.text(), effect.messageID);
    }
    effect.failure.reset();
    effect.sentAt = sentAt;
    TRY(outputs->ensure(onboarding::remember(metadata, effect), stop));
  }
  return runtime::Outcome{};
}

}  // namespace mpay::controllers
