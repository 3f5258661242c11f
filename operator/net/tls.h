// The authorities that connections trust and the certificate that they show, parsed once for all of them.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "crypto/handle.h"

namespace mpay::net {

// PEM texts, which never touch the disk.
struct Tls {
  std::string authorities;  // empty: the system's
  std::string certificate;  // with its chain; empty: no certificate is shown
  std::string key;
  std::string serverName;  // the name that the server's certificate must hold; empty: the URL's host
  bool operator==(const Tls&) const = default;
};

// Thread-safe once made.
class TlsContext {
 public:
  // Errors: Crypto, naming the text that cannot be parsed to its end, or a key that does not belong to the certificate.
  // Messages repeat nothing of the texts.
  static Result<std::shared_ptr<const TlsContext>> of(const Tls& tls);

  // Sets the authorities and the certificate in a new connection's context. False if OpenSSL refuses, for example a key
  // that is too weak.
  bool install(SSL_CTX* context) const;

  bool hasAuthorities() const { return !authorities_.empty(); }
  // True if the system's authorities are trusted and no certificate is shown, as without any context.
  bool bringsNothing() const { return authorities_.empty() && certificates_.empty(); }
  // Unique over the life of the process.
  const std::string& id() const { return id_; }

 private:
  TlsContext();

  const std::string id_;
  std::vector<crypto::Handle<X509, X509_free>> authorities_;
  std::vector<crypto::Handle<X509, X509_free>> certificates_;  // the first is shown, the others are its chain
  crypto::Handle<EVP_PKEY, EVP_PKEY_free> key_;
};

}  // namespace mpay::net
