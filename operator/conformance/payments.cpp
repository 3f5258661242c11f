#include "conformance/payments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mpay::conformance {
namespace {

using soap::Amount;

constexpr std::int64_t kCent = 10'000;  // millionths

// The amount for an order that may be paid in advance and names no amount.
constexpr Amount kNominal{3'000'000};

bool isNegative(const soap::OrderLine& line) {
  return line.amountDue.isValue() && line.amountDue.value().millionths < 0;
}

bool isOfAmount(const soap::Finding& finding) {
  return finding.path.ends_with("/TotalAmountDue") || finding.path.ends_with("/AmountDue");
}

// The findings that make an amount unreadable, in words.
std::string unreadableOf(const soap::OrderAnswer& answer) {
  using Kind = soap::Finding::Kind;
  std::string text;
  for (const auto& finding : answer.findings) {
    const bool isMalformed =
        finding.kind == Kind::NotANumber || finding.kind == Kind::NotNillable || finding.kind == Kind::NotSimple;
    if (isMalformed && isOfAmount(finding))
      text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", finding.path, finding.message);
  }
  return text;
}

// Spreads the amount over the lines, each up to its AmountDue; the last line takes the rest.
std::vector<soap::ConfirmationLine> linesOf(const soap::OrderDetails& order, Amount amount) {
  std::vector<soap::ConfirmationLine> lines;
  auto left = amount.millionths;
  for (std::size_t i = 0; i < order.lines.size(); ++i) {
    const auto& line = order.lines[i];
    const auto due = line.amountDue.isValue() ? std::max<std::int64_t>(line.amountDue.value().millionths, 0) : left;
    const auto takes = i + 1 == order.lines.size() ? left : std::min(due, left);
    left -= takes;
    if (takes > 0) lines.push_back({Amount{takes}, line.account, line.lineId, {}});
  }
  return lines;
}

soap::Confirmation confirmationOf(const Session& session, const soap::OrderDetails& order, Amount amount,
                                  std::string_view which) {
  const auto& subject = session.subject();
  soap::Confirmation confirmation;
  confirmation.currency = order.currency.empty() ? subject.known.currency : order.currency;
  confirmation.orderKey = subject.payable->key;
  confirmation.paidAt = formatTime(std::chrono::floor<std::chrono::seconds>(session.now())).substr(0, 19);
  confirmation.paymentId = paymentId(subject, subject.payable->key, which);
  confirmation.serviceId = subject.serviceId;
  confirmation.totalAmount = amount;
  confirmation.lines = linesOf(order, amount);
  return confirmation;
}

// MPay's published confirmations contain these extras, and a service may ignore them. An empty account stands for the
// registered one.
constexpr std::array<std::pair<std::string_view, void (*)(soap::Confirmation&)>, 4> kExtras{{
    {"an empty DestinationAccount",
     [](soap::Confirmation& confirmation) {
       soap::DestinationAccount empty;
       empty.empty = true;
       for (auto& line : confirmation.lines) line.account = empty;
     }},
    {"an InvoiceID", [](soap::Confirmation& confirmation) { confirmation.invoiceId = "00000000000001"; }},
    {"Properties of lines",
     [](soap::Confirmation& confirmation) {
       for (auto& line : confirmation.lines) line.properties.push_back({"MPayConformanceTest", "true"});
     }},
    {"Properties",
     [](soap::Confirmation& confirmation) {
       confirmation.properties.push_back({"MPayConformanceTest", "true"});
     }},
}};

soap::Confirmation withAll(soap::Confirmation confirmation) {
  for (const auto& [words, add] : kExtras) add(confirmation);
  return confirmation;
}

// The extras that are refused alone. The payment was accepted before, so nothing more is paid.
std::vector<std::pair<std::string_view, const Exchange*>> refusedExtras(Session& session,
                                                                        const soap::Confirmation& p1) {
  std::vector<std::pair<std::string_view, const Exchange*>> refused;
  for (const auto& [words, add] : kExtras) {
    auto confirmation = p1;
    add(confirmation);
    const auto& exchange = session.confirm(fmt::format("P1 of the payable order, with {} alone", words), confirmation);
    if (!exchange.isAccepted()) refused.emplace_back(words, &exchange);
  }
  return refused;
}

}  // namespace

Look look(Session& session, const std::string& when) {
  const auto& key = session.subject().payable->key;
  const auto& exchange = session.order("of the payable order, " + when, key);
  Look result;
  result.exchange = &exchange;
  if (!exchange.isAccepted()) {
    result.problem = exchange.outcome();
    return result;
  }
  if (!exchange.isTrusted()) {
    result.problem = "the answer's signature cannot be trusted";
    return result;
  }
  const auto content = exchange.content();
  if (!content) {
    result.problem = "the Body has not exactly one child";
    return result;
  }
  auto answer = soap::decodeOrders(*content);
  if (!answer) {
    result.problem = answer.error().message;
    return result;
  }
  const auto unreadable = unreadableOf(*answer);
  for (auto& order : answer->orders) {
    if (order.orderKey == key && !result.order) result.order = std::move(order);
  }
  if (!result.order) result.problem = "the answer holds no order of that key";
  if (result.order && result.order->hasMalformedAmount())
    result.unreadable = unreadable.empty() ? "an amount is no decimal number" : unreadable;
  return result;
}

Look lookBefore(Session& session) { return look(session, "before it is paid"); }

soap::StatedAmount dueOf(const soap::OrderDetails& order) {
  if (order.hasMalformedAmount()) return soap::StatedAmount::malformed("");
  if (order.totalAmountDue.isValue()) return order.totalAmountDue;
  Amount sum;
  for (const auto& line : order.lines) {
    if (!line.amountDue.isValue()) return {};
    sum += line.amountDue.value();
  }
  return order.lines.empty() ? soap::StatedAmount() : sum;
}

std::string Look::state() const {
  if (!order) return "no order";
  std::string text = order->status;
  const auto due = dueOf(*order);
  if (due.isMalformed()) return text + ", an amount that cannot be read";
  if (due.isValue()) text += ", " + due.text() + " due";
  return text;
}

Result<void> succeeded(const Exchange& confirmation) {
  if (!confirmation.isAccepted()) return fail(ErrorKind::Decode, confirmation.outcome());
  if (!confirmation.isTrusted()) {
    const auto& problems = confirmation.verification.problems;
    return fail(ErrorKind::Decode, "its answer's signature cannot be trusted: " +
                                       (problems.empty() ? std::string("it is not signed") : problems.front().message));
  }
  const auto content = confirmation.content();
  if (!content) return fail(ErrorKind::Decode, "the Body has not exactly one child");
  return soap::decodeConfirmed(*content);
}

namespace {

// Confirms P2, and P1 once more.
void payAgain(Session& session, const soap::OrderDetails& order, const soap::Confirmation& p1, Payments& done) {
  done.second = &session.confirm("P2 of the payable order", confirmationOf(session, order, done.part, "P2"));
  done.afterSecond = look(session, "after P2");
  done.repeatedLater = &session.confirm("P1 of the payable order, after P2", p1);
  done.last = look(session, "after P1, P2 and P1");
}

}  // namespace

Payments Payments::make(Session& session) {
  Payments done;
  const auto& payable = session.subject().payable;
  if (!payable) {
    done.obstacle = "no payable order was named";
    done.isApplicable = false;
    return done;
  }
  done.before = lookBefore(session);
  if (!done.before.order) {
    done.obstacle = "nothing is paid, as the payable order cannot be read: " + done.before.problem;
    return done;
  }
  const auto& order = *done.before.order;
  const auto due = dueOf(order);
  if (due.isMalformed()) {
    done.obstacle =
        "nothing is paid, as an amount of the payable order cannot be read, see G4: " + done.before.unreadable;
    return done;
  }
  done.inParts = payable->inParts.value_or(order.allowPartialPayments.value_or(false) ||
                                           order.allowAdvancePayments.value_or(false));
  if (payable->amount) {
    done.recorded = *payable->amount;
  } else if (order.status != "Active") {
    done.obstacle = fmt::format(
        "the payable order is {}, so its full amount is not known: name a fresh one, or with "
        "kubectl mpay test --url its --payable-amount",
        soap::shortened(order.status, 40));
    return done;
  } else {
    if (std::any_of(order.lines.begin(), order.lines.end(), isNegative)) {
      done.obstacle = "nothing is paid, as a line of the payable order has a negative AmountDue";
      return done;
    }
    done.recorded = due.isValue() ? due.value() : done.inParts ? kNominal : Amount{};
  }
  done.isSaid = due.isValue() || (payable->inParts && payable->amount && *payable->amount != kNominal);
  if (done.recorded.millionths < kCent) {
    done.obstacle = "the payable order has nothing to pay";
    return done;
  }
  if (auto recorded = session.record(done.recorded, done.inParts); !recorded) {
    done.obstacle = "nothing is paid, as the amount cannot be recorded: " + recorded.error().message;
    return done;
  }
  const Amount third{done.recorded.millionths / 3 / kCent * kCent};
  done.inParts = done.inParts && third.millionths > 0;
  done.part = done.inParts ? third : done.recorded;

  const auto p1 = confirmationOf(session, order, done.part, "P1");
  done.bare = done.first = &session.confirm("P1 of the payable order, with all that MPay sends", withAll(p1));
  if (!done.bare->isAccepted()) done.first = &session.confirm("P1 of the payable order", p1);
  if (!done.first->isAccepted()) return done;
  done.afterFirst = done.last = look(session, "after P1");
  done.repeated = &session.confirm("P1 of the payable order, again", p1);
  done.afterRepeated = done.last = look(session, "after P1 again");
  if (done.inParts) payAgain(session, order, p1, done);
  if (done.first != done.bare) done.refused = refusedExtras(session, p1);
  return done;
}

}  // namespace mpay::conformance
