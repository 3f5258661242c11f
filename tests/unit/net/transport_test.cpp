#include "net/transport.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <netdb.h>

#include <future>
#include <map>

#include "base/synchronized.h"
#include "support/process.h"
#include "unit/net/scripted_server.h"

// Replaces the name server: two.test has two addresses, and nobody listens at the first one.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints, addrinfo** found) {
  using Function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
  static const auto real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
  if (name == nullptr || std::string_view(name) != "two.test") return real(name, service, hints, found);
  addrinfo numeric = hints != nullptr ? *hints : addrinfo{};
  numeric.ai_family = AF_INET;
  if (const int code = real("10.255.255.1", service, &numeric, found)) return code;
  addrinfo* last = *found;
  while (last->ai_next != nullptr) last = last->ai_next;
  return real("127.0.0.1", service, &numeric, &last->ai_next);
}

namespace mpay::net {
namespace {

using namespace std::chrono_literals;
using test::ScriptedServer;

Request to(const ScriptedServer& server, Duration timeout = 10s) {
  Request request;
  request.url = server.url() + "/x";
  request.timeout = timeout;
  return request;
}

TEST(Transport, ReturnsStatusHeadersAndBody) {
  ScriptedServer server([](const auto& request, auto, const auto& peer) {
    peer.answer(429, "got " + request.body, "Retry-After: 7\r\nX-Mixed: A b\r\n");
  });
  Transport transport;
  Request request = to(server);
  request.method = "POST";
  request.body = "this";
  const auto response = transport.send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 429);
  EXPECT_EQ(response->body, "got this");
  EXPECT_EQ(response->headers.at("x-mixed"), "A b");
  EXPECT_EQ(response->retryAfter(), Duration(7s));
}

TEST(Transport, TakesOnlySecondsForRetryAfter) {
  for (const char* text : {"", "soon", "-1", "1.5", "99999999", "Wed, 21 Oct 2015 07:28:00 GMT"}) {
    EXPECT_FALSE((Response{200, {{"retry-after", text}}, ""}.retryAfter())) << text;
  }
}

TEST(Transport, KeepsItsConnection) {
  ScriptedServer server([](const auto&, auto, const auto& peer) { peer.answer(200, "{}"); });
  Transport transport;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(transport.send(to(server)));
  EXPECT_EQ(server.connections(), 1u);
}

TEST(Transport, FollowsNoRedirect) {
  ScriptedServer server(
      [](const auto&, auto, const auto& peer) { peer.answer(302, "", "Location: http://127.0.0.1:1/\r\n"); });
  Transport transport;
  EXPECT_EQ(transport.send(to(server))->status, 302);
}

TEST(Transport, ConnectsOnlyToAddressesThatAreAdmitted) {
  ScriptedServer server([](const auto&, auto, const auto& peer) { peer.answer(200, "inside"); });
  Transport transport;
  ASSERT_TRUE(transport.send(to(server))) << "leaves a connection open";
  const std::string port = server.url().substr(server.url().rfind(':'));
  for (const std::string host : {"127.0.0.1", "localhost"}) {
    Request request = to(server);
    request.url = "http://" + host + port + "/x";
    std::vector<std::string> asked;
    request.admits = [&](const Address& address) {
      asked.push_back(address.text());
      return isPublic({address, address.v6 ? 128 : 32});
    };
    const auto response = transport.send(request);
    ASSERT_FALSE(response) << host;
    EXPECT_EQ(response.error().reason, "ForbiddenAddress") << response.error().message;
    EXPECT_NE(std::find(asked.begin(), asked.end(), "127.0.0.1"), asked.end()) << host;
    request.admits = [](const Address& address) { return address == *parseAddress("127.0.0.1"); };
    const auto admitted = transport.send(request);
    ASSERT_TRUE(admitted) << host << ": " << admitted.error().message;
    EXPECT_EQ(admitted->body, "inside");
  }
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(server.connections(), 3u) << "a connection that was asked of was taken again";
}

TEST(Transport, ConnectsToTheAddressThatIsAdmittedOfSeveral) {
  ScriptedServer server([](const auto&, auto, const auto& peer) { peer.answer(200, "inside"); });
  Transport transport;
  Request request = to(server);
  request.url = "http://two.test" + server.url().substr(server.url().rfind(':'));
  std::vector<std::string> asked;
  request.admits = [&](const Address& address) {
    asked.push_back(address.text());
    return address == *parseAddress("127.0.0.1");
  };
  const auto response = transport.send(request);
  EXPECT_EQ(asked, (std::vector<std::string>{"10.255.255.1", "127.0.0.1"}));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "inside");
  // A later failure does not blame the address.
  request.maximumBytes = 3;
  EXPECT_EQ(transport.send(request).error().reason, "ResponseTooLarge");
  request.admits = [](const Address&) { return false; };
  EXPECT_EQ(transport.send(request).error().reason, "ForbiddenAddress");
}

TEST(Transport, TakesAnAdmittedConnectionAgainWhereItIsAsked) {
  ScriptedServer server([](const auto&, auto, const auto& peer) { peer.answer(200, "{}"); });
  Transport transport;
  int asked = 0;
  Request request = to(server);
  request.admits = [&](const Address&) { return ++asked > 0; };
  request.reusesAdmitted = true;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(transport.send(request));
  EXPECT_EQ(server.connections(), 1u);
  EXPECT_EQ(asked, 1);
}

TEST(Transport, SaysOfAJudgedServerThatNobodyListens) {
  Transport transport;
  Request request;
  request.admits = [](const Address&) { return true; };
  request.url = "http://127.0.0.1:" + std::to_string(test::freePort()) + "/";
  EXPECT_EQ(transport.send(request).error().reason, "Unreachable");
  request.admits = nullptr;
  EXPECT_EQ(transport.send(request).error().reason, "");
}

TEST(Transport, TakesNoEndlessHeaders) {
  ScriptedServer server([](const auto&, auto, const auto& peer) {
    peer.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 100; ++i) peer.send("X-" + std::to_string(i) + ": " + std::string(10'000, 'x') + "\r\n");
    peer.hang();
  });
  Transport transport;
  const auto response = transport.send(to(server));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().reason, "ResponseTooLarge") << response.error().message;
}

TEST(Transport, TellsAPlainUrl) {
  for (const auto url : {"http://crl.example/a.crl", "https://crl.example:8443/a?b=c", "http://[2001:db8::1]/"})
    EXPECT_TRUE(isPlainUrl(url)) << url;
  for (const auto url :
       {"", "ldap://crl.example/cn=x", "file:///etc/passwd", "ftp://crl.example/a.crl", "crl.example/a", "http://",
        "http://user@crl.example/", "http://user:word@crl.example/", "http://a b/", "http://crl.example/\r\nHost: x"})
    EXPECT_FALSE(isPlainUrl(url)) << url;
}

TEST(Transport, TellsTheHostOfAUrl) {
  const std::pair<const char*, const char*> rows[] = {{"https://Pay.Example/mpay?a=b", "pay.example"},
                                                      {"http://pay.example:8080/", "pay.example"},
                                                      {"HTTPS://pay.example:443", "pay.example"},
                                                      {"https://[2001:DB8::1]/", "[2001:db8::1]"},
                                                      {"https://user@pay.example/", ""},
                                                      {"nonsense", ""}};
  for (const auto& [url, host] : rows) EXPECT_EQ(hostOf(url), host) << url;
}

TEST(Transport, TakesNoMoreThanTheLimit) {
  ScriptedServer server([](const auto&, auto, const auto& peer) {
    peer.begin();
    for (int i = 0; i < 100; ++i) peer.chunk(std::string(1000, 'x'));
    peer.hang();
  });
  Transport transport;
  Request request = to(server);
  request.maximumBytes = 5000;
  const auto response = transport.send(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::Decode);
  EXPECT_EQ(response.error().reason, "ResponseTooLarge");
}

TEST(Transport, NeverTakesHalfABodyForAWholeOne) {
  for (const bool chunked : {false, true}) {
    ScriptedServer server([&](const auto&, auto, const auto& peer) {
      if (chunked) {
        peer.begin();
        peer.chunk("{}");
      } else {
        peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}");
      }
      peer.close();
    });
    Transport transport;
    const auto response = transport.send(to(server));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Transport);
  }
}

TEST(Transport, GivesUpOnAStall) {
  ScriptedServer server([](const auto&, auto, const auto& peer) {
    peer.begin();
    peer.chunk("{");
    peer.hang();
  });
  Transport transport;
  const auto response = transport.send(to(server, 200ms));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::Timeout);
}

TEST(Transport, SaysThatNobodyListens) {
  Transport transport;
  Request request;
  request.url = "http://127.0.0.1:" + std::to_string(test::freePort());
  const auto response = transport.send(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::Transport);
}

TEST(Transport, ReturnsAtOnceWhenItIsStopped) {
  ScriptedServer server([](const auto&, auto, const auto& peer) { peer.hang(); });
  Transport transport;
  std::stop_source stop;
  auto sending = std::async(std::launch::async, [&] { return transport.send(to(server), stop.get_token()); });
  ASSERT_TRUE(test::waitFor(5s, [&] { return server.requests().size() == 1; }));
  const auto asked = std::chrono::steady_clock::now();
  stop.request_stop();
  const auto response = sending.get();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, 1s);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, ErrorKind::Cancelled);
  EXPECT_EQ(transport.send(to(server), stop.get_token()).error().kind, ErrorKind::Cancelled) << "before it begins";
}

// Records the events of a stream.
class Notes : public StreamHandler {
 public:
  void onHead(const Response& head) override { status = head.status; }
  Result<void> onData(std::string_view bytes) override {
    if (bytes == "throw") throw std::runtime_error("a bug");
    if (bytes == "refuse") return refuse("Refused", "refused");
    received.with([&](std::string& all) { all += bytes; });
    return {};
  }
  void onEnd(Result<void> result) override { ended.set_value(std::move(result)); }

  std::atomic<int> status{0};
  Synchronized<std::string> received;
  std::promise<Result<void>> ended;
};

TEST(Transport, DeliversAStreamWhileItArrives) {
  std::promise<void> seen;
  ScriptedServer server([&](const auto&, auto, const auto& peer) {
    peer.begin();
    peer.chunk("first ");
    seen.get_future().wait();
    peer.chunk("second");
    peer.end();
  });
  Transport transport;
  const auto notes = std::make_shared<Notes>();
  transport.stream(to(server), notes);
  EXPECT_TRUE(test::waitFor(5s, [&] { return notes->received.copy() == "first "; }));
  EXPECT_EQ(notes->status, 200);
  seen.set_value();
  EXPECT_TRUE(notes->ended.get_future().get());
  EXPECT_EQ(notes->received.copy(), "first second");
}

TEST(Transport, DeliversTheHeadBeforeThereIsABody) {
  ScriptedServer server([&](const auto&, auto, const auto& peer) {
    peer.send("HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n");
    peer.begin();
    peer.hang();
  });
  Transport transport;
  const auto notes = std::make_shared<Notes>();
  const auto id = transport.stream(to(server), notes);
  EXPECT_TRUE(test::waitFor(5s, [&] { return notes->status == 200; })) << notes->status;
  transport.cancel(id);
  EXPECT_EQ(notes->ended.get_future().get().error().kind, ErrorKind::Cancelled);
}

TEST(Transport, EndsAStreamWhoseHandlerThrowsAtTheHead) {
  struct Throwing : Notes {
    void onHead(const Response&) override { throw std::runtime_error("a bug"); }
  };
  ScriptedServer server([](const auto&, auto, const auto& peer) { peer.answer(200, "{}"); });
  Transport transport;
  const auto notes = std::make_shared<Throwing>();
  transport.stream(to(server), notes);
  EXPECT_EQ(notes->ended.get_future().get().error().message, "while handling the response: a bug");
}

TEST(Transport, EndsAStreamThatFellSilentWasRefusedOrCancelled) {
  const std::map<std::string, std::pair<ErrorKind, std::string>> rows{{"silent", {ErrorKind::Timeout, ""}},
                                                                      {"refuse", {ErrorKind::Invalid, "Refused"}},
                                                                      {"throw", {ErrorKind::Decode, ""}},
                                                                      {"cancel", {ErrorKind::Cancelled, ""}}};
  for (const auto& row : rows) {
    const auto& what = row.first;
    const auto& expected = row.second;
    ScriptedServer server([&](const auto&, auto, const auto& peer) {
      peer.begin();
      peer.chunk(what);
      peer.hang();
    });
    Transport transport;
    Request request = to(server);
    if (what == "silent") request.idleTimeout = 100ms;
    const auto notes = std::make_shared<Notes>();
    const auto id = transport.stream(request, notes);
    if (what == "cancel") {
      EXPECT_TRUE(test::waitFor(5s, [&] { return notes->received.copy() == what; }));
      transport.cancel(id);
    }
    const auto end = notes->ended.get_future().get();
    ASSERT_FALSE(end) << what;
    EXPECT_EQ(end.error().kind, expected.first) << what;
    EXPECT_EQ(end.error().reason, expected.second) << what;
  }
}

TEST(Transport, EndsItsStreamsWhenItGoes) {
  ScriptedServer server([](const auto&, auto, const auto& peer) { peer.hang(); });
  const auto notes = std::make_shared<Notes>();
  {
    Transport transport;
    transport.stream(to(server), notes);
    EXPECT_TRUE(test::waitFor(5s, [&] { return server.requests().size() == 1; }));
  }
  EXPECT_EQ(notes->ended.get_future().get().error().kind, ErrorKind::Cancelled);
}

TEST(Transport, RunsTimersInOrderAndSurvivesABugInOne) {
  Transport transport;
  Synchronized<std::string> order;
  const auto note = [&](char c) { return [&order, c] { order.with([&](std::string& all) { all += c; }); }; };
  transport.after(60ms, note('c'));
  const auto cancelled = transport.after(20ms, note('x'));
  transport.after(30ms, note('b'));
  transport.after(1ms, [] { throw std::runtime_error("a bug"); });
  transport.post(note('a'));
  transport.cancel(cancelled);
  EXPECT_TRUE(test::waitFor(5s, [&] { return order.copy() == "abc"; })) << order.copy();
}

}  // namespace
}  // namespace mpay::net
