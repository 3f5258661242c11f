#include "faults/proxy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "faults/calls.h"
#include "support/nginx.h"
#include "support/pki.h"
#include "support/process.h"
#include "unit/net/scripted_server.h"

namespace mpay::test {
namespace {

using Kind = Verdict::Kind;

class Script : public FaultScript {
 public:
  std::function<Verdict(const ProxiedRequest&)> request = [](const auto&) { return Verdict{}; };
  std::function<void(const ProxiedRequest&, ProxiedResponse&)> response = [](const auto&, auto&) {};
  std::function<Lines(const std::string&)> event = [](const auto& line) { return Lines{{line}}; };

  Verdict onRequest(const ProxiedRequest& of) override { return request(of); }
  void onResponse(const ProxiedRequest& of, ProxiedResponse& to) override { response(of, to); }
  Lines onEvent(const ProxiedRequest&, const std::string& line) override { return event(line); }
};

// A proxy before a server that echoes requests; a test may change both before start().
class Proxy : public ::testing::TestWithParam<bool> {
 protected:
  void start() { proxy_.emplace(FaultProxy::Options{server_.url(), "", GetParam()}, script); }
  void start(Kind kind, ProxiedResponse answer = {}) {
    script.request = [=](const auto&) { return Verdict{kind, answer}; };
    start();
  }
  FaultProxy& proxy() { return *proxy_; }
  const ScriptedServer& server() const { return server_; }

  Answer call(const std::string& method, const std::string& target, const std::string& body = "") {
    return Call(proxy(), GetParam(), method, target, body).perform();
  }
  std::unique_ptr<Stream> watch(const std::string& method = "GET", const std::string& target = "/pods?watch=1") {
    return std::make_unique<Stream>(proxy(), GetParam(), method, target);
  }
  void cutOff(const Answer& made) {
    EXPECT_EQ(made.code, GetParam() ? CURLE_HTTP2_STREAM : CURLE_GOT_NOTHING) << curl_easy_strerror(made.code);
    EXPECT_EQ(made.status, 0);
  }

  Script script;
  ScriptedServer::Script upstream = [](const auto& request, auto, const auto& peer) {
    peer.answer(200, request.body, "X-Real: yes\r\n");
  };

 private:
  ScriptedServer server_{[this](const auto& request, auto count, const auto& peer) { upstream(request, count, peer); }};
  std::optional<FaultProxy> proxy_;
};

INSTANTIATE_TEST_SUITE_P(Over, Proxy, ::testing::Values(false, true),
                         [](const auto& of) { return of.param ? "Http2" : "Http1"; });

TEST_P(Proxy, PassesRequestsAndAnswersOn) {
  ProxiedRequest seen;
  script.request = [&](const auto& request) {
    seen = request;
    return Verdict{};
  };
  upstream = [](const auto&, auto, const auto& peer) {
    peer.answer(409, "taken", "X-Mixed: A b\r\nKeep-Alive: timeout=5\r\n");
  };
  start();
  Call made(proxy(), GetParam(), "PUT", "/api/v1/../x?a=b%20c&d", "new",
            {"Authorization: Bearer abc", "Content-Type: text/x", "Accept-Encoding: gzip", "X-Empty;"});
  made.set(CURLOPT_PATH_AS_IS, 1L);
  made.perform();
  ASSERT_EQ(made.code, CURLE_OK) << curl_easy_strerror(made.code);
  EXPECT_EQ(made.info(CURLINFO_HTTP_VERSION), GetParam() ? CURL_HTTP_VERSION_2_0 : CURL_HTTP_VERSION_1_1);
  EXPECT_EQ(made.status, 409);
  EXPECT_EQ(made.body, "taken");
  EXPECT_TRUE(made.hasHeader("x-mixed: A b")) << made.head;
  EXPECT_TRUE(made.hasHeader("content-length: 5")) << made.head;
  EXPECT_EQ(made.head.find("timeout=5"), std::string::npos) << made.head;

  EXPECT_EQ(seen.method, "PUT");
  EXPECT_EQ(seen.target, "/api/v1/../x?a=b%20c&d");
  EXPECT_EQ(seen.headers.at("authorization"), "Bearer abc");
  EXPECT_EQ(seen.body, "new");

  ASSERT_EQ(server().requests().size(), 1u);
  const auto got = server().requests()[0];
  EXPECT_EQ(got.line, "PUT /api/v1/../x?a=b%20c&d");
  EXPECT_EQ(got.body, "new");
  EXPECT_NE(got.head.find("authorization: Bearer abc\r\n"), std::string::npos) << got.head;
  EXPECT_NE(got.head.find("content-type: text/x\r\n"), std::string::npos) << got.head;
  EXPECT_NE(got.head.find("x-empty:\r\n"), std::string::npos) << got.head;
  EXPECT_EQ(got.head.find("gzip"), std::string::npos) << got.head;
}

TEST_P(Proxy, AddsNoHeadersOfItsOwn) {
  start();
  Call made(proxy(), GetParam(), "POST", "/x", "", {"Content-Type:", "Accept:"});
  made.perform();
  ASSERT_EQ(server().requests().size(), 1u);
  const auto head = server().requests()[0].head;
  EXPECT_EQ(head.find("ontent-"), head.find("ontent-Length: 0")) << head;
  EXPECT_EQ(head.find("ccept"), std::string::npos) << head;
}

TEST_P(Proxy, PassesAnswersWithoutABody) {
  upstream = [](const auto& request, auto, const auto& peer) {
    peer.send(request.line.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
                                               : "HTTP/1.1 204 No Content\r\n\r\n");
  };
  start();
  for (const std::string method : {"HEAD", "DELETE"}) {
    const auto made = call(method, "/x");
    EXPECT_EQ(made.code, CURLE_OK) << method << ": " << curl_easy_strerror(made.code);
    EXPECT_EQ(made.status, method == "HEAD" ? 200 : 204);
    EXPECT_EQ(made.hasHeader("content-length: 5"), method == "HEAD") << made.head;
    EXPECT_FALSE(made.hasHeader("transfer-encoding: chunked")) << made.head;
  }
}

TEST_P(Proxy, NumbersAndCountsRequests) {
  script.request = [](const auto& request) { return Verdict{Kind::Answer, {200, {}, std::to_string(request.number)}}; };
  start();
  EXPECT_EQ(proxy().requests(), 0u);
  for (const char* number : {"0", "1", "2"}) EXPECT_EQ(call("GET", "/x").body, number);
  EXPECT_EQ(proxy().requests(), 3u);
}

TEST_P(Proxy, AnswersInTheServersPlace) {
  start(Kind::Answer, {429, {{"retry-after", "7"}}, "later"});
  const auto made = call("GET", "/x");
  EXPECT_EQ(made.code, CURLE_OK);
  EXPECT_EQ(made.status, 429);
  EXPECT_EQ(made.body, "later");
  EXPECT_TRUE(made.hasHeader("retry-after: 7")) << made.head;
  EXPECT_EQ(server().requests().size(), 0u);
}

TEST_P(Proxy, RefusesWithoutForwarding) {
  start(Kind::Refuse);
  cutOff(call("POST", "/x"));
  EXPECT_EQ(server().requests().size(), 0u);
  EXPECT_EQ(proxy().requests(), 1u);
}

TEST_P(Proxy, LosesTheAnswerToWhatWasDone) {
  std::atomic<int> answered = 0;
  script.response = [&](const auto&, auto&) { ++answered; };
  start(Kind::LoseAnswer);
  cutOff(call("POST", "/x", "done"));
  ASSERT_EQ(server().requests().size(), 1u);
  EXPECT_EQ(server().requests()[0].body, "done");
  EXPECT_EQ(answered, 1);
}

TEST_P(Proxy, SendsHalfOfTheAnswer) {
  start(Kind::HalfAnswer);
  const auto made = call("POST", "/x", "firstsecond");
  EXPECT_EQ(made.code, GetParam() ? CURLE_HTTP2_STREAM : CURLE_PARTIAL_FILE) << curl_easy_strerror(made.code);
  EXPECT_EQ(made.status, 200);
  EXPECT_TRUE(made.hasHeader("content-length: 11")) << made.head;
  EXPECT_EQ(made.body, "first");
}

TEST_P(Proxy, LosesHalfOfNothingWhole) {
  start(Kind::HalfAnswer);
  cutOff(call("POST", "/x"));
  EXPECT_EQ(server().requests().size(), 1u);
}

TEST_P(Proxy, ReplacesTheAnswerToWhatWasDone) {
  start(Kind::ReplaceAnswer, {504, {}, "too late"});
  const auto made = call("POST", "/x", "done");
  EXPECT_EQ(made.status, 504);
  EXPECT_EQ(made.body, "too late");
  EXPECT_FALSE(made.hasHeader("x-real: yes")) << made.head;
  EXPECT_EQ(server().requests().size(), 1u);
}

TEST_P(Proxy, StallsWithoutForwarding) {
  Signal arrived;
  script.request = [&](const auto&) {
    arrived.give();
    return Verdict{Kind::Stall};
  };
  start();
  const auto stream = watch("POST", "/x");
  EXPECT_TRUE(arrived.await());
  EXPECT_FALSE(stream->awaitEnd(100ms));
  EXPECT_EQ(server().requests().size(), 0u);
}

TEST_P(Proxy, StallsAfterItWasDone) {
  Signal done;
  script.response = [&](const auto&, auto&) { done.give(); };
  start(Kind::StallAfter);
  const auto stream = watch("POST", "/x");
  EXPECT_TRUE(done.await());
  EXPECT_FALSE(stream->awaitEnd(100ms));
  EXPECT_EQ(server().requests().size(), 1u);
}

TEST_P(Proxy, CompletesUpstreamWhatItsClientNoLongerAwaits) {
  Signal arrived;
  Signal left;
  Signal done;
  script.response = [&](const auto&, auto&) { done.give(); };
  upstream = [&](const auto&, auto, const auto& peer) {
    arrived.give();
    left.await();
    peer.answer(200, "");
  };
  start(Kind::LoseAnswer);
  {
    const auto stream = watch("POST", "/x");
    EXPECT_TRUE(arrived.await());
  }
  left.give();
  EXPECT_TRUE(done.await());
}

TEST_P(Proxy, SendsTheAnswerAsChanged) {
  script.response = [](const auto& request, auto& response) {
    EXPECT_EQ(response.headers.at("x-real"), "yes");
    response = {201, {{"x-changed", request.target}}, response.body + ", changed"};
  };
  start();
  const auto made = call("POST", "/x", "said");
  EXPECT_EQ(made.code, CURLE_OK) << curl_easy_strerror(made.code);
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(made.body, "said, changed");
  EXPECT_TRUE(made.hasHeader("x-changed: /x")) << made.head;
}

TEST_P(Proxy, CutsOneRequestAlone) {
  script.request = [](const auto& request) {
    if (request.target == "/refused") return Verdict{Kind::Refuse};
    return Verdict{Kind::Answer, {200, {}, "fine"}};
  };
  start();
  Call made(proxy(), GetParam(), "POST", "/fine");
  EXPECT_EQ(made.perform().code, CURLE_OK);
  made.set(CURLOPT_URL, (proxy().url() + "/refused").c_str());
  made.set(CURLOPT_FRESH_CONNECT, GetParam() ? 0L : 1L);
  EXPECT_NE(made.perform().code, CURLE_OK);
  EXPECT_EQ(made.info(CURLINFO_NUM_CONNECTS), GetParam() ? 0 : 1);
  made.set(CURLOPT_URL, (proxy().url() + "/fine").c_str());
  made.set(CURLOPT_FRESH_CONNECT, 0L);
  EXPECT_EQ(made.perform().code, CURLE_OK);
  EXPECT_EQ(made.info(CURLINFO_NUM_CONNECTS), 0);
  EXPECT_EQ(made.body, "finefine");
}

TEST_P(Proxy, SendsLinesOfAWatchAsTheyCome) {
  Signal first;
  Signal second;
  upstream = [&](const auto&, auto, const auto& peer) {
    peer.begin();
    first.await();
    peer.chunk("one\ntw");
    second.await();
    peer.chunk("o\nthree\n");
    peer.end();
  };
  start();
  const auto stream = watch();
  first.give();
  EXPECT_TRUE(stream->awaitBody("one\n"));
  second.give();
  EXPECT_TRUE(stream->awaitBody("one\ntwo\nthree\n"));
  EXPECT_TRUE(stream->awaitEnd());
  EXPECT_EQ(stream->result(), CURLE_OK) << curl_easy_strerror(stream->result());
}

TEST_P(Proxy, SendsTheHeadOfAWatchBeforeAnyLine) {
  upstream = [](const auto&, auto, const auto& peer) {
    peer.begin();
    peer.hang();
  };
  start();
  EXPECT_TRUE(watch()->awaitHead());
}

TEST_P(Proxy, DropsRepeatsAndReordersLines) {
  upstream = [](const auto&, auto, const auto& peer) {
    peer.begin();
    peer.chunk("dropped\nrepeated\nheld\nlast\n");
    peer.end();
  };
  script.event = [](const std::string& line) -> FaultScript::Lines {
    if (line == "dropped" || line == "held") return {};
    if (line == "repeated") return {{line, line}};
    return {{line, "held"}};
  };
  start();
  const auto made = call("GET", "/pods?watch=1");
  EXPECT_EQ(made.code, CURLE_OK) << curl_easy_strerror(made.code);
  EXPECT_EQ(made.body, "repeated\nrepeated\nlast\nheld\n");
}

TEST_P(Proxy, CutsAWatchAfterALine) {
  Signal ended;
  upstream = [&](const auto&, auto, const auto& peer) {
    peer.begin();
    peer.chunk("one\ntwo\nthree\n");
    peer.hang();
    ended.give();
  };
  script.event = [](const auto& line) { return FaultScript::Lines{{line}, line == "two"}; };
  start();
  const auto made = call("GET", "/pods?watch=true");
  EXPECT_EQ(made.code, GetParam() ? CURLE_HTTP2_STREAM : CURLE_PARTIAL_FILE) << curl_easy_strerror(made.code);
  EXPECT_EQ(made.body, "one\ntwo\n");
  EXPECT_TRUE(ended.await()) << "the watch goes on upstream";
}

TEST_P(Proxy, TakesARefusedWatchForAnAnswer) {
  upstream = [](const auto&, auto, const auto& peer) { peer.answer(410, "gone\n"); };
  script.event = [](const auto&) { return FaultScript::Lines{}; };
  script.response = [](const auto&, auto& response) { response.body += "indeed"; };
  start();
  const auto made = call("GET", "/pods?watch=1");
  EXPECT_EQ(made.status, 410);
  EXPECT_EQ(made.body, "gone\nindeed");
}

TEST_P(Proxy, EndsUpstreamWhatItsClientLeft) {
  Signal ended;
  upstream = [&](const auto& request, auto, const auto& peer) {
    if (request.line.ends_with("watch=1")) peer.begin();
    if (request.line.ends_with("watch=1")) peer.chunk("one\n");
    peer.hang();
    ended.give();
  };
  start();
  {
    const auto stream = watch();
    EXPECT_TRUE(stream->awaitBody("one\n"));
  }
  EXPECT_TRUE(ended.await(1s));
}

TEST_P(Proxy, EndsUpstreamTheOneRequestThatItsClientLeft) {
  Signal ended;
  upstream = [&](const auto& request, auto, const auto& peer) {
    if (!request.line.ends_with("watch=1")) return peer.answer(200, "");
    peer.begin();
    peer.chunk("one\n");
    peer.hang();
    ended.give();
  };
  start();
  Call made(proxy(), GetParam(), "GET", "/pods?watch=1");
  made.wanted = [] { return false; };
  EXPECT_EQ(made.perform().code, CURLE_WRITE_ERROR);
  // libcurl 7.88 may report it only at its next request, over the same connection in HTTP/2.
  made.set(CURLOPT_URL, (proxy().url() + "/x").c_str());
  EXPECT_EQ(made.perform().code, CURLE_OK);
  EXPECT_EQ(made.info(CURLINFO_NUM_CONNECTS), GetParam() ? 0 : 1);
  EXPECT_TRUE(ended.await(1s));
}

TEST_P(Proxy, CarriesLargeBodiesBothWays) {
  start();
  std::string large(2 << 20, ' ');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * i >> 3);
  const auto made = call("POST", "/x", large);
  EXPECT_EQ(made.code, CURLE_OK) << curl_easy_strerror(made.code);
  EXPECT_TRUE(made.body == large) << made.body.size();

  Call chunked(proxy(), GetParam(), "POST", "/x", "", {"Transfer-Encoding: chunked"});
  std::string_view left = large;
  chunked.set(CURLOPT_POSTFIELDS, nullptr);
  chunked.set(CURLOPT_POST, 1L);
  chunked.set(CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{-1});
  chunked.set(CURLOPT_READDATA, &left);
  chunked.set(
      CURLOPT_READFUNCTION, +[](char* to, std::size_t, std::size_t most, std::string_view* from) {
        const auto now = from->copy(to, most);
        from->remove_prefix(now);
        return now;
      });
  chunked.perform();
  EXPECT_EQ(chunked.code, CURLE_OK) << curl_easy_strerror(chunked.code);
  EXPECT_TRUE(chunked.body == large) << chunked.body.size();
}

TEST_P(Proxy, KeepsEverythingForASlowReader) {
  constexpr int kLines = 400;
  const std::string line(50'000, 'x');
  upstream = [&](const auto&, auto, const auto& peer) {
    peer.begin();
    for (int i = 0; i < kLines; ++i) peer.chunk(line + "\n");
    peer.end();
  };
  Signal all;
  script.event = [&, seen = std::make_shared<std::atomic<int>>()](const auto& of) {
    if (++*seen == kLines) all.give();
    return FaultScript::Lines{{of}};
  };
  start();
  Call made(proxy(), GetParam(), "GET", "/pods?watch=1");
  made.wanted = [&] { return all.await(); };
  made.perform();
  EXPECT_EQ(made.code, CURLE_OK) << curl_easy_strerror(made.code);
  EXPECT_EQ(made.body.size(), kLines * (line.size() + 1));
}

TEST_P(Proxy, ServesManyClientsAtOnce) {
  start();
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int client = 0; client < 50; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < 4; ++i) {
        const std::string body = std::to_string(client) + "/" + std::to_string(i);
        const auto made = call("POST", "/x", body);
        if (made.code == CURLE_OK && made.body == body) ++right;
      }
    });
  }
  for (auto& client : clients) client.join();
  EXPECT_EQ(right, 200);
  EXPECT_EQ(proxy().requests(), 200u);
}

TEST_P(Proxy, ServesManyRequestsOfOneClientAtOnce) {
  constexpr int kMany = 50;
  Signal all;
  std::atomic<int> arrived = 0;
  script.request = [&](const auto&) {
    if (++arrived == kMany) all.give();
    all.await();
    return Verdict{};
  };
  // Small answers: libcurl 7.88 forgets the ends of large answers on one connection.
  upstream = [](const auto& request, auto, const auto& peer) { peer.answer(200, request.body.substr(20'000)); };
  start();
  CURLM* multi = curl_multi_init();
  std::vector<std::unique_ptr<Call>> calls;
  for (int i = 0; i < kMany; ++i) {
    calls.push_back(
        std::make_unique<Call>(proxy(), GetParam(), "POST", "/x", std::string(20'000, 'x') + std::to_string(i)));
    curl_multi_add_handle(multi, calls.back()->handle());
  }
  for (int running = kMany; running > 0;) {
    curl_multi_perform(multi, &running);
    if (running > 0) curl_multi_poll(multi, nullptr, 0, 1000, nullptr);
  }
  long connections = 0;
  for (int i = 0; i < kMany; ++i) {
    const auto& made = *calls[static_cast<std::size_t>(i)];
    EXPECT_EQ(made.body, std::to_string(i));
    connections += made.info(CURLINFO_NUM_CONNECTS);
    curl_multi_remove_handle(multi, made.handle());
  }
  curl_multi_cleanup(multi);
  EXPECT_EQ(connections, GetParam() ? 1 : kMany);
}

TEST_P(Proxy, EndsAtOnceWhateverIsOpen) {
  std::atomic<int> open = 0;
  Signal all;
  upstream = [&](const auto& request, auto, const auto& peer) {
    if (request.line.ends_with("watch=1")) peer.begin();
    if (++open == 8) all.give();
    peer.hang();
  };
  script.request = [&](const auto& request) {
    const bool stalled = request.target == "/stall";
    if (stalled && ++open == 8) all.give();
    return Verdict{stalled ? Kind::Stall : request.target == "/lose" ? Kind::LoseAnswer : Kind::Forward};
  };
  auto* proxy = new FaultProxy({server().url(), "", GetParam()}, script);
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 2; ++i) {
    for (const char* target : {"/pods?watch=1", "/slow", "/stall", "/lose"}) {
      streams.push_back(std::make_unique<Stream>(*proxy, GetParam(), "GET", target));
    }
  }
  EXPECT_TRUE(all.await());
  const auto began = std::chrono::steady_clock::now();
  delete proxy;
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  for (const auto& stream : streams) {
    EXPECT_TRUE(stream->awaitEnd());
    // libcurl 7.88 may miss it in HTTP/2.
    EXPECT_TRUE(GetParam() || stream->result() != CURLE_OK);
  }
}

TEST_P(Proxy, CutsConnectionsAndWelcomesNewOnes) {
  upstream = [](const auto& request, auto, const auto& peer) {
    if (!request.line.ends_with("watch=1")) return peer.answer(200, "back");
    peer.begin();
    peer.chunk("one\n");
    peer.hang();
  };
  start();
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 5; ++i) streams.push_back(watch());
  for (const auto& stream : streams) EXPECT_TRUE(stream->awaitBody("one\n"));
  const auto began = std::chrono::steady_clock::now();
  proxy().cutConnections();
  for (const auto& stream : streams) {
    EXPECT_TRUE(stream->awaitEnd());
    // libcurl 7.88 may miss it in HTTP/2.
    EXPECT_TRUE(GetParam() || stream->result() != CURLE_OK);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);
  EXPECT_EQ(call("GET", "/x").body, "back");
}

TEST_P(Proxy, CutsWhatUpstreamCuts) {
  upstream = [](const auto& request, auto, const auto& peer) {
    if (request.line.ends_with("watch=1")) peer.begin();
    if (request.line.ends_with("watch=1")) peer.chunk("one\n");
    peer.close();
  };
  start();
  EXPECT_EQ(proxy().upstreamError(), "");
  cutOff(call("GET", "/x"));
  EXPECT_NE(proxy().upstreamError(), "");
  const auto made = call("GET", "/pods?watch=1");
  EXPECT_EQ(made.code, GetParam() ? CURLE_HTTP2_STREAM : CURLE_PARTIAL_FILE) << curl_easy_strerror(made.code);
  EXPECT_EQ(made.body, "one\n");
}

TEST_P(Proxy, KeepsAConnectionForReading) {
  start();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(call("GET", "/x").code, CURLE_OK);
  EXPECT_EQ(server().connections(), 1u);
}

TEST_P(Proxy, NeverRepeatsAWrite) {
  upstream = [](const auto& request, auto, const auto& peer) {
    if (request.line.starts_with("GET")) return peer.answer(200, "");
    peer.close();
  };
  start();
  EXPECT_EQ(call("GET", "/x").code, CURLE_OK);
  cutOff(call("POST", "/x"));
  EXPECT_EQ(server().requests().size(), 2u);
}

TEST(ProxyOptions, SpeakHttp1WhereHttp2IsNotOffered) {
  Script script;
  script.request = [](const auto&) { return Verdict{Kind::Answer}; };
  const FaultProxy proxy({"http://127.0.0.1:1", "", false}, script);
  Call made(proxy, true, "GET", "/x");
  EXPECT_EQ(made.perform().code, CURLE_OK);
  EXPECT_EQ(made.info(CURLINFO_HTTP_VERSION), CURL_HTTP_VERSION_1_1);
}

TEST(ProxyOptions, TrustAServerOfTheirAuthorityAlone) {
  const Authority authority;
  const auto identity = authority.issue({.alternativeNames = "IP:127.0.0.1"});
  const int port = freePort();
  Nginx nginx("server { listen 127.0.0.1:" + std::to_string(port) +
              " ssl; ssl_certificate tls.crt; ssl_certificate_key tls.key; return 200 secret; }");
  writeFile(nginx.folder() / "tls.crt", identity.certificate);
  writeFile(nginx.folder() / "tls.key", identity.key);
  nginx.start();
  Script script;
  for (const bool trusted : {true, false}) {
    const FaultProxy proxy({"https://127.0.0.1:" + std::to_string(port),
                            trusted ? authority.certificate() : Authority("Other").certificate(), true},
                           script);
    Call made(proxy, true, "GET", "/x");
    made.perform();
    EXPECT_EQ(made.body, trusted ? "secret" : "");
    EXPECT_EQ(proxy.upstreamError().empty(), trusted) << proxy.upstreamError();
  }
}

TEST(ProxiedRequests, KnowAWatch) {
  const std::map<std::string, bool> cases{
      {"/pods", false},
      {"/pods?watch=1", true},
      {"/pods?watch=true", true},
      {"/pods?a=b&watch=1", true},
      {"/pods?watch=true&a=b", true},
      {"/pods?watch=0", false},
      {"/pods?watch=10", false},
      {"/pods?rewatch=1", false},
      {"/watch=1?a", false},
      {"/pods?watch=false", false},
      {"/pods?a=watch=1", false},
      {"/pods?", false},
  };
  for (const auto& [target, watch] : cases) {
    EXPECT_EQ((ProxiedRequest{"GET", target}.isWatch()), watch) << target;
  }
}

}  // namespace
}  // namespace mpay::test
