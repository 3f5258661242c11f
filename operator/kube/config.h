// The address of an API server, and the identity to use there: a kubeconfig file or the Pod's ServiceAccount.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/synchronized.h"
#include "net/transport.h"

namespace mpay::kube {

// A bearer token. A token in a file is read again after a minute, or after the server refused it, because
// ServiceAccount tokens rotate. While the file holds no token, for example during its replacement, the last token
// stays.
class Token {
 public:
  Token() = default;
  explicit Token(std::string text) : text_(std::move(text)) {}
  static Token ofFile(std::string path);

  // The current token; empty if there is none, or if its file never held one.
  std::string current();
  // The server answered 401: read the file again at the next use.
  void refused();

 private:
  std::string text_;
  std::string path_;
  std::optional<MonoTime> readAt_;
};

// A file that a Config was read from, with its state just before the reading.
struct SourceFile {
  std::string path;
  // Device, inode, size and time of the last change; zeros if the file did not exist.
  std::array<std::int64_t, 5> stamp{};

  static SourceFile at(std::string path);
  bool operator==(const SourceFile&) const = default;
};

struct Config {
  std::string server;  // "https://host:port", no slash at the end
  std::string namespace_ = "default";
  std::shared_ptr<const net::Tls> tls;
  std::shared_ptr<Synchronized<Token>> token = std::make_shared<Synchronized<Token>>();
  // For LiveConfig: the files that the Config was read from, and a function that reads it again. Empty: no files.
  std::vector<SourceFile> files;
  std::function<Result<Config>()> read;

  // The current context of a kubeconfig file: tokenFile, else token; client certificate, authority (data or file),
  // tls-server-name. Refused with Invalid, naming the field: exec and auth-provider plugins, basic authentication,
  // insecure-skip-tls-verify, and fields that are given and empty.
  static Result<Config> fromFile(const std::string& path);

  // /var/run/secrets/kubernetes.io/serviceaccount and KUBERNETES_SERVICE_HOST.
  static Result<Config> fromCluster();

  // The file `path` if it is given, else in-cluster if the process is in a cluster, else KUBECONFIG, else
  // ~/.kube/config.
  static Result<Config> find(const std::optional<std::string>& path);
};

// A Config that follows its files while the program runs: the kubeconfig and the files that it names, or the
// ServiceAccount's authorities. Each use checks the files, at most once a second. While their content is unusable (half
// a file, a certificate with another one's key), the last usable Config stays; that is logged once. Thread-safe.
class LiveConfig {
 public:
  explicit LiveConfig(Config config);

  std::shared_ptr<const Config> current();
  // The server refused the credentials: the token and the files are read again at the next use.
  void refused();

 private:
  struct State {
    std::shared_ptr<const Config> config;
    MonoTime lookedAt{};
    bool broken = false;
  };
  Synchronized<State> state_;
};

}  // namespace mpay::kube
