// Pays the payable order and looks at it after each step.
#pragma once

#include <optional>
#include <string>

#include "conformance/session.h"

namespace mpay::conformance {

// The payable order as GetOrderDetails shows it at one moment.
struct Look {
  const Exchange* exchange = nullptr;
  std::optional<soap::OrderDetails> order{};  // none: no order was given, or the answer cannot be trusted
  std::string problem{};                      // the reason why there is no order
  // The malformed amounts of the order, as paths and sentences; empty: none. Otherwise the amount due is unknown.
  std::string unreadable{};

  // The facts that a payment changes.
  std::string state() const;
};

// Asks for the payable order, which the subject must have.
Look look(Session& session, const std::string& when);
// The look before anything is paid, as Payments takes it.
Look lookBefore(Session& session);

// The amount due: TotalAmountDue, else the sum of the lines. Malformed if any amount of the order is; absent if there
// is no total and a line has no amount.
soap::StatedAmount dueOf(const soap::OrderDetails& order);

// Confirms these payments, in this order:
// 1. P1 in the form of MPay's published confirmations, with an empty DestinationAccount, an InvoiceID and unknown
//    properties. The service must accept it.
// 2. P1 without these extras, only if the first form was refused.
// 3. P1 again.
// 4. P2, and P1 once more, only if the order may be paid in parts.
// All amounts follow from the order's recorded amount, and the PaymentIDs are always the same, so that a repeated run
// changes nothing.
class Payments {
 public:
  static Payments make(Session& session);

  // The reason why nothing was paid; empty: something was.
  std::string obstacle{};
  bool isApplicable = true;  // false: no payable order was named, which is the obstacle

  bool inParts = false;
  bool isSaid = false;              // the order names the amount due, or the recorded amount shows that it did
  soap::Amount recorded{}, part{};  // the amounts of P1 and of P2
  Look before{};
  const Exchange* bare = nullptr;  // P1 with the empty account and all other extras
  // If `bare` was refused and P1 without extras was accepted: P1 with one extra alone, for each extra that was refused.
  std::vector<std::pair<std::string_view, const Exchange*>> refused{};
  const Exchange* first = nullptr;  // the P1 that decides if the payment succeeded
  Look afterFirst{};
  const Exchange* repeated = nullptr;
  Look afterRepeated{};
  // Only if paid in parts.
  const Exchange* second = nullptr;
  Look afterSecond{};
  const Exchange* repeatedLater = nullptr;

  Look last{};
};

// Succeeds if a confirmation was accepted, trusted and empty. Errors: the answer that came instead.
Result<void> succeeded(const Exchange& confirmation);

}  // namespace mpay::conformance
