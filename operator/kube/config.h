// How to reach an API server, and as whom: a kubeconfig file or the Pod's ServiceAccount.
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

// A bearer token; one in a file is read again when a minute has passed or the server refused it,
// because ServiceAccount tokens rotate. While there is none in the file, as while it is being replaced, the last one
// counts.
class Token {
 public:
  Token() = default;
  explicit Token(std::string text) : text_(std::move(text)) {}
  static Token ofFile(std::string path);

  // The current token; empty where there is none, or where its file never held one.
  std::string current();
  // The server answered 401: read the file again at the next use.
  void refused();

 private:
  std::string text_;
  std::string path_;
  std::optional<MonoTime> readAt_;
};

// A file that a Config was read from, as it was just before that.
struct SourceFile {
  std::string path;
  // Device, inode, size and time of the last change; zeros where there was no such file.
  std::array<std::int64_t, 5> stamp{};

  static SourceFile at(std::string path);
  bool operator==(const SourceFile&) const = default;
};

struct Config {
  std::string server;  // "https://host:port", no slash at the end
  std::string namespace_ = "default";
  std::shared_ptr<const net::Tls> tls;
  std::shared_ptr<Synchronized<Token>> token = std::make_shared<Synchronized<Token>>();
  // For LiveConfig: the files that all this was read from, and how it is read again. Empty: from none.
  std::vector<SourceFile> files;
  std::function<Result<Config>()> read;

  // The current context of a kubeconfig file: tokenFile, else token; client certificate, authority (data
  // or file), tls-server-name. Errors: Invalid, naming the field, for exec and auth-provider plugins, basic
  // authentication and insecure-skip-tls-verify, which are refused, and for what is named and empty.
  static Result<Config> fromFile(const std::string& path);

  // /var/run/secrets/kubernetes.io/serviceaccount and KUBERNETES_SERVICE_HOST.
  static Result<Config> fromCluster();

  // The file named, else in-cluster where there is such, else KUBECONFIG, else ~/.kube/config.
  static Result<Config> find(const std::optional<std::string>& path);
};

// A Config that follows its files while the program runs: the kubeconfig and what it names, or the ServiceAccount's
// authorities. They are looked at once a second at most, when somebody asks. While what they hold cannot be used (half
// a file, a certificate beside another one's key), the last Config that could stays; that is logged once. Thread-safe.
class LiveConfig {
 public:
  explicit LiveConfig(Config config);

  std::shared_ptr<const Config> current();
  // The server refused the credentials: tokens and files are looked at anew at the next use.
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
