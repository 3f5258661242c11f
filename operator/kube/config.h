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
// because ServiceAccount tokens rotate.
class Token {
 public:
  Token() = default;
  explicit Token(std::string text) : text_(std::move(text)) {}
  static Token ofFile(std::string path);

  // The current token; empty where there is none, or where its file cannot be read.
  std::string current();
  // The server answered 401: read the file again at the next use.
  void refused();

 private:
  std::string text_;
  std::string path_;
  MonoTime readAt_{};
};

struct Config {
  std::string server;  // "https://host:port", no slash at the end
  std::string namespace_ = "default";
  std::shared_ptr<const net::Tls> tls;
  std::shared_ptr<Synchronized<Token>> token = std::make_shared<Synchronized<Token>>();
  // For LiveConfig: the files that all this was read from, and how it is read again. Empty: from none.
  std::vector<std::string> files;
  std::function<Result<Config>()> read;

  // The current context of a kubeconfig file: token, tokenFile, client certificate, authority (data
  // or file), tls-server-name. Errors: Invalid, naming the field, for exec and auth-provider plugins, basic
  // authentication and insecure-skip-tls-verify, which are refused.
  static Result<Config> fromFile(const std::string& path);

  // /var/run/secrets/kubernetes.io/serviceaccount and KUBERNETES_SERVICE_HOST.
  static Result<Config> fromCluster();

  // The file named, else in-cluster where there is such, else KUBECONFIG, else ~/.kube/config.
  static Result<Config> find(const std::optional<std::string>& path);
};

// A Config that follows its files while the program runs: the kubeconfig and what it names, or the ServiceAccount's
// authorities. They are looked at once a second at most, when somebody asks. While what they hold cannot be used, the
// last Config that could stays; that is logged once. Thread-safe.
class LiveConfig {
 public:
  explicit LiveConfig(Config config);

  std::shared_ptr<const Config> current();
  // The server refused the credentials: tokens and files are looked at anew at the next use.
  void refused();

 private:
  // Of each file: device, inode, size and time of the last change; zeros where there is no such file.
  using Stamps = std::vector<std::array<std::int64_t, 5>>;
  static Stamps stampsOf(const std::vector<std::string>& files);

  struct State {
    std::shared_ptr<const Config> config;
    Stamps seen;  // when it was last read, with or without success
    MonoTime lookedAt{};
    bool broken = false;
  };
  Synchronized<State> state_;
};

}  // namespace mpay::kube
