// Decodes the answers of a beneficiary.
#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <span>

#include "base/text.h"
#include "mpay/currencies.h"
#include "mpay/date_time.h"
#include "mpay/messages.h"

namespace mpay::soap {
namespace {

using Kind = Finding::Kind;

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kReason = 50;
constexpr std::array<std::string_view, 8> kStatuses{"Active",  "PartiallyPaid", "Paid",      "Completed",
                                                    "Expired", "Cancelled",     "Refunding", "Refunded"};
constexpr std::array<std::string_view, 3> kCustomerTypes{"Person", "Organization", "Unspecified"};

bool isNil(const Element& element) {
  const auto nil = element.attribute(ns::kXsi, "nil");
  return nil && (trimmed(*nil) == "true" || trimmed(*nil) == "1");
}

// Findings, bounded for each kind.
class Notes {
 public:
  void add(Kind kind, std::string path, std::string message) {
    auto& count = counts_[static_cast<std::size_t>(kind)];
    if (count == kMaximumFindings) return;
    ++count;
    all_.push_back({kind, std::move(path), std::move(message)});
  }
  std::vector<Finding> take() && { return std::move(all_); }

 private:
  std::vector<Finding> all_;
  std::array<std::size_t, static_cast<std::size_t>(Kind::NotEnumerated) + 1> counts_{};
};

enum class Presence {
  Optional,
  Advised,   // the current guide requires it, the schema leaves it optional
  Required,  // must be present and not empty
};

// The members of one element, taken by name. A member that was not taken is unknown.
class Members {
 public:
  Members(const Element& element, std::string path, Notes& notes)
      : path_(std::move(path)), notes_(notes), children_(element.children()), known_(children_.size(), false) {
    if (!trimmed(element.text()).empty()) note(Kind::StrayText, "", "there is text between its members");
  }

  const std::string& path() const { return path_; }
  Notes& notes() { return notes_; }

  void note(Kind kind, std::string_view member, std::string message) {
    notes_.add(kind, member.empty() ? path_ : path_ + "/" + std::string(member), std::move(message));
  }

  // Takes the member of that name; none if it is absent or nil.
  std::optional<Element> take(std::string_view name, Presence presence = Presence::Optional) {
    return find(name, presence).element;
  }

  // The same for the one member that the contract lets be nil.
  std::optional<Element> takeNillable(std::string_view name) {
    auto found = seek(name);
    if (found.element && isNil(*found.element)) found.element.reset();
    return found.element;
  }

  // Takes a member that the guide dropped, without reading it.
  void passOver(std::string_view name) {
    if (seek(name).element) {
      note(Kind::Obsolete, name, std::string(name) + " is obsolete since guide 1.2, and nobody reads it: leave it out");
    }
  }

  std::optional<std::string> text(std::string_view name, std::size_t most, Presence presence = Presence::Optional) {
    const auto element = take(name, presence);
    return element ? std::optional(checked(name, *element, most, Kind::TooLong)) : std::nullopt;
  }

  std::string required(std::string_view name, std::size_t most, Kind tooLong = Kind::TooLong) {
    const auto element = take(name, Presence::Required);
    if (!element) return {};
    auto value = checked(name, *element, most, tooLong);
    if (value.empty() && !odd_.contains(name)) {
      note(Kind::MissingMember, name, std::string(name) + " is required and empty");
    }
    return value;
  }

  std::optional<bool> boolean(std::string_view name) {
    const auto element = take(name);
    if (!element || !isSimple(name, *element)) return std::nullopt;
    const auto value = std::string(trimmed(element->text()));
    if (value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    note(Kind::NotABoolean, name, std::string(name) + " is neither true nor false");
    return std::nullopt;
  }

  StatedAmount amount(std::string_view name) {
    const auto found = find(name, Presence::Optional);
    if (found.isNil) return StatedAmount::malformed("nil");
    if (!found.element) return {};
    const auto text = found.element->text();
    const auto malformed = [&](std::string why) {
      if (!why.empty()) note(Kind::NotANumber, name, std::string(name) + std::move(why));
      return StatedAmount::malformed(text);
    };
    if (found.isRepeated) return malformed(" stands there more than once, so nobody can say which amount is meant");
    if (!isSimple(name, *found.element)) return malformed("");
    if (trimmed(text).empty()) return malformed(" is empty; leave it out where no amount is known");
    const auto value = Amount::parse(text);
    if (!value)
      return malformed(" is no decimal number such as 9267.00, or one beyond six decimals or a million millions");
    return *value;
  }

  std::optional<std::string> time(std::string_view name) {
    const auto element = take(name);
    if (!element) return std::nullopt;
    auto value = std::string(trimmed(element->text()));
    if (isSimple(name, *element) && !isDateTime(value)) {
      note(Kind::NotATime, name, std::string(name) + " is no xs:dateTime such as 2025-07-10T09:26:29");
    }
    return value;
  }

  void enumerated(std::string_view name, const std::string& value, std::span<const std::string_view> values) {
    if (odd_.contains(name) || std::find(values.begin(), values.end(), value) != values.end()) return;
    std::string all;
    for (const auto known : values) all += (all.empty() ? "" : ", ") + std::string(known);
    note(Kind::NotEnumerated, name, std::string(name) + " is \"" + shortened(value, 40) + "\"; it may be " + all);
  }

  // True if the value contains an element, which is reported already.
  bool isOdd(std::string_view name) const { return odd_.contains(name); }

  // Called after all members were taken: reports the order of the known ones, and the unknown ones.
  void finish(std::string_view hint = {}, std::span<const std::string_view> hinted = {}) {
    std::string last;
    for (std::size_t i = 0; i < children_.size(); ++i) {
      const auto local = children_[i].local();
      if (!known_[i]) {
        const bool isHinted = std::find(hinted.begin(), hinted.end(), local) != hinted.end();
        note(Kind::UnknownMember, shortened(local),
             "there is no such member here" + std::string(isHinted ? hint : std::string_view{}));
        continue;
      }
      if (local < last) {
        note(Kind::OutOfOrder, local, local + " stands after " + last + "; members are in alphabetical order");
      } else {
        last = local;
      }
    }
  }

  // The items of a list; all members of the list must have the name of an item.
  std::vector<std::pair<Element, std::string>> items(const std::optional<Element>& list, std::string_view listName,
                                                     std::string_view name) {
    std::vector<std::pair<Element, std::string>> found;
    if (!list) return found;
    if (!trimmed(list->text()).empty()) note(Kind::StrayText, listName, "there is text between its members");
    std::size_t count = 0;
    const std::string base = std::string(listName) + "/";
    for (const auto& child : list->children()) {
      const auto local = child.local();
      if (local != name) {
        note(Kind::UnknownMember, base + shortened(local), "there is no such member here, only " + std::string(name));
        continue;
      }
      ++count;
      const auto step = base + local + (count > 1 ? "[" + std::to_string(count) + "]" : "");
      if (!child.is(ns::kMPay, name)) {
        note(Kind::WrongNamespace, step, local + " is not in the namespace " + std::string(ns::kMPay));
      }
      if (isNil(child)) {
        note(Kind::NotNillable, step, local + " is nil, which the contract does not have");
      } else {
        found.emplace_back(child, path_ + "/" + step);
      }
    }
    return found;
  }

 private:
  struct Found {
    std::optional<Element> element{};
    bool isRepeated = false;
    bool isNil = false;
  };

  // Makes every member of that name known; the first one counts.
  Found seek(std::string_view name) {
    Found found;
    for (std::size_t i = 0; i < children_.size(); ++i) {
      const auto local = children_[i].local();
      if (local != name || known_[i]) continue;
      known_[i] = true;
      if (!children_[i].is(ns::kMPay, name)) {
        note(Kind::WrongNamespace, local, local + " is not in the namespace " + std::string(ns::kMPay));
        if (found.element) continue;
      }
      if (found.element) {
        note(Kind::RepeatedMember, local, local + " stands there more than once");
        found.isRepeated = true;
        continue;
      }
      found.element = children_[i];
    }
    return found;
  }

  Found find(std::string_view name, Presence presence) {
    auto found = seek(name);
    const std::string member(name);
    if (found.element && isNil(*found.element)) {
      found.element.reset();
      found.isNil = true;
      if (presence == Presence::Required) {
        note(Kind::MissingMember, name, member + " is required and nil");
      } else {
        note(Kind::NotNillable, name, member + " is nil, which the contract does not have: leave it out");
      }
    } else if (!found.element && presence == Presence::Required) {
      note(Kind::MissingMember, name, member + " is required and not there");
    } else if (!found.element && presence == Presence::Advised) {
      note(Kind::NewlyRequired, name, member + " is not there; the guide requires it now, though the schema does not");
    }
    return found;
  }

  bool isSimple(std::string_view name, const Element& element) {
    if (element.children().empty()) return true;
    odd_.emplace(name);
    note(Kind::NotSimple, name, std::string(name) + " holds an element; it is a value without any");
    return false;
  }

  std::string checked(std::string_view name, const Element& element, std::size_t most, Kind tooLong) {
    auto value = element.text();
    if (!isSimple(name, element)) return value;
    if (const auto length = countCharacters(value); length > most) {
      note(tooLong, name,
           std::string(name) + " has " + std::to_string(length) + " characters; " + std::to_string(most) +
               " are allowed");
    }
    return value;
  }

  std::string path_;
  Notes& notes_;
  std::vector<Element> children_;
  std::vector<bool> known_;
  std::set<std::string, std::less<>> odd_;  // names of values that contain an element
};

std::optional<DestinationAccount> readAccount(Members& parent) {
  const auto element = parent.take("DestinationAccount", Presence::Advised);
  if (!element) return std::nullopt;
  DestinationAccount account;
  Members from(*element, parent.path() + "/DestinationAccount", parent.notes());
  account.empty = element->children().empty();
  if (account.empty) return account;
  account.bankAccount = from.required("BankAccount", 24);
  account.bankCode = from.required("BankCode", 20);
  account.bankFiscalCode = from.required("BankFiscalCode", 20);
  from.passOver("BankName");
  account.beneficiaryName = from.required("BeneficiaryName", 60);
  account.configurationCode = from.text("ConfigurationCode", 36);
  from.passOver("TreasuryAccount");
  from.finish();
  return account;
}

std::vector<OrderProperty> readProperties(Members& parent) {
  std::vector<OrderProperty> properties;
  for (const auto& [element, path] : parent.items(parent.take("Properties"), "Properties", "OrderProperty")) {
    Members from(element, path, parent.notes());
    OrderProperty property;
    property.displayName = from.text("DisplayName", 36, Presence::Advised);
    property.id = from.text("Id", kUnlimited);
    property.isVisible = from.boolean("IsVisible");
    property.modifiable = from.boolean("Modifiable");
    property.name = from.required("Name", 36);
    property.required = from.boolean("Required");
    property.type = from.text("Type", kUnlimited);
    property.value = from.text("Value", 255, Presence::Advised);
    from.finish();
    properties.push_back(std::move(property));
  }
  return properties;
}

constexpr std::array<std::string_view, 2> kSingularFlags{"AllowAdvancePayment", "AllowPartialPayment"};
constexpr std::string_view kPlural = "; its name ends in s: the guide's own table misleads, the WSDL is right";

OrderLine readLine(const Element& element, const std::string& path, Notes& notes) {
  Members from(element, path, notes);
  OrderLine line;
  line.allowAdvancePayments = from.boolean("AllowAdvancePayments");
  line.allowPartialPayments = from.boolean("AllowPartialPayments");
  line.amountDue = from.amount("AmountDue");
  line.account = readAccount(from);
  line.lineId = from.required("LineID", 36);
  line.properties = readProperties(from);
  line.reason = from.required("Reason", kReason, Kind::LongReason);
  from.finish(kPlural, kSingularFlags);
  return line;
}

void judgeCurrency(Members& from, const std::string& currency) {
  // A code that is too long is reported already.
  if (currency.empty() || from.isOdd("Currency") || countCharacters(currency) > 3 || isCurrency(currency)) return;
  from.note(Kind::NotEnumerated, "Currency",
            "Currency is \"" + shortened(currency, 40) + "\", which is no code of ISO 4217 such as MDL");
}

OrderDetails readDetails(const Element& element, const std::string& path, Notes& notes) {
  Members from(element, path, notes);
  OrderDetails details;
  details.allowAdvancePayments = from.boolean("AllowAdvancePayments");
  details.allowPartialPayments = from.boolean("AllowPartialPayments");
  details.currency = from.required("Currency", 3);
  judgeCurrency(from, details.currency);
  details.customerId = from.text("CustomerID", 13, Presence::Advised);
  details.customerName = from.text("CustomerName", 60, Presence::Advised);
  details.customerType = from.text("CustomerType", kUnlimited, Presence::Advised);
  if (details.customerType) from.enumerated("CustomerType", *details.customerType, kCustomerTypes);
  details.dueDate = from.time("DueDate");
  details.issuedAt = from.time("IssuedAt");
  for (const auto& [line, linePath] : from.items(from.take("Lines", Presence::Required), "Lines", "OrderLine")) {
    details.lines.push_back(readLine(line, linePath, notes));
  }
  details.orderKey = from.required("OrderKey", 36);
  details.properties = readProperties(from);
  details.reason = from.required("Reason", kReason, Kind::LongReason);
  details.serviceId = from.required("ServiceID", 36);
  details.status = from.required("Status", kUnlimited);
  if (!details.status.empty()) from.enumerated("Status", details.status, kStatuses);
  details.totalAmountDue = from.amount("TotalAmountDue");
  from.finish(kPlural, kSingularFlags);
  return details;
}

std::string unexpected(const Element& payload, std::string_view wanted) {
  return "the Body holds " + shortened(payload.name().text(), 120) + ", not {" + std::string(ns::kMPay) + "}" +
         std::string(wanted);
}

}  // namespace

std::string_view toString(Finding::Kind kind) {
  using enum Finding::Kind;
  switch (kind) {
    case OutOfOrder: return "OutOfOrder";
    case UnknownMember: return "UnknownMember";
    case RepeatedMember: return "RepeatedMember";
    case WrongNamespace: return "WrongNamespace";
    case StrayText: return "StrayText";
    case Obsolete: return "Obsolete";
    case MissingMember: return "MissingMember";
    case NewlyRequired: return "NewlyRequired";
    case TooLong: return "TooLong";
    case LongReason: return "LongReason";
    case NotSimple: return "NotSimple";
    case NotNillable: return "NotNillable";
    case NotANumber: return "NotANumber";
    case NotABoolean: return "NotABoolean";
    case NotATime: return "NotATime";
    case NotEnumerated: return "NotEnumerated";
  }
  return "";
}

bool Finding::isAdvice() const {
  return kind == Kind::Obsolete || kind == Kind::NewlyRequired || kind == Kind::LongReason;
}

bool OrderDetails::hasMalformedAmount() const {
  return totalAmountDue.isMalformed() ||
         std::any_of(lines.begin(), lines.end(), [](const OrderLine& line) { return line.amountDue.isMalformed(); });
}

bool OrderAnswer::has(Finding::Kind kind) const {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) { return finding.kind == kind; });
}

Result<OrderAnswer> decodeOrders(const Element& payload) {
  if (!payload.is(ns::kMPay, "GetOrderDetailsResponse")) {
    return fail(ErrorKind::Decode, unexpected(payload, "GetOrderDetailsResponse"));
  }
  OrderAnswer answer;
  Notes notes;
  Members response(payload, "GetOrderDetailsResponse", notes);
  const auto result = response.takeNillable("GetOrderDetailsResult");
  for (const auto& [element, path] : response.items(result, "GetOrderDetailsResult", "OrderDetails")) {
    answer.orders.push_back(readDetails(element, path, notes));
  }
  response.finish();
  answer.findings = std::move(notes).take();
  return answer;
}

Result<void> decodeConfirmed(const Element& payload) {
  if (!payload.is(ns::kMPay, "ConfirmOrderPaymentResponse")) {
    return fail(ErrorKind::Decode, unexpected(payload, "ConfirmOrderPaymentResponse"));
  }
  if (const auto children = payload.children(); !children.empty()) {
    return fail(ErrorKind::Decode, "the ConfirmOrderPaymentResponse holds " +
                                       shortened(children.front().name().text(), 120) + "; it must be empty");
  }
  if (!trimmed(payload.text()).empty()) {
    return fail(ErrorKind::Decode, "the ConfirmOrderPaymentResponse holds text; it must be empty");
  }
  return {};
}

}  // namespace mpay::soap
