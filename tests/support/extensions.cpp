#include "support/extensions.h"

#include <openssl/conf.h>
#include <openssl/x509v3.h>

#include <stdexcept>
#include <string_view>

namespace mpay::test {
namespace {

constexpr std::string_view kSections = R"(
[directory]
O=Model
CN=Lists
[another]
O=Model
CN=Others
[relative]
CN=Lists
[both]
URI=http://crl.example/
dirName=directory
[at_directory]
fullname=dirName:directory
[at_another]
fullname=dirName:another
[at_relative]
relativename=relative
[at_both]
fullname=@both
)";

std::shared_ptr<CONF> sections() {
  const std::shared_ptr<BIO> text(BIO_new_mem_buf(kSections.data(), static_cast<int>(kSections.size())), BIO_free);
  std::shared_ptr<CONF> read(NCONF_new(nullptr), NCONF_free);
  if (NCONF_load_bio(read.get(), text.get(), nullptr) != 1) throw std::runtime_error("bad sections");
  return read;
}

}  // namespace

std::shared_ptr<X509_EXTENSION> makeExtension(const std::string& line, X509* subject, X509* issuer) {
  const auto equals = line.find('=');
  const auto known = sections();
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, subject, nullptr, nullptr, 0);
  X509V3_set_nconf(&context, known.get());
  X509_EXTENSION* extension =
      X509V3_EXT_nconf(known.get(), &context, line.substr(0, equals).c_str(), line.substr(equals + 1).c_str());
  if (!extension) throw std::runtime_error("bad extension " + line);
  return {extension, X509_EXTENSION_free};
}

}  // namespace mpay::test
