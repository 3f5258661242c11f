// The record of a withdrawal: a deletion that production has yet to follow.
#pragma once

#include <optional>
#include <string>

#include "ledger/holder.h"
#include "ledger/memory.h"

namespace mpay::ledger {

struct WithdrawalRecord {
  static constexpr std::string_view kName = kWithdrawal;
  Holder holder;
  std::string serviceID;
  std::string deletedAt;
  std::optional<std::string> dueAt;  // absent: the integration asked to be retained
};
BOOST_DESCRIBE_STRUCT(WithdrawalRecord, (), (holder, serviceID, deletedAt, dueAt))

}  // namespace mpay::ledger
