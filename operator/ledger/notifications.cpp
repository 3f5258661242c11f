#include "ledger/notifications.h"

#include "crypto/digest.h"

namespace mpay::ledger {

template <>
Result<Notifications> remembered(const api::ConfigMap& object) {
  const auto content = TRY(contentIn(object));
  if (!content.is_object()) return fail(ErrorKind::Decode, object.metadata.key().text() + " holds no notifications");
  if (content.get_object().contains("messageID")) return Notifications{{TRY(json::decode<Notification>(content))}};
  return json::decode<Notifications>(content);
}

std::string messageIDOf(const api::ObjectKey& integration, const Notification& notification, const std::string& from) {
  const auto certificate = notification.certificate ? notification.certificate->sha256 : "";
  std::string about, number;
  switch (notification.kind) {
    case NotificationKind::Activated:
      about = notification.digest;
      number = fmt::format("{}", notification.revision);
      break;
    case NotificationKind::CertificateExpiring:
      about = "expiring " + certificate;
      number = fmt::format("expiring-{}", notification.days);
      break;
    case NotificationKind::CertificateRevoked:
      about = "revoked " + certificate;
      number = "revoked";
      break;
  }
  const auto at = from.find('@');
  return fmt::format("<{}.{}@{}>", crypto::sha256Hex(integration.text() + " " + about).substr(0, 32), number,
                     at == std::string::npos ? "mpay.invalid" : from.substr(at + 1));
}

}  // namespace mpay::ledger
