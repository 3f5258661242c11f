#include "support/loopback.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

namespace mpay::test {

Listener listenOnLoopback(int backlog) {
  Listener listener;
  listener.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.socket, generic, length) != 0 || ::listen(listener.socket, backlog) != 0 ||
      ::getsockname(listener.socket, generic, &length) != 0) {
    ::close(listener.socket);
    throw std::runtime_error("cannot listen on loopback");
  }
  listener.port = ntohs(address.sin_port);
  return listener;
}

}  // namespace mpay::test
