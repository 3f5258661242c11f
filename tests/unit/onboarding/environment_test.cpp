#include "onboarding/environment.h"

#include <gtest/gtest.h>

#include "ledger/memory.h"
#include "support/pki.h"

namespace mpay::onboarding {
namespace {

using namespace std::chrono_literals;

using api::ConditionStatus;

const WallTime kNow{std::chrono::seconds(1000)};

api::MPayEnvironment environment() {
  api::MPayEnvironment e;
  e.metadata.name = "testing";
  e.metadata.generation = 3;
  e.spec.outputNamespace = "out";
  e.spec.registrar.configMap = api::NameReference{"mpay-services"};
  return e;
}

TEST(Environment, IsReadWithItsRules) {
  const test::Authority authority;
  auto declared = environment();
  declared.spec.addresses.maximum = 7;
  declared.spec.addresses.permitted = {"10.0.0.0/8"};
  declared.spec.withdrawal.delay = "1500ms";
  const auto settings = examineEnvironment(declared, Result<std::string>(authority.certificate()));
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ((*settings)->addresses.maximum, 7u);
  EXPECT_EQ((*settings)->addresses.permitted.size(), 1u);
  EXPECT_EQ(withdrawalDelay((*settings)->spec), std::chrono::seconds(2)) << "rounded up";
}

TEST(Environment, ReadsItsTester) {
  const test::Authority authority;
  const Content good = Result<std::string>(authority.certificate());
  const Content bad = Result<std::string>("nonsense"), gone = refuse("ReferenceNotFound", "it is gone");
  struct Row {
    std::string name;
    std::function<void(api::Tester&)> change;
    Content authorities;
    std::string reason;  // "": it is usable
  };
  const auto trusts = [](api::Tester& t) { t.authorities = api::ContentSource{}; };
  const Row rows[] = {
      {"as it is by default", [](auto&) {}, {}, ""},
      {"authorities of its own", trusts, good, ""},
      {"authorities that are being read", trusts, {}, "Pending"},
      {"no authorities", trusts, bad, "InvalidField"},
      {"authorities that are gone", trusts, gone, "ReferenceNotFound"},
      {"host bits", [](auto& t) { t.permitted = {"10.0.0.1/8"}; }, {}, "InvalidField"},
      {"no timeout", [](auto& t) { t.timeout = "soon"; }, {}, "InvalidField"},
      {"a timeout of nothing", [](auto& t) { t.timeout = "0s"; }, {}, "InvalidField"},
      {"a timeout of hours", [](auto& t) { t.timeout = "3m"; }, {}, "InvalidField"},
      {"a deadline of hours", [](auto& t) { t.deadline = "31m"; }, {}, "InvalidField"},
  };
  for (const auto& row : rows) {
    auto declared = environment();
    declared.spec.tester = api::Tester{};
    row.change(*declared.spec.tester);
    const auto settings = examineEnvironment(declared, good, row.authorities);
    ASSERT_TRUE(settings) << row.name << ": nothing else depends on it";
    const auto& tester = (*settings)->tester.value();
    EXPECT_EQ(tester ? "" : tester.error().reason, row.reason) << row.name;
    if (tester) {
      EXPECT_EQ(tester->timeout, 30s) << row.name;
    }
  }
}

TEST(Environment, WithdrawsNeverAtOnceByMistake) {
  api::MPayEnvironmentSpec spec;
  const std::pair<const char*, std::chrono::seconds> rows[] = {
      {"0s", 0s}, {"90m", 90min}, {"8784h", 8784h}, {"8785h", 15min}, {"100000000h", 15min}, {"soon", 15min}};
  for (const auto& [delay, expected] : rows) {
    spec.withdrawal.delay = delay;
    EXPECT_EQ(withdrawalDelay(spec), expected) << delay;
  }
}

TEST(Environment, IsRefusedWithTheReason) {
  const test::Authority authority;
  const Content good = Result<std::string>(authority.certificate());
  struct Row {
    std::string name;
    std::function<void(api::MPayEnvironmentSpec&)> change;
    Content authorities;
    std::string reason;
  };
  const auto same = [](auto&) {};
  const auto writes = [](const std::string& configMap) {
    return api::AllowlistTarget{"target", api::AllowlistConfigMap{configMap, {}}, {}};
  };
  const Row rows[] = {
      {"a delay of centuries", [](auto& s) { s.withdrawal.delay = "10000000h"; }, good, "InvalidField"},
      {"looks too often", [](auto& s) { s.trust.revocation.interval = "4s"; }, good, "InvalidField"},
      {"looks too seldom", [](auto& s) { s.trust.revocation.interval = "25h"; }, good, "InvalidField"},
      {"looks at no time", [](auto& s) { s.trust.revocation.interval = "soon"; }, good, "InvalidField"},
      {"a list by LDAP", [](auto& s) { s.trust.revocation.url = "ldap://a.example/cn=x"; }, good, "InvalidField"},
      {"a login in the URL", [](auto& s) { s.trust.revocation.url = "http://a:b@a.example/"; }, good, "InvalidField"},
      {"a list from no prefix", [](auto& s) { s.trust.revocation.permitted = {"10.0.0.1/8"}; }, good, "InvalidField"},
      {"two channels", [](auto& s) { s.notifications.channels.resize(2); }, good, "NotSupported"},
      {"HTTP", [](auto& s) { s.registrar.http = api::HttpRegistrar{}; }, good, "NotSupported"},
      {"mail", [](auto& s) { s.registrar.mail = api::MailRegistrar{}; }, good, "NotSupported"},
      {"signatures", [](auto& s) { s.validation.signature = api::SignaturePolicy::Required; }, good, "NotSupported"},
      {"authorities being read", same, std::nullopt, "Pending"},
      {"authorities that are not there", same, Result<std::string>(refuse("ReferenceNotFound", "gone")),
       "ReferenceNotFound"},
      {"authorities that are none", same, Result<std::string>("nonsense"), "MalformedAuthorities"},
      {"host bits", [](auto& s) { s.addresses.permitted = {"10.0.0.1/8"}; }, good, "InvalidField"},
      {"no prefix", [](auto& s) { s.addresses.shared = {"ten"}; }, good, "InvalidField"},
      {"a target named as a bundle's part",
       [&](auto& s) {
         s.trust.bundles = {{"a", {}}};
         s.allowlist.targets = {writes("a-part-3")};
       },
       good, "InvalidField"},
      {"a target in a bundle of authorities",
       [&](auto& s) {
         s.trust.bundles = {{"a", api::BundleFormat::PEM}};
         s.allowlist.targets = {writes("a")};
       },
       good, "InvalidField"},
      {"a target named as a record",
       [&](auto& s) {
         s.allowlist.targets = {writes(memoryName(kFragment, {"n", "x"}))};
       },
       good, "InvalidField"},
      {"a policy named as another's part",
       [](auto& s) {
         s.allowlist.targets = {{"a", {}, api::AllowlistNetworkPolicy{}},
                                {"a-part-3", {}, api::AllowlistNetworkPolicy{}}};
       },
       good, "InvalidField"},
      {"one named as another's part",
       [](auto& s) {
         s.trust.bundles = {{"a", {}}, {"a-part-3", {}}};
       },
       good, "InvalidField"},
      {"one named as a record",
       [](auto& s) {
         s.trust.bundles = {{memoryName(kClaim, {"n", "x"}), {}}};
       },
       good, "InvalidField"},
      {"services named as records", [](auto& s) { s.registrar.configMap = api::NameReference{"mpay-fragment"}; }, good,
       "InvalidField"},
      {"no duration", [](auto& s) { s.withdrawal.delay = "soon"; }, good, "InvalidField"},
  };
  for (const auto& row : rows) {
    auto declared = environment();
    row.change(declared.spec);
    const auto settings = examineEnvironment(declared, row.authorities);
    ASSERT_FALSE(settings) << row.name;
    EXPECT_EQ(settings.error().reason, row.reason) << row.name;
    EXPECT_FALSE(settings.error().message.empty()) << row.name;
  }
}

TEST(Environment, TakesTargetsAndBundlesOfOneConfigMap) {
  auto spec = environment().spec;
  spec.trust.bundles = {{"clients", {}}, {"gateway", api::BundleFormat::FingerprintMap}};
  spec.allowlist.targets = {{"nginx", api::AllowlistConfigMap{"gateway", api::AllowlistFormat::Nginx}, {}},
                            {"prefixes", api::AllowlistConfigMap{"gateway", api::AllowlistFormat::CIDR}, {}},
                            {"clients", api::AllowlistConfigMap{"haproxy", api::AllowlistFormat::HAProxy}, {}},
                            {"gateway", {}, api::AllowlistNetworkPolicy{}}};
  const test::Authority authority;
  auto declared = environment();
  declared.spec = spec;
  const auto settings = examineEnvironment(declared, Result<std::string>(authority.certificate()));
  EXPECT_TRUE(settings) << settings.error().message;
}

TEST(Environment, IsReadyOnlyWhenEverythingIsPublished) {
  const auto of = [](std::function<void(Publication&)> change) {
    Publication publication;
    publication.read = true;
    change(publication);
    return publication;
  };
  const Error refused{ErrorKind::Invalid, "m", "NotSupported"}, reading = beingRead("m"), failed{ErrorKind::Api, "403"};
  struct Row {
    std::string reason;
    ConditionStatus ready, reconciling, stalled;
    Publication publication;
  };
  constexpr auto T = ConditionStatus::True, F = ConditionStatus::False;
  const Row rows[] = {
      {"Published", T, F, F, of([](auto&) {})},
      {"Pending", F, T, F, of([](auto& p) { p.read = false; })},
      {"Pending", F, T, F, of([&](auto& p) { p.unusable = reading; })},
      {"PublishFailed", F, T, F, of([&](auto& p) { p.failed = failed; })},
      {"NotSupported", F, F, T, of([&](auto& p) { p.unusable = refused; })},
      {"NameConflict", F, F, T, of([](auto& p) { p.conflict = "foreign"; })},
      {"InUse", F, F, F, of([&](auto& p) { p.keptBy = "one"; })},
  };
  for (const auto& row : rows) {
    const auto conditions =
        environmentConditions(environment(), judgePublication(row.publication, "out"), good("Valid", "all are"), kNow);
    ASSERT_EQ(conditions.size(), 4u);
    EXPECT_EQ(conditions[3].type, "AuthoritiesValid");
    EXPECT_EQ(conditions[0].reason, row.reason);
    EXPECT_EQ(conditions[0].status, row.ready) << row.reason;
    EXPECT_EQ(conditions[1].status, row.reconciling) << row.reason;
    EXPECT_EQ(conditions[2].status, row.stalled) << row.reason;
    for (const auto& condition : conditions) {
      EXPECT_FALSE(condition.reason.empty() || condition.message.empty()) << row.reason << " " << condition.type;
      EXPECT_EQ(condition.observedGeneration, 3);
    }
  }
}

TEST(Environment, TellsOfAuthoritiesThatEnd) {
  const test::Authority authority;
  const auto authorities = crypto::Authorities::parse(authority.certificate()).value();
  const auto end = authorities.certificates().at(0).notAfter();
  const std::vector<std::int64_t> days{30, 7, 1};
  using std::chrono::hours;
  struct Row {
    std::chrono::seconds left;
    api::ConditionStatus status;
    std::string reason, message;
    bool isLast;
  };
  const Row rows[] = {{hours(24 * 30 + 1), api::ConditionStatus::True, "Valid", "", false},
                      {hours(24 * 30), api::ConditionStatus::True, "AuthorityExpiring", "within 30 days", false},
                      {hours(24 * 2), api::ConditionStatus::True, "AuthorityExpiring", "within 7 days", false},
                      {std::chrono::seconds(-1), api::ConditionStatus::False, "AuthorityExpired", "expired at", true}};
  for (const auto& row : rows) {
    std::optional<WallTime> next;
    const auto verdict = judgeAuthorities(authorities, days, end - row.left, next);
    EXPECT_EQ(verdict.status, row.status) << row.left.count();
    EXPECT_EQ(verdict.reason, row.reason);
    EXPECT_NE(verdict.message.find(row.message), std::string::npos) << verdict.message;
    EXPECT_EQ(next.has_value(), !row.isLast);
  }
}

TEST(Environment, TellsOfAuthoritiesThatNoPathGoesOver) {
  using test::CertificateOptions;
  using test::KeyKind;
  const auto root = [](CertificateOptions options) {
    options.commonName = "Other CA";
    options.validFor = 3650L * 86400;
    return test::Authority(options).certificate();
  };
  const auto with = [](std::vector<std::string> extensions) {
    CertificateOptions options;
    options.extensions = std::move(extensions);
    return options;
  };
  const test::Authority good;
  CertificateOptions below{.commonName = "Issuing CA", .validFor = 3650L * 86400}, weak = below, servers = below;
  weak.sha1 = true;
  servers.extensions =
      std::vector<std::string>{"basicConstraints=CA:TRUE", "extendedKeyUsage=serverAuth", "subjectKeyIdentifier=hash"};
  const test::Authority issuing = good.subordinate(below), stranger = test::Authority("Stranger").subordinate(below),
                        forServers = good.subordinate(servers), lower = forServers.subordinate(below);
  struct Row {
    std::string name, bundle, reason, says;
  };
  const Row rows[] = {
      {"good", good.certificate() + issuing.certificate(), "Valid", "2 authorities are valid"},
      {"old, and good all the same", root(with({"basicConstraints=CA:TRUE"})), "Valid", ""},
      {"not yet valid", root({.validFrom = 86400}), "AuthorityNotUsable", "CN=Other CA is valid from"},
      {"signs lists alone", root({.signs = false}), "AuthorityNotUsable", "CN=Other CA may not issue"},
      {"for servers", root(with({"basicConstraints=CA:TRUE", "extendedKeyUsage=serverAuth"})), "AuthorityNotUsable",
       "CN=Other CA may not issue certificates for TLS clients"},
      {"a weak key", root({.key = KeyKind::Rsa1024}), "AuthorityNotUsable", "CN=Other CA has an RSA key of 1024 bits"},
      {"a strange curve", root({.key = KeyKind::Secp256k1}), "AuthorityNotUsable", "secp256k1"},
      {"a weak signature", good.certificate() + good.subordinate(weak).certificate(), "AuthorityNotUsable",
       "CN=Issuing CA is signed with SHA-1"},
      {"a weak signature of its own", test::Authority("Old CA", true).certificate(), "Valid", ""},
      {"without its root", issuing.certificate(), "AuthorityNotUsable", "CN=Issuing CA is not self-signed"},
      {"with another root", good.certificate() + stranger.certificate(), "AuthorityNotUsable", "add CN=Stranger"},
      {"below one that is not usable", good.certificate() + forServers.certificate() + lower.certificate(),
       "AuthorityNotUsable", "and none of the authorities issued it"},
  };
  const std::vector<std::int64_t> days{30};
  for (const auto& row : rows) {
    std::optional<WallTime> next;
    const auto verdict =
        judgeAuthorities(crypto::Authorities::parse(row.bundle).value(), days, systemClock().now(), next);
    EXPECT_EQ(verdict.reason, row.reason) << row.name << ": " << verdict.message;
    EXPECT_EQ(verdict.holds(), row.reason == "Valid") << row.name;
    EXPECT_NE(verdict.message.find(row.says), std::string::npos) << row.name << ": " << verdict.message;
    if (row.name == "not yet valid") {
      EXPECT_LT(next.value() - systemClock().now(), std::chrono::hours(25));
    }
  }
}

}  // namespace
}  // namespace mpay::onboarding
