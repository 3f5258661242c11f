// The authority and the certificate of the seeds.
#pragma once

#include <openssl/pem.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "crypto/handle.h"
#include "crypto/x509.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size);

namespace mpay::fuzz {

// Aborts unless `holds`: the property must hold for every input.
inline void require(bool holds) {
  if (!holds) std::abort();
}

inline std::string textOf(const std::string& name) {
  std::ifstream in(std::string(MPAY_FUZZ_CORPUS) + "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

struct Pki {
  crypto::Certificate issuer = crypto::Certificate::parse(textOf("issuer.pem")).value();
  crypto::Certificate leaf = crypto::Certificate::parse(textOf("leaf.pem")).value();
  crypto::Handle<EVP_PKEY, EVP_PKEY_free> key;
  WallTime now = leaf.notBefore() + std::chrono::hours(1);  // the time at which the seeds were made

  Pki() {
    const auto text = textOf("issuer.key");
    const crypto::Handle<BIO, BIO_free_all> in(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    key.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
    require(key != nullptr);
  }
};

inline const Pki& pki() {
  static const Pki made;
  return made;
}

// Reads the bytes as they are, and once more signed by the issuer, since most changes would stop at the signature.
// `signedAnew` returns nothing for bytes that cannot be signed.
inline int feed(const unsigned char* data, std::size_t size, void (*read)(const std::string&),
                std::string (*signedAnew)(const unsigned char*, std::size_t)) {
  read({reinterpret_cast<const char*>(data), size});
  if (const auto bytes = signedAnew(data, size); !bytes.empty()) read(bytes);
  return 0;
}

}  // namespace mpay::fuzz
