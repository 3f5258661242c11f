// Runs a control plane until it is stopped. `control-plane FILE [USER ...]` writes shell variables (KUBECONFIG,
// KUBECTL, CLUSTER) to FILE once it is ready; the folder CLUSTER has a USER.kubeconfig for each USER. SIGHUP kills the
// API server and starts it again. SIGTERM, SIGINT and the death of the parent end it.
#include <signal.h>

#include <iostream>

#include "support/control_plane.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: control-plane FILE [USER ...]\n";
    return 2;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGHUP);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  mpay::test::endWithParent(SIGTERM);
  try {
    mpay::test::ControlPlane plane;
    for (int i = 2; i < argc; ++i) plane.kubeconfigFor(argv[i]);
    mpay::test::writeFile(std::string(argv[1]) + ".new", "KUBECONFIG=" + plane.kubeconfig().string() +
                                                             "\nKUBECTL=" + plane.kubectlPath() +
                                                             "\nCLUSTER=" + plane.folder().string() + "\n");
    std::filesystem::rename(std::string(argv[1]) + ".new", argv[1]);
    int number = 0;
    while (sigwait(&signals, &number) == 0 && number == SIGHUP) plane.restartApiServer();
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
