#include "controllers/notification_controller.h"

#include <algorithm>

#include "base/log.h"
#include "effects/smtp.h"
#include "effects/templates.h"
#include "onboarding/notifications.h"

namespace mpay::controllers {
namespace {

// Reads username and password from a Secret that is watched by name.
Result<void> readCredentials(const runtime::NamedWatches<cluster::MailCredentials>::Seen& seen, const std::string& name,
                             effects::SmtpServer& server) {
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

effects::Encryption encryptionOf(api::StartTls startTls) {
  switch (startTls) {
    case api::StartTls::Disabled: return effects::Encryption::Off;
    case api::StartTls::Optional: return effects::Encryption::Optional;
    case api::StartTls::Required: break;
  }
  return effects::Encryption::Required;
}

api::Language languageOf(const std::string& name) {
  return name == "ru" ? api::Language::ru : name == "en" ? api::Language::en : api::Language::ro;
}

effects::Text textOf(const ledger::Notification& effect, const api::MPayEnvironmentSpec& spec) {
  const auto language = languageOf(effect.language);
  if (effect.kind == ledger::NotificationKind::Activated)
    return effects::activated({effect.serviceID, effect.serviceName, spec.frontEndURL, effect.digest}, language);
  const auto certificate = effect.certificate.value_or(ledger::ToldCertificate{});
  const effects::CertificateNotice notice{effect.serviceID,   effect.serviceName,   spec.stage,
                                          spec.apiURL,        certificate.subject,  certificate.serial,
                                          certificate.sha256, certificate.notAfter, certificate.withdrawn};
  return effect.kind == ledger::NotificationKind::CertificateExpiring ? effects::certificateExpiring(notice, language)
                                                                      : effects::certificateRevoked(notice, language);
}

}  // namespace

NotificationController::NotificationController(const Clock& clock, cluster::Caches& caches,
                                               std::function<bool()> mayWrite)
    : clock_(clock), caches_(caches), mayWrite_(std::move(mayWrite)) {}

Result<std::string> NotificationController::send(const api::ObjectKey& key, const ledger::Notification& effect,
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
  effects::SmtpServer server{channel.url, encryptionOf(channel.startTLS), "", ""};
  if (channel.credentialsSecretRef) {
    const auto& secret = channel.credentialsSecretRef->name;
    TRY(readCredentials(caches_.credentials({caches_.resourceNamespace(), secret}), secret, server));
  }
  const auto text = textOf(effect, spec);
  const auto when = parseTime(effect.intendedAt).value_or(clock_.now());
  TRY(effects::sendMail(server, {channel.from, effect.recipients, text.subject, text.body, effect.messageID, when},
                        stop));
  const auto sentAt = formatTime(clock_.now());
  sent_.with([&](auto& all) {
    auto& sent = all[key];
    sent[effect.messageID] = sentAt;
    if (sent.size() <= onboarding::kNotificationsKept) return;
    sent.erase(
        std::min_element(sent.begin(), sent.end(), [](const auto& a, const auto& b) { return a.second < b.second; }));
  });
  spdlog::info("integration {}: notification {} sent", key.text(), effect.messageID);
  return sentAt;
}

Result<void> NotificationController::sendPending(const api::ObjectKey& key, const api::MPayEnvironment& environment,
                                                 cluster::Outputs& outputs, const std::stop_token& stop) {
  using ledger::Notifications;
  const auto& spec = environment.spec;
  const auto& channels = spec.notifications.channels;
  std::optional<Error> failed;
  std::set<std::string> tried;
  // A notification that was edited by hand is not sent: the decision writes it again.
  const auto isIntended = [&](const ledger::Notification& notification) {
    return !notification.sentAt &&
           notification.messageID == ledger::messageIDOf(key, notification, channels.front().smtp->from);
  };
  const auto isDue = [&](const ledger::Notification& notification) {
    return isIntended(notification) && !tried.contains(notification.messageID);
  };
  const bool canSend = !channels.empty() && channels.front().smtp;
  // Reads the record anew after each mail, because the decision may write it in between.
  while (const auto known = cluster::recall<Notifications>(outputs, key)) {
    const auto& all = known->notifications;
    const auto due = canSend ? std::find_if(all.begin(), all.end(), isDue) : all.end();
    if (due == all.end()) break;
    tried.insert(due->messageID);
    const auto sentAt = send(key, *due, spec, stop);
    if (!sentAt && sentAt.error().kind == ErrorKind::Cancelled) return fail(sentAt.error());
    if (!sentAt) failed = sentAt.error();
    TRY(outputs.update<Notifications>(
        key,
        [&](std::optional<Notifications> now) -> Result<std::optional<Notifications>> {
          if (!now) return std::nullopt;
          for (auto& each : now->notifications) {
            if (each.messageID != due->messageID || !isIntended(each)) continue;
            each.failure = sentAt ? std::nullopt : std::optional(sentAt.error().message);
            if (sentAt) each.sentAt = *sentAt;
          }
          return now;
        },
        stop));
  }
  // Removes labels and keys that somebody added to the record.
  TRY(outputs.update<Notifications>(
      key, [](std::optional<Notifications> now) -> Result<std::optional<Notifications>> { return now; }, stop));
  if (failed) return fail(std::move(*failed));
  return {};
}

void NotificationController::forget(const api::ObjectKey& key) {
  const auto integration = caches_.integrations().get(key);
  if (integration && !integration->metadata.deletionTimestamp) return;
  sent_.with([&](auto& all) { all.erase(key); });
}

Result<runtime::Outcome> NotificationController::reconcile(const api::ObjectKey& key, std::stop_token stop) {
  bool isRemembered = false;
  Result<void> told;
  for (const auto& environment : caches_.environments().list()) {
    const auto outputs = caches_.outputs(*environment);
    if (!outputs->own(ledger::memoryName(ledger::kNotifications, key))) continue;
    isRemembered = true;
    if (auto here = sendPending(key, *environment, *outputs, stop); !here) told = std::move(here);
  }
  if (!isRemembered) forget(key);
  TRY(std::move(told));
  return runtime::Outcome{};
}

}  // namespace mpay::controllers
