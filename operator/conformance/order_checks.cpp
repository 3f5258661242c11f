// G1 to G13: the answers of GetOrderDetails.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "conformance/payments.h"
#include "conformance/tally.h"
#include "conformance/told_paths.h"
#include "domain/rules.h"
#include "mpay/currencies.h"

namespace mpay::conformance {
namespace {

using soap::Amount;
using Kind = soap::Finding::Kind;

// The findings of these kinds for which `counts` is true: advice as warnings, all others as failures.
template <class Counts>
Tally findingsOf(Session& session, std::initializer_list<Kind> kinds, const Counts& counts) {
  Tally tally;
  ToldPaths ofFailures, ofWarnings;  // a message has the failures first
  for (const auto& finding : session.orders()->findings) {
    if (std::find(kinds.begin(), kinds.end(), finding.kind) == kinds.end() || !counts(finding)) continue;
    if (finding.isAdvice()) {
      tally.warn(ofWarnings.told(finding.path, finding.message), {&session.known()});
    } else {
      tally.fail(ofFailures.told(finding.path, finding.message), {&session.known()});
    }
  }
  return tally;
}

bool isOfAccount(const soap::Finding& finding) { return finding.path.find("/DestinationAccount") != std::string::npos; }

Verdict knownIsFound(Session& session) {
  const auto& known = session.known();
  if (const auto fault = known.fault()) {
    if (known.isLetIn()) return failed("the known order gives a fault " + fault->code.local, {&known});
    return blocked(refusalOf(known));
  }
  const auto* answer = session.orders();
  if (!answer) return blocked("the answer is no GetOrderDetailsResponse that can be read, see T4, T6, S2 and S10");
  if (answer->orders.empty()) return failed("the known order is not found: the result is empty", {&known});
  return passed(fmt::format("{} order{}", answer->orders.size(), answer->orders.size() == 1 ? "" : "s"));
}

Verdict echoesKeys(Session& session) {
  const auto& subject = session.subject();
  for (const auto& order : session.orders()->orders) {
    if (order.serviceId != subject.serviceId)
      return failed("ServiceID is not the one that was asked for", {&session.known()});
    if (order.orderKey != subject.known.key)
      return failed("OrderKey is not the one that was asked for", {&session.known()});
  }
  return passed("ServiceID and OrderKey are those of the query");
}

bool isAny(const soap::Finding&) { return true; }

Verdict membersAreInOrder(Session& session) {
  return findingsOf(session,
                    {Kind::OutOfOrder, Kind::UnknownMember, Kind::RepeatedMember, Kind::WrongNamespace, Kind::StrayText,
                     Kind::Obsolete},
                    isAny)
      .verdict("members are known, and in alphabetical order");
}

Verdict membersAreComplete(Session& session) {
  // G6 reports an order without lines, G7 the account.
  auto tally =
      findingsOf(session,
                 {Kind::MissingMember, Kind::NewlyRequired, Kind::TooLong, Kind::LongReason, Kind::NotSimple,
                  Kind::NotNillable, Kind::NotANumber, Kind::NotABoolean, Kind::NotATime},
                 [](const auto& finding) { return !isOfAccount(finding) && !finding.path.ends_with("/Lines"); });
  // An amount that keeps the order from being paid must be reported by one check: this one.
  if (session.subject().payable) {
    const auto before = lookBefore(session);
    if (!before.unreadable.empty()) tally.fail("of the payable order, " + before.unreadable, {before.exchange});
  }
  return tally.verdict("required members are there, and none is too long");
}

Verdict enumerationsAreExact(Session& session) {
  return findingsOf(session, {Kind::NotEnumerated}, isAny)
      .verdict("Status, CustomerType and Currency are of their lists");
}

void judgeAmounts(const soap::OrderDetails& order, const KnownOrder& known, const Exchange& exchange, Tally& tally) {
  Amount sum;
  bool allSay = true;
  for (const auto& line : order.lines) {
    if (!line.amountDue.isValue()) {
      allSay = false;
      continue;
    }
    if (line.amountDue.value().millionths < 0) return tally.fail("a line's AmountDue is negative", {&exchange});
    sum += line.amountDue.value();
  }
  if (order.totalAmountDue.isValue()) {
    const auto total = order.totalAmountDue.value();
    if (allSay && sum != total)
      tally.fail(fmt::format("the lines add up to {}, TotalAmountDue is {}", sum.text(), total.text()), {&exchange});
    if (!allSay && sum > total)
      tally.fail(fmt::format("the lines that have an AmountDue add up to {}, more than the TotalAmountDue of {}",
                             sum.text(), total.text()),
                 {&exchange});
  }
  if (order.orderKey != known.key) return;  // G2 reports it
  if (const auto due = dueOf(order); due.isValue() && due.value() != known.amount)
    tally.fail(fmt::format("the known order is of {}, not of {}", due.text(), known.amount.text()), {&exchange});
  // G5 reports a code that is no currency.
  if (soap::isCurrency(order.currency) && order.currency != known.currency)
    tally.fail(fmt::format("the known order's currency is not {}", known.currency), {&exchange});
}

constexpr std::string_view kUnreadable = "an amount of the order cannot be read, see G4";

bool hasUnreadableAmount(Session& session) {
  const auto& orders = session.orders()->orders;
  return std::any_of(orders.begin(), orders.end(), [](const auto& order) { return order.hasMalformedAmount(); });
}

Verdict amountsAddUp(Session& session) {
  Tally tally;
  for (const auto& order : session.orders()->orders) {
    if (order.lines.empty()) {
      tally.fail("the order has no line", {&session.known()});
    } else if (!order.hasMalformedAmount()) {
      judgeAmounts(order, session.subject().known, session.known(), tally);
    }
  }
  if (tally.isEmpty() && hasUnreadableAmount(session)) return blocked(std::string(kUnreadable));
  return tally.verdict("the lines add up to the total, which is the expected one");
}

// Another length is reported already: the account is missing or too long.
bool isOfIbansLength(const std::string& account) { return !account.empty() && countCharacters(account) <= 24; }

Verdict accountsAreComplete(Session& session) {
  const auto& exchange = session.known();
  auto tally =
      findingsOf(session, {Kind::MissingMember, Kind::NewlyRequired, Kind::TooLong, Kind::NotSimple, Kind::NotNillable},
                 isOfAccount);
  int accounts = 0;
  for (const auto& order : session.orders()->orders) {
    for (const auto& line : order.lines) {
      if (!line.account) continue;
      if (line.account->empty) {
        tally.warn("a DestinationAccount is empty; the guide requires its members", {&exchange});
      } else if (isOfIbansLength(line.account->bankAccount) && !domain::isIban(line.account->bankAccount)) {
        tally.fail("BankAccount is no IBAN: MD, 24 characters, whose checksum holds", {&exchange});
      } else {
        ++accounts;
      }
    }
  }
  return tally.verdict(accounts > 0 ? "accounts are complete, and their IBANs valid" : "no line names an account");
}

Verdict totalMayBeMissing(Session& session) {
  if (hasUnreadableAmount(session)) return blocked(std::string(kUnreadable));
  for (const auto& order : session.orders()->orders) {
    if (order.totalAmountDue.isValue() || order.allowPartialPayments.value_or(false) ||
        order.allowAdvancePayments.value_or(false))
      continue;
    return failed("TotalAmountDue is missing, and neither AllowPartialPayments nor AllowAdvancePayments is true",
                  {&session.known()});
  }
  return passed("the total is there, or need not be");
}

Verdict takesLanguages(Session& session) {
  Tally tally;
  for (const auto& language :
       {std::optional<std::string>("RO"), std::optional<std::string>("ro"), std::optional<std::string>("ru"),
        std::optional<std::string>("en"), std::optional<std::string>()}) {
    auto form = session.form();
    form.language = language;
    const auto& exchange = session.knownAs(form);
    if (!exchange.isAccepted())
      tally.fail(fmt::format("{}: {}", language ? "Language " + *language : "without Language", exchange.outcome()),
                 {&exchange});
  }
  return tally.verdict("Language RO, ro, ru, en and none are taken");
}

// The parts of an answer that must be equal in two calls. The time at which the order was written down may differ.
std::string essenceOf(const soap::OrderAnswer& answer) {
  std::string text;
  for (const auto& order : answer.orders) {
    text += fmt::format("{}|{}|{}|{}|{}|", order.serviceId, order.orderKey, order.status, order.currency,
                        order.totalAmountDue.text());
    for (const auto& line : order.lines) text += fmt::format("{}={}|", line.lineId, line.amountDue.text());
  }
  return text;
}

Verdict isStable(Session& session) {
  const auto& again = session.knownAgain();
  if (!again.isAccepted()) return failed("the same request, once more: " + again.outcome(), {&again});
  const auto content = again.content();
  if (!content) return blocked("it is not clear which content is meant, see T4, T6, S2 and S10");
  const auto answer = soap::decodeOrders(*content);
  if (!answer || essenceOf(*answer) != essenceOf(*session.orders()))
    return failed("the same request, once more, gives other amounts, lines or status", {&session.known(), &again});
  return passed("the same request gives the same order");
}

// A problem if orders were given for a question that has none.
std::optional<Verdict> ordersIn(const Exchange& exchange) {
  if (!exchange.response) return failed("no answer: " + exchange.response.error().message, {&exchange});
  if (!exchange.isAccepted()) return std::nullopt;
  const auto content = exchange.content();
  if (!content) return blocked("it is not clear which content is meant, see T4, T6, S2 and S10");
  const auto answer = soap::decodeOrders(*content);
  if (!answer) return failed(answer.error().message, {&exchange});
  if (!answer->orders.empty()) return failed("an order was given", {&exchange});
  return std::nullopt;
}

Verdict refusesUnknownService(Session& session) {
  const auto& exchange = session.unknownService();
  if (auto given = ordersIn(exchange)) return *given;
  const auto fault = exchange.fault();
  if (fault && fault->code.local == "UnknownService") return passed("UnknownService");
  if (fault && fault->code.local == "InvalidParameter")
    return warned("the fault is InvalidParameter; UnknownService says what is wrong", {&exchange});
  return failed("not a fault UnknownService but " + exchange.outcome(), {&exchange});
}

Verdict knowsNoUnknownOrder(Session& session) {
  const auto& exchange = session.unknownOrder();
  if (auto given = ordersIn(exchange)) return *given;
  if (exchange.isAccepted()) return passed("an empty result");
  const auto fault = exchange.fault();
  if (fault && (fault->code.local == "UnknownOrder" || fault->code.local == "InvalidParameter"))
    return passed(fault->code.local);
  return failed("neither an empty result nor a fault UnknownOrder or InvalidParameter but " + exchange.outcome(),
                {&exchange});
}

Verdict takesNoLongKey(Session& session) {
  const auto& exchange = session.longKey();
  if (auto given = ordersIn(exchange)) return *given;
  if (exchange.isAccepted()) return passed("an empty result");
  const auto fault = exchange.fault();
  if (fault && fault->code.local == "InternalError")
    return warned("no order, but a fault InternalError; InvalidParameter says what is wrong", {&exchange});
  if (fault) return passed(soap::shortened(fault->code.local, 60));
  return warned("no order, but no fault either: " + exchange.outcome(), {&exchange});
}

constexpr std::array kChecks{
    Check{"G1", "The known order gives at least one OrderDetails.", "What is not found cannot be paid.",
          "Look the order up by OrderKey exactly as it is sent, and keep the test order in the test system.",
          "the known order gives a fault UnknownOrder", Need::Envelope, knownIsFound},
    Check{"G2", "OrderDetails repeats the ServiceID and the OrderKey of the query.",
          "MPay matches answer and question by them.", "Copy both from the query as they are, with their case.",
          "OrderKey is not the one that was asked for", Need::Order, echoesKeys},
    Check{"G3", "Members are those of the contract, in alphabetical order, in MPay's namespace.",
          "Data contracts are read in order; what stands too late is taken as absent, silently.",
          "Generate the types from MPay's WSDL, or order members alphabetically by hand.",
          "GetOrderDetailsResponse/GetOrderDetailsResult/OrderDetails/Currency: Currency stands after Status; members "
          "are in alphabetical order",
          Need::Order, membersAreInOrder},
    Check{
        "G4", "Required members are there, and every value has its form and length.",
        "MPay refuses the whole order where one value is too long or is no number; an amount with a comma could be "
        "read as another one.",
        "Fill Currency, Reason, LineID, Status and the customer always, write amounts like 1234.50, and shorten texts "
        "to the lengths of the guide.",
        "GetOrderDetailsResponse/GetOrderDetailsResult/OrderDetails/CustomerName: CustomerName has 61 characters; 60 "
        "are allowed",
        Need::Order, membersAreComplete},
    Check{"G5", "Status, CustomerType and Currency are values of their lists, to the letter.",
          "Enumerations are compared exactly; \"active\" is none, nor is the currency \"LEI\".",
          "Use the enumerations of MPay's WSDL and the codes of ISO 4217 instead of texts of your own.",
          "Status is \"active\"; it may be Active, PartiallyPaid, Paid, ...", Need::Order, enumerationsAreExact},
    Check{"G6", "There is at least one line, the lines add up to the total, and the total is the agreed one.",
          "The payer pays the total, the accounts get the lines; a difference is money that belongs to nobody.",
          "Compute TotalAmountDue from the lines, in decimals and not in floating point.",
          "the lines add up to 235.50, TotalAmountDue is 234.50", Need::Order, amountsAddUp},
    Check{"G7", "An account that a line names is complete, and its IBAN valid.",
          "The treasury returns payments to an account that it cannot read.",
          "Give every line a DestinationAccount with BankAccount, BankCode, BankFiscalCode and BeneficiaryName.",
          "BankAccount is no IBAN: MD, 24 characters, whose checksum holds", Need::Order, accountsAreComplete},
    Check{
        "G8", "Without a total the order allows partial or advance payments.", "Otherwise nobody knows what to pay.",
        "Give TotalAmountDue, or set AllowPartialPayments or AllowAdvancePayments where the payer chooses the amount.",
        "TotalAmountDue is missing, and neither AllowPartialPayments nor AllowAdvancePayments is true", Need::Order,
        totalMayBeMissing},
    Check{"G9", "Language is taken when it is RO, as MPay writes it, ro, ru, en or absent.",
          "MPay asks in the payer's language; a fault there keeps him from paying.",
          "Fall back to Romanian where there is no text in the language that was asked for.",
          "Language ru: status 500, a fault InvalidParameter", Need::Success, takesLanguages},
    Check{"G10", "The same request gives the same order.",
          "MPay asks more than once before a payment, and what was shown must be what is paid.",
          "Change nothing when an order is read.", "the same request, once more, gives other amounts, lines or status",
          Need::Order, isStable},
    Check{"G11", "An unknown ServiceID gives the fault UnknownService.",
          "Somebody else's service must not be answered for.", "Compare ServiceID with your own before anything else.",
          "an order was given", Need::LetIn, refusesUnknownService},
    Check{"G12", "An unknown OrderKey gives no order: an empty result, UnknownOrder or InvalidParameter.",
          "A payer who mistypes must hear that there is no such order, not that the service is broken.",
          "Answer UnknownOrder where the order is not found, and keep InternalError for failures of your own.",
          "neither an empty result nor a fault UnknownOrder or InvalidParameter but status 500, a fault InternalError",
          Need::LetIn, knowsNoUnknownOrder},
    Check{"G13", "A key of 37 characters gives no order.", "A key that is cut off may be another payer's.",
          "Refuse keys of more than 36 characters with InvalidParameter instead of cutting them.", "an order was given",
          Need::LetIn, takesNoLongKey},
};

}  // namespace

std::span<const Check> orderChecks() { return kChecks; }

}  // namespace mpay::conformance
