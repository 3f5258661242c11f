// The key and the certificate that a form requests: what the Secret holds, what waits, what is to be written.
//
// The Secret is the tenant's, of type kubernetes.io/tls. The operator fills tls.key and, once it is issued, tls.crt.
// tls.csr is the request of that key. While a renewal is under way renewal.key and renewal.csr are those of the next
// key; the two change places in one write. Everything follows from the Secret and from the fingerprints of the keys
// that the operator made, which it keeps where no tenant can write. Of a key only its public half is ever held here.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "api/integration.h"
#include "base/clock.h"
#include "crypto/request.h"
#include "crypto/x509.h"
#include "ledger/made_key.h"
#include "onboarding/verdict.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

inline constexpr std::string_view kTlsType = "kubernetes.io/tls";
inline constexpr std::string_view kKeyName = "tls.key", kCertificateName = "tls.crt", kRequestName = "tls.csr",
                                  kRenewalKeyName = "renewal.key", kRenewalRequestName = "renewal.csr";

// A key's place in the Secret, without the key.
struct KeySlot {
  bool empty = true;
  std::string publicKeySha256{};  // empty where what is there is no private key
  std::string request{};          // what is beside it where a PKCS#10 should be
};

// The Secret that a request names, without what is secret.
struct KeySecret {
  std::string resourceVersion{};
  std::string type{};
  bool immutable = false;
  KeySlot current{};
  KeySlot renewal{};
  std::string certificate{};  // tls.crt, where it is public; empty: there is none
  bool hasCertificate = false;
};

// What the request for the form's certificate says of its subject.
crypto::RequestSubject subjectOf(const api::MPayIntegrationSpec& spec);

// What is to be done to the Secret.
enum class KeyStep {
  None,
  MakeKey,              // of the empty Secret: tls.key and tls.csr
  WriteRequest,         // tls.csr, anew, of the key that is there
  MakeRenewalKey,       // renewal.key and renewal.csr
  WriteRenewalRequest,  // renewal.csr, anew
  Complete,             // tls.crt
  Renew,                // the renewal's key and its certificate become tls.key and tls.crt
};

struct KeyJudgement {
  Verdict verdict{};                                    // True: the issued certificate is of a key in the Secret
  KeyStep step = KeyStep::None;                         // what is to be done whatever the certificate is worth
  std::optional<api::CertificateRequestStatus> open{};  // the request that waits
  bool isRenewal = false;                               // the issued certificate is of the next key
  std::optional<WallTime> renewsAt{};                   // when the next key is due
};

// `secret`: nothing while it is being read. `issued`: what certificate.issued says; nothing where it is not declared or
// not read. Reasons: Pending, ReferenceNotFound, ReferenceForbidden, InvalidField, InvalidSubject, SecretNotUsable (of
// another type, immutable, or holding what the operator did not make), Requesting, AwaitingCertificate, KeyMismatch,
// and those of the certificate's content.
KeyJudgement judgeKeys(const api::MPayIntegration& integration, const std::optional<Result<KeySecret>>& secret,
                       const MadeKeys& made, const std::optional<Result<crypto::Certificate>>& issued, WallTime now);

// What to write into which Secret, as it was seen.
struct KeyPlan {
  KeyStep step = KeyStep::None;
  api::ObjectKey secret;
  std::string resourceVersion;
  std::string keyType;
  crypto::RequestSubject subject;
  Holder holder;
  std::string chain;  // of Complete and Renew: the certificate and its intermediates, PEM
};

}  // namespace mpay::onboarding
