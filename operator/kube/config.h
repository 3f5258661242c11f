// How to reach an API server, and as whom: a kubeconfig file or the Pod's ServiceAccount.
#pragma once

#include <memory>
#include <optional>
#include <string>

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

  // The current context of a kubeconfig file: token, tokenFile, client certificate, authority (data
  // or file), tls-server-name. Errors: Invalid, naming the field, for exec and auth-provider plugins, basic
  // authentication and insecure-skip-tls-verify, which are refused.
  static Result<Config> fromFile(const std::string& path);

  // /var/run/secrets/kubernetes.io/serviceaccount and KUBERNETES_SERVICE_HOST.
  static Result<Config> fromCluster();

  // The file named, else in-cluster where there is such, else KUBECONFIG, else ~/.kube/config.
  static Result<Config> find(const std::optional<std::string>& path);
};

}  // namespace mpay::kube
