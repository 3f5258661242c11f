// Assignments of the platform: a ServiceID, a certificate or addresses belong to one integration of an environment,
// whoever claimed them first.
//
// `kubectl mpay reassign` writes them into the output namespace, where no tenant can write. Pure. Source of the rules:
// docs/domain.md, "Reassigning".
#pragma once

#include <map>
#include <set>

#include "ledger/claim.h"
#include "ledger/fragment.h"

namespace mpay::ledger {

enum class AssignmentKind { ServiceID, Certificate, Address };
BOOST_DESCRIBE_ENUM(AssignmentKind, ServiceID, Certificate, Address)

// One record. It applies to the integration of that name and beneficiary alone. The other services of its beneficiary
// may share an assigned certificate.
struct Assignment {
  AssignmentKind kind = AssignmentKind::ServiceID;
  std::string value;  // as canonicalValue() writes it
  std::string namespace_;
  std::string name;
  std::string idno;
  std::string reason;
  std::string assignedBy;
  std::string assignedAt;
  bool operator==(const Assignment&) const = default;
  std::string assignee() const { return namespace_ + "/" + name; }
};
BOOST_DESCRIBE_STRUCT(Assignment, (), (kind, value, namespace_, name, idno, reason, assignedBy, assignedAt))

// "certificate 0a1b...".
std::string describe(AssignmentKind kind, std::string_view value);

// The one spelling of a ServiceID, of a certificate's SHA-256 (colons and capitals are accepted), of an address or
// prefix.
// Errors: Invalid InvalidField.
Result<std::string> canonicalValue(AssignmentKind kind, std::string_view text);

// "mpay-assignment-<hash>": one record for each assigned thing.
std::string assignmentName(AssignmentKind kind, std::string_view value);

// The records of one environment. Addresses of different integrations do not overlap.
class Assignments {
 public:
  struct Read;
  // Ignores a record that is damaged, has another name than its own, or overlaps an earlier record of another
  // integration. `provesIdno`: the environment proves IDNOs, see isOneBeneficiary().
  static Read read(const std::vector<std::shared_ptr<const api::ConfigMap>>& objects, bool provesIdno);

  bool empty() const { return services_.empty() && certificates_.empty() && addresses_.empty(); }
  bool operator==(const Assignments&) const = default;
  std::vector<Assignment> all() const;

  // The assignment of that thing; null: it is assigned to nobody.
  const Assignment* ofService(const std::string& serviceID) const;
  const Assignment* ofCertificate(const std::string& sha256) const;
  std::vector<const Assignment*> overlapping(const net::Prefix& prefix) const;

  // True when it was assigned to another integration; for a certificate, to another beneficiary's.
  bool takesService(const Holder& holder, const std::string& serviceID) const;
  bool takesCertificate(const Holder& holder, const std::string& sha256) const;
  bool takesAddress(const Holder& holder, const net::Prefix& prefix) const;

  // Takes out exactly what was assigned to others; true when there was something. A claim loses such a ServiceID. A
  // fragment with such a ServiceID, see takesService(), may not be published at all.
  bool takeOut(Claim& claim) const;
  bool takeOut(Fragment& fragment) const;

 private:
  bool takeOut(const Holder& holder, std::vector<std::string>& addresses) const;

  std::map<std::string, Assignment> services_, certificates_;
  std::map<net::Prefix, Assignment> addresses_;
  bool provesIdno_ = false;
};

struct Assignments::Read {
  Assignments assignments{};
  std::map<std::string, std::string> problems{};  // by a record's name: why it does not count
};

// Things that are assigned to one integration and published by another.
struct HeldByOthers {
  std::set<std::string> services{}, certificates{};
  std::vector<net::Prefix> addresses{};
  std::set<api::ObjectKey> holders{};
};
HeldByOthers heldByOthers(const Assignments& assignments, const Fragments& published);

}  // namespace mpay::ledger
