// The record of notifications: what one environment told, or is to tell, about one integration. A notification is an
// external effect: the operator writes it down before it sends it, and again when it has sent it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ledger/memory.h"

namespace mpay::ledger {

enum class NotificationKind {
  Activated,            // a revision serves in production
  CertificateExpiring,  // so many days or less are left
  CertificateRevoked,
};
BOOST_DESCRIBE_ENUM(NotificationKind, Activated, CertificateExpiring, CertificateRevoked)

// The certificate that a notification is about.
struct ToldCertificate {
  std::string subject;
  std::string serial;
  std::string sha256;
  std::string notAfter;
  bool withdrawn = false;  // it is admitted no more
  bool operator==(const ToldCertificate&) const = default;
};
BOOST_DESCRIBE_STRUCT(ToldCertificate, (), (subject, serial, sha256, notAfter, withdrawn))

struct Notification {
  NotificationKind kind = NotificationKind::Activated;
  std::int64_t revision = 0;  // of Activated
  std::string messageID;
  std::string digest;                          // of Activated
  std::optional<ToldCertificate> certificate;  // of the other kinds
  std::int64_t days = 0;                       // of CertificateExpiring: which warning
  std::string language;
  std::vector<std::string> recipients;
  std::string serviceID;
  std::string serviceName;
  std::string intendedAt;
  std::optional<std::string> failure;  // of the last attempt
  std::optional<std::string> sentAt;
  bool operator==(const Notification&) const = default;
};
BOOST_DESCRIBE_STRUCT(Notification, (),
                      (kind, revision, messageID, digest, certificate, days, language, recipients, serviceID,
                       serviceName, intendedAt, failure, sentAt))

struct Notifications {
  static constexpr std::string_view kName = kNotifications;
  std::vector<Notification> notifications;
  bool operator==(const Notifications&) const = default;
};
BOOST_DESCRIBE_STRUCT(Notifications, (), (notifications))

// Reads also the oldest form of the record, which held a single notification. Errors: Decode.
template <>
Result<Notifications> remembered(const api::ConfigMap& object);

// The Message-ID of a notification, by what it is about: whoever sends it again sends the same. `from` is the sender's
// address.
std::string messageIDOf(const api::ObjectKey& integration, const Notification& notification, const std::string& from);

}  // namespace mpay::ledger
