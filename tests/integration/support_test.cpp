// The servers of tests/support do what the other tests rely on.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/control_plane.h"
#include "support/mail_sink.h"
#include "support/nginx.h"

namespace mpay::test {
namespace {

using namespace std::chrono_literals;

// True if the process runs; false for a zombie.
bool runs(pid_t pid) {
  const std::string stat = readFile("/proc/" + std::to_string(pid) + "/stat");
  return !stat.empty() && stat.find(") Z ") == std::string::npos;
}

TEST(Process, EndsWithItsObject) {
  const TempDir folder;
  pid_t pid = 0;
  {
    const Process sleeper({"sleep", "600"}, folder / "log");
    pid = sleeper.pid();
    EXPECT_TRUE(runs(pid));
  }
  EXPECT_FALSE(runs(pid));
}

TEST(Process, EndsWithItsChildren) {
  const TempDir folder;
  const auto child = [&] { return readFile(folder / "child"); };
  {
    const Process shell({"sh", "-c", "sleep 600 & echo $! >\"$0\"; wait", (folder / "child").string()}, folder / "log");
    ASSERT_TRUE(waitFor(10s, [&] { return child().ends_with('\n'); })) << readFile(folder / "log");
    EXPECT_TRUE(runs(std::stoi(child())));
  }
  EXPECT_TRUE(waitFor(10s, [&] { return !runs(std::stoi(child())); }));
}

TEST(Process, EndsWithTheProcessThatStartedIt) {
  const TempDir folder;
  const pid_t parent = fork();
  if (parent == 0) {
    const Process sleeper({"sleep", "600"}, folder / "log");
    writeFile(folder / "pid", std::to_string(sleeper.pid()) + "\n");
    kill(getpid(), SIGKILL);
  }
  ASSERT_TRUE(waitFor(10s, [&] { return readFile(folder / "pid").ends_with('\n'); }));
  const pid_t child = std::stoi(readFile(folder / "pid"));
  int status = 0;
  waitpid(parent, &status, 0);
  EXPECT_TRUE(waitFor(10s, [&] { return !runs(child); }));
}

TEST(Process, TellsHowItEnded) {
  const TempDir folder;
  Process failing({"sh", "-c", "exit 7"}, folder / "log");
  EXPECT_EQ(failing.wait(10s), 7);
  Process stubborn({"sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"}, folder / "log");
  ASSERT_TRUE(waitFor(10s, [&] { return readFile(folder / "log") == "ready\n"; }));
  EXPECT_EQ(stubborn.stop(100ms), 128 + SIGKILL);
}

// One control plane for all of these tests.
class ControlPlaneTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { plane_ = std::make_unique<ControlPlane>(); }
  static void TearDownTestSuite() { plane_.reset(); }
  static std::unique_ptr<ControlPlane> plane_;
};
std::unique_ptr<ControlPlane> ControlPlaneTest::plane_;

TEST_F(ControlPlaneTest, TellsItsVersion) {
  const Finished version = plane_->kubectl({"get", "--raw", "/version"});
  EXPECT_EQ(version.code, 0) << version.output;
  EXPECT_EQ(version.output.find("v0.0.0"), std::string::npos) << version.output;
}

TEST_F(ControlPlaneTest, ForbidsAStrangerWhatNoRoleGrants) {
  const auto stranger = plane_->kubeconfigFor("stranger", {"people", "visitors"});
  const Finished who = plane_->kubectl({"auth", "whoami"}, "", stranger);
  EXPECT_NE(who.output.find("people"), std::string::npos) << who.output;
  EXPECT_NE(who.output.find("visitors"), std::string::npos) << who.output;
  const Finished secrets = plane_->kubectl({"get", "secrets"}, "", stranger);
  EXPECT_NE(secrets.code, 0);
  EXPECT_NE(secrets.output.find("Forbidden"), std::string::npos) << secrets.output;
}

TEST_F(ControlPlaneTest, KnowsAServiceAccountByItsToken) {
  const auto account = plane_->kubeconfigForServiceAccount("default", "default");
  const Finished who = plane_->kubectl({"auth", "whoami"}, "", account);
  EXPECT_NE(who.output.find("system:serviceaccount:default:default"), std::string::npos) << who.output;
}

TEST_F(ControlPlaneTest, DeletesANamespaceWithWhatIsInIt) {
  ASSERT_EQ(plane_->kubectl({"create", "namespace", "passing"}).code, 0);
  ASSERT_EQ(plane_->kubectl({"create", "configmap", "-n", "passing", "content"}).code, 0);
  const Finished deleted = plane_->kubectl({"delete", "namespace", "passing", "--timeout=30s"});
  EXPECT_EQ(deleted.code, 0) << deleted.output;
}

TEST_F(ControlPlaneTest, CollectsWhatItsOwnerLeft) {
  ASSERT_EQ(plane_->kubectl({"create", "configmap", "owner"}).code, 0);
  const Finished uid = plane_->kubectl({"get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}"});
  const Finished created = plane_->kubectl({"apply", "-f", "-"}, R"(apiVersion: v1
kind: ConfigMap
metadata:
  name: owned
  namespace: default
  ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: owner, uid: )" +
                                                                     uid.output + "}]\n");
  ASSERT_EQ(created.code, 0) << created.output;
  ASSERT_EQ(plane_->kubectl({"delete", "configmap", "owner"}).code, 0);
  EXPECT_TRUE(waitFor(30s, [&] { return plane_->kubectl({"get", "configmap", "owned"}).code != 0; }));
}

TEST_F(ControlPlaneTest, KeepsAnAuditLogOfEveryRequest) {
  ASSERT_EQ(plane_->kubectl({"create", "configmap", "audited"}).code, 0);
  EXPECT_TRUE(waitFor(10s, [&] {
    return readFile(plane_->auditLog()).find("/api/v1/namespaces/default/configmaps?") != std::string::npos;
  }));
}

TEST_F(ControlPlaneTest, ComesBackWithItsObjectsAfterTheApiServerWasKilled) {
  ASSERT_EQ(plane_->kubectl({"create", "configmap", "kept"}).code, 0);
  plane_->restartApiServer();
  EXPECT_EQ(plane_->kubectl({"get", "configmap", "kept"}).code, 0);
}

TEST(ControlPlane, RunsBesideAnother) {
  ControlPlaneOptions options;
  options.apiServerFlags = {"--max-requests-inflight=100"};
  const ControlPlane one;
  const ControlPlane other(options);
  EXPECT_NE(one.url(), other.url());
  EXPECT_EQ(one.kubectl({"create", "configmap", "here"}).code, 0);
  EXPECT_NE(other.kubectl({"get", "configmap", "here"}).code, 0);
}

const std::vector<std::string> kMail{"curl", "--silent",    "--show-error",  "--max-time",
                                     "10",   "--mail-from", "from@mpay.test"};
const std::string kMessage = "Subject: Test\r\nMessage-ID: <1@mpay.test>\r\n\r\nHello\r\n";

Finished sendMail(const MailSink& sink, const std::vector<std::string>& more = {}) {
  auto command = kMail;
  command.insert(command.end(), {"--url", sink.url(), "--mail-rcpt", "one@mpay.test", "--mail-rcpt", "two@mpay.test",
                                 "--upload-file", "-"});
  command.insert(command.end(), more.begin(), more.end());
  return run(command, kMessage);
}

TEST(MailSink, KeepsEveryMailWithItsEnvelope) {
  const MailSink sink;
  ASSERT_EQ(sendMail(sink).code, 0);
  const auto mails = sink.messages();
  ASSERT_EQ(mails.size(), 1U);
  EXPECT_EQ(mails[0].from, "from@mpay.test");
  EXPECT_EQ(mails[0].recipients, (std::vector<std::string>{"one@mpay.test", "two@mpay.test"}));
  EXPECT_EQ(mails[0].message, kMessage);
  EXPECT_EQ(mails[0].header("Message-ID"), "<1@mpay.test>");
  EXPECT_FALSE(mails[0].tls);
}

TEST(MailSink, FailsAsItIsTold) {
  struct Row {
    const char* name;
    MailSink::Answer answer;
    bool accepted;
    std::size_t kept;
  };
  for (const Row& row :
       {Row{"try later", MailSink::Answer::TryLater, false, 0}, Row{"refuse", MailSink::Answer::Refuse, false, 0},
        Row{"drop", MailSink::Answer::Drop, false, 0}, Row{"lose", MailSink::Answer::Lose, false, 1},
        Row{"accept", MailSink::Answer::Accept, true, 1}}) {
    SCOPED_TRACE(row.name);
    MailSink sink;
    sink.answer(row.answer);
    EXPECT_EQ(sendMail(sink).code == 0, row.accepted);
    EXPECT_EQ(sink.messages().size(), row.kept);
  }
}

TEST(MailSink, RequiresTlsAndALogin) {
  const Authority authority("Mail CA");
  CertificateOptions server;
  server.alternativeNames = "IP:127.0.0.1";
  MailSinkOptions options;
  options.tls = authority.issue(server);
  options.user = "mpay";
  options.password = "secret";
  const MailSink sink(options);
  const TempDir folder;
  writeFile(folder / "ca.pem", authority.certificate());
  const std::string trusted = (folder / "ca.pem").string();
  EXPECT_NE(sendMail(sink).code, 0);
  EXPECT_NE(sendMail(sink, {"--ssl-reqd", "--cacert", trusted, "--user", "mpay:wrong"}).code, 0);
  const Finished sent = sendMail(sink, {"--ssl-reqd", "--cacert", trusted, "--user", "mpay:secret"});
  EXPECT_EQ(sent.code, 0) << sent.output;
  ASSERT_EQ(sink.messages().size(), 1U);
  EXPECT_TRUE(sink.messages()[0].tls);
  EXPECT_EQ(sink.messages()[0].user, "mpay");
}

TEST(Nginx, ServesAndReloadsAndRefusesABrokenConfiguration) {
  const int port = freePort();
  const auto answering = [&](const std::string& word) {
    return "server { listen 127.0.0.1:" + std::to_string(port) + "; location / { return 200 " + word + "; } }";
  };
  const auto get = [&] { return run({"curl", "--silent", "http://127.0.0.1:" + std::to_string(port) + "/"}).output; };
  Nginx nginx(answering("first"));
  EXPECT_EQ(nginx.check().code, 0);
  nginx.start();
  EXPECT_EQ(get(), "first");
  nginx.configure(answering("second"));
  nginx.reload();
  EXPECT_TRUE(waitFor(10s, [&] { return get() == "second"; }));
  nginx.configure("server {");
  EXPECT_NE(nginx.check().code, 0);
  nginx.stop();
  EXPECT_FALSE(nginx.running());
  EXPECT_THROW(nginx.start(), std::runtime_error);
}

TEST(Pki, IssuesWhatOpensslVerifies) {
  const Authority root("Root");
  const Authority below = root.subordinate("Below");
  CertificateOptions options;
  options.serialNumber = "1003600012346";
  const Identity identity = below.issue(options);
  const TempDir folder;
  writeFile(folder / "root.pem", root.certificate());
  writeFile(folder / "below.pem", below.certificate());
  writeFile(folder / "leaf.pem", identity.certificate);
  const auto verify = [&](const std::string& trusted) {
    return run({"openssl", "verify", "-CAfile", trusted, "-untrusted", (folder / "below.pem").string(),
                (folder / "leaf.pem").string()});
  };
  EXPECT_EQ(verify((folder / "root.pem").string()).code, 0) << verify((folder / "root.pem").string()).output;
  writeFile(folder / "other.pem", Authority("Other").certificate());
  EXPECT_NE(verify((folder / "other.pem").string()).code, 0);
}

}  // namespace
}  // namespace mpay::test
