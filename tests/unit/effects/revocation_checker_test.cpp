#include "effects/revocation_checker.h"

#include <gtest/gtest.h>

#include <thread>

#include "support/process.h"
#include "support/revocation.h"
#include "unit/net/scripted_server.h"

namespace mpay::effects {
namespace {

using namespace std::chrono_literals;
using crypto::RevocationState;
using test::ScriptedServer;

crypto::Certificate parsed(const std::string& pem) { return crypto::Certificate::parse(pem).value(); }

class Checker : public ::testing::Test {
 protected:
  using Respond = std::function<void(const ScriptedServer::Request&, const ScriptedServer::Peer&)>;

  Checker()
      : issuer_(parsed(authority_.certificate())),
        server_([this](const auto& request, auto, const auto& peer) { respond_.copy()(request, peer); }) {
    rules_.mode = api::RevocationMode::CRL;
    rules_.url = server_.url() + "/a";
    rules_.permitted = {*net::parsePrefix("127.0.0.0/8")};
    rules_.interval = 600s;
    serve(list());
  }

  std::string list(const test::ListOptions& options = {}) { return makeList(signerOf(authority_), options); }
  void serve(const std::string& bytes) {
    respond([bytes](const auto&, const auto& peer) { peer.answer(200, bytes); });
  }
  void respond(Respond respond) {
    respond_.with([&](auto& now) { now = std::move(respond); });
  }
  RevocationChecker::Answer ask() { return ask(leaf_); }
  RevocationChecker::Answer ask(const crypto::Certificate& leaf) { return checker_.ask({leaf, issuer_, rules_}, {}); }
  std::string reason() {
    const auto answer = ask();
    return answer.finding ? "" : answer.finding.error().reason;
  }

  const test::Authority authority_;
  const crypto::Certificate issuer_;
  const test::Identity system_ = authority_.issue();
  const crypto::Certificate leaf_ = parsed(system_.certificate);
  ManualClock clock_{systemClock().now()};
  RevocationChecker checker_{clock_};
  Synchronized<Respond> respond_;
  onboarding::RevocationPolicy rules_;
  ScriptedServer server_;
};

TEST_F(Checker, FetchesAListOnceForAllCertificatesOfItsIssuer) {
  serve(list({.revoked = {{system_.certificate, 1}}}));
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto answer = ask(parsed(authority_.issue().certificate));
      if (answer.finding && answer.finding->state == RevocationState::Good) ++good;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(ask().finding->state, RevocationState::Revoked);
  EXPECT_EQ(server_.requests().size(), 1u);
}

TEST_F(Checker, AsksAgainAfterTheIntervalAndWhenTheNextListIsDue) {
  EXPECT_EQ(ask().nextLook, Duration(600s));
  clock_.advance(599s);
  EXPECT_EQ(ask().finding->state, RevocationState::Good);
  EXPECT_EQ(server_.requests().size(), 1u);
  serve(list({.revoked = {{system_.certificate}}, .nextUpdate = 700}));
  clock_.advance(1s);
  EXPECT_EQ(ask().finding->state, RevocationState::Revoked);
  EXPECT_LE(ask().nextLook, Duration(102s)) << "the next list is due earlier";
  EXPECT_EQ(server_.requests().size(), 2u);
}

TEST_F(Checker, TakesTheLastListUntilItIsOutdated) {
  serve(list({.nextUpdate = 2000}));
  EXPECT_TRUE(ask().finding);
  respond([](const auto&, const auto& peer) { peer.answer(503, ""); });
  clock_.advance(1000s);
  const auto answer = ask();
  EXPECT_TRUE(answer.finding) << answer.finding.error().message;
  EXPECT_EQ(answer.nextLook, Duration(30s)) << "it is tried again sooner";
  clock_.advance(1100s);
  const auto outdated = ask();
  ASSERT_FALSE(outdated.finding);
  EXPECT_EQ(outdated.finding.error().message, *rules_.url + ": it answers with status 503");
  EXPECT_FALSE(outdated.isFirst) << "what was known before this process began counts no more";
}

TEST_F(Checker, TakesNoOlderWordThanTheLast) {
  serve(list({.revoked = {{system_.certificate, 6}}, .thisUpdate = -60}));
  EXPECT_EQ(ask().finding->state, RevocationState::Revoked);
  serve(list({.thisUpdate = -120}));
  clock_.advance(601s);
  EXPECT_EQ(ask().finding->state, RevocationState::Revoked) << "a list that was sent again";
  serve(list({.thisUpdate = -30}));
  clock_.advance(31s);
  EXPECT_EQ(ask().finding->state, RevocationState::Good);
}

TEST_F(Checker, TakesAListOfTheIssuersOtherKey) {
  const test::Authority signing = authority_.subordinate("Issuing CA"), lists = authority_.subordinate("Issuing CA");
  const auto system = signing.issue();
  const auto leaf = parsed(system.certificate), issuer = parsed(signing.certificate());
  serve(makeList(signerOf(lists), {.revoked = {{system.certificate, 1}}}));
  EXPECT_EQ(checker_.ask({leaf, issuer, rules_}, {}).finding.error().reason, "BadSignature");
  const auto answer = checker_.ask({leaf, issuer, rules_, {parsed(lists.certificate())}}, {});
  ASSERT_TRUE(answer.finding) << answer.finding.error().message;
  EXPECT_EQ(answer.finding->state, RevocationState::Revoked);
}

TEST_F(Checker, AsksTheNextResponderWhereOneDoesNotKnowTheCertificate) {
  rules_.mode = api::RevocationMode::OCSP;
  rules_.url.reset();
  const auto leaf = parsed(
      authority_.issue({.informationAccess = "OCSP;URI:" + server_.url() + "/1,OCSP;URI:" + server_.url() + "/2"})
          .certificate);
  using Status = test::OcspOptions::Status;
  const auto answering = [&](Status first, std::optional<Status> second) {
    respond([=, this](const auto& request, const auto& peer) {
      const auto status = request.line == "POST /1" ? std::optional(first) : second;
      status ? peer.answer(200, answerOcsp(request.body, signerOf(authority_), {.status = *status}))
             : peer.answer(503, "");
    });
    clock_.advance(601s);
    return ask(leaf);
  };
  EXPECT_EQ(answering(Status::Unknown, Status::Good).finding->state, RevocationState::Good);
  const auto unknown = answering(Status::Unknown, std::nullopt);
  // The second responder's last answer counts until it is outdated.
  EXPECT_EQ(unknown.finding->state, RevocationState::Good);
  EXPECT_EQ(answering(Status::Good, std::nullopt).finding->state, RevocationState::Good);
}

// A question to another host must not wait until a slow host has been given up.
TEST_F(Checker, LetsHalfTheWorkersWaitForASlowHost) {
  rules_.mode = api::RevocationMode::OCSP;
  auto atSlow = rules_;
  atSlow.url = "http://localhost" + server_.url().substr(server_.url().rfind(':')) + "/slow";
  respond([this](const auto& request, const auto& peer) {
    if (request.line == "POST /slow") return peer.hang();
    peer.answer(200, answerOcsp(request.body, signerOf(authority_), {}));
  });
  std::stop_source stop;
  std::vector<std::thread> threads;
  std::atomic<int> busy{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, certificate = parsed(authority_.issue().certificate)] {
      if (checker_.ask({certificate, issuer_, atSlow}, stop.get_token()).isBusy) ++busy;
    });
  }
  EXPECT_TRUE(test::waitFor(10s, [&] { return busy == 2; })) << "a fetch takes up to 20 s";
  EXPECT_EQ(server_.requests().size(), 2u);
  // From then on no question waits.
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 50; ++i) {
    const auto answer = checker_.ask({leaf_, issuer_, atSlow}, {});
    EXPECT_TRUE(answer.isBusy);
    EXPECT_EQ(answer.nextLook, Duration(kBusyLook));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 5s);
  const auto good = ask();
  EXPECT_EQ(good.finding->state, RevocationState::Good);
  EXPECT_FALSE(good.isBusy);
  stop.request_stop();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(busy, 2);
}

TEST_F(Checker, LetsOneWaitForASlowList) {
  respond([](const auto&, const auto& peer) { peer.hang(); });
  std::stop_source stop;
  std::thread first([&] { (void)checker_.ask({leaf_, issuer_, rules_}, stop.get_token()); });
  EXPECT_TRUE(test::waitFor(10s, [&] { return server_.requests().size() == 1; }));
  EXPECT_TRUE(ask().isBusy);
  EXPECT_EQ(server_.requests().size(), 1u);
  stop.request_stop();
  first.join();
}

TEST_F(Checker, SaysForAnIntervalThatItHasLearntNothingYet) {
  respond([](const auto&, const auto& peer) { peer.answer(503, ""); });
  EXPECT_TRUE(ask().isFirst);
  clock_.advance(599s);
  EXPECT_TRUE(ask().isFirst);
  clock_.advance(1s);
  EXPECT_FALSE(ask().isFirst);
}

TEST_F(Checker, LeavesAPlaceAloneThatCannotBeReached) {
  respond([](const auto&, const auto& peer) { peer.close(); });
  rules_.mode = api::RevocationMode::OCSP;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(ask(parsed(authority_.issue().certificate)).finding);
  const auto asked = server_.requests().size();
  EXPECT_EQ(asked, 1u) << "whoever asks";
  clock_.advance(30s);
  EXPECT_FALSE(ask().finding);
  EXPECT_EQ(server_.requests().size(), asked + 1);
}

TEST_F(Checker, RefusesWhatIsNoAnswer) {
  const auto another = test::Authority("Another CA");
  const auto answering = [](int status, const std::string& body, const std::string& headers = "") -> Respond {
    return [=](const auto&, const auto& peer) { peer.answer(status, body, headers); };
  };
  const auto endless = [](const auto&, const ScriptedServer::Peer& peer) {
    peer.begin();
    const std::string chunk(std::size_t{1} << 20, 'x');
    for (int i = 0; i < 20; ++i) peer.chunk(chunk);
    peer.hang();
  };
  const std::pair<Respond, std::string> rows[] = {
      {answering(200, "<html>"), "MalformedList"},
      {answering(200, ""), "MalformedList"},
      {answering(200, makeList(signerOf(another))), "WrongIssuer"},
      {answering(302, "", "Location: " + server_.url() + "/b\r\n"), "UnexpectedRedirect"},
      {endless, "ResponseTooLarge"}};
  for (const auto& [answer, expected] : rows) {
    respond(answer);
    EXPECT_EQ(reason(), expected);
    clock_.advance(31s);
  }
  for (const auto& request : server_.requests()) EXPECT_EQ(request.line, "GET /a");
}

TEST_F(Checker, FetchesOnlyFromPermittedAddressesAndByPlainUrls) {
  rules_.permitted.clear();
  EXPECT_EQ(reason(), "ForbiddenAddress");
  rules_.url = "http://localhost" + server_.url().substr(server_.url().rfind(':')) + "/a";
  EXPECT_EQ(reason(), "ForbiddenAddress");
  for (const auto url : {"ftp://127.0.0.1/a", "file:///etc/passwd", "http://a:b@127.0.0.1/"}) {
    rules_.url = url;
    EXPECT_EQ(reason(), "InvalidURL") << url;
  }
  rules_.url.reset();
  EXPECT_EQ(reason(), "NoRevocationSource");
  EXPECT_EQ(server_.connections(), 0u);
}

TEST_F(Checker, UsesTheSamePlaceForWhomItIsPermitted) {
  const auto permitted = std::exchange(rules_.permitted, {});
  EXPECT_EQ(reason(), "ForbiddenAddress");
  rules_.permitted = permitted;
  EXPECT_EQ(reason(), "");
  rules_.permitted.clear();
  EXPECT_EQ(reason(), "ForbiddenAddress") << "also where another fetched it";
}

TEST_F(Checker, SaysTheSameWordsEachTimeItFails) {
  rules_.url = "http://127.0.0.1:" + std::to_string(test::freePort()) + "/a";
  const auto first = ask().finding;
  clock_.advance(31s);
  const auto second = ask().finding;
  ASSERT_FALSE(first || second);
  EXPECT_EQ(first.error().message, second.error().message);
  EXPECT_EQ(first.error().message.find(" ms"), std::string::npos) << first.error().message;
}

TEST_F(Checker, TriesTheNextPlaceWhereOneFails) {
  const auto leaf = parsed(authority_
                               .issue({.distributionPoints = "URI:ldap://a.example/x,URI:" + server_.url() +
                                                             "/1,URI:" + server_.url() + "/2"})
                               .certificate);
  rules_.url.reset();
  const auto good = list();
  respond([good](const auto& request, const auto& peer) {
    request.line == "GET /2" ? peer.answer(200, good) : peer.answer(404, "");
  });
  const auto answer = ask(leaf);
  ASSERT_TRUE(answer.finding) << answer.finding.error().message;
  EXPECT_EQ(answer.finding->state, RevocationState::Good);
}

TEST_F(Checker, AsksAResponderOfEachCertificate) {
  rules_.mode = api::RevocationMode::OCSP;
  respond([this](const auto& request, const auto& peer) {
    EXPECT_NE(request.head.find("Content-Type: application/ocsp-request\r\n"), std::string::npos);
    peer.answer(200, answerOcsp(request.body, signerOf(authority_),
                                {.status = test::OcspOptions::Status::Revoked, .reason = 6, .nextUpdate = 300}));
  });
  const auto answer = ask();
  ASSERT_TRUE(answer.finding) << answer.finding.error().message;
  EXPECT_EQ(answer.finding->state, RevocationState::Revoked);
  EXPECT_EQ(answer.finding->reason, "certificateHold");
  EXPECT_LE(answer.nextLook, Duration(302s));
  ask();
  EXPECT_EQ(server_.requests().size(), 1u) << "it holds until the next update";
  ask(parsed(authority_.issue().certificate));
  EXPECT_EQ(server_.requests().size(), 2u);
  EXPECT_EQ(server_.requests()[0].line, "POST /a");
}

}  // namespace
}  // namespace mpay::effects
