// Certificate revocation lists and OCSP responses, correct and faulty, made at test time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/pki.h"

namespace mpay::test {

// The signer's certificate and key, such as an Authority's certificate() and key().
struct Signer {
  std::string certificate;  // PEM
  std::string key;          // PEM
};
Signer signerOf(const Authority& authority);
Signer signerOf(const Identity& identity);

struct RevokedEntry {
  std::string certificate;  // PEM; only its serial number is used
  int reason = -1;          // RFC 5280, 5.3.1; negative: none
  bool criticalExtension = false;
};

struct ListOptions {
  std::vector<RevokedEntry> revoked = {};
  long thisUpdate = -600;  // seconds from now
  std::optional<long> nextUpdate = 86400;
  bool sha1 = false;
  bool delta = false;
  bool unknownCritical = false;
  std::string issuingDistributionPoint = "";  // in the syntax of openssl.cnf: "critical,fullname:URI:http://a/"
};

// DER.
std::string makeList(const Signer& issuer, const ListOptions& options = {});
std::string pemOfList(const std::string& der);

enum class OcspStatus { Good, Revoked, Unknown };

// A further finding on the certificate.
struct OcspSingle {
  OcspStatus status = OcspStatus::Good;
  int reason = -1;
  std::string hash = "SHA1";
  long thisUpdate = -600;
  long nextUpdate = 86400;
  bool unknownCritical = false;
};

struct OcspOptions {
  using Status = OcspStatus;
  enum class Nonce { Same, None, Other };
  Status status = Status::Good;
  int reason = -1;
  long thisUpdate = -600;
  std::optional<long> nextUpdate = 86400;
  Nonce nonce = Nonce::Same;
  bool sha1 = false;
  bool unknownCritical = false;
  std::string hash = "SHA1";          // for the certificate's identifier
  std::vector<OcspSingle> more = {};  // about the same certificate, after the first finding
  std::string about = "";  // PEM; the certificate to answer about, if not the requested one; needed for another hash
  std::optional<Signer> signer = {};    // if not the issuer
  std::vector<std::string> chain = {};  // PEM; further certificates in the response
};

// The response to a DER request, as DER.
std::string answerOcsp(const std::string& request, const Signer& issuer, const OcspOptions& options = {});
// A response without a body: 3 tryLater, 6 unauthorized.
std::string refuseOcsp(int status);

}  // namespace mpay::test
