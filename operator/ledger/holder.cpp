#include "ledger/holder.h"

namespace mpay::ledger {

Holder holderOf(const api::MPayIntegration& integration) {
  const auto& metadata = integration.metadata;
  return {metadata.namespace_.value_or(""), metadata.name.value_or(""), metadata.uid.value_or(""),
          integration.spec.beneficiary.idno};
}

bool isOneBeneficiary(const Holder& one, const Holder& other, bool provesIdno) {
  return one.idno == other.idno && (provesIdno || one.namespace_ == other.namespace_);
}

}  // namespace mpay::ledger
