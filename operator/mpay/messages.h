// The two operations of IServiceProvider: what MPay asks, what a beneficiary answers. Source of members, order,
// lengths and enumerations: MPay's technical guide, in docs/domain.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mpay/security.h"
#include "mpay/soap.h"

namespace mpay::soap {

// An xs:decimal without rounding: whole millionths. Sums beyond about nine million millions are refused on reading.
struct Amount {
  std::int64_t millionths = 0;

  // "9267.00", "-1", "+0.5", with blanks around; none where it is no such number, or finer or larger than held.
  static std::optional<Amount> parse(std::string_view text);
  std::string text() const;  // with at least two decimals: "9267.00"
  auto operator<=>(const Amount&) const = default;
  Amount& operator+=(Amount other) {  // saturates
    if (__builtin_add_overflow(millionths, other.millionths, &millionths)) millionths = INT64_MAX;
    return *this;
  }
};

// --- What MPay sends -------------------------------------------------------------------------------------------------

struct OrderQuery {
  std::optional<std::string> language{};
  std::string orderKey{};
  std::string serviceId{};
};

struct PaymentProperty {
  std::string name{};
  std::string value{};
};

struct DestinationAccount {
  std::string bankAccount{};
  std::string bankCode{};
  std::string bankFiscalCode{};
  std::string beneficiaryName{};
  std::optional<std::string> configurationCode{};
  bool empty = false;  // written, or received, as an element without content
};

struct ConfirmationLine {
  Amount amount{};
  std::optional<DestinationAccount> account{};
  std::string lineId{};
  std::vector<PaymentProperty> properties{};
};

struct Confirmation {
  std::string currency = "MDL";
  std::optional<std::string> invoiceId{};
  std::vector<ConfirmationLine> lines{};
  std::string orderKey{};
  std::string paidAt{};  // xs:dateTime, as MPay writes it: "2025-07-10T10:51:23"
  std::string paymentId{};
  std::vector<PaymentProperty> properties{};
  std::string serviceId{};
  Amount totalAmount{};
};

// Payloads for seal(). Members are in alphabetical order; text is taken as it is, also where it breaks a rule, since
// that is what some checks send. Characters that XML cannot hold become '?'.
Document getOrderDetails(const OrderQuery& query);
Document confirmOrderPayment(const Confirmation& confirmation);

inline constexpr std::string_view kGetOrderDetails = "GetOrderDetails";
inline constexpr std::string_view kConfirmOrderPayment = "ConfirmOrderPayment";

// --- What a beneficiary answers --------------------------------------------------------------------------------------

// What breaks the contract in an answer. Decoding goes on after each.
struct Finding {
  enum class Kind {
    OutOfOrder,      // a member stands before one that the alphabet puts in front of it (G3)
    UnknownMember,   // no such member here; a wrong case is one too (G3)
    RepeatedMember,  // (G3)
    WrongNamespace,  // a known name in another namespace (G3)
    MissingMember,   // a required one is absent, nil or empty (G4)
    TooLong,         // (G4)
    NotANumber,      // (G4)
    NotABoolean,     // (G4)
    NotATime,        // (G4)
    NotEnumerated,   // OrderStatus, CustomerType (G5)
  };
  Kind kind;
  std::string path{};     // from the payload: "GetOrderDetailsResult/OrderDetails/Lines/OrderLine[2]/Reason"
  std::string message{};  // a sentence; member names and lengths, no values but those of enumerations
};

std::string_view toString(Finding::Kind kind);

struct OrderProperty {
  std::optional<std::string> displayName{};
  std::optional<std::string> id{};
  std::optional<bool> isVisible{};
  std::optional<bool> modifiable{};
  std::string name{};
  std::optional<bool> required{};
  std::optional<std::string> type{};
  std::optional<std::string> value{};
};

struct OrderLine {
  std::optional<bool> allowAdvancePayments{};
  std::optional<bool> allowPartialPayments{};
  std::optional<Amount> amountDue{};
  std::optional<DestinationAccount> account{};
  std::string lineId{};
  std::vector<OrderProperty> properties{};
  std::string reason{};
};

// A required member that is missing is empty here, and a finding.
struct OrderDetails {
  std::optional<bool> allowAdvancePayments{};
  std::optional<bool> allowPartialPayments{};
  std::string currency{};
  std::optional<std::string> customerId{};
  std::optional<std::string> customerName{};
  std::optional<std::string> customerType{};
  std::optional<std::string> dueDate{};
  std::optional<std::string> issuedAt{};
  std::vector<OrderLine> lines{};
  std::string orderKey{};
  std::vector<OrderProperty> properties{};
  std::string reason{};
  std::string serviceId{};
  std::string status{};
  std::optional<Amount> totalAmountDue{};
};

inline constexpr std::size_t kMaximumFindings = 200;

struct OrderAnswer {
  std::vector<OrderDetails> orders{};  // empty: no such order
  std::vector<Finding> findings{};     // the first of them

  bool has(Finding::Kind kind) const;
};

// Decodes a GetOrderDetailsResponse. Errors: Decode where the payload is another element (a Fault is, and
// Envelope::fault reads it).
Result<OrderAnswer> decodeOrders(const Element& payload);

// Whether it is a ConfirmOrderPaymentResponse without content. Errors: Decode, saying what is there instead.
Result<void> decodeConfirmed(const Element& payload);

}  // namespace mpay::soap
