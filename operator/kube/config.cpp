#include "kube/config.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/log.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "json/yaml.h"
#include "net/tls.h"

namespace mpay::kube {
namespace {

Result<std::string> readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  // operator<< fails too if it inserts nothing: an empty file is still being written.
  if (!file || !(text << file.rdbuf())) {
    return fail(ErrorKind::Invalid, fmt::format("cannot read {}, or it is empty", path));
  }
  return text.str();
}

// The entry of that name in a list of {name, <kind>: {...}}.
Result<json::object> named(const json::object& config, std::string_view list, std::string_view kind,
                           std::string_view name) {
  if (const auto* items = config.if_contains(list); items && items->is_array()) {
    for (const auto& item : items->get_array()) {
      const auto* members = item.if_object();
      const auto* found = members ? members->if_contains("name") : nullptr;
      if (!found || !found->is_string() || found->get_string() != name) continue;
      const auto* inner = members->if_contains(kind);
      if (inner && inner->is_object()) return inner->get_object();
    }
  }
  return fail(ErrorKind::Invalid, fmt::format("{} has no entry named {}", list, name));
}

std::optional<std::string> text(const json::object& from, std::string_view key) {
  const auto* found = from.if_contains(key);
  if (!found || !found->is_string() || found->get_string().empty()) return std::nullopt;
  return std::string(found->get_string());
}

// The value of <key>-data in base64, or the content of the file that <key> names, relative to the kubeconfig's folder.
// The file is added to `files`.
Result<std::string> content(const json::object& from, const std::string& key, const std::filesystem::path& folder,
                            std::vector<SourceFile>& files) {
  if (from.if_contains(key + "-data")) {
    auto bytes = crypto::fromBase64(text(from, key + "-data").value_or(""));
    if (!bytes) return fail(ErrorKind::Invalid, fmt::format("{}-data is not base64", key));
    if (bytes->empty())
      return fail(ErrorKind::Invalid, fmt::format("{}-data is empty: fill it in or leave it out", key));
    return *bytes;
  }
  if (const auto path = text(from, key)) {
    return readFile(files.emplace_back(SourceFile::at((folder / *path).string())).path);
  }
  return std::string();
}

Result<std::shared_ptr<Synchronized<Token>>> tokenIn(const std::string& path) {
  auto token = Token::ofFile(path);
  if (token.current().empty()) return fail(ErrorKind::Invalid, fmt::format("cannot read a token from {}", path));
  return std::make_shared<Synchronized<Token>>(std::move(token));
}

// Reads the Config again. Errors: also a Config that new connections could not use.
Result<Config> readAgain(const Config& config) {
  Config fresh = TRY(config.read());
  TRY(net::TlsContext::of(*fresh.tls));
  return fresh;
}

}  // namespace

Token Token::ofFile(std::string path) {
  Token token;
  token.path_ = std::move(path);
  return token;
}

std::string Token::current() {
  if (path_.empty()) return text_;
  const MonoTime now = std::chrono::steady_clock::now();
  if (!readAt_ || now - *readAt_ > std::chrono::seconds(60)) {
    if (const auto read = readFile(path_); read && !trimmed(*read).empty()) {
      text_ = trimmed(*read);
      readAt_ = now;
    }
  }
  return text_;
}

void Token::refused() { readAt_.reset(); }

SourceFile SourceFile::at(std::string path) {
  SourceFile file{std::move(path)};
  struct stat found {};
  if (::stat(file.path.c_str(), &found) == 0) {
    file.stamp = {static_cast<std::int64_t>(found.st_dev), static_cast<std::int64_t>(found.st_ino), found.st_size,
                  found.st_mtim.tv_sec, found.st_mtim.tv_nsec};
  }
  return file;
}

Result<Config> Config::fromFile(const std::string& path) {
  Config config;
  config.files = {SourceFile::at(path)};
  const auto bytes = TRY(readFile(path));
  auto documents = json::parseYaml(bytes);
  if (!documents) return fail(within(path, documents.error()));
  if (documents->size() != 1 || !documents->front().is_object()) {
    return fail(ErrorKind::Invalid, fmt::format("{} is not a kubeconfig", path));
  }
  const json::object& root = documents->front().get_object();
  const auto folder = std::filesystem::absolute(path).parent_path();
  const auto current = text(root, "current-context");
  if (!current) return fail(ErrorKind::Invalid, fmt::format("{} has no current-context", path));
  const auto context = TRY(named(root, "contexts", "context", *current));
  const auto cluster = TRY(named(root, "clusters", "cluster", text(context, "cluster").value_or("")));
  const auto user = TRY(named(root, "users", "user", text(context, "user").value_or("")));

  if (const auto* insecure = cluster.if_contains("insecure-skip-tls-verify");
      insecure && insecure->is_bool() && insecure->get_bool()) {
    return fail(ErrorKind::Invalid, "insecure-skip-tls-verify is refused: give certificate-authority-data instead");
  }
  for (const auto key : {"exec", "auth-provider", "username", "as"}) {
    if (user.if_contains(key)) {
      return fail(ErrorKind::Invalid, fmt::format("the kubeconfig's user has {}, which is not supported: use token, "
                                                  "tokenFile or a client certificate",
                                                  key));
    }
  }
  if (cluster.if_contains("proxy-url")) {
    return fail(ErrorKind::Invalid, "the kubeconfig's cluster has proxy-url, which is not supported");
  }

  config.server = text(cluster, "server").value_or("");
  while (config.server.ends_with('/')) config.server.pop_back();
  if (!config.server.starts_with("https://") && !config.server.starts_with("http://")) {
    return fail(ErrorKind::Invalid, "the kubeconfig's server is not an http or https URL");
  }
  config.namespace_ = text(context, "namespace").value_or("default");
  auto tls = std::make_shared<net::Tls>();
  config.read = [path] { return fromFile(path); };
  tls->authorities = TRY(content(cluster, "certificate-authority", folder, config.files));
  tls->certificate = TRY(content(user, "client-certificate", folder, config.files));
  tls->key = TRY(content(user, "client-key", folder, config.files));
  tls->serverName = text(cluster, "tls-server-name").value_or("");
  config.tls = tls;
  if (const auto file = text(user, "tokenFile")) {
    config.token = TRY(tokenIn((folder / *file).string()));
  } else if (const auto token = text(user, "token")) {
    config.token = std::make_shared<Synchronized<Token>>(Token(*token));
  }
  return config;
}

Result<Config> Config::fromCluster() {
  const std::string folder = "/var/run/secrets/kubernetes.io/serviceaccount/";
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (!host || !port) return fail(ErrorKind::Invalid, "not in a cluster: KUBERNETES_SERVICE_HOST is not set");
  Config config;
  const bool v6 = std::string_view(host).find(':') != std::string_view::npos;
  config.server = v6 ? fmt::format("https://[{}]:{}", host, port) : fmt::format("https://{}:{}", host, port);
  auto tls = std::make_shared<net::Tls>();
  config.files = {SourceFile::at(folder + "ca.crt")};
  config.read = fromCluster;
  tls->authorities = TRY(readFile(folder + "ca.crt"));
  config.tls = tls;
  config.token = TRY(tokenIn(folder + "token"));
  config.namespace_ = readFile(folder + "namespace").value_or("default");
  return config;
}

Result<Config> Config::find(const std::optional<std::string>& path) {
  if (path) return fromFile(*path);
  if (std::getenv("KUBERNETES_SERVICE_HOST")) return fromCluster();
  if (const char* file = std::getenv("KUBECONFIG"); file && *file) return fromFile(file);
  if (const char* home = std::getenv("HOME"); home && *home) return fromFile(std::string(home) + "/.kube/config");
  return fail(ErrorKind::Invalid, "no kubeconfig: pass --kubeconfig FILE or set KUBECONFIG");
}

LiveConfig::LiveConfig(Config config) {
  state_.with([&](State& state) {
    state.lookedAt = std::chrono::steady_clock::now();
    state.config = std::make_shared<const Config>(std::move(config));
  });
}

std::shared_ptr<const Config> LiveConfig::current() {
  return state_.with([](State& state) {
    const MonoTime now = std::chrono::steady_clock::now();
    if (!state.config->read || now - state.lookedAt < std::chrono::seconds(1)) return state.config;
    state.lookedAt = now;
    const auto& files = state.config->files;
    const bool same =
        std::all_of(files.begin(), files.end(), [](const auto& f) { return SourceFile::at(f.path) == f; });
    if (same) {
      state.broken = false;
      return state.config;
    }
    auto read = readAgain(*state.config);
    if (!read) {
      const auto level = std::exchange(state.broken, true) ? spdlog::level::debug : spdlog::level::err;
      spdlog::log(level, "the credentials stay as they were: {}", read.error().message);
      return state.config;
    }
    spdlog::info("the credentials were read again");
    state.broken = false;
    // An equal Tls stays the same object, so that connections are reused.
    const net::Tls &is = *read->tls, &was = *state.config->tls;
    if (is == was) read->tls = state.config->tls;
    state.config = std::make_shared<const Config>(std::move(*read));
    return state.config;
  });
}

void LiveConfig::refused() {
  state_.with([](State& state) {
    state.lookedAt = {};
    state.config->token->with([](Token& token) { token.refused(); });
  });
}

}  // namespace mpay::kube
