// The integration that a record belongs to, with its beneficiary.
#pragma once

#include <string>

#include "api/integration.h"

namespace mpay::ledger {

struct Holder {
  std::string namespace_;
  std::string name;
  std::string uid;
  std::string idno;
  bool operator==(const Holder&) const = default;
};
BOOST_DESCRIBE_STRUCT(Holder, (), (namespace_, name, uid, idno))

Holder holderOf(const api::MPayIntegration& integration);

// True if two integrations are one beneficiary's, whose services may share a certificate. Two of one IDNO are, if the
// environment proves IDNOs (tenants.idnoLabel). Elsewhere anybody may declare any IDNO, and so they must also be in one
// namespace.
bool isOneBeneficiary(const Holder& one, const Holder& other, bool provesIdno);

}  // namespace mpay::ledger
