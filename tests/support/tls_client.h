// A TLS client that presents any certificate and sends anything before the handshake, which a careful client would not
// do.
#pragma once

#include <string>

namespace mpay::test {

struct TlsCall {
  std::string socket = "";  // path of a Unix socket; empty: the port on 127.0.0.1
  int port = 0;
  std::string preface = "";      // sent before the handshake, for a PROXY header
  std::string certificate = "";  // PEM: the client's own, then the others to send; empty: none
  std::string key = "";          // PEM
};

struct TlsAnswer {
  int status = 0;  // of HTTP; 0: the connection ended before
  std::string body = "";
  bool presented = false;  // the client's certificate was sent
};

// Sends GET / over TLS 1.2, without judging the server's certificate.
TlsAnswer callTls(const TlsCall& call);

}  // namespace mpay::test
