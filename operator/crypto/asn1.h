// Shared by the readers of certificates, lists and responses. For crypto/ only.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/x509v3.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/handle.h"

namespace mpay::crypto {

// Frees the stack and leaves its certificates to their owners.
inline void freeStack(STACK_OF(X509) * stack) { sk_X509_free(stack); }

// The bytes that `write` puts into a BIO.
template <class Write>
std::string written(const Write& write) {
  const Handle<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  write(out.get());
  char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(length));
}

// RFC 2253, UTF-8.
std::string nameText(const X509_NAME* name);

// Nothing if `time` is null or no time.
std::optional<WallTime> timeOf(const ASN1_TIME* time);

// True for a signature with MD5, SHA-1 or an older digest, or with an algorithm that OpenSSL does not know.
bool isWeakSignature(const X509_ALGOR* algorithm);

// The DER inside a PEM text that is exactly one block named `name` ("X509 CRL"); nothing for every other text.
std::optional<std::string> derOfPem(std::string_view text, std::string_view name);

}  // namespace mpay::crypto
