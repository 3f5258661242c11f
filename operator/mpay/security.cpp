// Signing, and the judgement of times. verification.cpp verifies answers.
#include "mpay/security.h"

#include <fmt/format.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <xmlsec/templates.h>

#include <algorithm>
#include <array>

#include "crypto/digest.h"
#include "mpay/xmlsec.h"

namespace mpay::soap {
namespace {

using crypto::Certificate;
using crypto::PrivateKey;

constexpr std::size_t kMaximumId = 64;
constexpr std::chrono::hours kLongestLifetime{24};

bool isId(std::string_view text) {
  return !text.empty() && text.size() <= kMaximumId && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

// For nodes of an envelope under construction: libxml2 returns null only if it has no memory.
template <class T>
T* need(T* made) {
  if (made == nullptr) throw std::bad_alloc();
  return made;
}

xmlNs* declare(xmlNode* node, std::string_view space, const char* prefix) {
  return need(xmlNewNs(node, raw(std::string(space)), reinterpret_cast<const xmlChar*>(prefix)));
}

xmlNode* append(xmlNode* parent, xmlNs* space, const char* name, const std::string& text = {}) {
  return need(
      xmlNewTextChild(parent, space, reinterpret_cast<const xmlChar*>(name), text.empty() ? nullptr : raw(text)));
}

void set(xmlNode* node, xmlNs* space, const char* name, std::string_view value) {
  need(xmlNewNsProp(node, space, reinterpret_cast<const xmlChar*>(name), raw(std::string(value))));
}

// Gives the element and its descendants in that namespace the prefix that is declared above them.
void usePrefix(xmlNode* node, xmlNs* prefixed) {
  if (node->ns != nullptr && xmlStrEqual(node->ns->href, prefixed->href) == 1) xmlSetNs(node, prefixed);
  for (xmlNode* child = node->children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) usePrefix(child, prefixed);
  }
}

// Gives the element its wsu:Id, which the signature's references name.
void identify(xmlNode* node, xmlNs* wsu, const std::string& id) {
  auto* attribute = need(xmlNewNsProp(node, wsu, reinterpret_cast<const xmlChar*>("Id"), raw(id)));
  need(xmlAddID(nullptr, node->doc, raw(id), attribute));
}

// `prefixed` is MPay's namespace with a prefix, for the payload to use; null: the payload stays as it is.
void copyInto(xmlNode* parent, const Document& document, xmlNs* prefixed) {
  xmlNode* copy = need(xmlDocCopyNode(document.root().node(), parent->doc, 1));
  if (xmlAddChild(parent, copy) == nullptr) {
    xmlFreeNode(copy);
    throw std::bad_alloc();
  }
  if (prefixed == nullptr) return;
  usePrefix(copy, prefixed);
  // The payload's root declares no other namespace.
  if (copy->nsDef != nullptr && copy->nsDef->next == nullptr && xmlStrEqual(copy->nsDef->href, prefixed->href) == 1) {
    xmlFreeNsList(copy->nsDef);
    copy->nsDef = nullptr;
  }
}

void listPrefixes(xmlNode* transform, const char* prefixes) {
  if (xmlSecTmplTransformAddC14NInclNamespaces(transform, reinterpret_cast<const xmlChar*>(prefixes)) < 0)
    throw std::bad_alloc();
}

void dropBlanks(xmlNode* parent) {
  for (xmlNode* node = parent->children; node != nullptr;) {
    xmlNode* next = node->next;
    if (node->type == XML_TEXT_NODE && xmlIsBlankNode(node) == 1) {
      xmlUnlinkNode(node);
      xmlFreeNode(node);
    } else {
      dropBlanks(node);
    }
    node = next;
  }
}

Result<void> signInto(xmlNode* security, xmlNs* wsse, const std::vector<std::string>& ids, const std::string& token,
                      const Signer& signer, const Signing& signing) {
  const bool isListed = signing.prefixes == Prefixes::Listed;
  const auto* prefix = signing.prefixes == Prefixes::Few ? nullptr : reinterpret_cast<const xmlChar*>("ds");
  xmlNode* signature = need(xmlSecTmplSignatureCreateNsPref(security->doc, xmlSecTransformExclC14NId,
                                                            signatureMethod(signing.algorithm), nullptr, prefix));
  xmlAddChild(security, signature);
  if (isListed) listPrefixes(need(xmlSecTmplSignatureGetC14NMethodNode(signature)), "mpay s");
  for (const auto& id : ids) {
    xmlNode* reference = need(
        xmlSecTmplSignatureAddReference(signature, digestMethod(signing.algorithm), nullptr, raw("#" + id), nullptr));
    xmlNode* transform = need(xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId));
    if (isListed) listPrefixes(transform, id.starts_with("BD-") ? "mpay" : "o mpay s");
  }
  xmlNode* info = need(xmlSecTmplSignatureEnsureKeyInfo(signature, nullptr));
  xmlNode* reference = append(append(info, wsse, "SecurityTokenReference"), wsse, "Reference");
  set(reference, nullptr, "URI", "#" + token);
  set(reference, nullptr, "ValueType", kX509v3);
  dropBlanks(signature);  // the template's own line breaks

  const SignatureContext context(need(xmlSecDSigCtxCreate(nullptr)));
  context->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
  context->signKey = keyOf(signer.key().get()).release();
  if (context->signKey == nullptr) return fail(ErrorKind::Crypto, "xmlsec does not take the key");
  if (xmlSecDSigCtxSign(context.get(), signature) < 0 || context->status != xmlSecDSigStatusSucceeded) {
    return fail(ErrorKind::Crypto, "xmlsec could not sign the request");
  }
  return {};
}

}  // namespace

std::string formatInstant(Instant at) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  auto text = formatTime(seconds);
  text.pop_back();
  const auto fraction = std::to_string(1000 + (at - seconds).count()).substr(1);
  return text + "." + fraction + "Z";
}

std::string_view toString(Algorithm algorithm) { return algorithm == Algorithm::RsaSha1 ? "RSA-SHA1" : "RSA-SHA256"; }

std::optional<Algorithm> parseAlgorithm(std::string_view text) {
  for (const auto algorithm : {Algorithm::RsaSha1, Algorithm::RsaSha256}) {
    if (text == toString(algorithm)) return algorithm;
  }
  return std::nullopt;
}

Result<Signer> Signer::parse(std::string_view certificate, std::string_view keyPem) {
  auto parsed = TRY(Certificate::parse(certificate));
  auto key = TRY(PrivateKey::parse(keyPem));
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) {
    return refuse("UnsupportedKey", "the signing key is not an RSA key, and MPay's signatures are made with one");
  }
  if (X509_check_private_key(parsed.get(), key.get()) != 1) {
    ERR_clear_error();
    return refuse("KeyMismatch", "the signing key does not belong to the signing certificate");
  }
  return Signer(std::move(parsed), std::move(key));
}

Result<Signer> Signer::stranger(const std::string& commonName, WallTime now) {
  auto key = TRY(PrivateKey::make("RSA-2048"));
  const crypto::Handle<X509, X509_free> made(X509_new());
  auto* name = made ? X509_get_subject_name(made.get()) : nullptr;
  const auto begin = std::chrono::system_clock::to_time_t(now - std::chrono::hours(1));
  const auto end = std::chrono::system_clock::to_time_t(now + kLongestLifetime);
  if (name == nullptr || X509_set_version(made.get(), X509_VERSION_3) != 1 ||
      ASN1_INTEGER_set_int64(X509_get_serialNumber(made.get()), 1) != 1 ||
      ASN1_TIME_set(X509_getm_notBefore(made.get()), begin) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(made.get()), end) == nullptr ||
      X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(commonName.data()),
                                 static_cast<int>(commonName.size()), -1, 0) != 1 ||
      X509_set_issuer_name(made.get(), name) != 1 || X509_set_pubkey(made.get(), key.get()) != 1 ||
      X509_sign(made.get(), key.get(), EVP_sha256()) == 0) {
    return fail(ErrorKind::Crypto, "a certificate for a key of a stranger could not be made");
  }
  auto certificate =
      TRY(Certificate::parse(crypto::derOf([&](unsigned char** out) { return i2d_X509(made.get(), out); })));
  return Signer(std::move(certificate), std::move(key));
}

Signer Signer::presenting(const Certificate& other) const { return {other, key_}; }

Result<std::string> seal(const Document& payload, const Signer& signer, const Signing& signing) {
  if (!isId(signing.id)) {
    return refuse("InvalidField",
                  "the id of a request is letters, digits, '-' and '_', at most " + std::to_string(kMaximumId));
  }
  if (signing.signature && !signing.signsBody && !signing.validity) {
    return refuse("InvalidField", "a request without Timestamp whose Body is not signed leaves nothing to sign");
  }
  const auto envelope = Document::withRoot("Envelope", ns::kSoap, "s");
  xmlNode* root = envelope.root().node();
  xmlNs* soap = root->ns;
  xmlNs* wsu = declare(root, ns::kWsu, "u");
  xmlNs* mpay = signing.prefixes == Prefixes::Few ? nullptr : declare(root, ns::kMPay, "mpay");
  xmlNode* header = append(root, soap, "Header");
  xmlNode* body = append(root, soap, "Body");
  identify(body, wsu, "BD-" + signing.id);
  copyInto(body, payload, mpay);

  xmlNode* security = append(header, nullptr, "Security");
  xmlNs* wsse = declare(security, ns::kWsse, "o");
  xmlSetNs(security, wsse);
  set(security, soap, "mustUnderstand", "1");
  std::vector<std::string> ids;
  if (signing.signsBody) ids.push_back("BD-" + signing.id);
  const std::string token = "ST-" + signing.id;
  if (signing.signature) {
    xmlNode* carried = append(security, wsse, "BinarySecurityToken", crypto::base64(signer.certificate().der()));
    set(carried, nullptr, "EncodingType", kBase64Binary);
    set(carried, nullptr, "ValueType", kX509v3);
    identify(carried, wsu, token);
  }
  if (signing.validity) {
    xmlNode* timestamp = append(security, wsu, "Timestamp");
    identify(timestamp, wsu, "TS-" + signing.id);
    append(timestamp, wsu, "Created", formatInstant(signing.validity->created));
    append(timestamp, wsu, "Expires", formatInstant(signing.validity->expires));
    ids.push_back("TS-" + signing.id);
  }
  if (signing.signature) TRY(signInto(security, wsse, ids, token, signer, signing));
  if (signing.tampered) {
    xmlNode* signedPayload = body->children;
    xmlUnlinkNode(signedPayload);
    xmlFreeNode(signedPayload);
    copyInto(body, *signing.tampered, mpay);
  }
  return envelope.xml();
}

Result<void> judge(const ReceivedTimestamp& timestamp, Instant now, std::chrono::seconds skew) {
  if (!timestamp.createdAt || !timestamp.expiresAt) {
    for (const auto& [name, text, at] : {std::tuple("Created", &timestamp.created, &timestamp.createdAt),
                                         std::tuple("Expires", &timestamp.expires, &timestamp.expiresAt)}) {
      if (text->empty()) return refuse("MalformedTimestamp", fmt::format("the Timestamp has no {}", name));
      if (!*at)
        return refuse("MalformedTimestamp",
                      fmt::format("the Timestamp's {} is no time such as 2025-07-10T07:51:25.959Z", name));
    }
  }
  if (!timestamp.utc) {
    return refuse("TimestampNotUtc", "the Timestamp's times do not end in Z: WS-Security has them in UTC");
  }
  const auto lifetime = *timestamp.expiresAt - *timestamp.createdAt;
  if (lifetime <= Duration{0} || lifetime > kLongestLifetime) {
    return refuse("ImplausibleLifetime", "the Timestamp's Expires is not after its Created, or by more than a day");
  }
  if (*timestamp.createdAt > now + skew) {
    return refuse("TimestampInFuture", "the Timestamp's Created is still to come: the service's clock is fast");
  }
  if (*timestamp.expiresAt < now - skew) {
    return refuse("TimestampExpired", "the Timestamp's Expires is over: the service's clock is slow");
  }
  return {};
}

}  // namespace mpay::soap
