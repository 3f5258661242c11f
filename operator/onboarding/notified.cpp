// Notified, and the other notifications: certificates that expire or were revoked.
#include <algorithm>
#include <map>

#include "onboarding/conditions.h"
#include "onboarding/notifications.h"

namespace mpay::onboarding {
namespace {

bool isToldBy(const Notifications& told, const Notification& wanted) {
  return std::any_of(told.notifications.begin(), told.notifications.end(),
                     [&](const auto& effect) { return tellTheSame(effect, wanted); });
}

bool mayTell(const EnvironmentSnapshot& environment) {
  return environment.settings && !environment.settings->spec.notifications.channels.empty() &&
         !environment.notifications.nameTaken;
}

void identify(Notification& wanted, const EnvironmentSnapshot& environment, const api::ObjectKey& integration) {
  wanted.messageID =
      messageIDOf(integration, wanted, environment.settings->spec.notifications.channels.front().smtp->from);
}

}  // namespace

NotifiedJudged judgeNotified(const Snapshot& snapshot, const Verdict& promoted, WallTime now) {
  const auto& production = snapshot.production;
  if (!promoted.holds()) {
    return {idle(isForProduction(snapshot) ? "AwaitingPromotion" : "NotRequested",
                 "the notification follows the promotion"),
            {}};
  }
  if (production.settings->spec.notifications.channels.empty()) {
    return {idle("NotConfigured", fmt::format("environment {} has no notification channel", production.settings->name)),
            {}};
  }
  if (production.notifications.nameTaken)
    return {nameTaken("an object", memoryName(kNotifications, snapshot.integration->metadata.key())), {}};
  Notification wanted = draftOf(snapshot.integration->spec);
  wanted.revision = production.live->number;
  wanted.digest = production.live->revision.digest;
  identify(wanted, production, snapshot.integration->metadata.key());
  auto effect = continued(notificationsIn(production), std::move(wanted), now);
  auto verdict = effect.sentAt
                     ? good("Sent", fmt::format("sent at {} to {}, Message-ID {}", *effect.sentAt,
                                                fmt::join(effect.recipients, ", "), effect.messageID))
                     : idle("NotificationPending",
                            effect.failure ? fmt::format("not accepted yet, and tried again: {}", *effect.failure)
                                           : "the notification is on its way, and is tried again until it is accepted");
  return {std::move(verdict), std::move(effect)};
}

std::optional<Notification> warningOf(const api::CertificateStatus& certificate, const EnvironmentSnapshot& environment,
                                      const Notifications& elsewhere, const api::MPayIntegration& integration,
                                      WallTime now) {
  if (!certificate.expiresWithinDays || *certificate.expiresWithinDays == 0 || !environment.settings ||
      environment.settings->spec.notifications.channels.empty())
    return std::nullopt;
  Notification wanted = draftOf(integration.spec);
  wanted.kind = NotificationKind::CertificateExpiring;
  wanted.certificate =
      ToldCertificate{certificate.subject, certificate.serial, certificate.sha256, certificate.notAfter, false};
  wanted.days = *certificate.expiresWithinDays;
  identify(wanted, environment, integration.metadata.key());
  const bool isTold = std::any_of(elsewhere.notifications.begin(), elsewhere.notifications.end(),
                                  [&](const auto& effect) { return effect.sentAt && tellTheSame(effect, wanted); });
  if (isTold) return std::nullopt;
  return continued(notificationsIn(environment), std::move(wanted), now);
}

Told revocationsToTell(const Snapshot& snapshot, api::Stage stage, WallTime now) {
  const bool isTesting = stage == api::Stage::Testing;
  const auto& environment = isTesting ? snapshot.testing : snapshot.production;
  const auto& other = isTesting ? snapshot.production : snapshot.testing;
  if (!mayTell(environment)) return {};
  std::map<std::string, Notification> all;
  for (const auto* known : {&snapshot.testing.revocation.value, &snapshot.production.revocation.value}) {
    if (!*known) continue;
    for (const auto& check : (*known)->certificates) {
      if (check.verdict != RevocationVerdict::Revoked || all.contains(check.sha256)) continue;
      const auto about = crypto::Certificate::parseBase64(check.certificate);
      if (!about) continue;
      Notification wanted = draftOf(snapshot.integration->spec);
      wanted.kind = NotificationKind::CertificateRevoked;
      wanted.certificate =
          ToldCertificate{about->subject(), about->serial(), check.sha256, formatTime(about->notAfter()),
                          environment.settings->spec.trust.revocation.onRevoked == api::RevokedPolicy::Withdraw};
      identify(wanted, environment, snapshot.integration->metadata.key());
      const bool isOthers = isToldBy(notificationsIn(other), wanted) || (isTesting && mayTell(other));
      if (isOthers && !isToldBy(notificationsIn(environment), wanted)) continue;
      all.emplace(check.sha256, continued(notificationsIn(environment), std::move(wanted), now));
    }
  }
  Told told;
  for (auto& [sha256, effect] : all) told.push_back(std::move(effect));
  return told;
}

std::optional<Notifications> notificationsToWrite(const EnvironmentSnapshot& environment, Told wanted,
                                                  const std::optional<NumberedRevision>& live) {
  if (!environment.settings || environment.notifications.nameTaken) return std::nullopt;
  auto effects = merged(notificationsIn(environment), std::move(wanted), live ? live->number : 0);
  if (effects == notificationsIn(environment)) return std::nullopt;
  return effects;
}

}  // namespace mpay::onboarding
