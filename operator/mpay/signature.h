// One Signature taken apart, and what xmlsec computes of it. For this folder alone.
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
  bool qualified;  // a wsu:Id, the Id of an XML-DSig element, or one inside of a ds:Object, such as XAdES has
};

// Every attribute that somebody might take for an id, by its value; several attributes of one element with one value
// are one entry. Whichever of them an attacker repeats on another element, no reference is ambiguous.
using Ids = std::map<std::string, std::vector<Identified>>;

Ids idsOf(const Document& document);

// What has that id, where it is there once; else null.
const Identified* only(const Ids& ids, const std::string& id);

bool isNcName(const std::string& text);

// Makes the ids that are there once known to libxml2, as long as it lives; nothing else can be found then.
class KnownIds {
 public:
  KnownIds(const Document& document, const Ids& ids);
  ~KnownIds();
  KnownIds(const KnownIds&) = delete;
  KnownIds& operator=(const KnownIds&) = delete;

  // Whether that is what xmlsec finds by the id.
  bool leadsTo(const std::string& id, const Element& element) const;

 private:
  const Document& document_;
  std::vector<xmlAttr*> known_;
};

// --- The parts of a signature ----------------------------------------------------------------------------------------

// The elements of a Signature, each where it has to be and there once; xmlsec reads exactly these.
struct Parts {
  Element signature;
  Element signedInfo;
  Element canonicalization;
  Element method;
  Element value;
  std::optional<Element> keyInfo;
  std::optional<Element> foreignKeyInfo;  // a KeyInfo of another namespace, where there is none of XML-DSig's
  std::vector<Element> references;
};

// More than any answer has, so that a stranger's cannot cost much.
inline constexpr std::size_t kMaximumReferences = 32;
inline constexpr std::size_t kMaximumTransforms = 3;

// The parts of a Signature; ds:Objects beside them are left alone. Errors: Invalid MalformedSecurity where it has other
// elements, in another order; SignatureTooLarge where it has more References or Transforms than the bounds.
Result<Parts> partsOf(const Element& signature);

// The first Signature of the first Security header for MPay.
std::optional<Element> signatureIn(const Document& document);

// A namespace of the document that is a relative URI: what has one has no canonical form (Canonical XML 1.0, 1.3).
std::optional<std::string> relativeNamespaceIn(const Document& document);

std::vector<Element> transformsOf(const Element& reference);

// The Algorithm attribute, shortened; empty where there is none.
std::string algorithmOf(const std::optional<Element>& element);

// --- What is computed ------------------------------------------------------------------------------------------------

// The algorithms that are enabled. Nothing else is ever run.
struct Methods {
  std::span<const xmlSecTransformId> canonicalizations;
  std::span<const xmlSecTransformId> digests;
  std::span<const xmlSecTransformId> signatures;
};

bool isOneOf(std::string_view uri, std::span<const xmlSecTransformId> methods);

// What is computed for a diagnosis: beyond what is ever allowed, only that a service which uses another algorithm of
// the same kind is told so, and not that its digests are wrong.
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

// Why a reference is not looked at; empty: it is.
std::string whyNot(const Element& reference, const Methods& methods);

// Whether SignatureValue is looked at.
bool isComputable(const Parts& parts, const Methods& methods);

// Whether the digest of one Reference holds. Its id must be known.
bool digestHolds(const Element& reference, const Methods& methods);

// Whether SignatureValue holds over SignedInfo with that key, whatever the digests in it say.
bool valueHolds(const Parts& parts, const Methods& methods, EVP_PKEY* with);

// xmlsec's own word on the whole Signature, with that key alone, whatever KeyInfo says.
bool signatureHolds(const Parts& parts, const Methods& methods, EVP_PKEY* with);

}  // namespace mpay::soap
