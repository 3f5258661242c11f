// R1 to R8: the security of requests. R1 to R7 send a request that is broken on purpose; each request asks only for the
// known order.
#include <fmt/format.h>

#include <array>

#include "conformance/session.h"
#include "conformance/tally.h"

namespace mpay::conformance {
namespace {

Verdict isRejected(Session& session, const Exchange& broken) {
  if (!session.known().envelope) return blocked("genuine requests get no SOAP answer either, see T3 and T4");
  if (!broken.response)
    return failed("no answer came, where a fault is due: " + broken.response.error().message, {&broken});
  if (const auto status = broken.response->status; status >= 300 && status < 400)
    return failed(fmt::format("it was redirected with status {}, where a fault is due", status), {&broken});
  // A fault about the order means that the request was let in. InvalidParameter may be about the signature.
  const auto fault = broken.fault();
  if (!broken.isRefused() || (broken.isLetIn() && fault->code.local != "InvalidParameter"))
    return failed("it was accepted: " + broken.outcome(), {&broken});
  if (!session.known().isLetIn()) return blocked("this proves nothing, as " + refusalOf(session.known()));
  return passed("it was refused: " + broken.outcome());
}

template <Flaw flaw>
Verdict rejects(Session& session) {
  return isRejected(session, session.broken(flaw));
}

Verdict rejectsOtherKeys(Session& session) {
  auto verdict = isRejected(session, session.broken(Flaw::StrangersKey));
  if (verdict.outcome != Outcome::pass) return verdict;
  verdict = isRejected(session, session.broken(Flaw::BorrowedToken));
  if (verdict.outcome == Outcome::fail) verdict.message = "with MPay's certificate as token " + verdict.message;
  return verdict;
}

Verdict acceptsGenuine(Session& session) {
  if (session.known().isActionRefused()) return blocked(refusalOf(session.known()));
  for (const auto algorithm : {session.subject().algorithm, soap::Algorithm::RsaSha1}) {
    const auto& genuine = session.knownSignedWith(algorithm);
    if (!genuine.isLetIn())
      return failed(
          fmt::format("a genuine request, signed with {}, was refused: {}", toString(algorithm), genuine.outcome()),
          {&genuine});
  }
  // Each form differs in one property from the accepted requests, so that each answer tells about one property.
  Tally tally;
  const auto tryForm = [&](const Form& form, std::string_view words) {
    const auto& genuine = session.knownAs(form);
    if (!genuine.isLetIn())
      tally.fail(fmt::format("a genuine request {} was refused: {}", words, genuine.outcome()), {&genuine});
  };
  using soap::Prefixes;
  const std::pair<Prefixes, std::string_view> prefixes[] = {
      {Prefixes::Few, "with MPay's namespace as default"},
      {Prefixes::All, "with prefixes"},
      {Prefixes::Listed, "with an InclusiveNamespaces PrefixList"}};
  for (const auto& [which, words] : prefixes) {
    auto form = session.form();
    form.prefixes = which;
    tryForm(form, words);
  }
  for (const std::chrono::seconds lifetime : {std::chrono::seconds(60), std::chrono::seconds(300)}) {
    auto form = session.form();
    form.lifetime = lifetime;
    tryForm(form, fmt::format("whose Timestamp holds for {} s", lifetime.count()));
  }
  return tally.verdict("genuine requests are accepted, in each form that MPay publishes");
}

constexpr std::array kChecks{
    Check{"R1", "A request without a signature is refused.",
          "Anybody could ask for payers' data and confirm payments that nobody made.",
          "Require WS-Security on every operation, and answer a request without it with a fault.",
          "it was accepted: status 200, GetOrderDetailsResponse", Need::Answer, rejects<Flaw::Unsigned>},
    Check{"R2", "A request whose Body was changed after signing is refused.",
          "A signature that is looked at but not verified protects nothing.",
          "Verify every digest of the signature, not only that a signature is there.",
          "it was accepted: status 200, GetOrderDetailsResponse", Need::Answer, rejects<Flaw::TamperedBody>},
    Check{"R3", "A request signed with another key than MPay's is refused, whatever certificate it brings.",
          "Whoever trusts the certificate that comes along trusts everybody who has one.",
          "Verify with MPay's certificate as you were given it, and with no other.",
          "it was accepted: status 200, GetOrderDetailsResponse", Need::Answer, rejectsOtherKeys},
    Check{"R4", "A request whose signature covers the Timestamp alone is refused.",
          "The Body beside it could be anybody's.", "Require that the signature covers the Body and the Timestamp.",
          "it was accepted: status 200, GetOrderDetailsResponse", Need::Answer, rejects<Flaw::TimestampAlone>},
    Check{"R5", "A request that has expired is refused.",
          "A confirmation that was recorded could be sent again at any time.",
          "Compare the Timestamp's Expires with the clock; five minutes of difference are plenty.",
          "it was accepted: status 200, GetOrderDetailsResponse", Need::Answer, rejects<Flaw::Expired>},
    Check{"R6", "A request from the future is refused.", "A request that begins to hold later can be kept for then.",
          "Compare the Timestamp's Created with the clock; five minutes of difference are plenty.",
          "it was accepted: status 200, GetOrderDetailsResponse", Need::Answer, rejects<Flaw::Future>},
    Check{"R7", "A request without a Timestamp is refused.", "Without a time it never expires.",
          "Require a Timestamp, and that the signature covers it.",
          "it was accepted: status 200, GetOrderDetailsResponse", Need::Answer, rejects<Flaw::NoTimestamp>},
    Check{"R8",
          "A genuine request, rsa-sha1 with a BinarySecurityToken, is accepted, with prefixes or without, with an "
          "InclusiveNamespaces PrefixList, for one minute or five.",
          "That is how MPay signs; a service that refuses it never answers MPay.",
          "Take the certificate of MPay's that belongs to this environment, allow rsa-sha1, compare the clocks, and "
          "leave XML to a parser and a library of signatures.",
          "a genuine request, signed with RSA-SHA1, was refused: status 500, a fault AuthenticationFailed",
          Need::Envelope, acceptsGenuine},
};

}  // namespace

std::span<const Check> requestChecks() { return kChecks; }

}  // namespace mpay::conformance
