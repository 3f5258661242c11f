// The one owner of OpenSSL's handles.
#pragma once

#include <memory>

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

}  // namespace mpay::crypto
