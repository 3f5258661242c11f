// T1 to T6: the connection, HTTP, and the envelope.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "conformance/check.h"
#include "conformance/session.h"

namespace mpay::conformance {
namespace {

bool isUnreachable(const Error& error) { return error.reason == "Unreachable" || error.reason == "ForbiddenAddress"; }

Verdict reachable(Session& session) {
  const auto& known = session.known();
  if (!known.response && isUnreachable(known.response.error())) return failed(known.response.error().message, {&known});
  return passed("it takes connections");
}

Verdict speaksTls(Session& session) {
  const auto& known = session.known();
  if (!known.response && isUnreachable(known.response.error())) return blocked("no connection came about, see T1");
  if (!known.response && known.response.error().reason == "TLSFailed")
    return failed(known.response.error().message, {&known});
  return passed("TLS 1.2 or later, with host name and chain");
}

// The charset parameter in lower case; empty if there is none.
std::string charsetOf(const std::string& contentType) {
  const auto small = lowered(contentType);
  const auto at = small.find("charset=");
  if (at == std::string::npos) return {};
  auto value = small.substr(at + 8);
  if (value.starts_with('"')) return value.substr(1, value.find('"', 1) - 1);
  return value.substr(0, value.find_first_of("; \t"));
}

bool isUtf16(std::string_view bytes) {
  return bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff") ||
         bytes.starts_with(std::string_view("<\0", 2)) || bytes.starts_with(std::string_view("\0<", 2));
}

// True if a reader that trusts the charset would read other characters (RFC 7303, 3). Documents are UTF-8 or UTF-16.
// For ASCII text every charset that contains ASCII is right.
bool contradicts(const std::string& charset, std::string_view bytes) {
  if (charset.empty()) return false;
  if (isUtf16(bytes)) return !charset.starts_with("utf-16");
  if (charset == "utf-8" || charset == "utf8") return false;
  return charset.starts_with("utf-16") || charset.starts_with("utf-32") ||
         std::any_of(bytes.begin(), bytes.end(), [](char c) { return (c & 0x80) != 0; });
}

Verdict speaksHttp(Session& session) {
  const auto& known = session.known();
  if (!known.response) return failed("the answer did not arrive whole: " + known.response.error().message, {&known});
  if (!session.form().namesAction)
    return failed("the documented SOAPAction is refused, an empty one is taken: " + session.knownAs({}).outcome(),
                  {&session.knownAs({})});
  if (known.isActionRefused()) return failed("the documented SOAPAction is refused: " + known.outcome(), {&known});
  const auto& response = *known.response;
  const auto header = [&](const std::string& name) {
    const auto found = response.headers.find(name);
    return found == response.headers.end() ? std::string() : found->second;
  };
  if (response.status >= 300 && response.status < 400)
    return failed(fmt::format("it redirects with status {}, which is not followed", response.status), {&known});
  if (response.status != 200 && response.status != 500)
    return failed(fmt::format("status {} to a text/xml request with a quoted SOAPAction", response.status), {&known});
  if (const auto encoding = header("content-encoding"); !encoding.empty() && encoding != "identity")
    return failed(fmt::format("the answer is compressed (Content-Encoding: {}), which was not asked for",
                              soap::shortened(encoding, 60)),
                  {&known});
  const auto contentType = header("content-type");
  const auto type = lowered(contentType.substr(0, contentType.find_first_of("; \t")));
  if (type != "text/xml")
    return failed(fmt::format("the answer's Content-Type is {}, not text/xml",
                              type.empty() ? "missing" : "\"" + soap::shortened(type, 60) + "\""),
                  {&known});
  if (const auto charset = charsetOf(contentType); contradicts(charset, response.body))
    return failed(fmt::format("the Content-Type's charset is \"{}\", the answer is in {}", soap::shortened(charset, 60),
                              isUtf16(response.body) ? "UTF-16" : "UTF-8"),
                  {&known});
  if (known.took > kSlow) return warned("the answer took " + tookTooLong(known), {&known});
  return passed(fmt::format("status {}, text/xml", response.status));
}

Verdict isOneEnvelope(Session& session) {
  const auto& known = session.known();
  if (!known.envelope && speaksHttp(session).outcome == Outcome::fail)
    return blocked("there is no answer in text/xml, see T3");
  if (!known.envelope) return failed("the answer is no SOAP 1.1 envelope: " + known.envelopeProblem, {&known});
  for (const auto problem : known.envelope->problems()) {
    if (problem != soap::Envelope::Problem::SeveralBodyChildren)  // T6 reports it
      return failed(std::string(toString(problem)), {&known});
  }
  if (const auto headers = known.envelope->notUnderstood(); !headers.empty())
    return failed(fmt::format("the header {} must be understood, and MPay does not know it",
                              soap::shortened(headers.front().name().text(), 120)),
                  {&known});
  return passed("one Header before one Body");
}

Verdict faultsHaveStatus500(Session& session) {
  bool isSeen = false;
  for (const auto* exchange :
       {&session.known(), &session.broken(Flaw::Unsigned), &session.unknownService(), &session.unknownOrder()}) {
    if (!exchange->fault()) continue;
    isSeen = true;
    if (exchange->fault()->isQualified)
      return failed("a fault's faultcode is in a namespace: its members have none (SOAP 1.1, 4.4)", {exchange});
    if (exchange->response->status != 500)
      return failed(fmt::format("a fault came with status {}", exchange->response->status), {exchange});
  }
  if (!isSeen) return notApplicable("no answer was a fault");
  return passed("faults came with status 500");
}

Verdict bodyHoldsTheResponse(Session& session) {
  const auto& known = session.known();
  if (!known.envelope->body()) return blocked("there is not exactly one Body, see T4");
  const auto payload = known.envelope->payload();
  if (!payload) return failed("the Body has not exactly one child", {&known});
  if (!payload->is(soap::ns::kMPay, "GetOrderDetailsResponse"))
    return failed(fmt::format("the Body holds {}", soap::shortened(payload->name().text(), 120)), {&known});
  return passed("GetOrderDetailsResponse of MPay's namespace");
}

constexpr std::array kChecks{
    Check{"T1", "The endpoint takes connections from MPay.",
          "MPay calls the service whenever somebody wants to pay; without a connection nobody can.",
          "Open the port to MPay's addresses, check the name in DNS, and give the URL that is reachable from outside.",
          "Failed to connect to pay.example.md port 443: Connection refused", Need::Nothing, reachable},
    Check{"T2", "It speaks HTTPS by TLS 1.2 or later, with a certificate for its host name and the whole chain.",
          "MPay does not send payers' data over a connection whose other end it cannot prove.",
          "Install a certificate that names the URL's host, send its intermediates along, and allow TLS 1.2 and 1.3.",
          "SSL certificate problem: unable to get local issuer certificate", Need::Nothing, speaksTls},
    Check{"T3",
          "It takes text/xml with MPay's SOAPAction and answers in text/xml, whole, within 5 s, without a redirect.",
          "SOAP 1.1 over HTTP is what MPay speaks: another media type is SOAP 1.2 or no SOAP at all, and a redirect "
          "loses the request.",
          "Serve the endpoint's URL itself by SOAP 1.1 (a basicHttpBinding, not wsHttpBinding), uncompressed, within a "
          "megabyte and 5 s.",
          "the answer's Content-Type is \"application/soap+xml\", not text/xml", Need::Connection, speaksHttp},
    Check{"T4", "The answer is one SOAP 1.1 envelope, its Header before its Body.",
          "The Header holds the signature; a reader that streams must know it before it reads the Body, and XML with a "
          "DTD or a second Body is how signatures are evaded.",
          "Leave the envelope to your SOAP stack, and send neither a DTD nor anything beside Header and Body.",
          "the Header stands after the Body", Need::Answer, isOneEnvelope},
    Check{"T5", "A fault comes with HTTP status 500.",
          "By status 200 MPay takes the call as successful; a payment would count that was refused.",
          "Throw the fault through your SOAP stack instead of returning it as an ordinary answer.",
          "a fault came with status 200", Need::Answer, faultsHaveStatus500},
    Check{"T6", "The Body has one child, GetOrderDetailsResponse of the namespace https://mpay.gov.md.",
          "Document/literal finds the operation by that element; with another name or namespace MPay reads nothing.",
          "Generate the service from MPay's WSDL, and do not change its target namespace.",
          "the Body holds {http://mpay.gov.md}GetOrderDetailsResponse", Need::Success, bodyHoldsTheResponse},
};

}  // namespace

std::span<const Check> transportChecks() { return kChecks; }

}  // namespace mpay::conformance
