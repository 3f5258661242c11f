// SOAP 1.1 envelopes (WS-I Basic Profile 1.1) and faults. security.h deals with their signatures.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mpay/xml.h"

namespace mpay::soap {

inline constexpr std::string_view kContentType = "text/xml; charset=utf-8";

// SOAPAction's value for "GetOrderDetails" or "ConfirmOrderPayment", quoted by WS-I BP 1.1 R2744; empty (in quotes) for
// no operation.
std::string soapAction(std::string_view operation);

// A SOAP 1.1 fault. MPay's documented codes are the local part of `code`, whatever its namespace.
struct Fault {
  Name code;         // resolved: "a:UnknownService", or "UnknownService" without a prefix
  std::string text;  // faultstring
  std::string actor;
  std::optional<Element> detail;
  bool isQualified = false;  // its members are in a namespace, against SOAP 1.1
};

// True if the header is for the final recipient: it names no actor, or the next one.
bool isForRecipient(const Element& header);

// An envelope as it was received. It is read even if something is wrong with it: `problems` reports that, and the rest
// is still read.
class Envelope {
 public:
  enum class Problem {
    HeaderAfterBody,
    SeveralHeaders,
    SeveralBodies,
    NoBody,
    SeveralBodyChildren,
    ForeignChild,  // in the envelope, other than Header and Body
  };

  // Errors: as of Document::parse; Invalid with reason NotSoap if the root is no SOAP 1.1 Envelope (HTML, SOAP 1.2).
  static Result<Envelope> parse(std::string_view bytes);

  const Document& document() const { return document_; }
  const std::vector<Problem>& problems() const { return problems_; }
  bool has(Problem problem) const;
  std::optional<Element> header() const { return header_; }
  // The direct child of the envelope, only if there is exactly one. It need not be signed.
  std::optional<Element> body() const;
  // Body's child, only if there is exactly one.
  std::optional<Element> payload() const;
  // The payload's Fault, if the payload is one.
  std::optional<Fault> fault() const;

  // The WS-Security headers for MPay; those for another actor are left out (SOAP 1.1, 4.2.2).
  std::vector<Element> securities() const;
  // The headers that MPay must understand and does not (SOAP 1.1, 4.2.3): all but Security.
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
