#include "net/tls.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <atomic>

namespace mpay::net {
namespace {

using Bio = crypto::Handle<BIO, BIO_free_all>;
using Certificate = crypto::Handle<X509, X509_free>;

Bio open(const std::string& text) { return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

// An encrypted key is refused; no terminal is asked for its password.
int noPassword(char*, int, int, void*) { return 0; }

// Returns all the certificates or an error: a list that is cut short would hide the missing ones.
Result<std::vector<Certificate>> certificatesIn(const std::string& text, std::string_view what) {
  std::vector<Certificate> all;
  const Bio bio = open(text);
  while (Certificate next{PEM_read_bio_X509_AUX(bio.get(), nullptr, noPassword, nullptr)}) {
    all.push_back(std::move(next));
  }
  const auto why = ERR_peek_last_error();
  ERR_clear_error();
  const bool atItsEnd = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
  if (all.empty() || !atItsEnd) return fail(ErrorKind::Crypto, fmt::format("{} cannot be parsed", what));
  return all;
}

std::string nextId() {
  static std::atomic<unsigned> count{0};
  return std::to_string(++count);
}

}  // namespace

TlsContext::TlsContext() : id_(nextId()) {}

Result<std::shared_ptr<const TlsContext>> TlsContext::of(const Tls& tls) {
  const std::shared_ptr<TlsContext> context(new TlsContext);
  if (!tls.authorities.empty()) {
    context->authorities_ = TRY(certificatesIn(tls.authorities, "the certificates of the authorities"));
  }
  if (!tls.certificate.empty()) {
    context->certificates_ = TRY(certificatesIn(tls.certificate, "the client certificate"));
  }
  if (!tls.key.empty()) {
    context->key_.reset(PEM_read_bio_PrivateKey(open(tls.key).get(), nullptr, noPassword, nullptr));
    ERR_clear_error();
    if (!context->key_) return fail(ErrorKind::Crypto, "the client key cannot be parsed");
  }
  if (tls.certificate.empty() != tls.key.empty()) {
    return fail(ErrorKind::Crypto, "a client certificate and its key are of use only together: give both");
  }
  if (context->key_ && X509_check_private_key(context->certificates_.front().get(), context->key_.get()) != 1) {
    ERR_clear_error();
    return fail(ErrorKind::Crypto, "the client key is another certificate's: replace key and certificate together");
  }
  return context;
}

bool TlsContext::install(SSL_CTX* context) const {
  if (hasAuthorities()) {
    // Each connection gets a store of its own: libcurl adds a folder to it afterwards, without a lock.
    const crypto::Handle<X509_STORE, X509_STORE_free> store(X509_STORE_new());
    for (const auto& one : authorities_) X509_STORE_add_cert(store.get(), one.get());
    // A trusted authority need not be a root.
    X509_STORE_set_flags(store.get(), X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
    SSL_CTX_set1_cert_store(context, store.get());
  }
  for (std::size_t i = 0; i < certificates_.size(); ++i) {
    X509* one = certificates_[i].get();
    if (i == 0 ? SSL_CTX_use_certificate(context, one) != 1 : SSL_CTX_add1_chain_cert(context, one) != 1) return false;
  }
  return !key_ || SSL_CTX_use_PrivateKey(context, key_.get()) == 1;
}

}  // namespace mpay::net
