#include "kube/config.h"

#include <gtest/gtest.h>

#include "support/pki.h"
#include "support/process.h"

namespace mpay::kube {
namespace {

// A kubeconfig with these lines for its cluster and its user.
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

TEST_F(ConfigTest, TakesTheTokenFileBeforeTheToken) {
  test::writeFile(folder / "token", "of the file\n");
  const auto config = read(kubeconfig("", "    token: of the field\n    tokenFile: token\n"));
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(token(*config), "of the file");
}

TEST_F(ConfigTest, KeepsTheLastTokenWhileItsFileHoldsNone) {
  test::writeFile(folder / "token", "first\n");
  const auto config = read(kubeconfig("", "    tokenFile: token\n"));
  ASSERT_TRUE(config) << config.error().message;
  const auto refused = [&] {
    config->token->with([](Token& t) { t.refused(); });
    return token(*config);
  };
  std::filesystem::remove(folder / "token");
  EXPECT_EQ(refused(), "first") << "removed";
  for (const char* blank : {"", "\n"}) {
    test::writeFile(folder / "token", blank);
    EXPECT_EQ(refused(), "first") << "truncated";
  }
  test::writeFile(folder / "token", "second\n");
  EXPECT_EQ(token(*config), "second") << "as soon as it is there";
}

// A followed Config, with a client certificate and authorities in files.
class LiveConfigTest : public ConfigTest {
 protected:
  LiveConfigTest() {
    test::writeFile(folder / "ca.pem", authority.certificate());
    identify(authority.issue());
  }
  void identify(const test::Identity& as) {
    test::writeFile(folder / "client.pem", as.certificate);
    test::writeFile(folder / "client.key", as.key);
  }
  void write(const std::string& text) { test::writeFile(folder / "config", text); }
  // The Config in force after a new look, which happens once a second otherwise.
  static std::shared_ptr<const Config> look(LiveConfig& live) {
    live.refused();
    return live.current();
  }

  const test::Authority authority;
  const std::string trusted = "    certificate-authority: ca.pem\n";
  const std::string identified = "    client-certificate: client.pem\n    client-key: client.key\n";
};

TEST_F(LiveConfigTest, FollowsItsFilesAndKeepsTheLastThatWereGood) {
  LiveConfig live(read(kubeconfig(trusted, identified)).value());
  const auto first = live.current();
  EXPECT_EQ(live.current(), first);
  EXPECT_EQ(look(live), first) << "nothing changed";

  const auto other = authority.issue();
  identify(other);
  EXPECT_EQ(look(live)->tls->key, other.key) << "a file that it names";

  const test::Authority another("Another CA");
  test::writeFile(folder / "another.pem", another.certificate());
  const std::string moved = "    certificate-authority: another.pem\n";
  write(kubeconfig(moved, "    token: secret\n"));
  const auto second = look(live);
  EXPECT_EQ(second->tls->authorities, another.certificate());
  EXPECT_EQ(token(*second), "secret");

  write("half a");
  EXPECT_EQ(look(live), second);
  std::filesystem::remove(folder / "config");
  EXPECT_EQ(look(live), second);
  write(kubeconfig(moved, "    token: newer\n"));
  const auto third = look(live);
  EXPECT_EQ(token(*third), "newer");
  EXPECT_EQ(third->tls, second->tls) << "so that connections live on";
}

TEST_F(LiveConfigTest, TakesNothingThatConnectionsCouldNotUse) {
  const std::string good = kubeconfig(trusted, identified);
  const auto other = authority.issue();
  const std::string& ca = authority.certificate();
  const struct {
    const char* name;
    const char* file;
    std::string text;
  } rows[] = {
      {"authorities of no byte", "ca.pem", ""},
      {"authorities of nothing", "ca.pem", "\n"},
      {"half of the authorities", "ca.pem", ca.substr(0, ca.size() / 2)},
      {"authorities, the last one cut", "ca.pem", ca + ca.substr(0, ca.size() / 2)},
      {"authorities left empty", "config", kubeconfig("    certificate-authority-data: ''\n", identified)},
      {"a certificate of no byte", "client.pem", ""},
      {"half a certificate", "client.pem", other.certificate.substr(0, other.certificate.size() / 2)},
      {"a new certificate beside the old key", "client.pem", other.certificate},
      {"a new key beside the old certificate", "client.key", other.key},
      {"a certificate without a key", "config", kubeconfig(trusted, "    client-certificate: client.pem\n")},
      {"a token that is not there yet", "config", kubeconfig(trusted, "    tokenFile: absent\n")},
  };
  for (const auto& row : rows) {
    LiveConfig live(read(good).value());
    const auto before = live.current();
    const std::string was = test::readFile(folder / row.file);
    test::writeFile(folder / row.file, row.text);
    EXPECT_EQ(look(live), before) << row.name;
    test::writeFile(folder / row.file, was);
    EXPECT_EQ(look(live)->tls, before->tls) << row.name;
  }
}

TEST_F(LiveConfigTest, WaitsForTheOtherHalfOfAChange) {
  LiveConfig live(read(kubeconfig(trusted, identified)).value());
  const auto before = live.current();
  const auto other = authority.issue();
  test::writeFile(folder / "client.pem", other.certificate);
  EXPECT_EQ(look(live), before);
  test::writeFile(folder / "client.key", other.key);
  EXPECT_EQ(look(live)->tls->certificate, other.certificate);

  write(kubeconfig(trusted, "    tokenFile: token\n"));
  EXPECT_EQ(look(live)->tls->certificate, other.certificate);
  test::writeFile(folder / "token", "secret");
  EXPECT_EQ(token(*look(live)), "secret") << "a file that only the refused one names";
}

TEST_F(LiveConfigTest, MissesNoChangeWhileItReads) {
  auto config = read(kubeconfig(trusted, "    token: first\n")).value();
  write(kubeconfig(trusted, "    token: second\n"));
  config.read = [&]() -> Result<Config> {
    auto second = Config::fromFile((folder / "config").string());
    write(kubeconfig(trusted, "    token: the third\n"));
    return second;
  };
  LiveConfig live(config);
  EXPECT_EQ(token(*look(live)), "second") << "written before it was followed";
  EXPECT_EQ(token(*look(live)), "the third") << "written while it was read";
}

TEST_F(ConfigTest, RefusesWhatItDoesNotDo) {
  const struct {
    const char* name;
    const char* cluster;
    const char* user;
    const char* named;  // appears in the message
  } rows[] = {
      {"no verification", "    insecure-skip-tls-verify: true\n", "", "insecure-skip-tls-verify"},
      {"a proxy", "    proxy-url: http://proxy\n", "", "proxy-url"},
      {"a plugin", "", "    exec: {command: login}\n", "exec"},
      {"an old plugin", "", "    auth-provider: {name: x}\n", "auth-provider"},
      {"a password", "", "    username: x\n    password: hunter2\n", "username"},
      {"not base64", "    certificate-authority-data: '*'\n", "", "certificate-authority-data"},
      {"empty", "    certificate-authority-data: ''\n", "", "certificate-authority-data"},
      {"a missing file", "    certificate-authority: missing.pem\n", "", "missing.pem"},
      {"a missing token", "", "    tokenFile: missing.token\n", "missing.token"},
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
