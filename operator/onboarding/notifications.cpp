#include "onboarding/notifications.h"

#include <algorithm>

namespace mpay::onboarding {
namespace {

const EffectRecord* find(const std::vector<EffectRecord>& all, const EffectRecord& wanted) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& effect) { return tellTheSame(effect, wanted); });
  return found == all.end() ? nullptr : &*found;
}

bool isWorthSending(const EffectRecord& effect, std::int64_t liveRevision) {
  switch (effect.kind) {
    case NotificationKind::Activated: return effect.revision == liveRevision;
    case NotificationKind::CertificateExpiring: return false;
    case NotificationKind::CertificateRevoked: break;
  }
  return true;
}

// "<...@": the sender's domain may have been another when it was sent.
std::string_view localPart(std::string_view messageID) { return messageID.substr(0, messageID.find('@')); }

}  // namespace

EffectRecord draftOf(const api::MPayIntegrationSpec& spec) {
  EffectRecord effect;
  effect.recipients = spec.notification.recipients;
  if (effect.recipients.empty()) effect.recipients.push_back(spec.applicant.email);
  effect.language = json::nameOf(spec.notification.language);
  effect.serviceID = spec.service.id.value_or("");
  effect.serviceName = api::textOf(spec.service.name).value_or(effect.serviceID);
  return effect;
}

bool tellTheSame(const EffectRecord& a, const EffectRecord& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == NotificationKind::Activated) return a.revision == b.revision;
  return a.certificate && b.certificate && a.certificate->sha256 == b.certificate->sha256 && a.days == b.days;
}

EffectRecord continued(const Effects& known, EffectRecord wanted, WallTime now) {
  const auto* before = find(known.notifications, wanted);
  if (before && before->sentAt) {
    EffectRecord sent = *before;
    if (sent.digest != wanted.digest || localPart(sent.messageID) != localPart(wanted.messageID)) {
      sent.digest = wanted.digest;
      sent.messageID = wanted.messageID;
    }
    return sent;
  }
  wanted.intendedAt = before ? before->intendedAt : formatTime(now);
  if (before) wanted.failure = before->failure;
  return wanted;
}

Effects merged(const Effects& known, std::vector<EffectRecord> wanted, std::int64_t liveRevision) {
  std::vector<EffectRecord> others;
  for (const auto& effect : known.notifications) {
    if (!find(wanted, effect) && (effect.sentAt || isWorthSending(effect, liveRevision))) others.push_back(effect);
  }
  // What is still to be sent first, then the newest.
  const auto isKeptBefore = [](const EffectRecord& a, const EffectRecord& b) {
    if (a.sentAt.has_value() != b.sentAt.has_value()) return !a.sentAt;
    return std::tie(a.intendedAt, a.messageID) > std::tie(b.intendedAt, b.messageID);
  };
  std::sort(others.begin(), others.end(), isKeptBefore);
  if (const auto room = kEffectsKept - std::min(kEffectsKept, wanted.size()); others.size() > room) others.resize(room);
  Effects effects{std::move(wanted)};
  auto& all = effects.notifications;
  all.insert(all.end(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.intendedAt, a.messageID) < std::tie(b.intendedAt, b.messageID);
  });
  return effects;
}

}  // namespace mpay::onboarding
