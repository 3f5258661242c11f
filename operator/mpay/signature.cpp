#include "mpay/signature.h"

#include <fmt/format.h>
#include <libxml/uri.h>

#include <algorithm>

namespace mpay::soap {
namespace {

constexpr std::size_t kMaximumPrefixList = 256;
constexpr std::size_t kMaximumAlgorithm = 200;

void collect(const Element& element, Ids& ids, bool isInObject = false) {
  isInObject = isInObject || element.is(ns::kDs, "Object");
  for (xmlAttr* attribute = element.node()->properties; attribute != nullptr; attribute = attribute->next) {
    const std::string_view local = reinterpret_cast<const char*>(attribute->name);
    if (local != "Id" && local != "ID" && local != "id") continue;
    const std::string_view space =
        attribute->ns == nullptr ? "" : std::string_view(reinterpret_cast<const char*>(attribute->ns->href));
    const bool qualified =
        local == "Id" && (space == ns::kWsu || (space.empty() && (isInObject || element.name().space == ns::kDs)));
    auto& known = ids[element.attribute(space, local).value_or("")];
    if (known.empty() || known.back().element != element) {
      known.push_back({element, attribute, qualified});
    } else if (qualified && !known.back().qualified) {
      known.back() = {element, attribute, qualified};
    }
  }
  for (const auto& child : element.children()) collect(child, ids, isInObject);
}

// True if the children have these names in this order. "?" after a name: the child may be missing.
bool consistsOf(const std::vector<Element>& children, std::initializer_list<std::string_view> names) {
  std::size_t at = 0;
  for (auto name : names) {
    const bool optional = name.ends_with('?');
    if (optional) name.remove_suffix(1);
    if (at < children.size() && children[at].is(ns::kDs, name)) {
      ++at;
    } else if (!optional) {
      return false;
    }
  }
  return at == children.size();
}

// True if no attribute of the element or in it has a namespace. xmlsec takes an attribute by its local name in any
// namespace, so it might read another attribute than this code.
bool hasPlainAttributes(const Element& element) {
  for (const xmlAttr* attribute = element.node()->properties; attribute != nullptr; attribute = attribute->next) {
    if (attribute->ns != nullptr) return false;
  }
  const auto children = element.children();
  return std::all_of(children.begin(), children.end(), hasPlainAttributes);
}

// True for a canonicalization that has at most a PrefixList, which must be short.
bool isPlain(const Element& method) {
  const auto children = method.children();
  if (children.empty()) return true;
  return children.size() == 1 && children[0].is(uriOf(xmlSecTransformExclC14NId), "InclusiveNamespaces") &&
         children[0].attribute("", "PrefixList").value_or("").size() <= kMaximumPrefixList;
}

SignatureContext contextOf(const Methods& methods) {
  SignatureContext context(xmlSecDSigCtxCreate(nullptr));
  if (!context) throw std::bad_alloc();
  context->flags |= XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS;
  context->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
  context->transformCtx.enabledUris = xmlSecTransformUriTypeNone;
  context->keyInfoReadCtx.retrievalMethodCtx.enabledUris = xmlSecTransformUriTypeNone;
  bool enabled = true;
  for (const auto method : methods.canonicalizations) {
    enabled = enabled && xmlSecDSigCtxEnableSignatureTransform(context.get(), method) >= 0 &&
              xmlSecDSigCtxEnableReferenceTransform(context.get(), method) >= 0;
  }
  for (const auto method : methods.digests) {
    enabled = enabled && xmlSecDSigCtxEnableReferenceTransform(context.get(), method) >= 0;
  }
  for (const auto method : methods.signatures) {
    enabled = enabled && xmlSecDSigCtxEnableSignatureTransform(context.get(), method) >= 0;
  }
  if (!enabled) throw std::bad_alloc();
  return context;
}

}  // namespace

std::string algorithmOf(const std::optional<Element>& element) {
  return element ? shortened(element->attribute("", "Algorithm").value_or(""), kMaximumAlgorithm) : "";
}

bool isOneOf(std::string_view uri, std::span<const xmlSecTransformId> methods) {
  return std::any_of(methods.begin(), methods.end(), [&](xmlSecTransformId method) { return uriOf(method) == uri; });
}

Ids idsOf(const Document& document) {
  Ids ids;
  collect(document.root(), ids);
  return ids;
}

const Identified* only(const Ids& ids, const std::string& id) {
  const auto found = ids.find(id);
  return found == ids.end() || found->second.size() != 1 ? nullptr : &found->second.front();
}

bool isNcName(const std::string& text) { return !text.empty() && xmlValidateNCName(raw(text), 0) == 0; }

KnownIds::KnownIds(const Document& document, const Ids& ids) : document_(document) {
  for (const auto& [id, identified] : ids) {
    if (identified.size() != 1 || !isNcName(id)) continue;
    xmlAttr* attribute = identified.front().attribute;
    if (xmlAddID(nullptr, document.get(), raw(id), attribute) != nullptr) known_.push_back(attribute);
  }
}

KnownIds::~KnownIds() {
  for (auto* attribute : known_) xmlRemoveID(document_.get(), attribute);
}

bool KnownIds::leadsTo(const std::string& id, const Element& element) const {
  const xmlAttr* found = xmlGetID(document_.get(), raw(id));
  return found != nullptr && found->parent == element.node();
}

Result<Parts> partsOf(const Element& signature) {
  const auto malformed = [](std::string what) { return refuse("MalformedSecurity", std::move(what)); };
  auto top = signature.children();
  while (top.size() > 2 && top.back().is(ns::kDs, "Object")) top.pop_back();
  std::optional<Element> foreign;
  if (top.size() == 3 && top[2].local() == "KeyInfo" && !top[2].is(ns::kDs, "KeyInfo")) {
    foreign = top[2];
    top.pop_back();
  }
  if (!consistsOf(top, {"SignedInfo", "SignatureValue", "KeyInfo?"}))
    return malformed(
        "the Signature's elements are not SignedInfo, SignatureValue, KeyInfo and Objects of XML-DSig, in its order");
  if (!hasPlainAttributes(top[0])) return malformed("an attribute in SignedInfo has a namespace");
  const auto info = top[0].children();
  if (info.size() < 3 || !info[0].is(ns::kDs, "CanonicalizationMethod") || !info[1].is(ns::kDs, "SignatureMethod"))
    return malformed("SignedInfo does not begin with CanonicalizationMethod, SignatureMethod and a Reference");
  if (info.size() > 2 + kMaximumReferences)
    return refuse("SignatureTooLarge", fmt::format("the signature has {} References, at most {} are read",
                                                   info.size() - 2, kMaximumReferences));
  Parts parts{signature,
              top[0],
              info[0],
              info[1],
              top[1],
              top.size() > 2 ? std::optional(top[2]) : std::nullopt,
              std::move(foreign),
              {info.begin() + 2, info.end()}};
  for (const auto& reference : parts.references) {
    const auto children = reference.children();
    if (!reference.is(ns::kDs, "Reference") || !consistsOf(children, {"Transforms?", "DigestMethod", "DigestValue"}))
      return malformed("a Reference does not consist of Transforms, DigestMethod and DigestValue");
    if (!children[0].is(ns::kDs, "Transforms")) continue;
    const auto transforms = children[0].children();
    if (transforms.empty() || transforms.size() != children[0].children(ns::kDs, "Transform").size())
      return malformed("the Transforms of a Reference hold something else, or nothing");
    if (transforms.size() > kMaximumTransforms)
      return refuse("SignatureTooLarge", fmt::format("a Reference has {} Transforms, at most {} are read",
                                                     transforms.size(), kMaximumTransforms));
  }
  return parts;
}

std::optional<Element> signatureIn(const Document& document) {
  const auto header = document.root().child(ns::kSoap, "Header");
  for (const auto& security : header ? header->children(ns::kWsse, "Security") : std::vector<Element>{}) {
    if (isForRecipient(security)) return security.child(ns::kDs, "Signature");
  }
  return std::nullopt;
}

namespace {

bool isRelative(const xmlNs* space) {
  if (space->href == nullptr || *space->href == 0) return false;
  const crypto::Handle<xmlURI, xmlFreeURI> uri(xmlParseURI(reinterpret_cast<const char*>(space->href)));
  return !uri || uri->scheme == nullptr;
}

std::optional<std::string> relativeNamespaceIn(const Element& element) {
  for (const xmlNs* space = element.node()->nsDef; space != nullptr; space = space->next) {
    if (isRelative(space)) return reinterpret_cast<const char*>(space->href);
  }
  for (const auto& child : element.children()) {
    if (auto found = relativeNamespaceIn(child)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> relativeNamespaceIn(const Document& document) {
  return relativeNamespaceIn(document.root());
}

std::vector<Element> transformsOf(const Element& reference) {
  const auto list = reference.child(ns::kDs, "Transforms");
  return list ? list->children() : std::vector<Element>{};
}

std::string whyNot(const Element& reference, const Methods& methods) {
  for (const auto& transform : transformsOf(reference)) {
    if (!isOneOf(algorithmOf(transform), methods.canonicalizations))
      return "its transform is no canonicalization: " + algorithmOf(transform);
    if (!isPlain(transform)) return "its transform has more content than a short InclusiveNamespaces";
  }
  if (const auto digest = algorithmOf(reference.child(ns::kDs, "DigestMethod")); !isOneOf(digest, methods.digests))
    return "its digest is none that is known here: " + digest;
  return {};
}

bool isComputable(const Parts& parts, const Methods& methods) {
  return isOneOf(algorithmOf(parts.canonicalization), methods.canonicalizations) && isPlain(parts.canonicalization) &&
         isOneOf(algorithmOf(parts.method), methods.signatures) && parts.method.children().empty();
}

bool digestHolds(const Element& reference, const Methods& methods) {
  const auto context = contextOf(methods);
  context->operation = xmlSecTransformOperationVerify;
  const crypto::Handle<xmlSecDSigReferenceCtx, xmlSecDSigReferenceCtxDestroy> one(
      xmlSecDSigReferenceCtxCreate(context.get(), xmlSecDSigReferenceOriginSignedInfo));
  return one && xmlSecDSigReferenceCtxProcessNode(one.get(), reference.node()) >= 0 &&
         one->status == xmlSecDSigStatusSucceeded;
}

// The steps are those of xmlsec's own verification.
bool valueHolds(const Parts& parts, const Methods& methods, EVP_PKEY* with) {
  const auto context = contextOf(methods);
  const Key key = keyOf(with);
  if (!key) return false;
  auto* transforms = &context->transformCtx;
  auto* canonicalization =
      xmlSecTransformCtxNodeRead(transforms, parts.canonicalization.node(), xmlSecTransformUsageC14NMethod);
  if (canonicalization == nullptr) return false;
  auto* method = xmlSecTransformCtxNodeRead(transforms, parts.method.node(), xmlSecTransformUsageSignatureMethod);
  if (method == nullptr) return false;
  method->operation = xmlSecTransformOperationVerify;
  if (xmlSecTransformSetKey(method, key.get()) < 0) return false;
  const crypto::Handle<xmlSecNodeSet, xmlSecNodeSetDestroy> nodes(
      xmlSecNodeSetGetChildren(parts.signedInfo.node()->doc, parts.signedInfo.node(), 1, 0));
  return nodes && xmlSecTransformCtxXmlExecute(transforms, nodes.get()) >= 0 &&
         xmlSecTransformVerifyNodeContent(method, parts.value.node(), transforms) >= 0 &&
         method->status == xmlSecTransformStatusOk;
}

bool signatureHolds(const Parts& parts, const Methods& methods, EVP_PKEY* with) {
  const auto context = contextOf(methods);
  context->signKey = keyOf(with).release();
  return context->signKey != nullptr && xmlSecDSigCtxVerify(context.get(), parts.signature.node()) >= 0 &&
         context->status == xmlSecDSigStatusSucceeded;
}

}  // namespace mpay::soap
