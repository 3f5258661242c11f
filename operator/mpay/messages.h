// The two operations of IServiceProvider: MPay's questions and the beneficiary's answers. MPay's technical guide is the
// source of members, order, lengths and enumerations (docs/domain.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "mpay/security.h"
#include "mpay/soap.h"

namespace mpay::soap {

// An xs:decimal without rounding, in whole millionths. parse() refuses sums beyond about nine million millions.
struct Amount {
  std::int64_t millionths = 0;

  // Reads "9267.00", "-1", "+0.5", with blanks around. None if the text is no such number, too fine or too large.
  static std::optional<Amount> parse(std::string_view text);
  std::string text() const;  // with at least two decimals: "9267.00"
  auto operator<=>(const Amount&) const = default;
  Amount& operator+=(Amount other) {  // saturates
    if (__builtin_add_overflow(millionths, other.millionths, &millionths)) millionths = INT64_MAX;
    return *this;
  }
};

// An amount of an answer: absent, a value, or malformed. Malformed means that it cannot be read: an empty element, a
// thousands comma, two elements, nil.
class StatedAmount {
 public:
  StatedAmount() = default;  // absent
  StatedAmount(Amount value) : stated_(value) {}
  static StatedAmount malformed(std::string_view written);

  bool isAbsent() const { return std::holds_alternative<Absent>(stated_); }
  bool isMalformed() const { return std::holds_alternative<Malformed>(stated_); }
  bool isValue() const { return std::holds_alternative<Amount>(stated_); }
  // Throws std::bad_variant_access if there is no value.
  Amount value() const { return std::get<Amount>(stated_); }
  // A value in Amount's form; the original text of a malformed amount, to compare and not to show; else empty.
  std::string text() const;
  bool operator==(const StatedAmount&) const = default;

 private:
  struct Absent {
    bool operator==(const Absent&) const = default;
  };
  struct Malformed {
    std::string written;
    bool operator==(const Malformed&) const = default;
  };
  std::variant<Absent, Malformed, Amount> stated_;
};

// --- Questions of MPay -----------------------------------------------------------------------------------------------

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
  bool empty = false;  // written or received as an element without content
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
  std::string paidAt{};  // xs:dateTime in MPay's form: "2025-07-10T10:51:23"
  std::string paymentId{};
  std::vector<PaymentProperty> properties{};
  std::string serviceId{};
  Amount totalAmount{};
};

// Payloads for seal(). Members are in alphabetical order. Text is written as it is, also if it breaks a rule, since
// some checks send such text. Characters that XML cannot hold become '?'.
Document getOrderDetails(const OrderQuery& query);
Document confirmOrderPayment(const Confirmation& confirmation);

inline constexpr std::string_view kGetOrderDetails = "GetOrderDetails";
inline constexpr std::string_view kConfirmOrderPayment = "ConfirmOrderPayment";

// --- Answers of a beneficiary ----------------------------------------------------------------------------------------

// A breach of the contract in an answer. Decoding goes on after each one.
struct Finding {
  enum class Kind {
    OutOfOrder,      // a member stands before another that comes first in the alphabet (G3)
    UnknownMember,   // no such member here, perhaps because of its case (G3)
    RepeatedMember,  // (G3)
    WrongNamespace,  // a known name in another namespace (G3)
    StrayText,       // text between members (G3)
    Obsolete,        // a member of the WSDL of 2016 that the guide dropped; advice (G3)
    MissingMember,   // a required member is absent, nil or empty (G4)
    NewlyRequired,   // an absent member that the guide requires now and the schema leaves optional; advice (G4)
    TooLong,         // (G4)
    LongReason,      // a Reason over its length, as in one of MPay's own samples; advice (G4)
    NotSimple,       // a value that contains an element (G4)
    NotNillable,     // nil for a member that the contract does not let be nil (G4)
    NotANumber,      // (G4)
    NotABoolean,     // (G4)
    NotATime,        // (G4)
    NotEnumerated,   // an unknown OrderStatus, CustomerType or currency (G5)
  };
  Kind kind;
  std::string path{};     // from the payload: "GetOrderDetailsResult/OrderDetails/Lines/OrderLine[2]/Reason"
  std::string message{};  // a sentence with member names and lengths; the only values are those of enumerations

  // True for a warning: it works today and should be changed.
  bool isAdvice() const;
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
  StatedAmount amountDue{};
  std::optional<DestinationAccount> account{};
  std::string lineId{};
  std::vector<OrderProperty> properties{};
  std::string reason{};
};

// A missing required member is empty here and is a finding.
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
  StatedAmount totalAmountDue{};

  // True if the total or any line's AmountDue is malformed: then the amount due is unknown.
  bool hasMalformedAmount() const;
};

// For each kind, so that one kind never hides another.
inline constexpr std::size_t kMaximumFindings = 200;

struct OrderAnswer {
  std::vector<OrderDetails> orders{};  // empty: no such order
  std::vector<Finding> findings{};     // the first ones of each kind

  bool has(Finding::Kind kind) const;
};

// Decodes a GetOrderDetailsResponse. Errors: Decode if the payload is another element, for example a Fault, which
// Envelope::fault reads.
Result<OrderAnswer> decodeOrders(const Element& payload);

// Succeeds if the payload is a ConfirmOrderPaymentResponse without content. Errors: Decode, naming the content found.
Result<void> decodeConfirmed(const Element& payload);

}  // namespace mpay::soap
