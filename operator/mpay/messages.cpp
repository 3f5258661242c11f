#include "mpay/messages.h"

#include "base/text.h"

#include <libxml/chvalid.h>

#include <algorithm>

namespace mpay::soap {
namespace {

constexpr std::int64_t kMillion = 1'000'000;

// Replaces characters that XML 1.0 cannot hold.
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

bool isDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
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
  if (!isDigits(whole) || !isDigits(fraction)) return std::nullopt;
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
  // Unsigned, because the least number has no positive counterpart.
  const auto value =
      millionths < 0 ? 0 - static_cast<std::uint64_t>(millionths) : static_cast<std::uint64_t>(millionths);
  std::string fraction = std::to_string(kMillion + static_cast<std::int64_t>(value % kMillion)).substr(1);
  while (fraction.size() > 2 && fraction.back() == '0') fraction.pop_back();
  return (millionths < 0 ? "-" : "") + std::to_string(value / kMillion) + "." + fraction;
}

StatedAmount StatedAmount::malformed(std::string_view written) {
  StatedAmount stated;
  stated.stated_ = Malformed{shortened(written)};
  return stated;
}

std::string StatedAmount::text() const {
  if (const auto* malformed = std::get_if<Malformed>(&stated_)) return malformed->written;
  return isValue() ? value().text() : std::string();
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

}  // namespace mpay::soap
