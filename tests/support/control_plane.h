// A real etcd, kube-apiserver and kube-controller-manager on loopback, for tests and the demonstration.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "support/pki.h"
#include "support/process.h"

namespace mpay::test {

struct ControlPlaneOptions {
  std::vector<std::string> apiServerFlags = {};  // added to its command line: "--feature-gates=X=true"
};

// A control plane that runs as long as the object lives. The constructor throws with the last lines of the logs if it
// cannot start. RBAC authorises; the garbage collector, namespaces and service accounts are real.
//
// control-plane.sh provides the programs; KUBEBUILDER_ASSETS saves calling it. The kernel chooses the ports, so that
// any number of control planes run side by side.
class ControlPlane {
 public:
  explicit ControlPlane(ControlPlaneOptions options = {});
  ~ControlPlane();

  const std::string& url() const { return url_; }
  // For system:masters.
  std::filesystem::path kubeconfig() const { return folder_ / "test_administrator.kubeconfig"; }
  std::string caPem() const { return authority_.certificate(); }
  // For a person, by client certificate. Each call makes a new certificate.
  std::filesystem::path kubeconfigFor(const std::string& user, const std::vector<std::string>& groups = {});
  // For a ServiceAccount, by a token (TokenRequest, two hours) in a file beside the kubeconfig. Each call replaces the
  // token.
  std::filesystem::path kubeconfigForServiceAccount(const std::string& namespace_, const std::string& name);
  // Every request that the API server completed, one JSON object a line.
  std::filesystem::path auditLog() const { return folder_ / "audit.log"; }

  std::filesystem::path folder() const { return folder_.path(); }
  // "kubectl", "etcd", ...
  std::string binary(const std::string& name) const { return assets_ + "/" + name; }
  std::string kubectlPath() const { return binary("kubectl"); }
  // `input` is kubectl's standard input. Without a kubeconfig it runs as system:masters.
  Finished kubectl(std::vector<std::string> arguments, const std::string& input = "",
                   const std::filesystem::path& kubeconfig = {}) const;

  // Makes the garbage collector notice new definitions at once; by itself it looks twice a minute.
  void learnKinds();

  // Kills the API server and starts it again on the same port.
  void restartApiServer();

 private:
  void startEtcd();
  void startApiServer();
  void startControllerManager();
  bool ready();
  std::filesystem::path writeKubeconfig(const std::string& name, const std::string& user) const;

  ControlPlaneOptions options_;
  TempDir folder_;
  std::string assets_;
  Authority authority_{"mpay test cluster"};
  std::string url_;
  int port_ = 0;
  int etcdPort_ = 0;
  Process etcd_;
  Process apiServer_;
  Process controllerManager_;
};

}  // namespace mpay::test
