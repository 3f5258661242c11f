// What a check is. The tables of them are in *_checks.cpp, one a group of docs/functional-testing.md.
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

// What one check found. `message` is a sentence, without personal data.
struct Verdict {
  Outcome outcome = Outcome::pass;
  std::string message{};
  // Skipped although it applies, because something that it needs failed: then nobody knows.
  bool isBlocked = false;
  std::vector<const Exchange*> shown{};  // what it was found in; of the session
};

Verdict passed(std::string message, std::vector<const Exchange*> shown = {});
Verdict warned(std::string message, std::vector<const Exchange*> shown = {});
Verdict failed(std::string message, std::vector<const Exchange*> shown = {});
Verdict notApplicable(std::string message);
Verdict blocked(std::string message);

// What must be there before a check can say anything. All are of the answer to the genuine request for the known order.
enum class Need {
  Nothing,
  Connection,     // TLS came about
  Answer,         // and a whole HTTP response
  Envelope,       // and it is a SOAP envelope
  Signature,      // Envelope, and a signature
  ReadSignature,  // and one whose parts can be read
  LetIn,     // Envelope, and the request was not refused for its security: a Fault may say that there is no such order
  Success,   // LetIn, and no Fault
  Contents,  // Success, and a GetOrderDetailsResponse of which it is clear that it is meant
  Order,     // and an order in it
};

struct Check {
  std::string_view id;        // "T1"
  std::string_view sentence;  // what the guide asks for
  std::string_view why;       // what goes wrong otherwise
  std::string_view advice;    // what the developer does about it
  std::string_view example;   // of a message when it fails
  Need need;
  Verdict (*judge)(Session&);
};

std::span<const Check> transportChecks();  // T
std::span<const Check> answerChecks();     // S: the security of answers
std::span<const Check> requestChecks();    // R: the security of requests
std::span<const Check> orderChecks();      // G: GetOrderDetails
std::span<const Check> paymentChecks();    // C: ConfirmOrderPayment

// All of them, in the order of reports.
const std::vector<const Check*>& allChecks();
const Check* findCheck(std::string_view id);

// Every check with its sentence, reason, advice and example, in Markdown: the end of docs/functional-testing.md.
std::string describeChecks();

}  // namespace mpay::conformance
