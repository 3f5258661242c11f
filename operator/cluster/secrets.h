// The content kept of Secrets: never more than the operator needs.
#pragma once

#include <map>
#include <string>

#include "api/wire.h"
#include "base/result.h"
#include "onboarding/key_request.h"

namespace mpay::cluster {

// A Secret that a form or an environment refers to for something public. A value that is a certificate, a bundle of
// certificates or a PNG is kept; of any other value only the reason why it is none of them.
struct PublicSecret {
  using Wire = api::Secret;
  static constexpr api::ResourceType kResource = api::Secret::kResource;

  api::LeanMeta metadata;
  std::map<std::string, Result<std::string>> values;  // bytes; errors as of crypto::Certificate::parse

  static PublicSecret of(api::Secret secret);
};

// A Secret in which the operator makes a key: the fingerprints of the keys' public halves, and the public content
// beside them.
struct KeyedSecret {
  using Wire = api::Secret;
  static constexpr api::ResourceType kResource = api::Secret::kResource;

  api::LeanMeta metadata;
  onboarding::KeySecret content;

  static KeyedSecret of(api::Secret secret);
};

// A Secret with the user name and password of a mail server.
struct MailCredentials {
  using Wire = api::Secret;
  static constexpr api::ResourceType kResource = api::Secret::kResource;

  api::LeanMeta metadata;
  std::optional<std::string> username, password;

  static MailCredentials of(api::Secret secret);
};

// A whole Secret, read when it is needed; its values are overwritten on destruction.
struct GuardedSecret {
  api::Secret secret;
  explicit GuardedSecret(api::Secret read) : secret(std::move(read)) {}
  GuardedSecret(const GuardedSecret&) = delete;
  GuardedSecret& operator=(const GuardedSecret&) = delete;
  ~GuardedSecret();
};

}  // namespace mpay::cluster
