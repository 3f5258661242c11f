// S1 to S10: the security of answers. soap::verify finds the facts; each check here judges one of them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "conformance/check.h"
#include "conformance/session.h"

namespace mpay::conformance {
namespace {

using soap::Covered;
using soap::Holds;
using soap::KeyInfoForm;

// An answer can be replayed while its Timestamp is valid.
constexpr std::chrono::hours kLongLifetime{1};
constexpr std::chrono::hours kImplausibleLifetime{24};

// The first problem with one of the reasons, as a failure; else nothing.
std::optional<Verdict> problemOf(const Exchange& exchange, std::initializer_list<std::string_view> reasons) {
  for (const auto& problem : exchange.verification.problems) {
    if (std::find(reasons.begin(), reasons.end(), problem.reason) != reasons.end())
      return failed(fmt::format("{}: {}", problem.reason, problem.message), {&exchange});
  }
  return std::nullopt;
}

Verdict isSigned(Session& session) {
  const auto& known = session.known();
  if (auto problem = problemOf(known, {"MissingSignature", "MalformedSecurity"})) return *problem;
  if (!known.verification.present) return failed("there is no signature", {&known});
  return passed("a signature is in the Security header");
}

Verdict coversBodyAndTimestamp(Session& session) {
  const auto& known = session.known();
  const auto& v = known.verification;
  if (auto problem = problemOf(known, {"SignatureWrapping", "SignatureTooLarge"})) return *problem;
  if (!v.isRead) return blocked("the signature cannot be read, see S1");
  // S10 reports ids that occur twice, and references to them.
  if (!v.duplicateIds.empty()) return blocked("ids are not unique, see S10");
  if (auto problem = problemOf(known, {"ReferenceNotAllowed"})) return *problem;
  if (!v.covers(Covered::Body)) return failed("the signature does not cover the Body", {&known});
  if (v.timestamp && !v.covers(Covered::Timestamp))
    return failed("the signature does not cover the Timestamp", {&known});
  return passed(v.timestamp ? "Body and Timestamp are signed" : "the Body is signed; on the Timestamp see S9");
}

Verdict digestsHold(Session& session) {
  const auto& known = session.known();
  switch (known.verification.digests()) {
    case Holds::Yes: return passed("all digests hold on the received bytes");
    case Holds::WithoutBlanks: return notApplicable("they hold once blank text is dropped: S4 has the diagnosis");
    case Holds::Unchecked: return blocked("not every digest can be computed, see S2, S7, S8 and S10");
    case Holds::No: break;
  }
  std::string what;
  for (const auto& reference : known.verification.references) {
    if (reference.holds != Holds::No) continue;
    what += (what.empty() ? "" : ", ") + std::string(toString(reference.covered));
  }
  return failed("the digest does not hold of: " + what, {&known});
}

Verdict isNotReformatted(Session& session) {
  const auto& known = session.known();
  switch (known.verification.digests()) {
    case Holds::Yes: return passed("nothing was reformatted after signing");
    case Holds::WithoutBlanks:
      return warned(
          "the digests hold only once blank text between elements is dropped: the answer was indented or "
          "reformatted after it was signed",
          {&known});
    default: return blocked("the digests hold in no way, see S3");
  }
}

Verdict verifiesWithRegistered(Session& session) {
  const auto& known = session.known();
  const auto& v = known.verification;
  switch (v.signatureByRegistered) {
    case Holds::Yes: return passed("it verifies with the registered certificate");
    case Holds::WithoutBlanks:
      return passed("it verifies with the registered certificate, once reformatting is undone");
    case Holds::Unchecked: return blocked("its algorithm is not computed, see S7 and S8");
    case Holds::No: break;
  }
  if (v.signatureByEmbedded == Holds::Yes || v.signatureByEmbedded == Holds::WithoutBlanks)
    return failed("it verifies with the certificate that came along, which is not the registered one", {&known});
  return failed("it does not verify with the registered certificate", {&known});
}

Verdict keyInfoIsAllowed(Session& session) {
  const auto& known = session.known();
  const auto& v = known.verification;
  const std::string form(toString(v.keyInfo));
  if (v.keyInfo == KeyInfoForm::Other && !v.duplicateIds.empty()) return blocked("ids are not unique, see S10");
  if (v.keyInfo == KeyInfoForm::None) return failed("there is no KeyInfo", {&known});
  if (!v.keyInfoProblem.empty()) return failed(v.keyInfoProblem, {&known});
  if (v.keyInfo == KeyInfoForm::Other) return failed("KeyInfo has a form that MPay does not read", {&known});
  if (v.keyInfo == KeyInfoForm::IssuerSerial)
    return warned("KeyInfo is an X509IssuerSerial, which works though the guide does not list it", {&known});
  const bool holds = v.signatureByRegistered == Holds::Yes || v.signatureByRegistered == Holds::WithoutBlanks;
  if (holds && !v.keyInfoNamesRegistered) {
    const std::string message = form + " names another certificate than the registered one, whose key signed";
    // A certificate need not contain its own identifier, and there are several ways to compute one.
    return v.keyInfo == KeyInfoForm::SubjectKeyIdentifier ? warned(message, {&known}) : failed(message, {&known});
  }
  return passed(form);
}

Verdict algorithmsAreAllowed(Session& session) {
  const auto& known = session.known();
  const auto& v = known.verification;
  const auto declared = session.subject().algorithm;
  if (!v.algorithm)
    return failed("the signature's algorithm is " + soap::shortened(v.signatureAlgorithm, 120), {&known});
  for (const auto& reference : v.references) {
    if (!reference.digest.ends_with("#sha1") && !reference.digest.ends_with("#sha256"))
      return failed("a digest's algorithm is " + soap::shortened(reference.digest, 120), {&known});
  }
  if (*v.algorithm != declared)
    return warned(
        fmt::format("answers are signed with {}, declared was {}", toString(*v.algorithm), toString(declared)),
        {&known});
  const std::string_view digest = declared == soap::Algorithm::RsaSha1 ? "#sha1" : "#sha256";
  for (const auto& reference : v.references) {
    if (!reference.digest.ends_with(digest))
      return warned(fmt::format("the signature is {}, its digests are {}", toString(*v.algorithm),
                                soap::shortened(reference.digest, 120)),
                    {&known});
  }
  return passed(std::string(toString(*v.algorithm)));
}

Verdict isExclusivelyCanonical(Session& session) {
  const auto& known = session.known();
  if (const auto& relative = known.verification.relativeNamespace; !relative.empty())
    return failed(
        fmt::format("NoCanonicalForm: the namespace \"{}\" is relative, and what has such a one has no canonical "
                    "form",
                    relative),
        {&known});
  if (known.verification.exclusiveCanonicalization) return passed("exclusive canonicalization throughout");
  constexpr std::string_view kExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
  if (known.verification.canonicalization != kExclusive)
    return failed("SignedInfo is in " + soap::shortened(known.verification.canonicalization, 120), {&known});
  for (const auto& reference : known.verification.references) {
    const auto offending = std::find_if(reference.transforms.begin(), reference.transforms.end(),
                                        [&](const auto& transform) { return transform != kExclusive; });
    if (reference.transforms.empty() || offending != reference.transforms.end())
      return failed(fmt::format("the Reference to {} has the transform {}",
                                soap::shortened(reference.uri.empty() ? "the whole document" : reference.uri, 60),
                                reference.transforms.empty() ? "none" : soap::shortened(*offending, 120)),
                    {&known});
  }
  return failed("not everything that is signed is in exclusive canonical form", {&known});
}

Verdict isFresh(Session& session) {
  const auto& known = session.known();
  const auto& v = known.verification;
  if (!v.timestamp) {
    return failed("TimestampMissing: " + (v.timestampProblem.empty() ? "there is no Timestamp in the Security header"
                                                                     : v.timestampProblem),
                  {&known});
  }
  if (auto judged = judge(*v.timestamp, session.now(), session.limits().skew); !judged)
    return failed(fmt::format("{}: {}", judged.error().reason, judged.error().message), {&known});
  const auto& other = session.unknownOrder();
  if (!v.signatureValue.empty() && other.verification.signatureValue == v.signatureValue)
    return failed("Replay: another question got the same signed answer again", {&known, &other});
  if (const auto lifetime = *v.timestamp->expiresAt - *v.timestamp->createdAt; lifetime >= kImplausibleLifetime) {
    return failed("ImplausibleLifetime: the Timestamp holds for a day; MPay's hold for minutes", {&known});
  } else if (lifetime > kLongLifetime) {
    return warned(fmt::format("the Timestamp holds for {}; MPay's hold for minutes",
                              humanDuration(std::chrono::floor<std::chrono::seconds>(lifetime))),
                  {&known});
  }
  return passed("created now, for a plausible time");
}

Verdict idsAreUnique(Session& session) {
  const auto& known = session.known();
  const auto& v = known.verification;
  if (!v.duplicateIds.empty())
    return failed(
        fmt::format(
            "DuplicateId: more than one element has the id \"{}\"",
            fmt::join(std::span(v.duplicateIds).first(std::min<std::size_t>(v.duplicateIds.size(), 3)), "\", \"")),
        {&known});
  if (!v.unqualifiedIds.empty())
    return failed(fmt::format("UnqualifiedId: the id of {} is no wsu:Id", v.unqualifiedIds.front()), {&known});
  return passed("every id is there once, as wsu:Id");
}

constexpr std::array kChecks{
    Check{"S1", "The answer is signed: one XML signature in its one WS-Security header.",
          "MPay shows the payer an amount to pay; unsigned, anybody between could have written it.",
          "Turn on message signatures for answers too, with the namespaces of WSS 1.0 and XML-DSig to the letter.",
          "MissingSignature: there is no Security header", Need::Success, isSigned},
    Check{"S2", "The signature covers the Body and the Timestamp, where they are read.",
          "What is not covered can be changed, and a signed Body that was moved aside can be replaced by another.",
          "Sign exactly the envelope's Body and the Security header's Timestamp, each by a reference to its wsu:Id.",
          "the signature does not cover the Timestamp", Need::Signature, coversBodyAndTimestamp},
    Check{"S3", "The digests hold on the bytes that were received.",
          "A digest that does not hold means that the answer was changed after it was signed.",
          "Sign last: nothing may touch the message afterwards, neither a handler, nor a proxy, nor a character set.",
          "the digest does not hold of: Body", Need::ReadSignature, digestsHold},
    Check{"S4", "Nothing was reformatted after signing, not even blank text.",
          "Line breaks and indentation are signed along. This is the commonest mistake; readers that drop blank text "
          "hide it, and others refuse the answer.",
          "Turn off indentation and pretty printing where the answer is written, and preserve blank text where it is "
          "read before signing.",
          "the digests hold only once blank text between elements is dropped", Need::ReadSignature, isNotReformatted},
    Check{"S5", "SignatureValue verifies with the registered certificate, not merely with the one that came along.",
          "Everybody can sign with a certificate of his own and send it along; only the registered one is yours.",
          "Sign with the key of the certificate that you sent to the MPay operator, or send the new certificate.",
          "it verifies with the certificate that came along, which is not the registered one", Need::ReadSignature,
          verifiesWithRegistered},
    Check{"S6", "KeyInfo is a reference to a BinarySecurityToken, a SubjectKeyIdentifier, or an X509Certificate.",
          "MPay reads these three forms; by another it does not find out whose signature it is.",
          "Choose BinarySecurityToken (X509v3) as the way in which your stack names its key.", "there is no KeyInfo",
          Need::ReadSignature, keyInfoIsAllowed},
    Check{"S7", "The algorithm is rsa-sha1 or rsa-sha256, as declared.",
          "MPay verifies no other; and a service that differs from what was declared breaks when that is enforced.",
          "Set your stack's algorithm suite to the declared signature, with the digest that belongs to it.",
          "the signature's algorithm is http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", Need::ReadSignature,
          algorithmsAreAllowed},
    Check{"S8", "SignedInfo and all that is signed are in exclusive canonical form, and nothing else is done to them.",
          "Other canonical forms depend on the envelope around, which changes on the way.",
          "Set http://www.w3.org/2001/10/xml-exc-c14n# as canonicalization and as the only transform.",
          "SignedInfo is in http://www.w3.org/TR/2001/REC-xml-c14n-20010315", Need::ReadSignature,
          isExclusivelyCanonical},
    Check{
        "S9", "The Timestamp is of now, in UTC, for a plausible time, and no answer is given twice.",
        "An answer without a time can be recorded and played back after the order has changed.",
        "Keep the server's clock by NTP, write Created and Expires in UTC with a Z, some minutes apart, and sign each "
        "answer anew.",
        "TimestampExpired: the answer expired an hour ago", Need::Success, isFresh},
    Check{"S10", "Ids are unique and are wsu:Id attributes.",
          "Two elements with one id let a signature speak of one while another is read.",
          "Leave ids to your stack; do not copy headers of the request into the answer.",
          "DuplicateId: more than one element has the id \"body\"", Need::Signature, idsAreUnique},
};

}  // namespace

std::span<const Check> answerChecks() { return kChecks; }

}  // namespace mpay::conformance
