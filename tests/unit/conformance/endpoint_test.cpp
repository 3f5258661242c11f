// Connections that fail or are not allowed.
#include <thread>
#include <utility>

#include "unit/conformance/world.h"

namespace mpay::test {
namespace {

using conformance::HttpsEndpoint;
using conformance::Outcome;

class Refused : public Conformance {
 protected:
  // Expects one check to fail and nothing else to be judged.
  void expectOnly(const conformance::Report& report, std::string_view id, std::string_view reason) {
    EXPECT_EQ(wrongIn(report), id) << all(report);
    EXPECT_NE(find(report, id).message.find(reason), std::string::npos) << find(report, id).message;
    EXPECT_FALSE(report.passed());
    EXPECT_TRUE(find(report, "C5").isBlocked);
  }
};

TEST_F(Refused, WhereNothingListens) {
  const Beneficiary beneficiary({{"--defect", "does-not-listen"}, "DNS:localhost"});
  expectOnly(run(beneficiary, "", subjectOf(beneficiary)), "T1", "connect");
}

TEST_F(Refused, WhereTlsIsOld) {
  const Beneficiary beneficiary({{"--defect", "tls-1.1"}, "DNS:localhost"});
  expectOnly(run(beneficiary, "", subjectOf(beneficiary)), "T2", "");
}

TEST_F(Refused, WhereNobodyCertifiedTheServer) {
  const Beneficiary beneficiary({{"--defect", "self-signed"}, "DNS:localhost"});
  expectOnly(run(beneficiary, "", subjectOf(beneficiary)), "T2", "self-signed");
}

TEST_F(Refused, WhereTheCertificateIsOfAnotherHost) {
  const Beneficiary beneficiary({{}, "DNS:other.example.md"});
  expectOnly(run(beneficiary, "", subjectOf(beneficiary)), "T2", "localhost");
}

TEST_F(Refused, WhereTheHandshakeNeverEnds) {
  const Beneficiary beneficiary({{"--defect", "tls-stalls"}, "DNS:localhost"});
  plan.limits.request = 500ms;
  expectOnly(run(beneficiary, "", subjectOf(beneficiary)), "T2", "handshake did not come to an end");
}

// A service that asks for a client certificate gets MPay's.
TEST_F(Refused, WhereAnotherClientCertificateIsAskedFor) {
  const Beneficiary beneficiary({{"--variants-by-path"}, "DNS:localhost", true});
  const auto endpointWith = [&](const Identity& client) {
    return HttpsEndpoint::of({beneficiary.url(),
                              beneficiary.authority(),
                              {*net::parsePrefix("127.0.0.0/8")},
                              client.certificate,
                              client.key})
        .value();
  };
  EXPECT_EQ(wrongIn(run(*endpointWith(beneficiary.mpay()), subjectOf(beneficiary))), "");
  expectOnly(run(*endpointOf(beneficiary, ""), subjectOf(beneficiary)), "T2",
             "the server asks for a client certificate, and none was given");
  const auto stranger = selfSigned({.key = KeyKind::Rsa2048});
  expectOnly(run(*endpointWith(stranger), subjectOf(beneficiary)), "T2", "may not take the one that was shown");
}

// OpenSSL does not show a certificate with so weak a key. A service that asks for none is still called.
TEST_F(Conformance, CallsAlsoWhereTheClientCertificateIsTooWeakToBeShown) {
  const Beneficiary beneficiary;
  const auto weak = selfSigned({.key = KeyKind::Rsa1024});
  const auto endpoint =
      HttpsEndpoint::of(
          {beneficiary.url(), beneficiary.authority(), {*net::parsePrefix("127.0.0.0/8")}, weak.certificate, weak.key})
          .value();
  EXPECT_EQ(wrongIn(run(*endpoint, subjectOf(beneficiary))), "");
}

TEST_F(Refused, NamesTheCauseWhereOneCheckAloneIsAskedFor) {
  const Beneficiary beneficiary({{"--defect", "does-not-listen"}, "DNS:localhost"});
  plan.only = {"G1"};
  const auto report = run(beneficiary, "", subjectOf(beneficiary));
  EXPECT_NE(find(report, "G1").message.find("no connection came about: "), std::string::npos)
      << find(report, "G1").message;
}

TEST_F(Refused, WhereTheAddressIsNotPermitted) {
  const Beneficiary beneficiary;
  const auto endpoint = HttpsEndpoint::of({beneficiary.url(), beneficiary.authority(), {}}).value();
  expectOnly(run(*endpoint, subjectOf(beneficiary)), "T1", "may not be connected to");
}

TEST_F(Refused, WhereTheUrlIsNotPlainHttps) {
  for (const std::string url : {"http://localhost/", "https://user@localhost/", "ftp://localhost/", "localhost", ""}) {
    const auto endpoint = HttpsEndpoint::of({url, "", {}});
    ASSERT_FALSE(endpoint) << url;
    EXPECT_EQ(endpoint.error().reason, "InvalidURL");
  }
}

TEST_F(Refused, WhereTheAnswerDrips) {
  const Beneficiary beneficiary;
  plan.limits.request = 500ms;
  const auto start = std::chrono::steady_clock::now();
  expectOnly(run(beneficiary, "drip", subjectOf(beneficiary)), "T3", "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
}

TEST_F(Conformance, EndsAtItsDeadline) {
  const Beneficiary beneficiary;
  plan.limits.total = 300ms;
  plan.limits.request = 60s;
  const auto start = std::chrono::steady_clock::now();
  const auto report = run(beneficiary, "drip", subjectOf(beneficiary));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);
  EXPECT_FALSE(report.passed());
  EXPECT_NE(find(report, "C5").message.find("took longer"), std::string::npos) << find(report, "C5").message;
  EXPECT_EQ(wrongIn(report), "") << all(report);
}

TEST_F(Conformance, AsksNothingOnceItsTimeIsOver) {
  class Counter final : public conformance::Endpoint {
   public:
    Result<net::Response> post(std::string_view, const std::string&, Duration, const std::stop_token&) override {
      ++calls;
      return fail(ErrorKind::Timeout, "no answer");
    }
    int calls = 0;
  };
  const Beneficiary beneficiary;
  ManualClock clock(systemClock().now());
  plan.limits.total = 10s;
  Counter endpoint;
  // The time ends while a request is being made.
  const auto newId = [&] {
    clock.advance(20s);
    return std::string("id");
  };
  const auto report = conformance::run(subjectOf(beneficiary), plan, {endpoint, clock, newId, {}}, {});
  EXPECT_EQ(endpoint.calls, 0);
  EXPECT_EQ(wrongIn(report), "") << all(report);
  EXPECT_NE(find(report, "C5").message.find("took longer"), std::string::npos) << find(report, "C5").message;
}

// The clock advances while an answer is awaited; the test does not wait.
TEST_F(Conformance, WarnsOfSlowAnswers) {
  class Slow final : public conformance::Endpoint {
   public:
    Slow(std::unique_ptr<HttpsEndpoint> to, ManualClock& clock, std::string_view operation, std::chrono::seconds takes)
        : to_(std::move(to)), clock_(clock), operation_(operation), takes_(takes) {}
    Result<net::Response> post(std::string_view operation, const std::string& envelope, Duration timeout,
                               const std::stop_token& stop) override {
      if (operation == operation_ && !std::exchange(isPast_, true)) clock_.advance(takes_);
      return to_->post(operation, envelope, timeout, stop);
    }

   private:
    std::unique_ptr<HttpsEndpoint> to_;
    ManualClock& clock_;
    const std::string_view operation_;
    const std::chrono::seconds takes_;
    bool isPast_ = false;
  };
  const Beneficiary beneficiary;
  const struct {
    std::string_view operation;
    std::chrono::seconds takes;
    std::string wrong;
  } rows[] = {{soap::kGetOrderDetails, 5s, ""},
              {soap::kGetOrderDetails, 6s, "T3(warn)"},
              {soap::kConfirmOrderPayment, 5s, ""},
              {soap::kConfirmOrderPayment, 6s, "C1(warn)"}};
  int form = 0;
  for (const auto& row : rows) {
    SCOPED_TRACE(std::string(row.operation) + " " + row.wrong);
    ManualClock clock(systemClock().now());
    // Each run uses a service of its own, where nothing was paid before.
    const std::vector<std::string> forms{"token", "x509", "subject-key-identifier", "token+unsigned-faults"};
    Slow endpoint(endpointOf(beneficiary, forms[form++]), clock, row.operation, row.takes);
    const auto newId = [this] { return "id-" + std::to_string(++ids); };
    const auto report = conformance::run(subjectOf(beneficiary), plan, {endpoint, clock, newId, {}}, {});
    EXPECT_EQ(wrongIn(report), row.wrong) << all(report);
    EXPECT_TRUE(report.passed());
    if (row.wrong.empty()) continue;
    const auto& message = find(report, row.wrong.substr(0, 2)).message;
    EXPECT_NE(message.find("6 s; the standard contract asks for at most 5 s"), std::string::npos) << message;
  }
}

TEST_F(Conformance, NoTimeIsNotUnlimitedTime) {
  const Beneficiary beneficiary;
  const auto endpoint = endpointOf(beneficiary, "");
  for (const auto timeout : {Duration(0), Duration(-1)}) {
    const auto response = endpoint->post(soap::kGetOrderDetails, "<a/>", timeout, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Timeout);
  }
}

TEST_F(Conformance, EndsWhenItIsCancelled) {
  const Beneficiary beneficiary;
  std::stop_source source;
  const auto endpoint = endpointOf(beneficiary, "drip");
  std::thread canceller([&] {
    std::this_thread::sleep_for(100ms);
    source.request_stop();
  });
  const auto report = run(*endpoint, subjectOf(beneficiary), source.get_token());
  canceller.join();
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(find(report, "C5").message, "the run was cancelled");
  EXPECT_EQ(wrongIn(report), "") << all(report);
}

}  // namespace
}  // namespace mpay::test
