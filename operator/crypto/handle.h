// The owner of OpenSSL's handles.
#pragma once

#include <openssl/crypto.h>

#include <memory>
#include <string>

namespace mpay::crypto {

template <auto free>
struct Freer {
  template <class T>
  void operator()(T* handle) const {
    free(handle);
  }
};

// Handle<X509, X509_free> owns an X509*.
template <class T, auto free>
using Handle = std::unique_ptr<T, Freer<free>>;

// The bytes that one of OpenSSL's i2d functions allocates, as in derOf([&](unsigned char** out) { return i2d_X509(x,
// out); }); empty if the function fails.
template <class Encode>
std::string derOf(const Encode& encode) {
  unsigned char* data = nullptr;
  const int length = encode(&data);
  std::string der(reinterpret_cast<char*>(data), static_cast<std::size_t>(length > 0 ? length : 0));
  OPENSSL_free(data);
  return der;
}

}  // namespace mpay::crypto
