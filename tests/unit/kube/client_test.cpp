#include "kube/client.h"

#include <gtest/gtest.h>

#include "api/wire.h"
#include "support/process.h"
#include "unit/net/scripted_server.h"

namespace mpay::kube {
namespace {

constexpr auto kObject = R"({"metadata": {"name": "a"}})";

using test::ScriptedServer;

Config configFor(const ScriptedServer& server) {
  Config config;
  config.server = server.url();
  return config;
}

TEST(Paths, FollowTheKindsGroupAndScope) {
  EXPECT_EQ(pathOf(api::ConfigMap::kResource, "n", "a"), "/api/v1/namespaces/n/configmaps/a");
  EXPECT_EQ(pathOf(api::Lease::kResource, ""), "/apis/coordination.k8s.io/v1/leases");
  EXPECT_EQ(pathOf(api::Namespace::kResource, "ignored", "a", "finalize"), "/api/v1/namespaces/a/finalize");
  EXPECT_EQ(listPath(api::Secret::kResource, {"n", "a=b,c", "metadata.name=x"}, "to/ken"),
            "/api/v1/namespaces/n/secrets?limit=500&labelSelector=a%3Db%2Cc&fieldSelector=metadata.name%3Dx"
            "&continue=to%2Fken");
  EXPECT_EQ(watchPath(api::Secret::kResource, {"n", "a=b", ""}, "7", std::chrono::seconds(300)),
            "/api/v1/namespaces/n/secrets?watch=1&labelSelector=a%3Db&allowWatchBookmarks=true&resourceVersion=7"
            "&timeoutSeconds=300");
}

// The result of a get for each response.
TEST(Client, TakesNothingButJsonForAnAnswer) {
  const struct {
    const char* name;
    int status;
    const char* body;
    ErrorKind kind;
    int code;
    const char* reason;
  } rows[] = {
      {"a page of HTML with 200", 200, "<html>Welcome</html>", ErrorKind::Decode, 0, ""},
      {"half an object with 200", 200, R"({"metadata": {"name": "a")", ErrorKind::Decode, 0, ""},
      {"an empty body with 200", 200, "", ErrorKind::Decode, 0, ""},
      {"a list where an object belongs", 200, "[]", ErrorKind::Decode, 0, ""},
      {"no object", 200, "{}", ErrorKind::Decode, 0, ""},
      {"a field of the wrong type", 200, R"({"data": []})", ErrorKind::Decode, 0, ""},
      {"a Status", 404, R"({"kind": "Status", "reason": "NotFound", "message": "no a"})", ErrorKind::Api, 404,
       "NotFound"},
      {"a failure in HTML", 503, "<html>503</html>", ErrorKind::Api, 503, ""},
      {"a redirect", 302, "", ErrorKind::Api, 302, ""},
  };
  for (const auto& row : rows) {
    ScriptedServer server([&](const auto&, auto, const auto& peer) { peer.answer(row.status, row.body); });
    Client client(configFor(server));
    const auto got = Api<api::ConfigMap>(client).get({"n", "a"});
    ASSERT_FALSE(got) << row.name;
    EXPECT_EQ(got.error().kind, row.kind) << row.name << ": " << got.error().message;
    EXPECT_EQ(got.error().status ? got.error().status->code : 0, row.code) << row.name;
    EXPECT_EQ(got.error().status ? got.error().status->reason : "", row.reason) << row.name;
    EXPECT_TRUE(got.error().message.starts_with("get configmaps n/a: ")) << got.error().message;
  }
}

TEST(Client, WaitsForAServerThatSaysHowLong) {
  ScriptedServer server([](const auto&, auto count, const auto& peer) {
    count == 0 ? peer.answer(429, "", "Retry-After: 0\r\n") : peer.answer(200, kObject);
  });
  Client client(configFor(server));
  EXPECT_TRUE(Api<api::ConfigMap>(client).get({"n", "a"}));
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST(Client, TakesRetryAfterForTheLeastItWaits) {
  ScriptedServer server([](const auto&, auto, const auto& peer) { peer.answer(429, "", "Retry-After: 0\r\n"); });
  Client client(configFor(server));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(Api<api::ConfigMap>(client).get({"n", "a"}).error().isApi(429));
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_GE(std::chrono::steady_clock::now() - began, Duration(300)) << "half of 200 and of 400 ms";
}

TEST(Client, EndsAnAnswerThatIsTooLarge) {
  ScriptedServer server([](const auto&, auto count, const auto& peer) {
    count == 0 ? peer.answer(200, std::string((std::size_t{64} << 20) + 1, ' ')) : peer.answer(200, kObject);
  });
  Client client(configFor(server));
  const auto got = Api<api::ConfigMap>(client).get({"n", "a"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().kind, ErrorKind::Decode);
  EXPECT_EQ(got.error().reason, "ResponseTooLarge");
  EXPECT_TRUE(Api<api::ConfigMap>(client).get({"n", "a"})) << "the next one is not harmed";
}

TEST(Client, WritesLargeObjectsAndLongNames) {
  ScriptedServer server([](const auto& request, auto, const auto& peer) { peer.answer(200, request.body); });
  Client client(configFor(server));
  api::ConfigMap object;
  object.metadata.namespace_ = std::string(63, 's');
  object.metadata.name = std::string(253, 'n');
  object.data["value"] = std::string(1'400'000, 'x');
  const auto written = Api<api::ConfigMap>(client).replace(object);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(written->data, object.data);
  EXPECT_EQ(server.requests().at(0).line,
            "PUT /api/v1/namespaces/" + std::string(63, 's') + "/configmaps/" + std::string(253, 'n'));
}

TEST(Client, FollowsAKubeconfigThatChanges) {
  const test::TempDir folder;
  const auto path = folder / "config";
  ScriptedServer server([&](const auto& request, auto, const auto& peer) {
    request.head.find("Bearer new") != std::string::npos ? peer.answer(200, kObject) : peer.answer(401, "");
  });
  const auto write = [&](const std::string& token) {
    test::writeFile(path,
                    "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n"
                    "clusters: [{name: c, cluster: {server: '" +
                        server.url() +
                        "'}}]\n"
                        "users: [{name: u, user: {token: " +
                        token + "}}]\n");
  };
  write("old");
  Client client(Config::fromFile(path.string()).value());
  EXPECT_TRUE(Api<api::ConfigMap>(client).get({"n", "a"}).error().isApi(401));
  write("new");
  EXPECT_TRUE(Api<api::ConfigMap>(client).get({"n", "a"})) << "a refusal makes it look";
}

TEST(Client, LeavesTheOtherRefusalsToItsCaller) {
  const std::pair<int, std::string> rows[] = {
      {429, ""}, {429, "Retry-After: 60\r\n"}, {500, ""}, {503, "Retry-After: 1\r\n"}, {409, ""}};
  for (const auto& [status, headers] : rows) {
    ScriptedServer server(
        [&, code = status, &head = headers](const auto&, auto, const auto& peer) { peer.answer(code, "", head); });
    Client client(configFor(server));
    api::ConfigMap object;
    object.metadata.name = "a";
    object.metadata.namespace_ = "n";
    const auto created = Api<api::ConfigMap>(client).create(object);
    ASSERT_FALSE(created);
    EXPECT_TRUE(created.error().isApi(status));
    EXPECT_EQ(created.error().retryAfter.has_value(), !headers.empty());
    EXPECT_EQ(server.requests().size(), 1u) << status;
  }
}

TEST(Client, ReadsItsTokenAgainWhenItIsRefused) {
  for (const bool isToldToWaitBefore : {false, true}) {
    const test::TempDir folder;
    test::writeFile(folder / "token", "old");
    ScriptedServer server([&](const auto& request, auto nth, const auto& peer) {
      if (isToldToWaitBefore && nth == 0) return peer.answer(429, "", "Retry-After: 0\r\n");
      if (request.head.find("Bearer new") != std::string::npos) return peer.answer(200, kObject);
      test::writeFile(folder / "token", "new");
      peer.answer(401, "");
    });
    Config config = configFor(server);
    config.token = std::make_shared<Synchronized<Token>>(Token::ofFile((folder / "token").string()));
    Client client(config);
    EXPECT_TRUE(Api<api::ConfigMap>(client).get({"n", "a"})) << isToldToWaitBefore;
  }
}

TEST(Client, ReadsAListPageByPage) {
  ScriptedServer server([](const auto& request, auto, const auto& peer) {
    const bool second = request.line.find("continue=more") != std::string::npos;
    peer.answer(200, second ? R"({"metadata": {"resourceVersion": "9"}, "items": [{"metadata": {"name": "b"}}]})"
                            : R"({"metadata": {"resourceVersion": "9", "continue": "more"},
                                  "items": [{"metadata": {"name": "a"}}]})");
  });
  Client client(configFor(server));
  const auto all = Api<api::ConfigMap>(client).list();
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ(all->back().metadata.name, "b");
}

TEST(Client, NeverTakesAnotherAnswerForAnEmptyList) {
  for (const char* body : {"{}", R"({"items": null, "metadata": {}})", R"({"kind": "Status"})"}) {
    ScriptedServer server([&](const auto&, auto, const auto& peer) { peer.answer(200, body); });
    Client client(configFor(server));
    EXPECT_EQ(Api<api::ConfigMap>(client).list().error().kind, ErrorKind::Decode) << body;
  }
}

TEST(Client, BindsAStatusAndADeleteToWhatWasSeen) {
  ScriptedServer server([](const auto&, auto, const auto& peer) { peer.answer(200, kObject); });
  Client client(configFor(server));
  api::ConfigMap object;
  object.metadata.name = "a";
  object.metadata.namespace_ = "n";
  object.metadata.resourceVersion = "6";
  ASSERT_TRUE(Api<api::ConfigMap>(client).applyStatus(object, std::map<std::string, std::string>{{"k", "v"}}));
  ASSERT_TRUE(Api<api::ConfigMap>(client).remove({"n", "a"}, {"u-1", "7"}));
  const auto requests = server.requests();
  EXPECT_EQ(requests.at(0).line,
            "PATCH /api/v1/namespaces/n/configmaps/a/status?fieldManager=mpay-operator&force=true");
  EXPECT_NE(requests.at(0).body.find(R"("resourceVersion":"6")"), std::string::npos);
  EXPECT_NE(requests.at(1).body.find(R"("preconditions":{"uid":"u-1","resourceVersion":"7"})"), std::string::npos);
}

// An object that is believed to be gone is not looked at again, so only the API server itself may say so.
TEST(Client, BelievesADeleteOnlyTheApiServer) {
  const struct {
    const char* name;
    int status;
    const char* body;
    bool isDone;
  } rows[] = {
      {"the object that was deleted", 200, kObject, true},
      {"a Status", 200, R"({"kind": "Status", "status": "Success"})", true},
      {"gone already", 404, R"({"kind": "Status", "reason": "NotFound"})", true},
      {"a page of HTML with 200", 200, "<html>Sign in</html>", false},
      {"nothing", 200, "", false},
      {"a path that is not served", 404, "404 page not found", false},
      {"another's 404", 404, "", false},
      {"another of that name", 409, R"({"kind": "Status", "reason": "Conflict"})", false},
  };
  for (const auto& row : rows) {
    ScriptedServer server([&](const auto&, auto, const auto& peer) { peer.answer(row.status, row.body); });
    Client client(configFor(server));
    EXPECT_EQ(Api<api::ConfigMap>(client).remove({"n", "a"}, {}).has_value(), row.isDone) << row.name;
  }
}

}  // namespace
}  // namespace mpay::kube
