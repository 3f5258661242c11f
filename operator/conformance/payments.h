// The payable order is paid, and looked at after each step.
#pragma once

#include <optional>
#include <string>

#include "conformance/session.h"

namespace mpay::conformance {

// What GetOrderDetails says of the payable order at one moment.
struct Look {
  const Exchange* exchange = nullptr;
  std::optional<soap::OrderDetails> order{};  // none: there is none, or what it says cannot be trusted
  std::string problem{};                      // why

  // What a payment changes.
  std::string state() const;
};

// What the order says is due: TotalAmountDue, else what its lines add up to; none where neither is said.
std::optional<soap::Amount> dueOf(const soap::OrderDetails& order);

// P1 is confirmed, first with an empty DestinationAccount and a property that nobody knows, which must be accepted; if
// it is not, again without. Then P1 again; then, where the order may be paid in parts, P2 and once more P1. The amounts
// come of the order's recorded amount alone, and the PaymentIDs are always the same, so that a repeated run changes
// nothing.
class Payments {
 public:
  static Payments make(Session& session);

  // Why nothing was paid; empty: it was.
  std::string obstacle{};
  bool isApplicable = true;  // false: the obstacle is that no payable order was named

  bool inParts = false;
  bool isSaid = false;              // the order says what is due, or did as far as the recorded amount tells
  soap::Amount recorded{}, part{};  // what P1 pays, and P2
  Look before{};
  const Exchange* bare = nullptr;   // P1, with the empty account and the unknown property
  const Exchange* first = nullptr;  // the P1 that is taken to have succeeded, or not
  Look afterFirst{};
  const Exchange* repeated = nullptr;
  Look afterRepeated{};
  // In parts alone.
  const Exchange* second = nullptr;
  Look afterSecond{};
  const Exchange* repeatedLater = nullptr;

  Look last{};
};

// Whether a confirmation succeeded: accepted, trusted and empty. Errors: saying what is there instead.
Result<void> succeeded(const Exchange& confirmation);

}  // namespace mpay::conformance
