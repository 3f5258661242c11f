// Extensions of certificates and lists, written as openssl.cnf has them.
#pragma once

#include <openssl/x509.h>

#include <memory>
#include <string>

namespace mpay::test {

// Makes an extension from a line such as "basicConstraints=critical,CA:TRUE". The line may refer to these sections:
// - names: `directory` (O=Model, CN=Lists), `another` (O=Model, CN=Others), and `relative`, the rest of a name
//   (CN=Lists);
// - distribution points of these: `at_directory`, `at_another`, `at_relative`;
// - `at_both`, a distribution point of http://crl.example/ and `directory`.
// Throws std::runtime_error if the line is no extension.
std::shared_ptr<X509_EXTENSION> makeExtension(const std::string& line, X509* subject = nullptr, X509* issuer = nullptr);

}  // namespace mpay::test
