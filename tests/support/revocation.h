// Certificate revocation lists and OCSP responses, right and wrong ones, made at test time.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/pki.h"

namespace mpay::test {

// Whose certificate and key sign. An Authority's are its certificate() and key().
struct Signer {
  std::string certificate;  // PEM
  std::string key;          // PEM
};
Signer signerOf(const Authority& authority);
Signer signerOf(const Identity& identity);

struct RevokedEntry {
  std::string certificate;  // PEM, of which the serial number is taken
  int reason = -1;          // of RFC 5280, 5.3.1; negative: none
  bool criticalExtension = false;
};

struct ListOptions {
  std::vector<RevokedEntry> revoked = {};
  long thisUpdate = -600;  // seconds from now
  std::optional<long> nextUpdate = 86400;
  bool sha1 = false;
  bool delta = false;
  bool unknownCritical = false;
  std::string issuingDistributionPoint = "";  // as openssl.cnf has it: "critical,fullname:URI:http://a/"
};

// DER.
std::string makeList(const Signer& issuer, const ListOptions& options = {});
std::string pemOfList(const std::string& der);

enum class OcspStatus { Good, Revoked, Unknown };

// One more word on the certificate.
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
  std::string hash = "SHA1";          // of the certificate's identifier
  std::vector<OcspSingle> more = {};  // about the same certificate, behind the first
  std::string about =
      "";  // PEM of another certificate than the one that was asked for, or of this one: the hash needs it
  std::optional<Signer> signer = {};    // another than the issuer
  std::vector<std::string> chain = {};  // further certificates that the response carries, PEM
};

// The answer to a DER request; DER.
std::string answerOcsp(const std::string& request, const Signer& issuer, const OcspOptions& options = {});
// An answer without a body: 3 tryLater, 6 unauthorized.
std::string refuseOcsp(int status);

}  // namespace mpay::test
