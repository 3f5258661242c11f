#include "support/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace mpay::test {
namespace {

template <class T>
using Owned = std::shared_ptr<T>;

class Connection {
 public:
  explicit Connection(const TlsCall& call)
      : socket_(::socket(call.socket.empty() ? AF_INET : AF_UNIX, SOCK_STREAM, 0)) {
    const timeval patience{10, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_un local{};
    local.sun_family = AF_UNIX;
    if (call.socket.size() >= sizeof local.sun_path) throw std::runtime_error("too long a path: " + call.socket);
    std::memcpy(local.sun_path, call.socket.c_str(), call.socket.size());
    sockaddr_in loopback{};
    loopback.sin_family = AF_INET;
    loopback.sin_port = htons(static_cast<std::uint16_t>(call.port));
    loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool isLocal = !call.socket.empty();
    const auto* address = isLocal ? reinterpret_cast<sockaddr*>(&local) : reinterpret_cast<sockaddr*>(&loopback);
    isOpen_ = connect(socket_, address, isLocal ? sizeof local : sizeof loopback) == 0 &&
              write(socket_, call.preface.data(), call.preface.size()) == static_cast<ssize_t>(call.preface.size());
  }
  ~Connection() { close(socket_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  bool isOpen() const { return isOpen_; }
  int socket() const { return socket_; }

 private:
  const int socket_;
  bool isOpen_ = false;
};

// Sees the client's handshake messages and notes a Certificate message that is not empty.
void noteCertificate(int isSent, int, int type, const void* bytes, std::size_t length, SSL*, void* noted) {
  constexpr unsigned char certificate = 11;
  if (isSent == 1 && type == SSL3_RT_HANDSHAKE && length > 7 &&
      *static_cast<const unsigned char*>(bytes) == certificate)
    *static_cast<bool*>(noted) = true;
}

void present(SSL_CTX* context, const TlsCall& call) {
  const Owned<BIO> certificates(BIO_new_mem_buf(call.certificate.data(), static_cast<int>(call.certificate.size())),
                                BIO_free),
      keys(BIO_new_mem_buf(call.key.data(), static_cast<int>(call.key.size())), BIO_free);
  for (bool isFirst = true;; isFirst = false) {
    const Owned<X509> next(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr), X509_free);
    if (!next) break;
    if ((isFirst ? SSL_CTX_use_certificate(context, next.get()) : SSL_CTX_add1_chain_cert(context, next.get())) != 1)
      throw std::runtime_error("the certificate cannot be presented");
  }
  const Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(keys.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  if (!key || SSL_CTX_use_PrivateKey(context, key.get()) != 1) throw std::runtime_error("the key cannot be used");
}

}  // namespace

TlsAnswer callTls(const TlsCall& call) {
  TlsAnswer answer;
  const Connection connection(call);
  if (!connection.isOpen()) return answer;
  const Owned<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  // The tests ask what the server thinks of weak keys, so the client must not refuse them.
  SSL_CTX_set_security_level(context.get(), 0);
  // In TLS 1.3 the client finishes before the server has judged its certificate, and there is no DSA.
  SSL_CTX_set_max_proto_version(context.get(), TLS1_2_VERSION);
  // The certificate is sent whatever its purposes.
  SSL_CTX_set_mode(context.get(), SSL_MODE_NO_AUTO_CHAIN);
  if (!call.certificate.empty()) present(context.get(), call);
  const Owned<SSL> tls(SSL_new(context.get()), SSL_free);
  SSL_set_msg_callback(tls.get(), noteCertificate);
  SSL_set_msg_callback_arg(tls.get(), &answer.presented);
  SSL_set_fd(tls.get(), connection.socket());
  std::string text;
  const std::string request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (SSL_connect(tls.get()) == 1 && SSL_write(tls.get(), request.data(), static_cast<int>(request.size())) > 0) {
    char part[4096];
    for (int length; (length = SSL_read(tls.get(), part, sizeof part)) > 0;)
      text.append(part, static_cast<std::size_t>(length));
  }
  ERR_clear_error();
  if (text.rfind("HTTP/1.1 ", 0) != 0) return answer;
  answer.status = std::atoi(text.c_str() + 9);
  const auto body = text.find("\r\n\r\n");
  if (body != std::string::npos) answer.body = text.substr(body + 4);
  return answer;
}

}  // namespace mpay::test
