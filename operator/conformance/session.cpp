#include "conformance/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "conformance/payments.h"
#include "crypto/digest.h"

namespace mpay::conformance {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr std::chrono::seconds kConfirmationLifetime = minutes(5);

// Longer than an OrderKey may be.
constexpr std::size_t kTooLong = 37;

std::string uuidOf(std::string_view text) {
  const auto hex = crypto::sha256Hex(text);
  // Version 8, variant 1 (RFC 9562): the bits are of our own making.
  return fmt::format("{}-{}-8{}-a{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(13, 3), hex.substr(17, 3),
                     hex.substr(20, 12));
}

std::string titleOf(Flaw flaw) {
  switch (flaw) {
    case Flaw::Unsigned: return "unsigned";
    case Flaw::TamperedBody: return "with a Body changed after signing";
    case Flaw::StrangersKey: return "signed with a stranger's key";
    case Flaw::BorrowedToken: return "signed with a stranger's key, with MPay's certificate as token";
    case Flaw::TimestampAlone: return "of which the Timestamp alone is signed";
    case Flaw::Expired: return "that expired an hour ago";
    case Flaw::Future: return "that begins in an hour";
    case Flaw::NoTimestamp: return "without a Timestamp";
  }
  return "";
}

// The forms to try in this order if the default is refused.
std::vector<Form> otherForms() {
  return {{.language = "ro"},
          {.language = std::nullopt},
          {.lifetime = kConfirmationLifetime},
          {.prefixes = soap::Prefixes::Listed},
          {.namesAction = false},
          {.language = std::nullopt, .lifetime = kConfirmationLifetime}};
}

// True if the fault says that there is no such order or service, so the request's form was accepted.
bool saysUnknown(const Exchange& exchange) {
  const auto fault = exchange.fault();
  return fault && (fault->code.local == "UnknownOrder" || fault->code.local == "UnknownService");
}

void read(Exchange& exchange, const Subject& subject) {
  auto envelope = soap::Envelope::parse(exchange.response->body);
  if (!envelope) {
    exchange.envelopeProblem = std::move(envelope).error().message;
    return;
  }
  exchange.envelope = std::move(*envelope);
  exchange.verification = soap::verify(*exchange.envelope, subject.registered);
}

}  // namespace

std::string Form::difference() const {
  const Form standard;
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (language != standard.language) add(language ? "Language " + *language : "without Language");
  if (lifetime != standard.lifetime) add(fmt::format("Timestamp of {} s", lifetime.count()));
  if (prefixes == soap::Prefixes::All) add("with prefixes");
  if (prefixes == soap::Prefixes::Listed) add("with prefixes and an InclusiveNamespaces PrefixList");
  if (!namesAction) add("with an empty SOAPAction");
  return text;
}

std::optional<soap::Fault> Exchange::fault() const { return envelope ? envelope->fault() : std::nullopt; }

bool Exchange::isAccepted() const {
  return response && response->status >= 200 && response->status < 300 && envelope && !fault();
}

bool Exchange::isLetIn() const {
  static constexpr std::array<std::string_view, 7> kCodes{"InvalidParameter", "UnknownService", "UnknownOrder",
                                                          "UnknownInvoice",   "UnknownPayment", "InvoiceAlreadyPaid",
                                                          "InvoiceExpired"};
  const auto found = fault();
  return isAccepted() || (found && std::find(kCodes.begin(), kCodes.end(), found->code.local) != kCodes.end());
}

bool Exchange::isRefused() const { return response && (fault() || response->status >= 400); }

bool Exchange::isActionRefused() const {
  const auto found = fault();
  if (!found || isLetIn()) return false;
  const auto text = lowered(found->code.local + " " + found->text);
  return text.find("actionnotsupported") != std::string::npos || text.find("soapaction") != std::string::npos;
}

bool Exchange::isTrusted() const {
  if (!envelope) return false;
  const auto& v = verification;
  if (v.problems.empty()) return true;
  const auto isAlmost = [](soap::Holds holds) {
    return holds == soap::Holds::Yes || holds == soap::Holds::WithoutBlanks;
  };
  return isAlmost(v.digests()) && isAlmost(v.signatureByRegistered) &&
         std::all_of(v.problems.begin(), v.problems.end(), [](const auto& problem) {
           return problem.reason == "DigestMismatch" || problem.reason == "SignatureMismatch";
         });
}

std::optional<soap::Element> Exchange::content() const {
  if (!envelope || verification.has("SignatureWrapping") || verification.has("DuplicateId")) return std::nullopt;
  if (!verification.body) return envelope->payload();
  const auto children = verification.body->children();
  return children.size() == 1 ? std::optional(children.front()) : std::nullopt;
}

std::string Exchange::outcome() const {
  if (!response) return "no answer: " + response.error().message;
  std::string text = fmt::format("status {}", response->status);
  if (const auto found = fault())
    return text + (found->code.local.empty() ? ", a fault without a faultcode"
                                             : ", a fault " + soap::shortened(found->code.local, 60));
  if (!envelope) return text + ", no SOAP envelope";
  if (const auto payload = envelope->payload()) return text + ", " + soap::shortened(payload->local(), 60);
  return text;
}

std::string tookTooLong(const Exchange& exchange) {
  using std::chrono::seconds;
  return fmt::format("{} s; the standard contract asks for at most {} s",
                     std::chrono::ceil<seconds>(exchange.took).count(), std::chrono::ceil<seconds>(kSlow).count());
}

std::string refusalOf(const Exchange& known) {
  return known.isActionRefused() ? "the genuine request's SOAPAction was refused, see T3"
                                 : "the genuine request was refused, see R8";
}

std::string paymentId(const Subject& subject, std::string_view orderKey, std::string_view which) {
  // The lengths keep two different pairs from giving the same text.
  return uuidOf(fmt::format("mpay payment\n{}:{}\n{}:{}\n{}", subject.seed.size(), subject.seed, orderKey.size(),
                            orderKey, which));
}

Session::Session(const Subject& subject, const Limits& limits, const Ports& ports, std::stop_token stop)
    : subject_(subject),
      limits_(limits),
      ports_(ports),
      stop_(std::move(stop)),
      deadline_(ports.clock.monotonic() + limits.total) {}

Session::~Session() = default;

Duration Session::left() const { return std::chrono::ceil<Duration>(deadline_ - ports_.clock.monotonic()); }

std::optional<std::string> Session::interruption() const {
  if (stop_.stop_requested()) return "the run was cancelled";
  if (left() <= Duration::zero())
    return fmt::format("the run took longer than {} s in all",
                       std::chrono::ceil<std::chrono::seconds>(limits_.total).count());
  return std::nullopt;
}

soap::Signing Session::genuine(const Form& form) const {
  soap::Signing signing;
  signing.validity = soap::Validity{now(), now() + form.lifetime};
  signing.algorithm = subject_.algorithm;
  signing.prefixes = form.prefixes;
  return signing;
}

soap::OrderQuery Session::knownQuery(const Form& form) const {
  return {form.language, subject_.known.key, subject_.serviceId};
}

const Exchange& Session::ask(const std::string& title, std::string_view operation, const soap::Document& payload,
                             const soap::Signer& signer, soap::Signing signing, bool namesAction) {
  const std::string name = fmt::format("{} {}", operation, title);
  if (const auto found = exchanges_.find(name); found != exchanges_.end()) return found->second;
  Exchange& exchange = exchanges_[name];
  exchange.title = name;
  if (const auto why = interruption()) {
    exchange.response = fail(ErrorKind::Cancelled, *why);
    return exchange;
  }
  signing.id = ports_.newId();
  auto sealed = soap::seal(payload, signer, signing);
  if (!sealed) {
    exchange.response = fail(std::move(sealed).error());
    return exchange;
  }
  exchange.request = std::move(*sealed);
  // Making the request took time too, perhaps all that was left.
  const auto timeout = std::min(left(), limits_.request);
  if (timeout <= Duration::zero()) {
    exchange.response = fail(ErrorKind::Cancelled, interruption().value_or("nothing is left of the time"));
    return exchange;
  }
  const auto begin = ports_.clock.monotonic();
  exchange.response = ports_.endpoint.post(namesAction ? operation : "", exchange.request, timeout, stop_);
  exchange.took = std::chrono::floor<Duration>(ports_.clock.monotonic() - begin);
  if (exchange.response) read(exchange, subject_);
  return exchange;
}

const Exchange& Session::query(const std::string& title, const std::string& key, const std::string& serviceId) {
  const auto& how = form();
  return ask(title, soap::kGetOrderDetails, soap::getOrderDetails({how.language, key, serviceId}), subject_.signer,
             genuine(how), how.namesAction);
}

const Form& Session::form() {
  if (form_) return *form_;
  form_.emplace();
  // If each answer takes long, the run's time is kept for other questions.
  if (const auto& first = knownAs(*form_); !first.isRefused() || saysUnknown(first) || first.took > kSlow)
    return *form_;
  for (auto& other : otherForms()) {
    if (!knownAs(other).isAccepted()) continue;
    form_ = std::move(other);
    break;
  }
  return *form_;
}

const Exchange& Session::knownAs(const Form& form) {
  const auto difference = form.difference();
  return ask("of the known order" + (difference.empty() ? "" : ", " + difference), soap::kGetOrderDetails,
             soap::getOrderDetails(knownQuery(form)), subject_.signer, genuine(form), form.namesAction);
}

const Exchange& Session::known() { return knownAs(form()); }

const Exchange& Session::knownAgain() {
  return query("of the known order, once more", subject_.known.key, subject_.serviceId);
}

const Exchange& Session::knownSignedWith(soap::Algorithm algorithm) {
  if (algorithm == subject_.algorithm) return known();
  const auto& how = form();
  auto signing = genuine(how);
  signing.algorithm = algorithm;
  return ask(fmt::format("of the known order, signed with {}", toString(algorithm)), soap::kGetOrderDetails,
             soap::getOrderDetails(knownQuery(how)), subject_.signer, signing, how.namesAction);
}

const Exchange& Session::unknownOrder() {
  return query("of the unknown order", subject_.unknownKey, subject_.serviceId);
}

const Exchange& Session::unknownService() {
  return query("of an unknown service", subject_.known.key, nominal("unknown service").serviceId);
}

const Exchange& Session::longKey() {
  auto key = subject_.known.key;
  key.resize(kTooLong, '0');
  return query("with a key of 37 characters", key, subject_.serviceId);
}

const soap::Signer& Session::stranger() {
  if (!stranger_) {
    auto made = soap::Signer::stranger("Stranger", ports_.clock.now());
    // OpenSSL can make keys, or the tester could not run at all.
    stranger_ = made ? std::move(*made) : subject_.signer;
  }
  return *stranger_;
}

const Exchange& Session::broken(Flaw flaw) {
  const auto& how = form();
  auto signing = genuine(how);
  auto payload = soap::getOrderDetails(knownQuery(how));
  std::optional<soap::Signer> other;
  switch (flaw) {
    case Flaw::Unsigned: signing.signature = false; break;
    case Flaw::TamperedBody: {
      // The signed payload is harmless; the payload sent in its place asks for the known order.
      auto before = knownQuery(how);
      before.orderKey = subject_.unknownKey;
      signing.tampered = std::move(payload);
      payload = soap::getOrderDetails(before);
      break;
    }
    case Flaw::StrangersKey: other = stranger(); break;
    case Flaw::BorrowedToken: other = stranger().presenting(subject_.signer.certificate()); break;
    case Flaw::TimestampAlone: signing.signsBody = false; break;
    case Flaw::Expired: signing.validity = soap::Validity{now() - hours(2), now() - hours(1)}; break;
    case Flaw::Future: signing.validity = soap::Validity{now() + hours(1), now() + hours(2)}; break;
    case Flaw::NoTimestamp: signing.validity.reset(); break;
  }
  return ask("of the known order, " + titleOf(flaw), soap::kGetOrderDetails, payload, other ? *other : subject_.signer,
             signing, how.namesAction);
}

const soap::OrderAnswer* Session::orders() {
  if (!orders_) {
    orders_.emplace();
    const auto& exchange = known();
    if (const auto content = exchange.isAccepted() ? exchange.content() : std::nullopt) {
      if (auto answer = soap::decodeOrders(*content)) *orders_ = std::move(*answer);
    }
  }
  return *orders_ ? &**orders_ : nullptr;
}

soap::Confirmation Session::nominal(const std::string& which) const {
  soap::Confirmation confirmation;
  confirmation.currency = subject_.known.currency;
  confirmation.orderKey = subject_.unknownKey;
  confirmation.paidAt = formatTime(ports_.clock.now()).substr(0, 19);
  confirmation.paymentId = paymentId(subject_, subject_.unknownKey, which);
  // No service has this id: it is a UUID made of the seed.
  confirmation.serviceId =
      which == "unknown service" ? paymentId(subject_, subject_.serviceId, which) : subject_.serviceId;
  confirmation.totalAmount = soap::Amount{1'000'000};
  confirmation.lines.push_back({confirmation.totalAmount, std::nullopt, "1", {}});
  return confirmation;
}

const Exchange& Session::confirmUnknownOrder() { return confirm("of the unknown order", nominal("unknown order")); }

const Exchange& Session::confirmUnknownService() {
  return confirm("of an unknown service", nominal("unknown service"));
}

const Exchange& Session::order(const std::string& title, const std::string& key) {
  return query(title, key, subject_.serviceId);
}

const Exchange& Session::confirm(const std::string& title, const soap::Confirmation& confirmation) {
  auto how = form();
  how.lifetime = kConfirmationLifetime;
  return ask(title, soap::kConfirmOrderPayment, soap::confirmOrderPayment(confirmation), subject_.signer, genuine(how),
             how.namesAction);
}

Result<void> Session::record(soap::Amount amount, bool inParts) const {
  return ports_.record ? ports_.record(amount, inParts) : Result<void>{};
}

const Payments& Session::payments() {
  if (!payments_) payments_ = std::make_unique<Payments>(Payments::make(*this));
  return *payments_;
}

}  // namespace mpay::conformance
