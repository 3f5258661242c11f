// A listening socket for servers of the tests' own.
#pragma once

namespace mpay::test {

struct Listener {
  int socket = -1;  // to be closed by who asked for it
  int port = 0;
};

// On 127.0.0.1, on a port chosen by the kernel; `backlog` as listen(2) takes it. Throws std::runtime_error.
Listener listenOnLoopback(int backlog);

}  // namespace mpay::test
