// The key and the certificate that a form requests: the content of the Secret, the open request, and the next write.
//
// The Secret is the tenant's, of type kubernetes.io/tls. The operator fills tls.key and, once the certificate is
// issued, tls.crt. tls.csr is the request of that key. During a renewal, renewal.key and renewal.csr are those of the
// next key; the two keys change places in one write. Everything follows from the Secret and from the fingerprints of
// the keys that the operator made, which it keeps where no tenant can write. Only the public half of a key is ever held
// here.
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
  std::string publicKeySha256{};  // empty: no private key is there
  std::string request{};          // the content beside the key where a PKCS#10 belongs
};

// The Secret that a request names, without its secret content.
struct KeySecret {
  std::string resourceVersion{};
  std::string type{};
  bool immutable = false;
  KeySlot current{};
  KeySlot renewal{};
  std::string certificate{};  // tls.crt, where its content is public; empty: none
  bool hasCertificate = false;
};

// The subject in the request for the form's certificate.
crypto::RequestSubject subjectOf(const api::MPayIntegrationSpec& spec);

// The next write to the Secret.
enum class KeyStep {
  None,
  MakeKey,              // into the empty Secret: tls.key and tls.csr
  WriteRequest,         // tls.csr, anew, of the existing key
  MakeRenewalKey,       // renewal.key and renewal.csr
  WriteRenewalRequest,  // renewal.csr, anew
  Complete,             // tls.crt
  Renew,                // the renewal's key and its certificate become tls.key and tls.crt
};

struct KeyJudgement {
  Verdict verdict{};                                    // True: the issued certificate is of a key in the Secret
  KeyStep step = KeyStep::None;                         // the next write, whatever the certificate is worth
  std::optional<api::CertificateRequestStatus> open{};  // the request that waits
  bool isRenewal = false;                               // the issued certificate is of the next key
  std::optional<WallTime> renewsAt{};                   // the time when the next key is due
};

// `secret`: nothing while it is being read. `issued`: the content of certificate.issued; nothing where it is not
// declared or not read. Reasons: Pending, ReferenceNotFound, ReferenceForbidden, InvalidField, InvalidSubject,
// SecretNotUsable (of another type, immutable, or with content that the operator did not make), Requesting,
// AwaitingCertificate, KeyMismatch, and those of the certificate's content.
KeyJudgement judgeKeys(const api::MPayIntegration& integration, const std::optional<Result<KeySecret>>& secret,
                       const MadeKeys& made, const std::optional<Result<crypto::Certificate>>& issued, WallTime now);

// The write, and the Secret as it was seen.
struct KeyPlan {
  KeyStep step = KeyStep::None;
  api::ObjectKey secret;
  std::string resourceVersion;
  std::string keyType;
  crypto::RequestSubject subject;
  Holder holder;
  std::string chain;  // for Complete and Renew: the certificate and its intermediates, PEM
};

}  // namespace mpay::onboarding
