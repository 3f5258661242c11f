// Extensions of certificates and lists, written as openssl.cnf has them.
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>

namespace mpay::test {

// "basicConstraints=critical,CA:TRUE". What the line refers to may be one of these sections: `directory`, a name
// (O=Model, CN=Lists); `another`, another one (O=Model, CN=Others); `relative`, the rest of a name (CN=Lists);
// `at_directory`, `at_another`, `at_relative`, distribution points of these; `at_both`, one of http://crl.example/ and
// `directory`. Throws std::runtime_error for a line that is none.
std::shared_ptr<X509_EXTENSION> makeExtension(const std::string& line, X509* subject = nullptr, X509* issuer = nullptr);

}  // namespace mpay::test
