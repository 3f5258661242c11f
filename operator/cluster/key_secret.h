// Writes keys, requests and certificates into the Secret that a form's request names. Only this class reads private
// keys: by a GET of that one Secret when the key is needed, and the bytes read are overwritten afterwards. A key that
// was made is held until it is written, or the Secret has changed.
#pragma once

#include <functional>
#include <map>
#include <mutex>

#include "api/wire.h"
#include "base/synchronized.h"
#include "kube/client.h"
#include "onboarding/key_request.h"

namespace mpay::cluster {

class KeySecretWriter {
 public:
  // Records durably that the operator made the key of that fingerprint.
  using Note = std::function<Result<void>(const std::string& publicKeySha256)>;

  // `mayWrite` is asked before each write (leadership).
  KeySecretWriter(kube::Client& client, std::function<bool()> mayWrite);

  // Carries out one step by one write, bound to the version that was decided on. A key is noted before it is written.
  // The same key is tried again until it is written, because each note is kept for ever.
  // Does nothing where the Secret has changed meanwhile: the watch tells of it. Errors: those of the API; Invalid
  // ReferenceForbidden where a rule is missing; Timeout while another RSA key is being made. Making one takes seconds,
  // and only one is made at a time, so that many requests do not hold every worker of the controller.
  Result<void> carryOut(const onboarding::KeyPlan& plan, const Note& note, const std::stop_token& stop) const;

 private:
  kube::Client& client_;
  const std::function<bool()> mayWrite_;
  struct Made {
    std::string resourceVersion, keyType;
    crypto::PrivateKey key;
  };
  mutable Synchronized<std::map<api::ObjectKey, Made>> unwritten_;
  mutable std::mutex making_;  // held while an RSA key is being made
};

// Names the rights that a tenant's Role must grant for a Secret of certificate.request.
Error mayNotKeep(const api::ObjectKey& secret);

}  // namespace mpay::cluster
