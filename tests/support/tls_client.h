// A TLS client that presents any certificate and sends anything before the handshake, also where a careful client would
// do neither.
#pragma once

#include <string>

namespace mpay::test {

struct TlsCall {
  std::string socket = "";  // the path of a Unix socket; empty: the port on 127.0.0.1
  int port = 0;
  std::string preface = "";      // sent before the handshake, as a PROXY header is
  std::string certificate = "";  // PEM: the client's own, then what it sends beside it; empty: none
  std::string key = "";          // PEM
};

struct TlsAnswer {
  int status = 0;  // of HTTP; 0: the connection ended before
  std::string body = "";
  bool presented = false;  // the client's certificate was sent
};

// GET / over TLS 1.2, without looking at the server's certificate.
TlsAnswer callTls(const TlsCall& call);

}  // namespace mpay::test
