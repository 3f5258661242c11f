// One run's conversation with the service: each request is sent once, when the first check asks for its answer.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "conformance/endpoint.h"
#include "mpay/messages.h"

namespace mpay::conformance {

struct KnownOrder {
  std::string key{};
  soap::Amount amount{};
  std::string currency = "MDL";
};

struct PayableOrder {
  std::string key{};
  // Its full amount, as it was before anything was ever paid. None: it is read from the service, which must say that
  // the order is Active.
  std::optional<soap::Amount> amount{};
  // Whether it was paid in parts; none: the service says so.
  std::optional<bool> inParts{};
};

// What a run is about. Whoever starts one holds the ServiceID: a signed confirmation counts at any endpoint of it.
struct Subject {
  std::string serviceId{};
  crypto::Certificate registered;  // the beneficiary's, with which answers must verify
  soap::Signer signer;             // MPay's key for tests
  soap::Algorithm algorithm = soap::Algorithm::RsaSha1;
  KnownOrder known{};
  std::string unknownKey{};
  std::optional<PayableOrder> payable{};
  // PaymentIDs come of this and of the order's key alone, so that no rerun pays again: what identifies the service for
  // ever, such as the integration's UID. Never a digest of what can be edited.
  std::string seed{};
};

// How long a run and each of its requests may take, and how far clocks may be apart.
struct Limits {
  Duration total{120'000};
  Duration request{20'000};
  std::chrono::seconds skew{300};
};

// How a genuine request is written: MPay's published ones differ in all of it. The default is what a run begins with.
struct Form {
  std::optional<std::string> language = "RO";  // of GetOrderDetails
  std::chrono::seconds lifetime{60};           // of GetOrderDetails' Timestamp; a confirmation's is five minutes
  soap::Prefixes prefixes = soap::Prefixes::Few;
  bool namesAction = true;  // false: with an empty SOAPAction, which MPay never sends

  // "Language ru", "without Language", "Timestamp of 300 s", "with prefixes": how it differs from the default; else
  // empty.
  std::string difference() const;
};

// Answers that take longer are a warning: the standard contract asks for at most so much.
inline constexpr Duration kSlow{5'000};

// What was asked, and all that can be told of the answer.
struct Exchange {
  std::string title{};  // "GetOrderDetails of the known order, unsigned"
  std::string request{};
  Result<net::Response> response = fail(ErrorKind::Cancelled, "not asked");
  std::optional<soap::Envelope> envelope{};
  std::string envelopeProblem{};  // where there is none
  soap::Verification verification{};
  Duration took{0};

  std::optional<soap::Fault> fault() const;
  // A status of success, and no Fault.
  bool isAccepted() const;
  // Accepted, or refused for what it asks: a Fault that there is no such order.
  bool isLetIn() const;
  // A Fault, or another answer whose status says that it was refused.
  bool isRefused() const;
  // Refused by a Fault that speaks of the SOAPAction (T3).
  bool isActionRefused() const;
  // The signature holds and covers what is used; or would, had the answer not been reformatted (S4).
  bool isTrusted() const;
  // What the Body holds: the node that was signed, where that can be told; else, for diagnosis alone, what stands
  // there. Nothing where several elements may be meant, as in a wrapping attack.
  std::optional<soap::Element> content() const;
  // "status 500, UnknownOrder", "no answer: ...", for messages.
  std::string outcome() const;
};

// "7 s; the standard contract asks for at most 5 s".
std::string tookTooLong(const Exchange& exchange);

// Why nothing can be said where the genuine request was not let in, with the check that tells of it.
std::string refusalOf(const Exchange& known);

// The ways in which a request is broken that must be refused.
enum class Flaw { Unsigned, TamperedBody, StrangersKey, BorrowedToken, TimestampAlone, Expired, Future, NoTimestamp };

class Payments;

// One thread's. Everything that it returns lives as long as it does.
class Session {
 public:
  struct Ports {
    Endpoint& endpoint;
    const Clock& clock;
    std::function<std::string()> newId;  // of requests: no two the same; letters, digits, '-' and '_'
    // Told the payable order's amount before anything is paid, and whether that is done in parts: a repeated run has to
    // pay the same. An error keeps it from being paid.
    std::function<Result<void>(soap::Amount, bool inParts)> record{};
  };

  Session(const Subject& subject, const Limits& limits, const Ports& ports, std::stop_token stop);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Subject& subject() const { return subject_; }
  const Limits& limits() const { return limits_; }
  soap::Instant now() const { return ports_.clock.now(); }
  // Why nothing more is asked: it was cancelled, or its time is over.
  std::optional<std::string> interruption() const;

  // --- GetOrderDetails ---
  // The form in which genuine requests are taken, so that a service which refuses one of MPay's forms is judged in
  // another: the default, unless that is refused and another is not.
  const Form& form();
  const Exchange& known();       // the genuine request for the known order: what most checks look at
  const Exchange& knownAgain();  // the same, once more
  const Exchange& knownAs(const Form& form);
  const Exchange& knownSignedWith(soap::Algorithm algorithm);
  const Exchange& unknownOrder();
  const Exchange& unknownService();
  const Exchange& longKey();  // of 37 characters
  const Exchange& broken(Flaw flaw);

  // The decoded answer of known(); null where there is none.
  const soap::OrderAnswer* orders();

  // --- ConfirmOrderPayment ---
  const Exchange& confirmUnknownOrder();
  const Exchange& confirmUnknownService();
  // Pays the payable order, when it is first asked.
  const Payments& payments();

  // For Payments.
  const Exchange& order(const std::string& title, const std::string& key);
  const Exchange& confirm(const std::string& title, const soap::Confirmation& confirmation);
  Result<void> record(soap::Amount amount, bool inParts) const;

 private:
  // Of the run's time, rounded up; not above zero when it is over.
  Duration left() const;
  const Exchange& ask(const std::string& title, std::string_view operation, const soap::Document& payload,
                      const soap::Signer& signer, soap::Signing signing, bool namesAction);
  const Exchange& query(const std::string& title, const std::string& key, const std::string& serviceId);
  soap::OrderQuery knownQuery(const Form& form) const;
  soap::Signing genuine(const Form& form) const;
  soap::Confirmation nominal(const std::string& which) const;
  const soap::Signer& stranger();

  const Subject& subject_;
  const Limits limits_;
  const Ports ports_;
  const std::stop_token stop_;
  const MonoTime deadline_;
  std::map<std::string, Exchange> exchanges_;  // by title
  std::optional<Form> form_;
  std::optional<soap::Signer> stranger_;
  std::optional<std::optional<soap::OrderAnswer>> orders_;
  std::unique_ptr<Payments> payments_;
};

// A PaymentID in the form of a UUID, always the same of the same seed and order.
std::string paymentId(const Subject& subject, std::string_view orderKey, std::string_view which);

}  // namespace mpay::conformance
