// Verifies answers: this file decides which form is allowed, signature.cpp computes what holds.
#include <openssl/err.h>

#include <algorithm>
#include <array>

#include "base/text.h"
#include "crypto/digest.h"
#include "mpay/date_time.h"
#include "mpay/key_info.h"
#include "mpay/security.h"
#include "mpay/signature.h"

namespace mpay::soap {
namespace {

using crypto::Certificate;

constexpr std::size_t kMaximumNamed = 16;  // for ids

// --- Times -----------------------------------------------------------------------------------------------------------

ReceivedTimestamp readTimestamp(const Element& element) {
  ReceivedTimestamp timestamp;
  const auto read = [&](const char* name, std::string& text, std::optional<Instant>& at) {
    const auto child = element.child(ns::kWsu, name);
    if (!child) return;
    text = std::string(trimmed(child->text()));
    at = instantOf(text);
  };
  read("Created", timestamp.created, timestamp.createdAt);
  read("Expires", timestamp.expires, timestamp.expiresAt);
  timestamp.utc = timestamp.created.ends_with('Z') && timestamp.expires.ends_with('Z');
  return timestamp;
}

// --- The whole signature ---------------------------------------------------------------------------------------------

Holds holdsOf(bool received, bool blankless) {
  return received ? Holds::Yes : blankless ? Holds::WithoutBlanks : Holds::No;
}

class Verifier {
 public:
  Verifier(const Envelope& envelope, const Certificate& registered, const std::vector<Algorithm>& allowed)
      : envelope_(envelope), registered_(registered), allowed_(allowed) {}

  Verification run() {
    ids_ = idsOf(envelope_.document());
    findDuplicates();
    if (!findSecurity()) return std::move(found_);
    if (const auto signature = findSignature()) {
      signature_ = signature;
      if (const auto parts = partsOf(*signature)) {
        found_.isRead = true;
        examine(*parts);
      } else {
        note(parts.error().reason, parts.error().message);
      }
    }
    if (found_.problems.empty()) found_.body = envelope_.body();
    return std::move(found_);
  }

 private:
  void note(std::string reason, std::string message) {
    found_.problems.push_back({std::move(reason), std::move(message)});
  }

  void findDuplicates() {
    for (const auto& [id, identified] : ids_) {
      if (identified.size() < 2) continue;
      found_.duplicateIds.push_back(shortened(id));
      if (found_.duplicateIds.size() == kMaximumNamed) break;
    }
    if (!found_.duplicateIds.empty()) note("DuplicateId", "more than one element has the same Id");
    using Problem = Envelope::Problem;
    for (const auto problem : {Problem::SeveralBodies, Problem::SeveralHeaders, Problem::ForeignChild}) {
      if (envelope_.has(problem)) note("SignatureWrapping", std::string(toString(problem)));
    }
    if (envelope_.has(Problem::NoBody)) note("MalformedSecurity", std::string(toString(Problem::NoBody)));
  }

  bool findSecurity() {
    const auto header = envelope_.header();
    const auto found = envelope_.securities();
    if (found.size() > 1) {
      note("MalformedSecurity", "there is more than one Security header");
      return false;
    }
    if (found.empty()) {
      std::string message = "there is no Security header";
      for (const auto& child : header ? header->children() : std::vector<Element>{}) {
        if (child.local() != "Security") continue;
        message += child.is(ns::kWsse, "Security") ? " for MPay, one for another actor is there"
                                                   : " of WSS 1.0's namespace, one of another is there: \"" +
                                                         shortened(child.name().space, 120) + "\"";
        break;
      }
      note("MissingSignature", message);
      return false;
    }
    security_ = found.front();
    const auto timestamps = security_->children(ns::kWsu, "Timestamp");
    if (timestamps.size() > 1) note("MalformedSecurity", "there is more than one Timestamp");
    for (const auto& child : security_->children()) {
      if (child.local() == "Timestamp" && !child.is(ns::kWsu, "Timestamp") && timestamps.empty())
        found_.timestampProblem =
            "a Timestamp of another namespace is there: \"" + shortened(child.name().space, 120) + "\"";
    }
    if (!timestamps.empty()) {
      timestamp_ = timestamps.front();
      found_.timestamp = readTimestamp(*timestamp_);
    }
    return true;
  }

  std::optional<Element> findSignature() {
    const auto found = security_->children(ns::kDs, "Signature");
    if (found.size() > 1) note("SignatureWrapping", "there is more than one Signature in the Security header");
    if (found.empty()) {
      std::string message = "there is no Signature in the Security header";
      for (const auto& child : security_->children()) {
        if (child.local() != "Signature") continue;
        message += " of XML-DSig's namespace, one of another is there: \"" + shortened(child.name().space, 120) + "\"";
        break;
      }
      note("MissingSignature", message);
    }
    if (found.size() != 1) return std::nullopt;
    found_.present = true;
    return found.front();
  }

  void examine(const Parts& parts) {
    found_.signatureValue = withoutBlanks(parts.value.text());
    readKeyInfo(parts, *security_, ids_, registered_, found_);
    if (parts.foreignKeyInfo) {
      found_.keyInfo = KeyInfoForm::Other;
      found_.keyInfoProblem =
          "KeyInfo is of another namespace: \"" + shortened(parts.foreignKeyInfo->name().space, 120) + "\"";
      note("UnknownKeyInfo", found_.keyInfoProblem);
    }
    readAlgorithms(parts);
    if (const auto relative = relativeNamespaceIn(envelope_.document())) {
      found_.relativeNamespace = shortened(*relative);
      note("NoCanonicalForm", "the namespace \"" + found_.relativeNamespace +
                                  "\" is relative, and what has such a one has no canonical form");
    }
    for (const auto& reference : parts.references) readReferenceOf(reference);
    compute(parts);
    judgeCoverage();
    judgeHolding(parts);
  }

  void readAlgorithms(const Parts& parts) {
    found_.signatureAlgorithm = algorithmOf(parts.method);
    found_.canonicalization = algorithmOf(parts.canonicalization);
    std::vector<xmlSecTransformId> digests;
    bool isAllowed = false;
    for (const auto algorithm : {Algorithm::RsaSha1, Algorithm::RsaSha256}) {
      const bool allowed = std::find(allowed_.begin(), allowed_.end(), algorithm) != allowed_.end();
      if (uriOf(signatureMethod(algorithm)) == found_.signatureAlgorithm) {
        found_.algorithm = algorithm;
        isAllowed = allowed;
      }
      if (allowed) digests.push_back(digestMethod(algorithm));
    }
    if (!isAllowed) note("AlgorithmNotAllowed", "the signature method is not allowed: " + found_.signatureAlgorithm);
    const std::array exclusive{xmlSecTransformExclC14NId};
    found_.exclusiveCanonicalization = isOneOf(found_.canonicalization, exclusive);
    for (const auto& reference : parts.references) {
      const auto digest = algorithmOf(reference.child(ns::kDs, "DigestMethod"));
      if (!isOneOf(digest, digests)) note("AlgorithmNotAllowed", "the digest method is not allowed: " + digest);
      const auto transforms = transformsOf(reference);
      // Without a transform the canonicalization is inclusive (XML-DSig 4.4.3.2).
      found_.exclusiveCanonicalization &=
          !transforms.empty() && std::all_of(transforms.begin(), transforms.end(), [&](const Element& transform) {
            return isOneOf(algorithmOf(transform), exclusive);
          });
    }
    if (!found_.exclusiveCanonicalization) {
      note("AlgorithmNotAllowed", "not everything is canonicalized by exclusive canonicalization, and that alone");
    }
  }

  void readReferenceOf(const Element& reference) {
    SignedReference one;
    one.uri = reference.attribute("", "URI").value_or("");
    one.digest = algorithmOf(reference.child(ns::kDs, "DigestMethod"));
    for (const auto& transform : transformsOf(reference)) one.transforms.push_back(algorithmOf(transform));
    const auto id = one.uri.empty() ? std::string{} : one.uri.substr(1);
    if (one.uri.starts_with('#') && ids_.contains(id) && !isNcName(id)) {
      one.problem =
          "an Id may not begin with a digit or hold other characters than an XML name: \"" + shortened(id) + "\"";
      note("ReferenceNotAllowed", one.problem);
    } else if (!one.uri.starts_with('#') || !isNcName(id)) {
      one.problem = "it leads to no element by its Id: \"" + shortened(one.uri) + "\"";
      note("ReferenceNotAllowed",
           "a Reference of the signature is not \"#\" and an Id: \"" + shortened(one.uri) + "\"");
    } else if (const auto* target = only(ids_, id); target == nullptr) {
      one.problem = ids_.contains(id) ? "more than one element has that Id" : "no element has that Id";
      note("ReferenceNotAllowed",
           "a Reference of the signature leads to nothing that is there once: " + shortened(one.uri));
    } else {
      one.element = target->element;
      one.qualifiedId = target->qualified;
      if (!target->qualified) {
        found_.unqualifiedIds.push_back(target->element.path());
        note("UnqualifiedId", "the Id of " + target->element.path() + " is not a wsu:Id");
      }
      place(target->element, one);
      one.problem = whyNot(reference, computed_.methods());
      if (!one.problem.empty() && !found_.has("AlgorithmNotAllowed")) {
        note("MalformedSecurity", "the Reference to " + target->element.path() + " is not computed: " + one.problem);
      }
    }
    if (one.problem.empty() && !found_.relativeNamespace.empty()) one.problem = "it has no canonical form";
    found_.references.push_back(std::move(one));
  }

  void place(const Element& element, SignedReference& one) {
    if (element == envelope_.body()) {
      one.covered = Covered::Body;
    } else if (element == timestamp_) {
      one.covered = Covered::Timestamp;
    } else if (element.is(ns::kWsse, "BinarySecurityToken") && element.parent() == security_) {
      one.covered = Covered::Token;
    } else if (element.is(ns::kSoap, "Body") || element.is(ns::kWsu, "Timestamp") || !isInHeader(element)) {
      note("SignatureWrapping", "what was signed is not where it is read: " + element.path());
    }
  }

  // A signature may also cover further headers, elements of the Security header, and its own elements: its KeyInfo, and
  // Objects (as in XAdES).
  bool isInHeader(const Element& element) const {
    const auto parent = element.parent();
    if (parent && (parent == envelope_.header() || parent == security_)) return true;
    for (auto above = parent; above; above = above->parent()) {
      if (above == signature_) return true;
    }
    return false;
  }

  // Computes digests and signature on the received bytes and, if they do not hold, without blank text.
  void compute(const Parts& parts) {
    const auto received = holding(envelope_.document(), parts, ids_);
    std::optional<Holding> blankless;
    if (!received.all) {
      const auto copy = envelope_.document().withoutBlanks();
      const auto ids = idsOf(copy);
      const auto signature = signatureIn(copy);
      const auto copied = signature ? partsOf(*signature) : Result<Parts>(refuse("", ""));
      if (copied && copied->references.size() == parts.references.size()) blankless = holding(copy, *copied, ids);
    }
    for (std::size_t i = 0; i < found_.references.size(); ++i) {
      auto& one = found_.references[i];
      if (!one.problem.empty()) continue;
      one.holds = holdsOf(received.references[i], blankless && blankless->references[i]);
    }
    if (!isComputable(parts, computed_.methods()) || !found_.relativeNamespace.empty()) return;
    // Null if OpenSSL does not know the key's type.
    const EVP_PKEY* key = X509_get0_pubkey(registered_.get());
    if (key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
      found_.signatureByRegistered = holdsOf(received.registered, blankless && blankless->registered);
    }
    if (found_.embedded) found_.signatureByEmbedded = holdsOf(received.embedded, blankless && blankless->embedded);
  }

  struct Holding {
    std::vector<bool> references;
    bool registered = false;
    bool embedded = false;
    bool all = true;
  };

  Holding holding(const Document& document, const Parts& parts, const Ids& ids) {
    Holding result;
    const KnownIds known(document, ids);
    for (std::size_t i = 0; i < parts.references.size(); ++i) {
      const auto& one = found_.references[i];
      bool holds = false;
      if (one.problem.empty()) {
        const auto id = one.uri.substr(1);
        const auto* target = only(ids, id);
        holds = target != nullptr && known.leadsTo(id, target->element) &&
                digestHolds(parts.references[i], computed_.methods());
      }
      result.references.push_back(holds);
      result.all &= holds;
    }
    if (!isComputable(parts, computed_.methods())) return result;
    result.registered = valueHolds(parts, computed_.methods(), X509_get0_pubkey(registered_.get()));
    if (found_.embedded)
      result.embedded = valueHolds(parts, computed_.methods(), X509_get0_pubkey(found_.embedded->get()));
    result.all &= result.registered;
    return result;
  }

  void judgeCoverage() {
    if (!found_.covers(Covered::Body)) note("BodyNotSigned", "the signature does not cover the Body");
    if (!timestamp_) {
      note("TimestampNotSigned", "there is no Timestamp in the Security header");
    } else if (!found_.covers(Covered::Timestamp)) {
      note("TimestampNotSigned", "the signature does not cover the Timestamp");
    }
  }

  void judgeHolding(const Parts& parts) {
    switch (found_.digests()) {
      case Holds::Yes: break;
      case Holds::WithoutBlanks:
        note("DigestMismatch",
             "a digest holds only without blank text: the answer was reformatted after it was signed");
        break;
      case Holds::No:
        note("DigestMismatch",
             "a digest of the signature does not hold: what it covers was changed after it was signed");
        break;
      case Holds::Unchecked: unchecked("a Reference of the signature"); break;
    }
    switch (found_.signatureByRegistered) {
      case Holds::Yes: break;
      case Holds::WithoutBlanks:
        note("SignatureMismatch",
             "the SignatureValue holds only without blank text: SignedInfo was reformatted after it was signed");
        break;
      case Holds::No:
        note("SignatureMismatch", found_.signatureByEmbedded == Holds::Yes
                                      ? "the signature was made with another key than the registered certificate's"
                                      : "the SignatureValue does not hold with the registered certificate");
        break;
      case Holds::Unchecked: unchecked("the SignatureValue"); break;
    }
    if (!found_.problems.empty()) return;
    // No problem was found, so xmlsec must confirm it with only the allowed algorithms enabled.
    const std::array exclusive{xmlSecTransformExclC14NId};
    std::vector<xmlSecTransformId> digestMethods;
    std::vector<xmlSecTransformId> signatureMethods;
    for (const auto algorithm : allowed_) {
      digestMethods.push_back(digestMethod(algorithm));
      signatureMethods.push_back(signatureMethod(algorithm));
    }
    const KnownIds known(envelope_.document(), ids_);
    if (!signatureHolds(parts, {exclusive, digestMethods, signatureMethods}, X509_get0_pubkey(registered_.get()))) {
      note("SignatureMismatch", "xmlsec refuses the signature as a whole");
    }
  }

  // The reason was mostly noted before.
  void unchecked(const std::string& what) {
    if (found_.problems.empty()) note("MalformedSecurity", what + " is of a form that is not computed");
  }

  const Envelope& envelope_;
  const Certificate& registered_;
  const std::vector<Algorithm>& allowed_;
  const DiagnosedMethods computed_{};
  Ids ids_;
  std::optional<Element> security_;
  std::optional<Element> timestamp_;
  std::optional<Element> signature_;
  Verification found_;
};

}  // namespace

bool Verification::covers(Covered what) const {
  return std::any_of(references.begin(), references.end(), [&](const auto& one) { return one.covered == what; });
}

namespace {

Holds worst(std::span<const SignedReference> references, std::optional<Covered> what) {
  constexpr std::array kFromBest{Holds::Yes, Holds::WithoutBlanks, Holds::Unchecked, Holds::No};
  auto at = kFromBest.begin();
  bool any = false;
  for (const auto& one : references) {
    if (what && one.covered != *what) continue;
    any = true;
    at = std::max(at, std::find(kFromBest.begin(), kFromBest.end(), one.holds));
  }
  return any ? *at : Holds::Unchecked;
}

}  // namespace

Holds Verification::digests(Covered what) const { return worst(references, what); }
Holds Verification::digests() const { return worst(references, std::nullopt); }

bool Verification::has(std::string_view reason) const {
  return std::any_of(problems.begin(), problems.end(), [&](const auto& problem) { return problem.reason == reason; });
}

Verification verify(const Envelope& envelope, const Certificate& registered, const std::vector<Algorithm>& allowed) {
  auto verification = Verifier(envelope, registered, allowed).run();
  ERR_clear_error();
  return verification;
}

std::string_view toString(Holds holds) {
  switch (holds) {
    case Holds::Yes: return "Yes";
    case Holds::WithoutBlanks: return "WithoutBlanks";
    case Holds::No: return "No";
    case Holds::Unchecked: return "Unchecked";
  }
  return "";
}

std::string_view toString(KeyInfoForm form) {
  using enum KeyInfoForm;
  switch (form) {
    case None: return "None";
    case BinarySecurityToken: return "BinarySecurityToken";
    case SubjectKeyIdentifier: return "SubjectKeyIdentifier";
    case X509Certificate: return "X509Certificate";
    case IssuerSerial: return "IssuerSerial";
    case Other: return "Other";
  }
  return "";
}

std::string_view toString(Covered covered) {
  switch (covered) {
    case Covered::Body: return "Body";
    case Covered::Timestamp: return "Timestamp";
    case Covered::Token: return "Token";
    case Covered::Other: return "Other";
  }
  return "";
}

}  // namespace mpay::soap
