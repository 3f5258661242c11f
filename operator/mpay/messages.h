// The two operations of IServiceProvider: what MPay asks, what a beneficiary answers. Source of members, order,
// lengths and enumerations: MPay's technical guide, in docs/domain.md.
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

// An amount of an answer. One that cannot be read is neither absent nor a value: an empty element, a thousands comma,
// two of them, nil.
class StatedAmount {
 public:
  StatedAmount() = default;  // absent
  StatedAmount(Amount value) : stated_(value) {}
  static StatedAmount malformed(std::string_view written);

  bool isAbsent() const { return std::holds_alternative<Absent>(stated_); }
  bool isMalformed() const { return std::holds_alternative<Malformed>(stated_); }
  bool isValue() const { return std::holds_alternative<Amount>(stated_); }
  // Throws std::bad_variant_access where it is none.
  Amount value() const { return std::get<Amount>(stated_); }
  // A value as Amount has it; of a malformed one what was written, to compare and not to show; else empty.
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
    StrayText,       // text where only members may be (G3)
    Obsolete,        // a member of the WSDL of 2016 that the guide has no more; advice (G3)
    MissingMember,   // a required one is absent, nil or empty (G4)
    NewlyRequired,   // one is absent that the guide requires now and the schema leaves optional; advice (G4)
    TooLong,         // (G4)
    LongReason,      // a Reason over its length, as one of MPay's own samples has it; advice (G4)
    NotSimple,       // a value that holds an element (G4)
    NotNillable,     // nil where the contract has none (G4)
    NotANumber,      // (G4)
    NotABoolean,     // (G4)
    NotATime,        // (G4)
    NotEnumerated,   // OrderStatus, CustomerType, a currency that is none (G5)
  };
  Kind kind;
  std::string path{};     // from the payload: "GetOrderDetailsResult/OrderDetails/Lines/OrderLine[2]/Reason"
  std::string message{};  // a sentence; member names and lengths, no values but those of enumerations

  // A warning: it works today and should be changed.
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
  StatedAmount totalAmountDue{};

  // The total, or any line's AmountDue. Then nothing can be said of what is due.
  bool hasMalformedAmount() const;
};

// The bound is of each kind, so that none keeps another from being told.
inline constexpr std::size_t kMaximumFindings = 200;

struct OrderAnswer {
  std::vector<OrderDetails> orders{};  // empty: no such order
  std::vector<Finding> findings{};     // the first of each kind

  bool has(Finding::Kind kind) const;
};

// Decodes a GetOrderDetailsResponse. Errors: Decode where the payload is another element (a Fault is, and
// Envelope::fault reads it).
Result<OrderAnswer> decodeOrders(const Element& payload);

// Whether it is a ConfirmOrderPaymentResponse without content. Errors: Decode, saying what is there instead.
Result<void> decodeConfirmed(const Element& payload);

}  // namespace mpay::soap
