// What the readers of certificates, lists and responses share. For crypto/ alone.
#pragma once

#include <openssl/asn1.h>
#include <openssl/x509v3.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace mpay::crypto {

// RFC 2253, UTF-8.
std::string nameText(const X509_NAME* name);

// Nothing where it is null or no time.
std::optional<WallTime> timeOf(const ASN1_TIME* time);

// Whether that digest is MD5, SHA-1 or older.
bool isWeakDigest(int nid);
// The same of a signature's algorithm; also where OpenSSL does not know it.
bool isWeakSignature(const X509_ALGOR* algorithm);

// The text without white space around it.
std::string_view trimmed(std::string_view text);

// What a PEM text that is one whole block of that name ("X509 CRL") holds; nothing for every other text.
std::optional<std::string> derOfPem(std::string_view text, std::string_view name);

// The URIs of a distribution point's full name; none where it is null or named otherwise.
std::vector<std::string> urisOf(const DIST_POINT_NAME* point);

}  // namespace mpay::crypto
