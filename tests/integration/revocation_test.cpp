// Certificates that are revoked, by a real CRL and by a real OCSP responder.
#include "support/revocation.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "base/synchronized.h"
#include "crypto/x509.h"
#include "integration/world.h"
#include "ledger/memory.h"
#include "unit/net/scripted_server.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;

constexpr auto kInterval = "5s";
// A withdrawal takes one interval and some tens of milliseconds.
constexpr auto kWithin = 25s;

class Revocation : public World {
 protected:
  void check(api::RevocationMode mode, api::FailureMode onFailure = api::FailureMode::Hard) {
    for (const auto& environment : {testing, production}) {
      editEnvironment(environment, [&](auto& spec) {
        spec.trust.revocation.mode = mode;
        spec.trust.revocation.onFailure = onFailure;
        spec.trust.revocation.interval = kInterval;
        spec.trust.revocation.permitted = {"127.0.0.0/8"};
      });
    }
  }
  void declare(const CertificateOptions& options) {
    certificate = authority.issue(options);
    setFile("certificate", "certificate.cer", certificate.certificate);
  }
  bool admits(const std::string& outputNamespace) {
    return published(outputNamespace, "mpay-clients", "clients.map").find("AM-" + suffix) != std::string::npos;
  }
  std::string remembered(const std::string& outputNamespace) {
    return published(outputNamespace, ledger::memoryName("revocation", {tenant, "certificates"}), "content.json");
  }
  void expectClosed() {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_TRUE(waitFor(kWithin, [&] { return !admits(testingOut) && !admits(productionOut); }))
        << "testing " << admits(testingOut) << ", production " << admits(productionOut);
    const auto took = std::chrono::steady_clock::now() - began;
    RecordProperty("closedAfterMilliseconds",
                   std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
    await("CertificateTrusted", ConditionStatus::False, "CertificateRevoked");
    await("Promoted", ConditionStatus::False, "CertificateRevoked");
    await("Ready", ConditionStatus::False, "CertificateRevoked");
  }
  // A restart must change neither the published objects nor the status.
  void expectNothingChangesByARestart() {
    awaitRest();
    const auto before = current();
    const auto inTesting = outputs(testingOut), inProduction = outputs(productionOut);
    killOperator();
    const auto said = readFile(folder / "operator.log").size();
    startOperator();
    EXPECT_TRUE(waitFor(
        60s, [&] { return readFile(folder / "operator.log").find("caches are filled", said) != std::string::npos; }));
    awaitRest();
    EXPECT_EQ(outputs(testingOut), inTesting);
    EXPECT_EQ(outputs(productionOut), inProduction);
    EXPECT_EQ(json::canonical(json::encode(*current().status)), json::canonical(json::encode(*before.status)));
  }
};

class ByList : public Revocation {
 protected:
  ByList()
      : server([this](const auto&, auto, const auto& peer) {
          const auto list = served.copy();
          list.empty() ? peer.answer(503, "") : peer.answer(200, list, "Content-Type: application/pkix-crl\r\n");
        }) {
    serve({});
    declare({.organizations = {"Agenția Model"}, .distributionPoints = "URI:" + server.url() + "/stisc.crl"});
  }
  void deleteWhatProductionRetains() {
    check(api::RevocationMode::CRL);
    startOperator();
    auto integration = form();
    integration.spec.deletionPolicy = api::DeletionPolicy::Retain;
    create(integration);
    promote();
    ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
    ASSERT_TRUE(waitFor(20s, [&] { return !admits(testingOut); }));
  }
  void serve(const std::vector<RevokedEntry>& revoked) {
    const auto list = makeList(signerOf(authority), {.revoked = revoked});
    served.with([&](auto& now) { now = list; });
  }
  void fail() {
    served.with([](auto& now) { now.clear(); });
  }

  Synchronized<std::string> served;
  ScriptedServer server;
};

TEST_F(ByList, ClosesTheDoorEverywhereAndOpensItOnlyWhenTheListSaysSo) {
  check(api::RevocationMode::CRL);
  startOperator();
  create(form());
  promote();
  EXPECT_NE(api::findCondition(current().status->conditions, "CertificateTrusted")->message.find("not revoked (CRL)"),
            std::string::npos);
  ASSERT_TRUE(admits(testingOut) && admits(productionOut));
  const auto revision = current().status->production->revision;

  serve({{certificate.certificate, 6}});
  expectClosed();
  EXPECT_EQ(current().status->production->revision, revision);
  const auto fingerprint = crypto::Certificate::parse(certificate.certificate)->sha256();
  for (const auto& environment : {testing, production}) {
    EXPECT_TRUE(waitFor(10s, [&] {
      const auto all = events("default", environment);
      return std::any_of(all.begin(), all.end(), [&](const auto& event) {
        return event.reason == "CertificateRevoked" && event.note.find(fingerprint) != std::string::npos;
      });
    })) << environment;
  }
  EXPECT_TRUE(waitFor(10s, [&] {
    const auto own = events(tenant, "certificates");
    return std::any_of(own.begin(), own.end(), [](const auto& e) { return e.reason == "CertificateRevoked"; });
  }));

  const auto toldOfIt = [&] {
    const auto all = mail.messages();
    return std::count_if(all.begin(), all.end(), [](const auto& one) {
      return one.header("Message-ID").find(".revoked@") != std::string::npos;
    });
  };
  EXPECT_TRUE(waitFor(10s, [&] { return toldOfIt() == 1; }));

  fail();
  expectNothingChangesByARestart();
  EXPECT_FALSE(admits(testingOut) || admits(productionOut));
  EXPECT_EQ(toldOfIt(), 1) << "once";

  serve({});
  await("Ready", ConditionStatus::True, "Production");
  EXPECT_TRUE(admits(testingOut) && admits(productionOut)) << "the hold was lifted";
  EXPECT_EQ(current().status->production->revision, revision);
  fail();
  expectNothingChangesByARestart();
}

TEST_F(ByList, WritesNothingOnceNothingChanges) {
  check(api::RevocationMode::CRL);
  startOperator();
  create(form());
  promote();
  await("Notified", ConditionStatus::True);
  awaitRest();
  const auto looked = server.requests().size();
  const auto from = readFile(cluster.plane.auditLog()).size();
  ASSERT_TRUE(waitFor(30s, [&] { return server.requests().size() >= looked + 3; }));
  const auto requests = requestsOfOperator(cluster, from);
  EXPECT_TRUE(requests.empty()) << requests.front();
}

TEST_F(ByList, OnlyReportsWhereItIsToldTo) {
  check(api::RevocationMode::CRL);
  editEnvironment(production, [](auto& spec) { spec.trust.revocation.onRevoked = api::RevokedPolicy::Report; });
  startOperator();
  create(form());
  promote();
  serve({{certificate.certificate}});
  await("CertificateTrusted", ConditionStatus::False, "CertificateRevoked");
  EXPECT_TRUE(waitFor(kWithin, [&] { return !admits(testingOut); }));
  await("Ready", ConditionStatus::False, "CertificateRevoked");
  EXPECT_TRUE(admits(productionOut));
  editEnvironment(production, [](auto& spec) { spec.trust.revocation.onRevoked = api::RevokedPolicy::Withdraw; });
  EXPECT_TRUE(waitFor(kWithin, [&] { return !admits(productionOut); }));
}

TEST_F(ByList, TakesOutWhatADeletedIntegrationLeftInProduction) {
  ASSERT_NO_FATAL_FAILURE(deleteWhatProductionRetains());
  EXPECT_TRUE(waitFor(10s, [&] { return remembered(testingOut).empty(); }));
  ASSERT_TRUE(admits(productionOut));
  serve({{certificate.certificate}});
  EXPECT_TRUE(waitFor(kWithin, [&] { return !admits(productionOut); }));
}

TEST_F(ByList, GoesOnCheckingWhatEndedWhateverElseIsWrong) {
  ASSERT_NO_FATAL_FAILURE(deleteWhatProductionRetains());
  const auto record = ledger::memoryName("revocation", {tenant, "certificates"});
  ASSERT_TRUE(configMaps().remove({productionOut, record}, {}));
  EXPECT_TRUE(waitFor(kWithin, [&] { return !remembered(productionOut).empty(); })) << "made anew of what is published";
  editEnvironment(production, [](auto& spec) { spec.trust.overlap = "9000h"; });
  ASSERT_TRUE(waitFor(10s, [&] {
    const auto all = events("default", production);
    return std::any_of(all.begin(), all.end(), [](const auto& event) { return event.reason == "InvalidField"; });
  }));
  EXPECT_TRUE(admits(productionOut));
  serve({{certificate.certificate, 1}});
  EXPECT_TRUE(waitFor(kWithin, [&] { return !admits(productionOut); }));
}

TEST_F(ByList, KnowsWhatWasRevokedWhoeverDeclaresIt) {
  check(api::RevocationMode::CRL, api::FailureMode::Soft);
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True, "Provisioned");
  serve({{certificate.certificate, 1}});
  await("CertificateTrusted", ConditionStatus::False, "CertificateRevoked");
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  ASSERT_TRUE(waitFor(20s, [&] { return integrations().get({tenant, "certificates"}).error().isNotFound(); }));
  fail();
  killOperator();
  startOperator();
  auto next = form();
  next.metadata.name = "next";
  next.spec.service.id = "NEXT-" + suffix;
  create(next);
  std::string reason;
  EXPECT_TRUE(waitFor(20s, [&] {
    const auto seen = integrations().get({tenant, "next"});
    const auto* condition =
        seen && seen->status ? api::findCondition(seen->status->conditions, "CertificateTrusted") : nullptr;
    if (condition) reason = condition->reason;
    return reason == "CertificateRevoked";
  })) << reason;
  EXPECT_EQ(published(testingOut, "mpay-clients", "clients.map").find("NEXT-" + suffix), std::string::npos);
}

TEST_F(ByList, FetchesNothingFromAnAddressThatIsNotPermitted) {
  check(api::RevocationMode::CRL);
  for (const auto& environment : {testing, production})
    editEnvironment(environment, [](auto& spec) { spec.trust.revocation.permitted.clear(); });
  startOperator();
  create(form());
  await("CertificateTrusted", ConditionStatus::False, "RevocationUnknown");
  await("Reconciling", ConditionStatus::True, "RevocationUnknown");
  EXPECT_NE(
      api::findCondition(current().status->conditions, "CertificateTrusted")->message.find("may not be connected"),
      std::string::npos);
  EXPECT_EQ(server.connections(), 0u);
  EXPECT_FALSE(admits(testingOut));
}

TEST_F(ByList, AsksNothingOfACertificateThatDoesNotVerify) {
  check(api::RevocationMode::CRL);
  const Authority another;
  const auto foreign = another.issue({.distributionPoints = "URI:" + server.url() + "/foreign.crl"});
  setFile("certificate", "certificate.cer", foreign.certificate);
  startOperator();
  create(form());
  await("CertificateTrusted", ConditionStatus::False, "UntrustedIssuer");
  awaitRest();
  EXPECT_EQ(server.connections(), 0u);
  EXPECT_EQ(remembered(testingOut), "");
}

// A port that is reserved while this object lives. Nobody answers there until a server binds it with SO_REUSEADDR. A
// certificate names its responder long before the responder starts.
class ReservedPort {
 public:
  ReservedPort() {
    const int on = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 || bind(socket_, generic, size) != 0 ||
        getsockname(socket_, generic, &size) != 0)
      throw std::runtime_error("no free port");
    number = ntohs(address.sin_port);
  }
  ~ReservedPort() { close(socket_); }
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;

  int number = 0;

 private:
  const int socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
};

class ByResponder : public Revocation {
 protected:
  ByResponder() {
    declare({.organizations = {"Agenția Model"},
             .informationAccess = fmt::format("OCSP;URI:http://127.0.0.1:{}/", port.number)});
    const auto signer = authority.issue({.commonName = "Responder", .extendedKeyUsage = "OCSPSigning"});
    writeFile(folder / "ca.pem", authority.certificate());
    writeFile(folder / "signer.pem", signer.certificate);
    writeFile(folder / "signer.key", signer.key);
  }
  // Starts openssl ocsp over an index in the form of `openssl ca`.
  void startResponder(bool revoked) {
    auto serial = crypto::Certificate::parse(certificate.certificate)->serial();
    std::transform(serial.begin(), serial.end(), serial.begin(), [](unsigned char c) { return std::toupper(c); });
    writeFile(folder / "index.txt",
              fmt::format("{}\t391231235959Z\t{}\t{}\tunknown\t/CN=SIA Model\n", revoked ? "R" : "V",
                          revoked ? "260101000000Z,keyCompromise" : "", serial));
    writeFile(folder / "index.txt.attr", "unique_subject = no\n");
    const auto path = [&](const char* name) { return (folder / name).string(); };
    responder.stop(0ms);
    const auto said = readFile(folder / "responder.log").size();
    responder = Process({"openssl", "ocsp", "-port", std::to_string(port.number), "-index", path("index.txt"), "-CA",
                         path("ca.pem"), "-rsigner", path("signer.pem"), "-rkey", path("signer.key"), "-nmin", "60"},
                        folder / "responder.log");
    ASSERT_TRUE(waitFor(10s, [&] {
      return readFile(folder / "responder.log").find("waiting for OCSP client connections", said) != std::string::npos;
    })) << readFile(folder / "responder.log");
  }

  const ReservedPort port;
  Process responder;
};

TEST_F(ByResponder, ClosesTheDoorAndWaitsOrNotWhileItIsDown) {
  check(api::RevocationMode::OCSP, api::FailureMode::Hard);
  startOperator();
  create(form());
  await("CertificateTrusted", ConditionStatus::False, "RevocationUnknown");
  await("Ready", ConditionStatus::False, "RevocationUnknown");
  EXPECT_FALSE(admits(testingOut));
  expectNothingChangesByARestart();

  check(api::RevocationMode::OCSP, api::FailureMode::Soft);
  await("TestEnvironmentReady", ConditionStatus::True);
  EXPECT_TRUE(admits(testingOut));
  EXPECT_NE(
      api::findCondition(current().status->conditions, "CertificateTrusted")->message.find("revocation is unknown"),
      std::string::npos);

  check(api::RevocationMode::OCSP, api::FailureMode::Hard);
  await("CertificateTrusted", ConditionStatus::False, "RevocationUnknown");
  EXPECT_TRUE(admits(testingOut)) << "what is published stays";

  startResponder(false);
  await("CertificateTrusted", ConditionStatus::True, "Trusted");
  promote();
  ASSERT_TRUE(admits(productionOut));
  startResponder(true);
  expectClosed();
  EXPECT_NE(api::findCondition(current().status->conditions, "Promoted")->message.find("keyCompromise"),
            std::string::npos);
  responder.stop(0ms);
  expectNothingChangesByARestart();
  EXPECT_FALSE(admits(testingOut) || admits(productionOut));
}

}  // namespace
}  // namespace mpay::test
