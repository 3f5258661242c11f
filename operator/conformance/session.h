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
  // The full amount before anything was ever paid. None: it is read from the service, which must say that the order is
  // Active.
  std::optional<soap::Amount> amount{};
  // Says if the order was paid in parts; none: the service says so.
  std::optional<bool> inParts{};
};

// The subject of a run. The person who starts a run must hold the ServiceID, because a signed confirmation counts at
// any endpoint of the service.
struct Subject {
  std::string serviceId{};
  crypto::Certificate registered;  // the beneficiary's; answers must verify with it
  soap::Signer signer;             // MPay's key for tests
  soap::Algorithm algorithm = soap::Algorithm::RsaSha1;
  KnownOrder known{};
  std::string unknownKey{};
  std::optional<PayableOrder> payable{};
  // A permanent identity of the service, such as the integration's UID. It is never a digest of editable fields:
  // PaymentIDs follow from the seed and the order's key alone, so that no rerun pays again.
  std::string seed{};
};

// The longest time for a run and for a request, and the greatest difference between clocks.
struct Limits {
  Duration total{120'000};
  Duration request{20'000};
  std::chrono::seconds skew{300};
};

// The form of a genuine request. MPay's published requests differ in every one of these members. A run begins with the
// default.
struct Form {
  std::optional<std::string> language = "RO";  // in GetOrderDetails
  std::chrono::seconds lifetime{60};           // the Timestamp of GetOrderDetails; a confirmation's is five minutes
  soap::Prefixes prefixes = soap::Prefixes::Few;
  bool namesAction = true;  // false: with an empty SOAPAction, which MPay never sends

  // The difference from the default: "Language ru", "without Language", "Timestamp of 300 s", "with prefixes"; empty:
  // none.
  std::string difference() const;
};

// A slower answer is a warning: the standard contract asks for at most this.
inline constexpr Duration kSlow{5'000};

// A request, and everything that is known about the answer.
struct Exchange {
  std::string title{};  // "GetOrderDetails of the known order, unsigned"
  std::string request{};
  Result<net::Response> response = fail(ErrorKind::Cancelled, "not asked");
  std::optional<soap::Envelope> envelope{};
  std::string envelopeProblem{};  // the reason why there is no envelope
  soap::Verification verification{};
  Duration took{0};

  std::optional<soap::Fault> fault() const;
  // True for a status of success without a Fault.
  bool isAccepted() const;
  // True if the request was accepted, or refused only because there is no such order.
  bool isLetIn() const;
  // True for a Fault, or for another answer with a status of refusal.
  bool isRefused() const;
  // True if a Fault refused the SOAPAction (T3).
  bool isActionRefused() const;
  // True if the signature holds and covers the content that is used, or would hold if the answer had not been
  // reformatted (S4).
  bool isTrusted() const;
  // The content of the Body: the signed node, if that is certain; otherwise, for diagnosis only, the node in its place.
  // Nothing if several elements may be meant, as in a wrapping attack.
  std::optional<soap::Element> content() const;
  // "status 500, UnknownOrder", "no answer: ...", for messages.
  std::string outcome() const;
};

// "7 s; the standard contract asks for at most 5 s".
std::string tookTooLong(const Exchange& exchange);

// The reason for a check to be skipped if the genuine request was not let in, with the check that reports it.
std::string refusalOf(const Exchange& known);

// Requests that are broken on purpose; each must be refused.
enum class Flaw { Unsigned, TamperedBody, StrangersKey, BorrowedToken, TimestampAlone, Expired, Future, NoTimestamp };

class Payments;

// For one thread. Everything that it returns lives as long as the session.
class Session {
 public:
  struct Ports {
    Endpoint& endpoint;
    const Clock& clock;
    std::function<std::string()> newId;  // for requests, unique; letters, digits, '-' and '_'
    // Called before anything is paid, with the payable order's amount and with true if it is paid in parts: a repeated
    // run must pay the same. An error prevents the payment.
    std::function<Result<void>(soap::Amount, bool inParts)> record{};
  };

  Session(const Subject& subject, const Limits& limits, const Ports& ports, std::stop_token stop);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Subject& subject() const { return subject_; }
  const Limits& limits() const { return limits_; }
  soap::Instant now() const { return ports_.clock.now(); }
  // The reason why no more requests are sent: the run was cancelled, or its time is over.
  std::optional<std::string> interruption() const;

  // --- GetOrderDetails ---
  // The form of genuine requests: the default, unless the service refuses it and accepts another. The service is then
  // judged in the form that it accepts.
  const Form& form();
  const Exchange& known();       // the genuine request for the known order, which most checks judge
  const Exchange& knownAgain();  // the same request, sent again
  const Exchange& knownAs(const Form& form);
  const Exchange& knownSignedWith(soap::Algorithm algorithm);
  const Exchange& unknownOrder();
  const Exchange& unknownService();
  const Exchange& longKey();  // a key of 37 characters
  const Exchange& broken(Flaw flaw);

  // The decoded answer of known(); null if there is none.
  const soap::OrderAnswer* orders();

  // --- ConfirmOrderPayment ---
  const Exchange& confirmUnknownOrder();
  const Exchange& confirmUnknownService();
  // Pays the payable order at the first call.
  const Payments& payments();

  // For Payments only.
  const Exchange& order(const std::string& title, const std::string& key);
  const Exchange& confirm(const std::string& title, const soap::Confirmation& confirmation);
  Result<void> record(soap::Amount amount, bool inParts) const;

 private:
  // The rest of the run's time, rounded up; not above zero when it is over.
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

// A PaymentID in the form of a UUID; always the same for the same seed, order and payment.
std::string paymentId(const Subject& subject, std::string_view orderKey, std::string_view which);

}  // namespace mpay::conformance
