// Notified, and whatever else is told: certificates that expire or were revoked.
#include "onboarding/decision.h"

#include <algorithm>
#include <map>

#include "onboarding/notifications.h"

namespace mpay::onboarding {

void Decision::warn(const crypto::Certificate& leaf, const api::CertificateStatus& status,
                    const EnvironmentSnapshot& environment, const Effects& elsewhere, std::vector<EffectRecord>& into) {
  if (!status.expiresWithinDays || *status.expiresWithinDays == 0 || !environment.settings) return;
  const auto& channels = environment.settings->spec.notifications.channels;
  if (channels.empty()) return;
  EffectRecord wanted = draftOf(spec());
  wanted.kind = NotificationKind::CertificateExpiring;
  wanted.certificate = ToldCertificate{status.subject, status.serial, leaf.sha256(), status.notAfter, false};
  wanted.days = *status.expiresWithinDays;
  wanted.messageID = messageIDOf(key(), wanted, channels.front().smtp->from);
  const bool isTold = std::any_of(elsewhere.notifications.begin(), elsewhere.notifications.end(),
                                  [&](const auto& effect) { return effect.sentAt && tellTheSame(effect, wanted); });
  if (!isTold) into.push_back(continued(environment.effects, std::move(wanted), now));
}

void Decision::judgeNotified() {
  const auto& production = in.production;
  if (!promoted.holds()) {
    notified = idle(toProduction() ? "AwaitingPromotion" : "NotRequested", "the notification follows the promotion");
    return;
  }
  const auto& channels = production.settings->spec.notifications.channels;
  if (channels.empty()) {
    notified =
        idle("NotConfigured", fmt::format("environment {} has no notification channel", production.settings->name));
    return;
  }
  if (!production.foreignEffects.empty()) {
    notified = nameTaken("an object", production.foreignEffects);
    return;
  }
  EffectRecord wanted = draftOf(spec());
  wanted.revision = live()->number;
  wanted.digest = live()->revision.digest;
  wanted.messageID = messageIDOf(key(), wanted, channels.front().smtp->from);
  const auto effect = continued(production.effects, std::move(wanted), now);
  tellInProduction.push_back(effect);
  if (effect.sentAt) {
    notified = good("Sent", fmt::format("sent at {} to {}, Message-ID {}", *effect.sentAt,
                                        fmt::join(effect.recipients, ", "), effect.messageID));
  } else {
    notified = idle("NotificationPending",
                    effect.failure ? fmt::format("not accepted yet, and tried again: {}", *effect.failure)
                                   : "the notification is on its way, and is tried again until it is accepted");
  }
}

void Decision::tellOfRevoked(const EnvironmentSnapshot& environment, std::vector<EffectRecord>& into) const {
  std::map<std::string, EffectRecord> all;
  const auto mayTell = [](const EnvironmentSnapshot& any) {
    return any.settings && !any.settings->spec.notifications.channels.empty() && any.foreignEffects.empty();
  };
  if (!mayTell(environment)) return;
  const auto& rules = environment.settings->spec;
  const auto isToldBy = [](const EnvironmentSnapshot& any, const EffectRecord& wanted) {
    const auto& told = any.effects.notifications;
    return std::any_of(told.begin(), told.end(), [&](const auto& effect) { return tellTheSame(effect, wanted); });
  };
  const bool isTesting = &environment == &in.testing;
  const auto& other = isTesting ? in.production : in.testing;
  for (const auto* known : {&in.testing.revocation, &in.production.revocation}) {
    if (!*known) continue;
    for (const auto& check : (*known)->certificates) {
      if (check.verdict != RevocationVerdict::Revoked || all.contains(check.sha256)) continue;
      const auto about = crypto::Certificate::parseBase64(check.certificate);
      if (!about) continue;
      EffectRecord wanted = draftOf(spec());
      wanted.kind = NotificationKind::CertificateRevoked;
      wanted.certificate =
          ToldCertificate{about->subject(), about->serial(), check.sha256, formatTime(about->notAfter()),
                          rules.trust.revocation.onRevoked == api::RevokedPolicy::Withdraw};
      wanted.messageID = messageIDOf(key(), wanted, rules.notifications.channels.front().smtp->from);
      const bool isOthers = isToldBy(other, wanted) || (isTesting && mayTell(other));
      if (isOthers && !isToldBy(environment, wanted)) continue;
      all.emplace(check.sha256, continued(environment.effects, std::move(wanted), now));
    }
  }
  for (auto& [sha256, effect] : all) into.push_back(std::move(effect));
}

void Decision::intend(const EnvironmentSnapshot& environment, std::vector<EffectRecord> wanted,
                      std::vector<api::ConfigMap>& into) const {
  if (!environment.settings || !environment.foreignEffects.empty()) return;
  const auto effects = merged(environment.effects, std::move(wanted), live() ? live()->number : 0);
  if (effects == environment.effects) return;
  const auto& settings = *environment.settings;
  auto metadata = memoryMeta(settings.spec.outputNamespace, kEffects, settings.name, key());
  metadata.resourceVersion = environment.effectsVersion.value_or("");
  into.push_back(remember(std::move(metadata), effects));
}

}  // namespace mpay::onboarding
