// A client that keeps calling through real nginx while its certificate is replaced, in testing and in production.
#include <atomic>
#include <set>
#include <thread>

#include "integration/world.h"
#include "ledger/claim.h"
#include "ledger/memory.h"
#include "support/nginx.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;

// A gateway that loads the files of one namespace whenever they change.
class FollowingGateway {
 public:
  FollowingGateway(std::function<std::string(const std::string&, const std::string&)> published, const Identity& server)
      : published_(std::move(published)) {
    writeFile(folder_ / "gateway.pem", server.certificate);
    writeFile(folder_ / "gateway.key", server.key);
    nginx_.configureWhole(
        gatewayConfiguration("gateway.conf", port_, nginx_.folder().string(), folder_.path().string()));
    load();
    nginx_.start();
    following_ = std::thread([this] {
      while (!ending_) {
        if (load()) nginx_.reload();
        std::this_thread::sleep_for(20ms);
      }
    });
  }
  ~FollowingGateway() {
    ending_ = true;
    following_.join();
  }
  std::string url() const { return fmt::format("https://127.0.0.1:{}/", port_); }

 private:
  bool load() {
    bool changed = false;
    for (const auto& [object, file] :
         {std::pair("mpay-authorities", "authorities.pem"), std::pair("mpay-clients", "clients.conf"),
          std::pair("mpay-clients", "admitted.conf"), std::pair("mpay-allowlist", "allowlist.conf")}) {
      auto text = published_(object, file);
      if (text.empty() || loaded_[file] == text) continue;
      // In one step, because nginx may still be reading for the change before.
      writeFile(folder_ / file, text);
      std::filesystem::rename(folder_ / file, nginx_.folder() / file);
      loaded_[file] = std::move(text);
      changed = true;
    }
    return changed;
  }

  const std::function<std::string(const std::string&, const std::string&)> published_;
  TempDir folder_;
  const int port_ = freePort();
  Nginx nginx_{""};
  std::map<std::string, std::string> loaded_;
  std::atomic<bool> ending_{false};
  std::thread following_;
};

// Calls again and again, with a new handshake each time.
class Caller {
 public:
  Caller(std::string url, const Identity& identity, std::string expected)
      : url_(std::move(url)), expected_(std::move(expected)) {
    writeFile(folder_ / "client.pem", identity.certificate);
    writeFile(folder_ / "client.key", identity.key);
  }
  ~Caller() { stop(); }
  std::string call() const {
    const auto done = run({"curl", "-sk", "--max-time", "10", "--interface", "127.0.0.10", "--cert",
                           folder_ / "client.pem", "--key", folder_ / "client.key", url_});
    return done.code == 0 ? done.output : fmt::format("curl: {}", done.code);
  }
  bool isAdmitted() const { return call() == expected_; }
  // While nginx replaces its workers, both generations answer, so one answer tells nothing about the next.
  bool isAdmittedByAll() const {
    for (int i = 0; i < 10; ++i) {
      if (!isAdmitted()) return false;
    }
    return true;
  }
  void start() {
    calling_ = std::thread([this] {
      while (!ending_) {
        auto answer = call();
        ++calls_;
        if (answer != expected_) refusals_.with([&](auto& all) { all.push_back(answer); });
        std::this_thread::sleep_for(10ms);
      }
    });
  }
  void stop() {
    ending_ = true;
    if (calling_.joinable()) calling_.join();
  }
  int calls() const { return calls_; }
  std::vector<std::string> refusals() const { return refusals_.copy(); }

 private:
  const std::string url_, expected_;
  TempDir folder_;
  std::atomic<bool> ending_{false};
  std::atomic<int> calls_{0};
  Synchronized<std::vector<std::string>> refusals_;
  std::thread calling_;
};

class Rotation : public World {
 protected:
  std::optional<std::string> overlapEnd(api::Stage stage) {
    const auto now = current();
    for (const auto& entry : now.status->earlierCertificates) {
      if (entry.stage == stage) return entry.until;
    }
    return std::nullopt;
  }
  std::vector<std::string> claimed(const std::string& namespace_) {
    const auto object = configMaps().get({namespace_, ledger::memoryName(ledger::kClaim, {tenant, "certificates"})});
    return object ? ledger::remembered<ledger::Claim>(*object).value().certificates : std::vector<std::string>{};
  }
};

TEST_F(Rotation, RefusesNobodyWhoShouldBeAdmitted) {
  for (const auto& environment : {testing, production}) {
    editEnvironment(environment, [](auto& spec) {
      spec.addresses.permitted = {"127.0.0.0/8"};
      spec.trust.overlap = "8s";
    });
  }
  startOperator();
  auto integration = form();
  integration.spec.endpoints.testing->addresses = {"127.0.0.10"};
  integration.spec.endpoints.production->addresses = {"127.0.0.10"};
  create(integration);
  promote();
  const auto serviceID = *current().spec.service.id;
  const auto server = authority.issue({});
  const auto replacement = authority.issue({});

  const auto at = [&](const std::string& outputs) {
    const auto read = [this, outputs](const auto& object, const auto& file) {
      return published(outputs, object, file);
    };
    return std::make_unique<FollowingGateway>(read, server);
  };
  const auto testGateway = at(testingOut), productionGateway = at(productionOut);
  const std::string admitted = "admitted as " + serviceID;
  Caller oldInTesting(testGateway->url(), certificate, admitted),
      newInTesting(testGateway->url(), replacement, admitted);
  Caller oldInProduction(productionGateway->url(), certificate, admitted),
      newInProduction(productionGateway->url(), replacement, admitted);
  for (auto* caller : {&oldInTesting, &oldInProduction}) {
    ASSERT_TRUE(waitFor(20s, [&] { return caller->isAdmittedByAll(); })) << caller->call();
    caller->start();
  }
  EXPECT_EQ(newInTesting.call(), "not admitted\n");

  // In testing.
  edit([&](auto& spec) { spec.certificate = api::ContentSource{replacement.certificate, std::nullopt, std::nullopt}; });
  ASSERT_TRUE(waitFor(20s, [&] { return newInTesting.isAdmittedByAll(); })) << newInTesting.call();
  newInTesting.start();
  std::optional<std::string> end;
  ASSERT_TRUE(waitFor(20s, [&] { return (end = overlapEnd(api::Stage::Testing)).has_value(); }));
  killOperator();
  startOperator();
  EXPECT_EQ(overlapEnd(api::Stage::Testing), end);
  EXPECT_EQ(claimed(testingOut).size(), 2u) << "nobody else may claim the earlier one meanwhile";
  const auto expectEnd = [&](Caller& old, api::Stage stage, const std::string& outputs) {
    const auto until = parseTime(*end).value();
    // Until a second before the due time, by our own clock.
    EXPECT_TRUE(waitFor(60s, [&] { return systemClock().now() + 1s >= until; }));
    old.stop();
    EXPECT_TRUE(waitFor(30s, [&] { return old.call() == "not admitted\n"; })) << old.call();
    EXPECT_GE(systemClock().now(), until);
    EXPECT_TRUE(waitFor(20s, [&] { return !overlapEnd(stage) && claimed(outputs).size() == 1; }));
    EXPECT_TRUE(old.refusals().empty()) << fmt::format("{}", fmt::join(old.refusals(), ", "));
    EXPECT_GT(old.calls(), 20);
  };
  expectEnd(oldInTesting, api::Stage::Testing, testingOut);

  // In production, after validation.
  EXPECT_EQ(newInProduction.call(), "not admitted\n");
  promote();
  ASSERT_TRUE(waitFor(20s, [&] { return newInProduction.isAdmittedByAll(); })) << newInProduction.call();
  newInProduction.start();
  ASSERT_TRUE(waitFor(20s, [&] { return (end = overlapEnd(api::Stage::Production)).has_value(); }));
  expectEnd(oldInProduction, api::Stage::Production, productionOut);
  await("Ready", ConditionStatus::True, "Production");
  for (auto* caller : {&newInTesting, &newInProduction}) {
    caller->stop();
    EXPECT_TRUE(caller->refusals().empty()) << fmt::format("{}", fmt::join(caller->refusals(), ", "));
    EXPECT_GT(caller->calls(), 20);
  }
  EXPECT_TRUE(newInTesting.isAdmitted());
}

TEST_F(Rotation, TellsThatACertificateExpires) {
  startOperator();
  CertificateOptions short_;
  short_.validFor = 5 * 86400;
  auto integration = form();
  integration.spec.certificate = api::ContentSource{authority.issue(short_).certificate, std::nullopt, std::nullopt};
  create(integration);
  promote();
  await("Notified", ConditionStatus::True, "Sent");
  EXPECT_TRUE(waitFor(20s, [&] { return mail.messages().size() >= 2; })) << mail.messages().size();
  const auto told = [&] {
    const auto all = events(tenant, "certificates");
    return std::count_if(all.begin(), all.end(),
                         [](const auto& event) { return event.reason == "CertificateExpiring"; });
  };
  EXPECT_TRUE(waitFor(10s, [&] { return told() == 1; })) << told();
  EXPECT_EQ(current().status->certificate->expiresWithinDays, 7);
  killOperator();
  startOperator();
  await("Ready", ConditionStatus::True, "Production");
  edit([](auto& spec) { spec.applicant.phone = "+37322000000"; });
  await("Ready", ConditionStatus::True, "Production");
  std::set<std::string> ids;
  for (const auto& message : mail.messages()) ids.insert(message.header("Message-ID"));
  EXPECT_EQ(ids.size(), mail.messages().size()) << "each once";
  const auto warned = std::count_if(ids.begin(), ids.end(),
                                    [](const auto& id) { return id.find(".expiring-7@") != std::string::npos; });
  EXPECT_EQ(warned, 1);
  EXPECT_EQ(ids.size(), 2u) << "the activation and one warning";
}

}  // namespace
}  // namespace mpay::test
