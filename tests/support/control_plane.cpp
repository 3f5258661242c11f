#include "support/control_plane.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

namespace mpay::test {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kAuditPolicy = R"(apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules: [{level: Metadata}]
)";

std::string assetsFolder() {
  const Finished found = run({MPAY_SOURCE_DIR "/tests/support/control-plane.sh", "assets"});
  std::string folder = found.output;
  while (folder.ends_with('\n')) folder.pop_back();
  folder = folder.substr(folder.rfind('\n') == std::string::npos ? 0 : folder.rfind('\n') + 1);
  if (found.code != 0) throw std::runtime_error(found.output);
  return folder;
}

std::string tail(const std::filesystem::path& log) {
  const std::string text = readFile(log);
  return text.size() > 3000 ? text.substr(text.size() - 3000) : text;
}

std::string fileName(std::string user) {
  std::replace_if(
      user.begin(), user.end(), [](char c) { return c == '/' || c == ':' || c == ' '; }, '_');
  return user;
}

}  // namespace

ControlPlane::ControlPlane(ControlPlaneOptions options) : options_(std::move(options)), assets_(assetsFolder()) {
  CertificateOptions server;
  server.commonName = "kube-apiserver";
  server.alternativeNames = "IP:127.0.0.1,DNS:localhost,DNS:kubernetes.default.svc";
  server.extendedKeyUsage = "serverAuth";
  const Identity serving = authority_.issue(server);
  CertificateOptions accounts;
  accounts.key = KeyKind::Rsa2048;
  const Identity signer = authority_.issue(accounts);
  writeFile(folder_ / "ca.pem", authority_.certificate());
  writeFile(folder_ / "server.pem", serving.certificate);
  writeFile(folder_ / "server.key", serving.key);
  writeFile(folder_ / "accounts.key", signer.key);
  writeFile(folder_ / "audit-policy.yaml", std::string(kAuditPolicy));

  // A free port may be taken before it is used; then a new start helps.
  for (int attempt = 0; attempt < 3; ++attempt) {
    startEtcd();
    port_ = freePort();
    url_ = "https://127.0.0.1:" + std::to_string(port_);
    kubeconfigFor("test:administrator", {"system:masters"});
    startApiServer();
    if (ready()) break;
    apiServer_.stop(0ms);
    etcd_.stop(0ms);
    std::filesystem::remove_all(folder_ / "etcd");
    if (attempt == 2)
      throw std::runtime_error("the control plane did not start:\n" + tail(folder_ / "kube-apiserver.log"));
  }
  startControllerManager();
  const bool serviceAccounts = waitFor(30s, [&] {
    return kubectl({"get", "serviceaccount", "-n", "default", "default", "-o", "name"}).code == 0;
  });
  if (!serviceAccounts)
    throw std::runtime_error("no service accounts:\n" + tail(folder_ / "kube-controller-manager.log"));
}

ControlPlane::~ControlPlane() {
  controllerManager_.stop(0ms);
  // Open watches delay the end after SIGTERM for minutes.
  apiServer_.stop(1s);
  etcd_.stop(1s);
}

void ControlPlane::startEtcd() {
  etcdPort_ = freePort();
  const std::string client = "http://127.0.0.1:" + std::to_string(etcdPort_);
  const std::string peer = "http://127.0.0.1:" + std::to_string(freePort());
  etcd_ = Process({assets_ + "/etcd", "--data-dir", (folder_ / "etcd").string(), "--listen-client-urls", client,
                   "--advertise-client-urls", client, "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                   "--initial-cluster", "default=" + peer, "--unsafe-no-fsync", "--log-level", "warn"},
                  folder_ / "etcd.log");
}

void ControlPlane::startApiServer() {
  const auto path = [&](const char* name) { return (folder_ / name).string(); };
  std::vector<std::string> command{assets_ + "/kube-apiserver",
                                   "--etcd-servers=http://127.0.0.1:" + std::to_string(etcdPort_),
                                   "--bind-address=127.0.0.1",
                                   "--advertise-address=127.0.0.1",
                                   "--secure-port=" + std::to_string(port_),
                                   "--tls-cert-file=" + path("server.pem"),
                                   "--tls-private-key-file=" + path("server.key"),
                                   "--client-ca-file=" + path("ca.pem"),
                                   "--authorization-mode=RBAC",
                                   "--service-account-issuer=https://kubernetes.default.svc",
                                   "--service-account-key-file=" + path("accounts.key"),
                                   "--service-account-signing-key-file=" + path("accounts.key"),
                                   "--service-cluster-ip-range=10.0.0.0/24",
                                   "--endpoint-reconciler-type=none",
                                   "--audit-policy-file=" + path("audit-policy.yaml"),
                                   "--audit-log-path=" + auditLog().string(),
                                   "--audit-log-maxsize=8192",  // MB; a rotation at 100 would replace the file
                                   "--cert-dir=" + path("certs")};
  command.insert(command.end(), options_.apiServerFlags.begin(), options_.apiServerFlags.end());
  apiServer_ = Process(std::move(command), folder_ / "kube-apiserver.log");
}

void ControlPlane::startControllerManager() {
  const std::string controllers =
      "garbage-collector-controller,namespace-controller,serviceaccount-controller,serviceaccount-token-controller,"
      "validatingadmissionpolicy-status-controller";
  controllerManager_ = Process(
      {assets_ + "/kube-controller-manager", "--kubeconfig=" + kubeconfig().string(),
       "--use-service-account-credentials=true", "--leader-elect=false", "--secure-port=0",
       "--service-account-private-key-file=" + (folder_ / "accounts.key").string(),
       "--root-ca-file=" + (folder_ / "ca.pem").string(), "--concurrent-gc-syncs=4", "--controllers=" + controllers},
      folder_ / "kube-controller-manager.log");
}

// /readyz answers ok only after the bootstrap roles of RBAC exist.
bool ControlPlane::ready() {
  bool ok = false;
  waitFor(60s, [&] {
    ok = apiServer_.running() && kubectl({"get", "--raw", "/readyz"}).output == "ok";
    return ok || !apiServer_.running();
  });
  return ok;
}

void ControlPlane::learnKinds() {
  controllerManager_.stop(0ms);
  startControllerManager();
}

void ControlPlane::restartApiServer() {
  apiServer_.stop(0ms);
  startApiServer();
  if (!ready()) throw std::runtime_error("the API server did not come back");
}

std::filesystem::path ControlPlane::writeKubeconfig(const std::string& name, const std::string& user) const {
  auto path = folder_ / (fileName(name) + ".kubeconfig");
  writeFile(path, R"(apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: ")" +
                      url_ + R"(", certificate-authority: ca.pem}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
users: [{name: test, user: )" +
                      user + "}]\n");
  return path;
}

std::filesystem::path ControlPlane::kubeconfigFor(const std::string& user, const std::vector<std::string>& groups) {
  CertificateOptions options;
  options.commonName = user;
  options.organizations = groups;
  options.extendedKeyUsage = "clientAuth";
  const Identity identity = authority_.issue(options);
  const std::string base = fileName(user);
  writeFile(folder_ / (base + ".pem"), identity.certificate);
  writeFile(folder_ / (base + ".key"), identity.key);
  return writeKubeconfig(user, "{client-certificate: '" + base + ".pem', client-key: '" + base + ".key'}");
}

std::filesystem::path ControlPlane::kubeconfigForServiceAccount(const std::string& namespace_,
                                                                const std::string& name) {
  const std::string base = "serviceaccount-" + namespace_ + "-" + name;
  const Finished token = kubectl({"create", "token", name, "-n", namespace_, "--duration=2h"});
  if (token.code != 0) throw std::runtime_error("no token: " + token.output);
  writeFile(folder_ / (base + ".token"), token.output);
  return writeKubeconfig(base, "{tokenFile: " + base + ".token}");
}

Finished ControlPlane::kubectl(std::vector<std::string> arguments, const std::string& input,
                               const std::filesystem::path& as) const {
  arguments.insert(arguments.begin(), {kubectlPath(), "--kubeconfig", (as.empty() ? kubeconfig() : as).string(),
                                       "--cache-dir", (folder_ / "kubectl-cache").string()});
  return run(std::move(arguments), input);
}

}  // namespace mpay::test
