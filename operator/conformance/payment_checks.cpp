// C1 to C5: the effects of ConfirmOrderPayment.
#include <fmt/format.h>

#include <array>

#include "conformance/payments.h"
#include "conformance/tally.h"

namespace mpay::conformance {
namespace {

bool isPaid(const std::string& status) { return status == "Paid" || status == "Completed"; }

// The reason why payments cannot be judged; nothing if they can. `needsFirst`: P1 must have been accepted.
std::optional<Verdict> obstacleOf(const Payments& payments, bool needsFirst) {
  if (!payments.obstacle.empty())
    return payments.isApplicable ? blocked(payments.obstacle) : notApplicable(payments.obstacle);
  if (needsFirst && !payments.first->isAccepted()) return blocked("the payment was not accepted, see C1");
  return std::nullopt;
}

Verdict succeedsEmpty(Session& session) {
  const auto& payments = session.payments();
  if (auto obstacle = obstacleOf(payments, false)) return *obstacle;
  const auto done = succeeded(*payments.first);
  if (done && payments.first->took > kSlow)
    return warned("an empty signed response, but it took " + tookTooLong(*payments.first), {payments.first});
  if (done) return passed("an empty signed response");
  if (!payments.first->isAccepted() && isPaid(payments.before.order->status))
    return blocked("the payable order had been paid before, and not by this test: name a fresh one");
  return failed(done.error().message, {payments.first});
}

Verdict countsOnce(Session& session) {
  const auto& payments = session.payments();
  if (auto obstacle = obstacleOf(payments, true)) return *obstacle;
  // The problem of a repeated confirmation; nothing if it was accepted and changed nothing.
  const auto repeats = [](const Exchange* repeated, const Look& before, const Look& after,
                          std::string_view what) -> std::optional<Verdict> {
    if (!repeated->isAccepted())
      return failed(fmt::format("{} is not accepted again: {}", what, repeated->outcome()), {repeated});
    if (!before.order || !after.order)
      return blocked("the order cannot be read afterwards: " + (before.order ? after : before).problem);
    if (!before.unreadable.empty() || !after.unreadable.empty())
      return blocked("an amount of the order cannot be read afterwards: " +
                     (before.unreadable.empty() ? after : before).unreadable);
    if (before.state() != after.state())
      return failed(fmt::format("{} counted again: the order went from {} to {}", what, before.state(), after.state()),
                    {before.exchange, repeated, after.exchange});
    return std::nullopt;
  };
  if (auto wrong = repeats(payments.repeated, payments.afterFirst, payments.afterRepeated, "the same PaymentID"))
    return *wrong;
  if (!payments.inParts)
    return passed(
        "the same PaymentID counts once (P1, P2, P1 is not tried, as the order declares neither partial nor "
        "advance payments)");
  if (!payments.second->isAccepted())
    return failed("a second payment of an order that may be paid in parts: " + payments.second->outcome(),
                  {payments.second});
  if (auto wrong = repeats(payments.repeatedLater, payments.afterSecond, payments.last, "P1, sent again after P2,"))
    return *wrong;
  return passed("P1, P1, P2, P1 are two payments");
}

bool isFault(const Exchange& exchange, std::string_view code) {
  const auto fault = exchange.fault();
  return fault && fault->code.local == code;
}

Verdict refusesUnknown(Session& session) {
  Tally tally;
  const auto& order = session.confirmUnknownOrder();
  if (!isFault(order, "UnknownOrder") && !isFault(order, "InvalidParameter"))
    tally.fail("the confirmation of an unknown order: " + order.outcome(), {&order});
  const auto& service = session.confirmUnknownService();
  if (isFault(service, "InvalidParameter")) {
    tally.warn("the confirmation for an unknown service: InvalidParameter; UnknownService says what is wrong",
               {&service});
  } else if (!isFault(service, "UnknownService")) {
    tally.fail("the confirmation for an unknown service: not a fault UnknownService but " + service.outcome(),
               {&service});
  }
  return tally.verdict("unknown orders and services give the documented faults");
}

Verdict acceptsBare(Session& session) {
  const auto& payments = session.payments();
  if (auto obstacle = obstacleOf(payments, false)) return *obstacle;
  if (payments.bare->isAccepted())
    return passed("an empty DestinationAccount, an InvoiceID and unknown properties are accepted");
  if (!payments.first->isAccepted()) return blocked("the payment is not accepted without them either, see C1");
  Tally tally;
  for (const auto& [words, exchange] : payments.refused)
    tally.fail(fmt::format("with {}: {}", words, exchange->outcome()), {exchange});
  if (tally.isEmpty())
    tally.fail("with an empty DestinationAccount, an InvoiceID and unknown properties: " + payments.bare->outcome(),
               {payments.bare});
  return tally.verdict("");
}

Verdict saysPaid(Session& session) {
  const auto& payments = session.payments();
  if (auto obstacle = obstacleOf(payments, true)) return *obstacle;
  const auto& last = payments.last;
  if (!last.order) return failed("the order cannot be read after it was paid: " + last.problem, {last.exchange});
  if (!last.unreadable.empty())
    return failed("after it was paid an amount of the order cannot be read: " + last.unreadable, {last.exchange});
  const auto& order = *last.order;
  if (isPaid(order.status) && !payments.inParts) return passed(order.status);
  if (!payments.inParts)
    return failed(fmt::format("after it was paid in full the order is {}", last.state()), {last.exchange});
  const bool isOpen = order.status == "PartiallyPaid" || order.status == "Active";
  const auto due = dueOf(order);
  if (due.isAbsent() && payments.isSaid)
    return failed(fmt::format("after payments of {} and {} of {} the order no longer says what is due",
                              payments.part.text(), payments.part.text(), payments.recorded.text()),
                  {last.exchange});
  if (due.isAbsent()) {
    // The order never named an amount, so it may also take the payments for all of it.
    if (isOpen || isPaid(order.status)) return passed(last.state());
    return failed(fmt::format("after it was paid in part the order is {}", last.state()), {last.exchange});
  }
  const soap::Amount left{payments.recorded.millionths - 2 * payments.part.millionths};
  if (due.value() != left)
    return failed(fmt::format("after payments of {} and {} of {} {} is {}, not {}", payments.part.text(),
                              payments.part.text(), payments.recorded.text(),
                              order.totalAmountDue.isValue() ? "TotalAmountDue" : "the sum of the lines' AmountDue",
                              due.text(), left.text()),
                  {last.exchange});
  if (!isOpen)
    return failed(fmt::format("the order is {}, though {} is due", soap::shortened(order.status, 40), left.text()),
                  {last.exchange});
  return passed(last.state());
}

constexpr std::array kChecks{
    Check{"C1", "A payment that is confirmed gives an empty signed response.",
          "Whatever is no fault MPay takes as success; signed, nobody else can say so.",
          "Return ConfirmOrderPaymentResponse without content, signed like every answer.",
          "the ConfirmOrderPaymentResponse holds ConfirmOrderPaymentResult; it must be empty", Need::LetIn,
          succeedsEmpty},
    Check{"C2", "One PaymentID is one payment, however often it is confirmed, also with another in between.",
          "MPay confirms until it hears of success; an answer that is lost must neither pay twice nor be refused.",
          "Keep every PaymentID with its order, and answer a known one with success without doing anything.",
          "the same PaymentID is not accepted again: status 500, a fault InvoiceAlreadyPaid", Need::LetIn, countsOnce},
    Check{"C3", "The confirmation for an unknown order or service gives the documented fault.",
          "A payment that nobody can be given must not be taken as received.",
          "Answer UnknownService where ServiceID is not yours, else UnknownOrder, before anything is booked.",
          "the confirmation of an unknown order: status 200, ConfirmOrderPaymentResponse", Need::LetIn, refusesUnknown},
    Check{
        "C4",
        "An empty DestinationAccount, an InvoiceID and Properties that nobody knows, of the payment and of its lines, "
        "are accepted.",
        "MPay sends them; a payment that was made must not fail on them.", "Read what you need and pass over the rest.",
        "with an empty DestinationAccount: status 500, a fault InvalidParameter", Need::LetIn, acceptsBare},
    Check{"C5", "After the payment GetOrderDetails says Paid or Completed, or what remains to be paid.",
          "A payer who looks again must not be asked to pay again.",
          "Book the payment before you answer, and read the order's status from the same place.",
          "after it was paid in full the order is Active, 150.00 due", Need::LetIn, saysPaid},
};

}  // namespace

std::span<const Check> paymentChecks() { return kChecks; }

}  // namespace mpay::conformance
