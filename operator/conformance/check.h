// The parts of a check. The tables of checks are in *_checks.cpp, one for each group of docs/functional-testing.md.
#pragma once

#include <boost/describe.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mpay::conformance {

class Session;
struct Exchange;

enum class Outcome { pass, warn, fail, skipped };
BOOST_DESCRIBE_ENUM(Outcome, pass, warn, fail, skipped)

// The result of one check. `message` is a sentence without personal data.
struct Verdict {
  Outcome outcome = Outcome::pass;
  std::string message{};
  // Skipped although the check applies: something that it needs failed, so the result is unknown.
  bool isBlocked = false;
  std::vector<const Exchange*> shown{};  // the exchanges that show it; the session owns them
};

Verdict passed(std::string message, std::vector<const Exchange*> shown = {});
Verdict warned(std::string message, std::vector<const Exchange*> shown = {});
Verdict failed(std::string message, std::vector<const Exchange*> shown = {});
Verdict notApplicable(std::string message);
Verdict blocked(std::string message);

// The precondition of a check. All but Nothing are about the answer to the genuine request for the known order.
enum class Need {
  Nothing,
  Connection,     // there was a TLS connection
  Answer,         // and a whole HTTP response
  Envelope,       // and the response is a SOAP envelope
  Signature,      // Envelope, with a signature
  ReadSignature,  // and the parts of the signature can be read
  LetIn,     // Envelope, and the request was not refused for its security; a Fault may say that there is no such order
  Success,   // LetIn, and no Fault
  Contents,  // Success, and it is clear which GetOrderDetailsResponse is meant
  Order,     // and it contains an order
};

struct Check {
  std::string_view id;        // "T1"
  std::string_view sentence;  // the guide's requirement
  std::string_view why;       // the damage if the check fails
  std::string_view advice;    // the developer's remedy
  std::string_view example;   // the message of an example failure
  Need need;
  Verdict (*judge)(Session&);
};

std::span<const Check> transportChecks();  // T
std::span<const Check> answerChecks();     // S: the security of answers
std::span<const Check> requestChecks();    // R: the security of requests
std::span<const Check> orderChecks();      // G: GetOrderDetails
std::span<const Check> paymentChecks();    // C: ConfirmOrderPayment

// All checks, in the order of reports.
const std::vector<const Check*>& allChecks();
const Check* findCheck(std::string_view id);

// Every check with its sentence, reason, advice and example, in Markdown: the last part of docs/functional-testing.md.
std::string describeChecks();

}  // namespace mpay::conformance
