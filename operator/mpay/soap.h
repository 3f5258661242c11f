// SOAP 1.1 envelopes (WS-I Basic Profile 1.1) and faults. What is signed in them is security.h's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mpay/xml.h"

namespace mpay::soap {

inline constexpr std::string_view kContentType = "text/xml; charset=utf-8";

// SOAPAction's value, quoted as WS-I BP 1.1 R2744 has it, for "GetOrderDetails" or "ConfirmOrderPayment";
// for none the empty one.
std::string soapAction(std::string_view operation);

// A SOAP 1.1 fault. MPay's documented codes are the local part of `code`, whatever its namespace.
struct Fault {
  Name code;         // resolved: "a:UnknownService", or "UnknownService" without a prefix
  std::string text;  // faultstring
  std::string actor;
  std::optional<Element> detail;
  bool isQualified = false;  // its members are in a namespace, where SOAP 1.1 has none
};

// Whether a header is for whoever receives the message at the end: it names no actor, or the next one.
bool isForRecipient(const Element& header);

// An envelope as it was received. It is read so that what is wrong with it can be told: what `problems` says does not
// keep the rest from being read.
class Envelope {
 public:
  enum class Problem {
    HeaderAfterBody,
    SeveralHeaders,
    SeveralBodies,
    NoBody,
    SeveralBodyChildren,
    ForeignChild,  // of the envelope, other than Header and Body
  };

  // Errors: as of Document::parse; Invalid with reason NotSoap where the root is no SOAP 1.1 Envelope (HTML, SOAP 1.2).
  static Result<Envelope> parse(std::string_view bytes);

  const Document& document() const { return document_; }
  const std::vector<Problem>& problems() const { return problems_; }
  bool has(Problem problem) const;
  std::optional<Element> header() const { return header_; }
  // The direct child of the envelope, only where there is exactly one. Nothing says here that it was signed.
  std::optional<Element> body() const;
  // Body's child, only where there is exactly one.
  std::optional<Element> payload() const;
  // Where the payload is a Fault.
  std::optional<Fault> fault() const;

  // Headers of WS-Security that are for MPay; those for another actor are not (SOAP 1.1, 4.2.2).
  std::vector<Element> securities() const;
  // Headers for MPay that it must understand and does not (SOAP 1.1, 4.2.3): all but Security.
  std::vector<Element> notUnderstood() const;

 private:
  explicit Envelope(Document document) : document_(std::move(document)) {}
  Document document_;
  std::vector<Problem> problems_;
  std::optional<Element> header_;
  std::vector<Element> bodies_;
};

std::string_view toString(Envelope::Problem problem);

}  // namespace mpay::soap
