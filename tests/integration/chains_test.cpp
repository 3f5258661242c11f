// One corpus of chains for the operator, nginx and HAProxy: they differ only in the ways that docs/certificates.md
// explains.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "domain/certificate_policy.h"
#include "integration/chains.h"
#include "support/nginx.h"
#include "support/tls_client.h"

namespace mpay::test {
namespace {

using namespace std::chrono_literals;

// The depth of docs/gateway.md's gateways.
constexpr int kDepth = static_cast<int>(crypto::kLongestPath) - 2;

// The operator's reason not to trust the client; empty: trusted.
std::string judgedByOperator(const Chain& chain) {
  const auto authorities = crypto::Authorities::parse(chain.trusted);
  if (!authorities) return authorities.error().reason;
  const auto certificate = crypto::Certificate::parse(chain.client.certificate);
  if (!certificate) return certificate.error().reason;
  const auto given = chain.given.empty() ? crypto::Intermediates() : crypto::parseIntermediates(chain.given);
  if (!given) return given.error().reason;
  const auto judged =
      domain::judgeCertificate(*certificate, *given, *authorities, {}, "1006601000255", systemClock().now());
  return judged ? "" : judged.error().reason;
}

// The authorities as the operator publishes them; as given if the operator refuses them.
std::string published(const std::string& trusted) {
  const auto authorities = crypto::Authorities::parse(trusted);
  return authorities ? authorities->pem() : trusted;
}

// Puts a single blank between words.
std::string onOneLine(const std::string& text) {
  std::istringstream in(text);
  std::string line;
  for (std::string word; in >> word;) line += (line.empty() ? "" : " ") + word;
  return line;
}

class Chains : public ::testing::Test {
 protected:
  Chains() {
    const auto server = Authority().issue({.alternativeNames = "DNS:localhost"});
    writeFile(folder / "server.pem", server.certificate);
    writeFile(folder / "server.key", server.key);
    writeFile(folder / "both.pem", server.certificate + server.key);
    std::string servers, binds, publishedBinds;
    for (std::size_t i = 0; i < chains.size(); ++i) {
      writeFile(folder / fmt::format("{}.pem", i), published(chains[i].trusted));
      servers += fmt::format(
          "server {{ listen unix:{0}/n{1} ssl; ssl_certificate {0}/server.pem; ssl_certificate_key {0}/server.key;\n"
          "ssl_client_certificate {0}/{1}.pem; ssl_verify_client on; ssl_verify_depth {2};\n"
          "location / {{ return 200 admitted; }} }}\n",
          folder.path().string(), i, kDepth);
      const auto bind = [&](char kind, const std::string& verify) {
        return fmt::format("  bind unix@{0}/{1}{2} ssl crt {0}/both.pem ca-file {0}/{2}.pem {3}\n",
                           folder.path().string(), kind, i, verify);
      };
      binds += bind('h', "verify required");
      publishedBinds += bind('p', "verify optional crt-ignore-err all ca-ignore-err all");
    }
    nginx.configure(servers);
    nginx.start();
    const std::string admits = "  http-request return status 200 content-type text/plain string admitted\n";
    writeFile(folder / "haproxy.cfg",
              "global\n  log stderr format raw local0 notice\n"
              "defaults\n  mode http\n  timeout connect 5s\n  timeout client 30s\n  timeout server 30s\n"
              "frontend required\n" +
                  binds + admits + "frontend published\n" + publishedBinds +
                  "  http-request deny deny_status 400 unless { ssl_c_used } { ssl_c_verify 0 }\n" + admits);
    haproxy = Process({"/usr/sbin/haproxy", "-db", "-f", folder / "haproxy.cfg"}, folder / "haproxy.log", {}, SIGTERM);
    const bool isUp = waitFor(20s, [&] { return call('p', chains.size() - 1, false).status == 400; });
    if (!isUp) throw std::runtime_error("HAProxy did not start:\n" + readFile(folder / "haproxy.log"));
  }

  TlsAnswer call(char gateway, std::size_t i, bool withCertificate = true) const {
    TlsCall call{.socket = folder / fmt::format("{}{}", gateway, i)};
    if (withCertificate) {
      call.certificate = chains[i].client.certificate + chains[i].given;
      call.key = chains[i].client.key;
    }
    return callTls(call);
  }

  const std::vector<Chain> chains = makeChains();
  TempDir folder;
  Nginx nginx{""};
  Process haproxy;
};

TEST_F(Chains, AreJudgedAlikeByTheOperatorAndTheGateways) {
  std::set<std::string> names;
  std::set<std::string_view> used;
  for (std::size_t i = 0; i < chains.size(); ++i) {
    const auto& chain = chains[i];
    EXPECT_TRUE(names.insert(chain.name).second) << chain.name << " is there twice";
    EXPECT_EQ(judgedByOperator(chain), chain.reason) << chain.name;
    const bool isTrusted = chain.reason.empty();
    bool differs = false;
    for (const auto& [kind, gateway] : {std::pair('n', "nginx"), {'h', "HAProxy"}, {'p', "HAProxy as documented"}}) {
      const auto answer = call(kind, i);
      EXPECT_TRUE(answer.presented) << chain.name << " was not presented to " << gateway;
      const bool isAdmitted = answer.status == 200;
      // Some clients are refused during the handshake.
      EXPECT_TRUE(isAdmitted || answer.status == 400 || answer.status == 0)
          << chain.name << ", by " << gateway << ": " << answer.status;
      differs = differs || isAdmitted != isTrusted;
      if (!chain.difference.empty()) continue;
      EXPECT_EQ(isAdmitted, isTrusted) << chain.name << ", by " << gateway;
    }
    if (chain.difference.empty()) continue;
    EXPECT_TRUE(differs) << chain.name << " is judged alike, so nothing need be said of it";
    used.insert(chain.difference);
  }
  EXPECT_GE(chains.size(), 100u);
  const auto docs = onOneLine(readFile(MPAY_SOURCE_DIR "/docs/certificates.md"));
  for (const auto& [key, said] : kDifferences) {
    EXPECT_TRUE(used.contains(key)) << key << " is no difference any more";
    EXPECT_NE(docs.find(said), std::string::npos) << "docs/certificates.md does not say: " << said;
    used.erase(key);
  }
  EXPECT_TRUE(used.empty()) << *used.begin() << " is not explained";
}

// Both documented gateways accept the longest path that the operator accepts.
TEST(GatewayDocumentation, GivesTheDepthOfTheLongestPath) {
  const auto depth = fmt::format("ssl_verify_depth {};", kDepth);
  for (const auto* file : {"/docs/gateway.md", "/tests/demo/gateway.conf"})
    EXPECT_NE(readFile(MPAY_SOURCE_DIR + std::string(file)).find(depth), std::string::npos) << file;
}

}  // namespace
}  // namespace mpay::test
