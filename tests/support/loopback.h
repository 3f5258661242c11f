// A listening socket for the tests' own servers.
#pragma once

namespace mpay::test {

struct Listener {
  int socket = -1;  // the caller closes it
  int port = 0;
};

// Listens on 127.0.0.1, on a port chosen by the kernel; `backlog` is listen(2)'s. Throws std::runtime_error.
Listener listenOnLoopback(int backlog);

}  // namespace mpay::test
