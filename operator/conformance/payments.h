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
  // Why an amount of it is malformed: paths and sentences; empty where none is. Then nothing is known of what is due.
  std::string unreadable{};

  // What a payment changes.
  std::string state() const;
};

// Asks for the payable order, which the subject must have.
Look look(Session& session, const std::string& when);
// Before anything is paid, as Payments does.
Look lookBefore(Session& session);

// The amount that the order says is due: TotalAmountDue, else the sum of its lines. Malformed where any of its amounts
// is; absent where there is no total, and not every line has an amount.
soap::StatedAmount dueOf(const soap::OrderDetails& order);

// P1 is confirmed, first as MPay's published confirmations are, with an empty DestinationAccount, an InvoiceID and
// properties that nobody knows, which must be accepted; if it is not, again without. Then P1 again; then, where the
// order may be paid in parts, P2 and once more P1. The amounts come of the order's recorded amount alone, and the
// PaymentIDs are always the same, so that a repeated run changes nothing.
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
  const Exchange* bare = nullptr;  // P1, with the empty account and all that MPay sends beside what is needed
  // Where that was refused, and P1 without any of it was not: P1 with one of these alone, as far as it was refused.
  std::vector<std::pair<std::string_view, const Exchange*>> refused{};
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
