#include "mpay/messages.h"

#include "base/text.h"

#include <libxml/chvalid.h>

#include <algorithm>
#include <array>
#include <limits>
#include <span>

namespace mpay::soap {
namespace {

constexpr std::int64_t kMillion = 1'000'000;

// --- Writing ---------------------------------------------------------------------------------------------------------

// Text as XML 1.0 can hold it.
std::string writable(std::string_view text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    int length = static_cast<int>(std::min<std::size_t>(text.size() - at, 4));
    const int point = xmlGetUTF8Char(reinterpret_cast<const unsigned char*>(text.data() + at), &length);
    const bool good = point >= 0 && xmlIsCharQ(static_cast<unsigned>(point));
    const auto step = static_cast<std::size_t>(point < 0 ? 1 : length);
    result += good ? text.substr(at, step) : "?";
    at += step;
  }
  return result;
}

class Writer {
 public:
  explicit Writer(xmlNode* node) : node_(node) {}

  Writer open(const char* name) const {
    return Writer(xmlNewChild(node_, nullptr, reinterpret_cast<const xmlChar*>(name), nullptr));
  }
  void put(const char* name, std::string_view text) const {
    const Writer child = open(name);
    const std::string content = writable(text);
    xmlNodeAddContentLen(child.node_, reinterpret_cast<const xmlChar*>(content.data()),
                         static_cast<int>(content.size()));
  }
  void put(const char* name, const std::optional<std::string>& text) const {
    if (text) put(name, std::string_view(*text));
  }

 private:
  xmlNode* node_;
};

void write(const Writer& parent, const std::optional<DestinationAccount>& account) {
  if (!account) return;
  const Writer to = parent.open("DestinationAccount");
  if (account->empty) return;
  to.put("BankAccount", std::string_view(account->bankAccount));
  to.put("BankCode", std::string_view(account->bankCode));
  to.put("BankFiscalCode", std::string_view(account->bankFiscalCode));
  to.put("BeneficiaryName", std::string_view(account->beneficiaryName));
  to.put("ConfigurationCode", account->configurationCode);
}

void write(const Writer& parent, const std::vector<PaymentProperty>& properties) {
  if (properties.empty()) return;
  const Writer list = parent.open("Properties");
  for (const auto& property : properties) {
    const Writer to = list.open("PaymentProperty");
    to.put("Name", std::string_view(property.name));
    to.put("Value", std::string_view(property.value));
  }
}

// --- Reading ---------------------------------------------------------------------------------------------------------

constexpr std::size_t kUnlimited = std::numeric_limits<std::size_t>::max();
constexpr std::array<std::string_view, 8> kStatuses{"Active",  "PartiallyPaid", "Paid",      "Completed",
                                                    "Expired", "Cancelled",     "Refunding", "Refunded"};
constexpr std::array<std::string_view, 3> kCustomerTypes{"Person", "Organization", "Unspecified"};

bool isNil(const Element& element) {
  const auto nil = element.attribute(ns::kXsi, "nil");
  return nil && (trimmed(*nil) == "true" || trimmed(*nil) == "1");
}

bool isDigits(std::string_view text, std::size_t at, std::size_t count) {
  if (text.size() < at + count) return false;
  return std::all_of(text.begin() + static_cast<std::ptrdiff_t>(at),
                     text.begin() + static_cast<std::ptrdiff_t>(at + count),
                     [](char c) { return c >= '0' && c <= '9'; });
}

// xs:dateTime as .NET and Java write it; whether the day exists is not asked.
bool isDateTime(std::string_view text) {
  text = trimmed(text);
  if (text.size() < 19 || !isDigits(text, 0, 4) || text[4] != '-' || !isDigits(text, 5, 2) || text[7] != '-' ||
      !isDigits(text, 8, 2) || text[10] != 'T' || !isDigits(text, 11, 2) || text[13] != ':' || !isDigits(text, 14, 2) ||
      text[16] != ':' || !isDigits(text, 17, 2))
    return false;
  const auto within = [&](std::size_t at, std::string_view low, std::string_view high) {
    return text.substr(at, 2) >= low && text.substr(at, 2) <= high;
  };
  if (!within(5, "01", "12") || !within(8, "01", "31") || !within(11, "00", "23") || !within(14, "00", "59") ||
      !within(17, "00", "59"))
    return false;
  std::size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    const std::size_t fraction = ++at;
    while (isDigits(text, at, 1)) ++at;
    if (at == fraction) return false;
  }
  const auto zone = text.substr(at);
  return zone.empty() || zone == "Z" ||
         (zone.size() == 6 && (zone[0] == '+' || zone[0] == '-') && isDigits(zone, 1, 2) && zone[3] == ':' &&
          isDigits(zone, 4, 2));
}

// The members of one element, taken by name; what nobody took is unknown.
class Members {
 public:
  Members(const Element& element, std::string path, std::vector<Finding>& findings)
      : path_(std::move(path)), findings_(findings), children_(element.children()), known_(children_.size(), false) {}

  const std::string& path() const { return path_; }

  void note(Finding::Kind kind, const std::string& member, const std::string& message) {
    if (findings_.size() == kMaximumFindings) return;
    findings_.push_back({kind, member.empty() ? path_ : path_ + "/" + member, message});
  }

  // The member of that name; none where it is absent or nil.
  std::optional<Element> take(std::string_view name, bool required) {
    std::optional<Element> found;
    for (std::size_t i = 0; i < children_.size(); ++i) {
      const auto local = children_[i].local();
      if (local != name) continue;
      if (known_[i]) continue;
      known_[i] = true;
      if (!children_[i].is(ns::kMPay, name)) {
        note(Finding::Kind::WrongNamespace, local, local + " is not in the namespace " + std::string(ns::kMPay));
        if (found) continue;
      }
      if (found) {
        note(Finding::Kind::RepeatedMember, local, local + " stands there more than once");
        continue;
      }
      found = children_[i];
    }
    if (found && isNil(*found)) found.reset();
    if (!found && required) {
      note(Finding::Kind::MissingMember, std::string(name), std::string(name) + " is required and not there");
    }
    return found;
  }

  std::optional<std::string> text(std::string_view name, std::size_t most) {
    const auto element = take(name, false);
    return element ? std::optional(checked(name, element->text(), most)) : std::nullopt;
  }

  std::string required(std::string_view name, std::size_t most) {
    const auto element = take(name, true);
    if (!element) return {};
    auto value = checked(name, element->text(), most);
    if (value.empty())
      note(Finding::Kind::MissingMember, std::string(name), std::string(name) + " is required and empty");
    return value;
  }

  std::optional<bool> boolean(std::string_view name) {
    const auto element = take(name, false);
    if (!element) return std::nullopt;
    const auto value = std::string(trimmed(element->text()));
    if (value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    note(Finding::Kind::NotABoolean, std::string(name), std::string(name) + " is neither true nor false");
    return std::nullopt;
  }

  std::optional<Amount> amount(std::string_view name) {
    const auto element = take(name, false);
    if (!element) return std::nullopt;
    const auto value = Amount::parse(element->text());
    if (!value) {
      note(Finding::Kind::NotANumber, std::string(name),
           std::string(name) +
               " is no decimal number such as 9267.00, or one beyond six decimals or a million millions");
    }
    return value;
  }

  std::optional<std::string> time(std::string_view name) {
    const auto element = take(name, false);
    if (!element) return std::nullopt;
    auto value = std::string(trimmed(element->text()));
    if (!isDateTime(value)) {
      note(Finding::Kind::NotATime, std::string(name),
           std::string(name) + " is no xs:dateTime such as 2025-07-10T09:26:29");
    }
    return value;
  }

  void enumerated(std::string_view name, const std::string& value, std::span<const std::string_view> values) {
    if (value.empty() || std::find(values.begin(), values.end(), value) != values.end()) return;
    std::string all;
    for (const auto known : values) all += (all.empty() ? "" : ", ") + std::string(known);
    note(Finding::Kind::NotEnumerated, std::string(name),
         std::string(name) + " is \"" + shortened(value, 40) + "\"; it may be " + all);
  }

  // After all were taken: the order of those that are known, and what is left.
  void finish() {
    std::string last;
    for (std::size_t i = 0; i < children_.size(); ++i) {
      const auto local = children_[i].local();
      if (!known_[i]) {
        note(Finding::Kind::UnknownMember, shortened(local), "there is no such member here");
        continue;
      }
      if (local < last) {
        note(Finding::Kind::OutOfOrder, local, local + " stands after " + last + "; members are in alphabetical order");
      } else {
        last = local;
      }
    }
  }

  // The items of a list, whose only members have that name.
  std::vector<std::pair<Element, std::string>> items(const std::optional<Element>& list, std::string_view listName,
                                                     std::string_view name) {
    std::vector<std::pair<Element, std::string>> found;
    if (!list) return found;
    std::size_t count = 0;
    const std::string base = std::string(listName) + "/";
    for (const auto& child : list->children()) {
      const auto local = child.local();
      if (local != name) {
        note(Finding::Kind::UnknownMember, base + shortened(local),
             "there is no such member here, only " + std::string(name));
        continue;
      }
      ++count;
      const auto step = base + local + (count > 1 ? "[" + std::to_string(count) + "]" : "");
      if (!child.is(ns::kMPay, name)) {
        note(Finding::Kind::WrongNamespace, step, local + " is not in the namespace " + std::string(ns::kMPay));
      }
      if (!isNil(child)) found.emplace_back(child, path_ + "/" + step);
    }
    return found;
  }

 private:
  std::string checked(std::string_view name, std::string value, std::size_t most) {
    if (const auto length = countCharacters(value); length > most) {
      note(Finding::Kind::TooLong, std::string(name),
           std::string(name) + " has " + std::to_string(length) + " characters; " + std::to_string(most) +
               " are allowed");
    }
    return value;
  }

  std::string path_;
  std::vector<Finding>& findings_;
  std::vector<Element> children_;
  std::vector<bool> known_;
};

std::optional<DestinationAccount> readAccount(Members& parent, std::vector<Finding>& findings) {
  const auto element = parent.take("DestinationAccount", false);
  if (!element) return std::nullopt;
  DestinationAccount account;
  account.empty = element->children().empty();
  if (account.empty) return account;
  Members from(*element, parent.path() + "/DestinationAccount", findings);
  account.bankAccount = from.required("BankAccount", 24);
  account.bankCode = from.required("BankCode", 20);
  account.bankFiscalCode = from.required("BankFiscalCode", 20);
  account.beneficiaryName = from.required("BeneficiaryName", 60);
  account.configurationCode = from.text("ConfigurationCode", 36);
  from.finish();
  return account;
}

std::vector<OrderProperty> readProperties(Members& parent, std::vector<Finding>& findings) {
  std::vector<OrderProperty> properties;
  for (const auto& [element, path] : parent.items(parent.take("Properties", false), "Properties", "OrderProperty")) {
    Members from(element, path, findings);
    OrderProperty property;
    property.displayName = from.text("DisplayName", 36);
    property.id = from.text("Id", kUnlimited);
    property.isVisible = from.boolean("IsVisible");
    property.modifiable = from.boolean("Modifiable");
    property.name = from.required("Name", 36);
    property.required = from.boolean("Required");
    property.type = from.text("Type", kUnlimited);
    property.value = from.text("Value", 255);
    from.finish();
    properties.push_back(std::move(property));
  }
  return properties;
}

OrderLine readLine(const Element& element, const std::string& path, std::vector<Finding>& findings) {
  Members from(element, path, findings);
  OrderLine line;
  line.allowAdvancePayments = from.boolean("AllowAdvancePayments");
  line.allowPartialPayments = from.boolean("AllowPartialPayments");
  line.amountDue = from.amount("AmountDue");
  line.account = readAccount(from, findings);
  line.lineId = from.required("LineID", 36);
  line.properties = readProperties(from, findings);
  line.reason = from.required("Reason", 50);
  from.finish();
  return line;
}

OrderDetails readDetails(const Element& element, const std::string& path, std::vector<Finding>& findings) {
  Members from(element, path, findings);
  OrderDetails details;
  details.allowAdvancePayments = from.boolean("AllowAdvancePayments");
  details.allowPartialPayments = from.boolean("AllowPartialPayments");
  details.currency = from.required("Currency", 3);
  details.customerId = from.text("CustomerID", 13);
  details.customerName = from.text("CustomerName", 60);
  details.customerType = from.text("CustomerType", kUnlimited);
  if (details.customerType) from.enumerated("CustomerType", *details.customerType, kCustomerTypes);
  details.dueDate = from.time("DueDate");
  details.issuedAt = from.time("IssuedAt");
  for (const auto& [line, linePath] : from.items(from.take("Lines", true), "Lines", "OrderLine")) {
    details.lines.push_back(readLine(line, linePath, findings));
  }
  details.orderKey = from.required("OrderKey", 36);
  details.properties = readProperties(from, findings);
  details.reason = from.required("Reason", 50);
  details.serviceId = from.required("ServiceID", 36);
  details.status = from.required("Status", kUnlimited);
  from.enumerated("Status", details.status, kStatuses);
  details.totalAmountDue = from.amount("TotalAmountDue");
  from.finish();
  return details;
}

std::string unexpected(const Element& payload, std::string_view wanted) {
  return "the Body holds " + shortened(payload.name().text(), 120) + ", not {" + std::string(ns::kMPay) + "}" +
         std::string(wanted);
}

}  // namespace

std::optional<Amount> Amount::parse(std::string_view text) {
  text = trimmed(text);
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const auto point = text.find('.');
  const auto whole = text.substr(0, point);
  auto fraction = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty() && fraction.empty()) return std::nullopt;
  if (!isDigits(whole, 0, whole.size()) || !isDigits(fraction, 0, fraction.size())) return std::nullopt;
  while (fraction.size() > 6 && fraction.back() == '0') fraction.remove_suffix(1);
  if (fraction.size() > 6) return std::nullopt;
  std::int64_t value = 0;
  const auto append = [&value](char digit) {
    return !__builtin_mul_overflow(value, 10, &value) && !__builtin_add_overflow(value, digit - '0', &value);
  };
  for (const char digit : whole) {
    if (!append(digit)) return std::nullopt;
  }
  for (std::size_t i = 0; i < 6; ++i) {
    if (!append(i < fraction.size() ? fraction[i] : '0')) return std::nullopt;
  }
  return Amount{negative ? -value : value};
}

std::string Amount::text() const {
  // Unsigned, as the least number has no counterpart.
  const auto value =
      millionths < 0 ? 0 - static_cast<std::uint64_t>(millionths) : static_cast<std::uint64_t>(millionths);
  std::string fraction = std::to_string(kMillion + static_cast<std::int64_t>(value % kMillion)).substr(1);
  while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
  return (millionths < 0 ? "-" : "") + std::to_string(value / kMillion) + "." + fraction;
}

Document getOrderDetails(const OrderQuery& query) {
  auto document = Document::withRoot(kGetOrderDetails, ns::kMPay);
  const Writer to = Writer(document.root().node()).open("query");
  to.put("Language", query.language);
  to.put("OrderKey", std::string_view(query.orderKey));
  to.put("ServiceID", std::string_view(query.serviceId));
  return document;
}

Document confirmOrderPayment(const Confirmation& confirmation) {
  auto document = Document::withRoot(kConfirmOrderPayment, ns::kMPay);
  const Writer to = Writer(document.root().node()).open("confirmation");
  to.put("Currency", std::string_view(confirmation.currency));
  to.put("InvoiceID", confirmation.invoiceId);
  const Writer lines = to.open("Lines");
  for (const auto& line : confirmation.lines) {
    const Writer item = lines.open("PaymentConfirmationLine");
    item.put("Amount", std::string_view(line.amount.text()));
    write(item, line.account);
    item.put("LineID", std::string_view(line.lineId));
    write(item, line.properties);
  }
  to.put("OrderKey", std::string_view(confirmation.orderKey));
  to.put("PaidAt", std::string_view(confirmation.paidAt));
  to.put("PaymentID", std::string_view(confirmation.paymentId));
  write(to, confirmation.properties);
  to.put("ServiceID", std::string_view(confirmation.serviceId));
  to.put("TotalAmount", std::string_view(confirmation.totalAmount.text()));
  return document;
}

std::string_view toString(Finding::Kind kind) {
  using enum Finding::Kind;
  switch (kind) {
    case OutOfOrder: return "OutOfOrder";
    case UnknownMember: return "UnknownMember";
    case RepeatedMember: return "RepeatedMember";
    case WrongNamespace: return "WrongNamespace";
    case MissingMember: return "MissingMember";
    case TooLong: return "TooLong";
    case NotANumber: return "NotANumber";
    case NotABoolean: return "NotABoolean";
    case NotATime: return "NotATime";
    case NotEnumerated: return "NotEnumerated";
  }
  return "";
}

bool OrderAnswer::has(Finding::Kind kind) const {
  return std::any_of(findings.begin(), findings.end(), [&](const Finding& finding) { return finding.kind == kind; });
}

Result<OrderAnswer> decodeOrders(const Element& payload) {
  if (!payload.is(ns::kMPay, "GetOrderDetailsResponse")) {
    return fail(ErrorKind::Decode, unexpected(payload, "GetOrderDetailsResponse"));
  }
  OrderAnswer answer;
  Members response(payload, "GetOrderDetailsResponse", answer.findings);
  const auto result = response.take("GetOrderDetailsResult", false);
  for (const auto& [element, path] : response.items(result, "GetOrderDetailsResult", "OrderDetails")) {
    answer.orders.push_back(readDetails(element, path, answer.findings));
  }
  response.finish();
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
