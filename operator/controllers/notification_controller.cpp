#include "controllers/notification_controller.h"

#include <algorithm>

#include "base/log.h"
#include "notify/smtp.h"
#include "notify/templates.h"
#include "onboarding/notifications.h"

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

notify::Text textOf(const onboarding::EffectRecord& effect, const api::MPayEnvironmentSpec& spec) {
  const auto language = languageOf(effect.language);
  if (effect.kind == onboarding::NotificationKind::Activated)
    return notify::activated({effect.serviceID, effect.serviceName, spec.frontEndURL, effect.digest}, language);
  const auto certificate = effect.certificate.value_or(onboarding::ToldCertificate{});
  const notify::CertificateNotice notice{effect.serviceID,   effect.serviceName,   spec.stage,
                                         spec.apiURL,        certificate.subject,  certificate.serial,
                                         certificate.sha256, certificate.notAfter, certificate.withdrawn};
  return effect.kind == onboarding::NotificationKind::CertificateExpiring
             ? notify::certificateExpiring(notice, language)
             : notify::certificateRevoked(notice, language);
}

}  // namespace

NotificationController::NotificationController(const Clock& clock, Caches& caches, std::function<bool()> mayWrite)
    : clock_(clock), caches_(caches), mayWrite_(std::move(mayWrite)) {}

Result<std::string> NotificationController::send(const ObjectKey& key, const onboarding::EffectRecord& effect,
                                                 const api::MPayEnvironmentSpec& spec, const std::stop_token& stop) {
  const auto before = sent_.with([&](const auto& all) {
    const auto found = all.find(key);
    if (found == all.end()) return std::optional<std::string>();
    const auto sent = found->second.find(effect.messageID);
    return sent == found->second.end() ? std::nullopt : std::optional(sent->second);
  });
  if (before) return *before;
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  const auto& channel = *spec.notifications.channels.front().smtp;
  notify::SmtpServer server{channel.url, encryptionOf(channel.startTLS), "", ""};
  if (channel.credentialsSecretRef) {
    const auto& secret = channel.credentialsSecretRef->name;
    TRY(readCredentials(caches_.credentials({caches_.resourceNamespace(), secret}), secret, server));
  }
  const auto text = textOf(effect, spec);
  const auto when = parseTime(effect.intendedAt).value_or(clock_.now());
  TRY(notify::sendMail(server, {channel.from, effect.recipients, text.subject, text.body, effect.messageID, when},
                       stop));
  const auto sentAt = formatTime(clock_.now());
  sent_.with([&](auto& all) {
    auto& sent = all[key];
    sent[effect.messageID] = sentAt;
    if (sent.size() <= onboarding::kEffectsKept) return;
    sent.erase(
        std::min_element(sent.begin(), sent.end(), [](const auto& a, const auto& b) { return a.second < b.second; }));
  });
  spdlog::info("integration {}: notification {} sent", key.text(), effect.messageID);
  return sentAt;
}

Result<void> NotificationController::tell(const ObjectKey& key, const api::MPayEnvironment& environment,
                                          Outputs& outputs, const std::stop_token& stop) {
  const auto& spec = environment.spec;
  const std::string name = onboarding::memoryName(onboarding::kEffects, key);
  const auto& channels = spec.notifications.channels;
  const bool canSend = !channels.empty() && channels.front().smtp;
  std::optional<Error> failed;
  std::set<std::string> tried;
  // Read anew after each, because whoever intends may write in between.
  while (const auto object = outputs.own(name)) {
    auto effects = onboarding::rememberedEffects(*object);
    if (!effects) break;  // damaged: whoever intended it writes it again
    auto metadata =
        onboarding::memoryMeta(spec.outputNamespace, onboarding::kEffects, environment.metadata.name.value_or(""), key);
    metadata.resourceVersion = object->metadata.resourceVersion;
    auto& all = effects->notifications;
    // One that was edited by hand is not sent: whoever intended it will write it again.
    const auto next = std::find_if(all.begin(), all.end(), [&](const auto& effect) {
      return canSend && !effect.sentAt && !tried.contains(effect.messageID) &&
             effect.messageID == onboarding::messageIDOf(key, effect, channels.front().smtp->from);
    });
    if (next == all.end()) {
      // A label or key that somebody added goes here.
      TRY(outputs.ensure(onboarding::remember(metadata, *effects), stop));
      break;
    }
    tried.insert(next->messageID);
    if (auto sentAt = send(key, *next, spec, stop); sentAt) {
      next->failure.reset();
      next->sentAt = *sentAt;
    } else {
      if (sentAt.error().kind == ErrorKind::Cancelled) return fail(std::move(sentAt).error());
      next->failure = sentAt.error().message;
      failed = std::move(sentAt).error();
    }
    TRY(outputs.ensure(onboarding::remember(metadata, *effects), stop));
  }
  if (failed) return fail(std::move(*failed));
  return {};
}

void NotificationController::forget(const ObjectKey& key) {
  const auto integration = caches_.integrations().get(key);
  if (integration && !integration->metadata.deletionTimestamp) return;
  sent_.with([&](auto& all) { all.erase(key); });
}

Result<runtime::Outcome> NotificationController::reconcile(const ObjectKey& key, std::stop_token stop) {
  bool isRemembered = false;
  Result<void> told;
  for (const auto& environment : caches_.environments().list()) {
    const auto outputs = caches_.outputs(*environment);
    if (!outputs->own(onboarding::memoryName(onboarding::kEffects, key))) continue;
    isRemembered = true;
    if (auto here = tell(key, *environment, *outputs, stop); !here) told = std::move(here);
  }
  if (!isRemembered) forget(key);
  TRY(std::move(told));
  return runtime::Outcome{};
}

}  // namespace mpay::controllers
