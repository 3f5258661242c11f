// The parts of one Signature, and xmlsec's computations on them. For this folder only.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mpay/soap.h"
#include "mpay/xmlsec.h"

namespace mpay::soap {

// --- Ids -------------------------------------------------------------------------------------------------------------

struct Identified {
  Element element;
  xmlAttr* attribute;
  bool qualified;  // a wsu:Id, the Id of an XML-DSig element, or an Id inside a ds:Object (as in XAdES)
};

// Every attribute that some reader might take for an id, by its value. Several attributes of one element with the same
// value are one entry. If an attacker repeats an id on another element, the id has two entries, and only() returns
// null.
using Ids = std::map<std::string, std::vector<Identified>>;

Ids idsOf(const Document& document);

// The element with that id if there is exactly one; else null.
const Identified* only(const Ids& ids, const std::string& id);

bool isNcName(const std::string& text);

// Makes the unique ids known to libxml2 while the object lives. No other id can be found then.
class KnownIds {
 public:
  KnownIds(const Document& document, const Ids& ids);
  ~KnownIds();
  KnownIds(const KnownIds&) = delete;
  KnownIds& operator=(const KnownIds&) = delete;

  // True if xmlsec finds this element by the id.
  bool leadsTo(const std::string& id, const Element& element) const;

 private:
  const Document& document_;
  std::vector<xmlAttr*> known_;
};

// --- The parts of a signature ----------------------------------------------------------------------------------------

// The elements of a Signature, each in its place and exactly once; xmlsec reads exactly these.
struct Parts {
  Element signature;
  Element signedInfo;
  Element canonicalization;
  Element method;
  Element value;
  std::optional<Element> keyInfo;
  std::optional<Element> foreignKeyInfo;  // a KeyInfo in another namespace, if there is none of XML-DSig
  std::vector<Element> references;
};

// More than any answer has; the bounds limit the cost of a hostile one.
inline constexpr std::size_t kMaximumReferences = 32;
inline constexpr std::size_t kMaximumTransforms = 3;

// The parts of a Signature; ds:Objects beside them are ignored. Errors: Invalid MalformedSecurity if there are other
// elements or another order; SignatureTooLarge if there are more References or Transforms than the bounds.
Result<Parts> partsOf(const Element& signature);

// The first Signature of the first Security header for MPay.
std::optional<Element> signatureIn(const Document& document);

// A namespace of the document that is a relative URI. A document with one has no canonical form (Canonical XML 1.0,
// 1.3).
std::optional<std::string> relativeNamespaceIn(const Document& document);

std::vector<Element> transformsOf(const Element& reference);

// The Algorithm attribute, shortened; empty if there is none.
std::string algorithmOf(const std::optional<Element>& element);

// --- Computations ----------------------------------------------------------------------------------------------------

// The enabled algorithms. No other algorithm is ever run.
struct Methods {
  std::span<const xmlSecTransformId> canonicalizations;
  std::span<const xmlSecTransformId> digests;
  std::span<const xmlSecTransformId> signatures;
};

bool isOneOf(std::string_view uri, std::span<const xmlSecTransformId> methods);

// The algorithms that are computed for a diagnosis. They go beyond the allowed ones, so that a service with another
// algorithm of the same kind hears about the algorithm, and not that its digests are wrong.
struct DiagnosedMethods {
  std::array<xmlSecTransformId, 6> canonicalizations{
      xmlSecTransformExclC14NId,   xmlSecTransformExclC14NWithCommentsId,
      xmlSecTransformInclC14NId,   xmlSecTransformInclC14NWithCommentsId,
      xmlSecTransformInclC14N11Id, xmlSecTransformInclC14N11WithCommentsId};
  std::array<xmlSecTransformId, 4> digests{xmlSecTransformSha1Id, xmlSecTransformSha256Id, xmlSecTransformSha384Id,
                                           xmlSecTransformSha512Id};
  std::array<xmlSecTransformId, 4> signatures{xmlSecTransformRsaSha1Id, xmlSecTransformRsaSha256Id,
                                              xmlSecTransformRsaSha384Id, xmlSecTransformRsaSha512Id};

  Methods methods() const { return {canonicalizations, digests, signatures}; }
};

// The reason why a reference is not computed; empty: it is.
std::string whyNot(const Element& reference, const Methods& methods);

// True if SignatureValue is computed.
bool isComputable(const Parts& parts, const Methods& methods);

// True if the digest of one Reference holds. Its id must be known.
bool digestHolds(const Element& reference, const Methods& methods);

// True if SignatureValue holds over SignedInfo with that key, independently of the digests.
bool valueHolds(const Parts& parts, const Methods& methods, EVP_PKEY* with);

// xmlsec's verdict on the whole Signature with that key only; KeyInfo is ignored.
bool signatureHolds(const Parts& parts, const Methods& methods, EVP_PKEY* with);

}  // namespace mpay::soap
