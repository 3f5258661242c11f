#include "net/tls.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "net/transport.h"
#include "support/loopback.h"
#include "support/pki.h"

namespace mpay::net {
namespace {

using crypto::Handle;
using test::Authority;

// Answers each request with the client's common name, and counts connections. One at a time.
class TlsServer {
 public:
  TlsServer(const Authority& clients, const test::Identity& self) : context_(SSL_CTX_new(TLS_server_method())) {
    const auto bio = [](const std::string& text) {
      return Handle<BIO, BIO_free_all>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    };
    const Handle<X509, X509_free> shown(PEM_read_bio_X509(bio(self.certificate).get(), nullptr, nullptr, nullptr));
    const Handle<X509, X509_free> trusted(
        PEM_read_bio_X509(bio(clients.certificate()).get(), nullptr, nullptr, nullptr));
    const Handle<EVP_PKEY, EVP_PKEY_free> key(PEM_read_bio_PrivateKey(bio(self.key).get(), nullptr, nullptr, nullptr));
    SSL_CTX_use_certificate(context_.get(), shown.get());
    SSL_CTX_use_PrivateKey(context_.get(), key.get());
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_.get()), trusted.get());
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    const auto listener = test::listenOnLoopback(8);
    listening_ = listener.socket;
    port_ = listener.port;
    signal(SIGPIPE, SIG_IGN);  // clients may go before they read
    accepting_ = std::thread([this] {
      for (int socket; (socket = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
        ++connections_;
        serving_.emplace_back([this, socket] { serve(socket); });
      }
    });
  }
  ~TlsServer() {
    ::shutdown(listening_, SHUT_RDWR);
    accepting_.join();
    ::close(listening_);
    for (auto& thread : serving_) thread.join();  // all clients have gone
  }

  std::string url() const { return "https://127.0.0.1:" + std::to_string(port_) + "/"; }
  int connections() const { return connections_; }

 private:
  void serve(int socket) {
    const Handle<SSL, SSL_free> ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), socket);
    char bytes[4096];
    if (SSL_accept(ssl.get()) == 1) {
      std::string name = "nobody";
      if (const Handle<X509, X509_free> shown(SSL_get1_peer_certificate(ssl.get())); shown) {
        char text[64] = "";
        X509_NAME_get_text_by_NID(X509_get_subject_name(shown.get()), NID_commonName, text, sizeof text);
        name = text;
      }
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(name.size()) + "\r\n\r\n" + name;
      while (SSL_read(ssl.get(), bytes, sizeof bytes) > 0) {
        SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
      }
    }
    ::close(socket);
  }

  const Handle<SSL_CTX, SSL_CTX_free> context_;
  int listening_ = -1;
  int port_ = 0;
  std::atomic<int> connections_{0};
  std::thread accepting_;
  std::vector<std::thread> serving_;
};

class TlsTest : public ::testing::Test {
 protected:
  static test::Identity named(const Authority& by, const std::string& name) {
    test::CertificateOptions options;
    options.commonName = name;
    options.alternativeNames = "DNS:server.test,IP:127.0.0.1";
    return by.issue(options);
  }
  Result<std::string> ask(const std::shared_ptr<const Tls>& tls) {
    Request request;
    request.url = server.url();
    request.tls = tls;
    return TRY(transport.send(std::move(request))).body;
  }
  static std::shared_ptr<Tls> tlsOf(std::string authorities, const test::Identity& self = {}) {
    return std::make_shared<Tls>(Tls{std::move(authorities), self.certificate, self.key, ""});
  }

  const Authority authority, other{"Another CA"};
  TlsServer server{authority, named(authority, "server")};
  Transport transport;  // its connections end before the server does
};

TEST_F(TlsTest, TrustsTheAuthoritiesItIsGivenAndNoOthers) {
  EXPECT_EQ(ask(tlsOf(other.certificate() + authority.certificate())).value(), "nobody");
  const auto refused = ask(tlsOf(other.certificate()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::Transport);
  EXPECT_FALSE(ask(tlsOf(""))) << "the system's";
}

TEST_F(TlsTest, AsksForTheNameItIsTold) {
  const auto tls = tlsOf(authority.certificate());
  tls->serverName = "server.test";
  EXPECT_TRUE(ask(tls));
  const auto wrong = tlsOf(authority.certificate());
  wrong->serverName = "other.test";
  EXPECT_FALSE(ask(wrong));
}

TEST_F(TlsTest, TakesAConnectionAgainOnlyForTheSame) {
  const auto first = tlsOf(authority.certificate(), named(authority, "first"));
  EXPECT_EQ(ask(first).value(), "first");
  EXPECT_EQ(ask(first).value(), "first");
  EXPECT_EQ(server.connections(), 1);
  EXPECT_EQ(ask(tlsOf(authority.certificate(), named(authority, "second"))).value(), "second");
  EXPECT_FALSE(ask(tlsOf(other.certificate()))) << "though others were trusted";
  EXPECT_EQ(ask(first).value(), "first");
}

// Connections are distinguished by the settings of their context. This includes contexts that trust the system's
// authorities, which cannot sign for a test's server.
TEST_F(TlsTest, BringsNothingOnlyWithoutAuthoritiesAndIdentity) {
  const auto brings = [](const Tls& tls) { return !TlsContext::of(tls).value()->bringsNothing(); };
  const auto client = named(authority, "client");
  EXPECT_FALSE(brings({}));
  EXPECT_TRUE(brings({authority.certificate(), "", "", ""}));
  EXPECT_TRUE(brings({"", client.certificate, client.key, ""}));
}

TEST_F(TlsTest, SaysWhatItCannotParseAndRepeatsNothingOfIt) {
  const auto client = named(authority, "client"), another = named(authority, "other");
  const struct {
    const char* name;
    Tls tls;
    const char* says;
  } rows[] = {{"authorities", {"secret", "", "", ""}, "authorities"},
              {"the last of the authorities",
               {authority.certificate() + "-----BEGIN CERTIFICATE-----\nsecret\n", "", "", ""},
               "authorities"},
              {"certificate", {authority.certificate(), "secret", client.key, ""}, "certificate"},
              {"key", {authority.certificate(), client.certificate, "secret", ""}, "key"},
              {"no key", {authority.certificate(), client.certificate, "", ""}, "key"},
              {"another certificate's key", {authority.certificate(), client.certificate, another.key, ""}, "another"}};
  for (const auto& row : rows) {
    const auto refused = ask(std::make_shared<Tls>(row.tls));
    ASSERT_FALSE(refused) << row.name;
    EXPECT_EQ(refused.error().kind, ErrorKind::Crypto) << row.name;
    EXPECT_NE(refused.error().message.find(row.says), std::string::npos) << refused.error().message;
    EXPECT_EQ(refused.error().message.find("secret"), std::string::npos) << row.name;
  }
}

}  // namespace
}  // namespace mpay::net
