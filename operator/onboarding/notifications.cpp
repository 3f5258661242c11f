#include "onboarding/notifications.h"

#include <algorithm>

namespace mpay::onboarding {
namespace {

const Notification* find(const std::vector<Notification>& all, const Notification& wanted) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& effect) { return tellTheSame(effect, wanted); });
  return found == all.end() ? nullptr : &*found;
}

bool isWorthSending(const Notification& effect, std::int64_t liveRevision) {
  switch (effect.kind) {
    case NotificationKind::Activated: return effect.revision == liveRevision;
    case NotificationKind::CertificateExpiring: return false;
    case NotificationKind::CertificateRevoked: break;
  }
  return true;
}

// "<...@": the part after it may differ, because the sender's domain may have changed since the mail was sent.
std::string_view localPart(std::string_view messageID) { return messageID.substr(0, messageID.find('@')); }

}  // namespace

Notification draftOf(const api::MPayIntegrationSpec& spec) {
  Notification effect;
  effect.recipients = spec.notification.recipients;
  if (effect.recipients.empty()) effect.recipients.push_back(spec.applicant.email);
  effect.language = json::nameOf(spec.notification.language);
  effect.serviceID = spec.service.id.value_or("");
  effect.serviceName = api::textOf(spec.service.name).value_or(effect.serviceID);
  return effect;
}

bool tellTheSame(const Notification& a, const Notification& b) {
  if (a.kind != b.kind) return false;
  if (a.kind == NotificationKind::Activated) return a.revision == b.revision;
  return a.certificate && b.certificate && a.certificate->sha256 == b.certificate->sha256 && a.days == b.days;
}

Notification continued(const Notifications& known, Notification wanted, WallTime now) {
  const auto* before = find(known.notifications, wanted);
  if (before && before->sentAt) {
    Notification sent = *before;
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

Notifications merged(const Notifications& known, std::vector<Notification> wanted, std::int64_t liveRevision) {
  std::vector<Notification> others;
  for (const auto& effect : known.notifications) {
    if (!find(wanted, effect) && (effect.sentAt || isWorthSending(effect, liveRevision))) others.push_back(effect);
  }
  // Unsent ones first, then the newest.
  const auto isKeptBefore = [](const Notification& a, const Notification& b) {
    if (a.sentAt.has_value() != b.sentAt.has_value()) return !a.sentAt;
    return std::tie(a.intendedAt, a.messageID) > std::tie(b.intendedAt, b.messageID);
  };
  std::sort(others.begin(), others.end(), isKeptBefore);
  if (const auto room = kNotificationsKept - std::min(kNotificationsKept, wanted.size()); others.size() > room)
    others.resize(room);
  Notifications effects{std::move(wanted)};
  auto& all = effects.notifications;
  all.insert(all.end(), std::make_move_iterator(others.begin()), std::make_move_iterator(others.end()));
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.intendedAt, a.messageID) < std::tie(b.intendedAt, b.messageID);
  });
  return effects;
}

}  // namespace mpay::onboarding
