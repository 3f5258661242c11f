// The owners of xmlsec's handles, and the list of its algorithms. For this folder only.
#pragma once

#include <openssl/evp.h>
#include <xmlsec/crypto.h>
#include <xmlsec/keys.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

#include <string>
#include <string_view>

#include "crypto/handle.h"
#include "mpay/security.h"

namespace mpay::soap {

using SignatureContext = crypto::Handle<xmlSecDSigCtx, xmlSecDSigCtxDestroy>;
using Key = crypto::Handle<xmlSecKey, xmlSecKeyDestroy>;

inline constexpr std::string_view kX509v3 =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
inline constexpr std::string_view kBase64Binary =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

inline const xmlChar* raw(const std::string& text) { return reinterpret_cast<const xmlChar*>(text.c_str()); }

// The key for xmlsec; null if xmlsec cannot use it.
inline Key keyOf(EVP_PKEY* key) {
  xmlSecKeyDataPtr data = nullptr;
  if (key != nullptr && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
    if (EVP_PKEY* copy = xmlSecOpenSSLEvpKeyDup(key); copy != nullptr) {
      data = xmlSecOpenSSLEvpKeyAdopt(copy);
      if (data == nullptr) EVP_PKEY_free(copy);
    }
  }
  Key made(data == nullptr ? nullptr : xmlSecKeyCreate());
  if (data != nullptr && (!made || xmlSecKeySetValue(made.get(), data) < 0)) {
    xmlSecKeyDataDestroy(data);
    made.reset();
  }
  return made;
}

inline xmlSecTransformId signatureMethod(Algorithm algorithm) {
  return algorithm == Algorithm::RsaSha1 ? xmlSecTransformRsaSha1Id : xmlSecTransformRsaSha256Id;
}

inline xmlSecTransformId digestMethod(Algorithm algorithm) {
  return algorithm == Algorithm::RsaSha1 ? xmlSecTransformSha1Id : xmlSecTransformSha256Id;
}

inline std::string_view uriOf(xmlSecTransformId method) { return reinterpret_cast<const char*>(method->href); }

}  // namespace mpay::soap
