#include "kube/config.h"

#include <gtest/gtest.h>

#include "support/process.h"

namespace mpay::kube {
namespace {

// A kubeconfig with these lines in its cluster and its user.
std::string kubeconfig(const std::string& cluster, const std::string& user) {
  return "apiVersion: v1\nkind: Config\ncurrent-context: here\n"
         "contexts: [{name: here, context: {cluster: c, user: u, namespace: ours}}]\n"
         "clusters:\n- name: other\n  cluster: {server: 'https://other'}\n"
         "- name: c\n  cluster:\n    server: https://127.0.0.1:6443/\n" +
         cluster + "users:\n- name: u\n  user:\n    unused: x\n" + user;
}

class ConfigTest : public ::testing::Test {
 protected:
  Result<Config> read(const std::string& text) {
    test::writeFile(folder / "config", text);
    return Config::fromFile((folder / "config").string());
  }
  static std::string token(const Config& config) {
    return config.token->with([](Token& t) { return t.current(); });
  }
  test::TempDir folder;
};

TEST_F(ConfigTest, ReadsTheCurrentContext) {
  test::writeFile(folder / "client.key", "KEY");
  const auto config =
      read(kubeconfig("    certificate-authority-data: Q0E=\n    tls-server-name: kubernetes\n",
                      "    client-certificate-data: Q0VSVA==\n    client-key: client.key\n    token: secret\n"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->server, "https://127.0.0.1:6443");
  EXPECT_EQ(config->namespace_, "ours");
  EXPECT_EQ(config->tls->authorities, "CA");
  EXPECT_EQ(config->tls->certificate, "CERT");
  EXPECT_EQ(config->tls->key, "KEY") << "relative to the kubeconfig";
  EXPECT_EQ(config->tls->serverName, "kubernetes");
  EXPECT_EQ(token(*config), "secret");
}

TEST_F(ConfigTest, ReadsATokenFileAgainWhenTheServerRefusedIt) {
  test::writeFile(folder / "token", "first\n");
  const auto config = read(kubeconfig("", "    tokenFile: token\n"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(token(*config), "first");
  test::writeFile(folder / "token", "second\n");
  EXPECT_EQ(token(*config), "first") << "read once a minute";
  config->token->with([](Token& t) { t.refused(); });
  EXPECT_EQ(token(*config), "second");
}

TEST_F(ConfigTest, FollowsItsFilesAndKeepsTheLastThatWereGood) {
  test::writeFile(folder / "client.key", "KEY");
  LiveConfig live(read(kubeconfig("    certificate-authority-data: Q0E=\n",
                                  "    client-certificate-data: Q0VSVA==\n    client-key: client.key\n"))
                      .value());
  const auto first = live.current();
  EXPECT_EQ(live.current(), first);
  const auto look = [&] {
    live.refused();  // otherwise it looks once a second
    return live.current();
  };
  EXPECT_EQ(look(), first) << "nothing changed";

  test::writeFile(folder / "client.key", "ANOTHER KEY");
  EXPECT_EQ(look()->tls->key, "ANOTHER KEY") << "a file that it names";

  test::writeFile(folder / "config", kubeconfig("    certificate-authority-data: Q0Ey\n", "    token: secret\n"));
  const auto second = look();
  EXPECT_EQ(second->tls->authorities, "CA2");
  EXPECT_EQ(token(*second), "secret");

  test::writeFile(folder / "config", "half a");
  EXPECT_EQ(look(), second);
  std::filesystem::remove(folder / "config");
  EXPECT_EQ(look(), second);
  test::writeFile(folder / "config", kubeconfig("    certificate-authority-data: Q0Ey\n", "    token: newer\n"));
  const auto third = look();
  EXPECT_EQ(token(*third), "newer");
  EXPECT_EQ(third->tls, second->tls) << "so that connections live on";
}

TEST_F(ConfigTest, RefusesWhatItDoesNotDo) {
  const struct {
    const char* name;
    const char* cluster;
    const char* user;
    const char* named;  // in the message
  } rows[] = {
      {"no verification", "    insecure-skip-tls-verify: true\n", "", "insecure-skip-tls-verify"},
      {"a proxy", "    proxy-url: http://proxy\n", "", "proxy-url"},
      {"a plugin", "", "    exec: {command: login}\n", "exec"},
      {"an old plugin", "", "    auth-provider: {name: x}\n", "auth-provider"},
      {"a password", "", "    username: x\n    password: hunter2\n", "username"},
      {"not base64", "    certificate-authority-data: '*'\n", "", "certificate-authority-data"},
      {"a missing file", "    certificate-authority: missing.pem\n", "", "missing.pem"},
  };
  for (const auto& row : rows) {
    const auto config = read(kubeconfig(row.cluster, row.user));
    ASSERT_FALSE(config) << row.name;
    EXPECT_EQ(config.error().kind, ErrorKind::Invalid) << row.name;
    EXPECT_NE(config.error().message.find(row.named), std::string::npos) << config.error().message;
    EXPECT_EQ(config.error().message.find("hunter2"), std::string::npos);
  }
}

TEST_F(ConfigTest, RefusesWhatIsNoKubeconfig) {
  for (const char* text :
       {"", "[]", "a: {", "current-context: gone\n", "current-context: x\ncontexts: [1, {name: x}]\n"}) {
    EXPECT_FALSE(read(text)) << text;
  }
  EXPECT_FALSE(Config::fromFile((folder / "absent").string()));
}

}  // namespace
}  // namespace mpay::kube
