#include "onboarding/rendering.h"

#include <gtest/gtest.h>

#include "api/crd.h"
#include "crypto/digest.h"
#include "onboarding/admission.h"
#include "onboarding/digest.h"
#include "support/pki.h"

namespace mpay::onboarding {
namespace {

Settings settings() {
  Settings s;
  s.name = "testing";
  s.spec.outputNamespace = "out";
  s.spec.allowlist.targets.push_back(
      {"gateway", api::AllowlistConfigMap{"mpay-allowlist", api::AllowlistFormat::Nginx}, std::nullopt});
  api::AllowlistNetworkPolicy policy;
  policy.ports = {{8443, api::Protocol::TCP}};
  s.spec.allowlist.targets.push_back({"network", std::nullopt, policy});
  s.spec.trust.bundles = {{"mpay-clients", api::BundleFormat::FingerprintMap}};
  return s;
}

Fragment fragment(const std::string& id, std::vector<std::string> addresses, const std::string& sha1) {
  return {{}, 0, id, "sha256:x", std::move(addresses), {}, {{sha1, "", "", std::nullopt, std::nullopt, std::nullopt}}};
}

Aggregates rendered(const Fragments& fragments) {
  const auto s = settings();
  return renderAggregates(s.spec, s.name, &s.authorities, fragments);
}

TEST(Rendering, GoesOnWithoutAuthoritiesButForTheirBundle) {
  auto s = settings();
  s.spec.trust.bundles.push_back({"mpay-authorities", api::BundleFormat::PEM});
  const Fragments fragments{{"a", fragment("A-1", {"8.8.8.8/32"}, "aa")}};
  const auto with = renderAggregates(s.spec, s.name, &s.authorities, fragments);
  const auto without = renderAggregates(s.spec, s.name, nullptr, fragments);
  ASSERT_EQ(with.configMaps.size(), 3u);
  ASSERT_EQ(without.configMaps.size(), 2u);
  EXPECT_EQ(with.configMaps[0].index.metadata.name, "mpay-allowlist");
  EXPECT_EQ(without.configMaps[0].index.data, with.configMaps[0].index.data);
  EXPECT_EQ(without.configMaps[1].index.metadata.name, "mpay-clients");
}

TEST(Rendering, WritesTheAllowlistForEachGateway) {
  auto s = settings();
  s.spec.allowlist.targets = {{"h", api::AllowlistConfigMap{"h", api::AllowlistFormat::HAProxy}, std::nullopt},
                              {"c", api::AllowlistConfigMap{"c", api::AllowlistFormat::CIDR}, std::nullopt}};
  auto a = fragment("A-1", {"8.8.8.128/25", "8.8.8.8/32"}, "aa");
  auto b = fragment("B-1", {"8.8.8.0/25", "2a00::/64"}, "bb");
  a.posAddresses = {"9.9.9.9/32"};
  a.certificates[0].sha256 = "a256";
  b.certificates[0].sha256 = "b256";
  const Fragments fragments{{"b", b}, {"a", a}};
  const auto aggregates = renderAggregates(s.spec, s.name, nullptr, fragments);
  ASSERT_EQ(aggregates.configMaps.size(), 3u);
  const auto& prefixes = aggregates.configMaps[0].index.data;
  EXPECT_EQ(prefixes.at("allowlist.txt"), "8.8.8.0/24\n2a00::/64\n");
  EXPECT_EQ(prefixes.at("pos-allowlist.txt"), "9.9.9.9/32\n");
  const auto& haproxy = aggregates.configMaps[1].index.data;
  EXPECT_NE(haproxy.at("allowlist.map").find("8.8.8.8/32 A-1,B-1\n"), std::string::npos) << haproxy.at("allowlist.map");
  EXPECT_NE(haproxy.at("allowlist.map").find("2a00::/64 B-1\n"), std::string::npos);
  EXPECT_EQ(haproxy.at("pos-allowlist.map"), "9.9.9.9/32 A-1\n");
  EXPECT_EQ(aggregates.configMaps[2].index.data.at("clients.map"), "a256 A-1\nb256 B-1\n");
  const auto nobody = renderAggregates(s.spec, s.name, nullptr, {});
  for (const auto& object : nobody.configMaps) {
    for (const auto& [name, text] : object.index.data) {
      if (name == "clients.conf" || name == "admitted.conf") continue;
      EXPECT_EQ(text, "") << name;
    }
  }
}

TEST(Rendering, DeniesWithNobody) {
  const auto aggregates = rendered({});
  ASSERT_EQ(aggregates.configMaps.size(), 2u);
  EXPECT_EQ(aggregates.configMaps[0].index.data.at("allowlist.conf"),
            "geo $mpay_address_service {\n    default \"\";\n}\n");
  EXPECT_EQ(aggregates.configMaps[0].index.data.at("pos-allowlist.conf"),
            "geo $mpay_pos_service {\n    default \"\";\n}\n");
  EXPECT_EQ(aggregates.configMaps[1].index.data.at("clients.conf"),
            "map $ssl_client_fingerprint $mpay_client_service {\n    default \"\";\n}\n");
  ASSERT_EQ(aggregates.networkPolicies.size(), 1u);
  EXPECT_EQ(json::canonical(aggregates.networkPolicies[0].index.spec),
            R"({"podSelector":{},"policyTypes":["Ingress"]})");
}

TEST(Rendering, TiesAddressesAndCertificatesToServices) {
  const Fragments fragments{{"b", fragment("B-1", {"8.8.8.0/24"}, "bb")},
                            {"a", fragment("A-1", {"8.8.8.8/32", "9.9.9.9/32"}, "aa")}};
  const auto aggregates = rendered(fragments);
  EXPECT_EQ(
      aggregates.configMaps[1].index.data.at("clients.conf"),
      "map $ssl_client_fingerprint $mpay_client_service {\n    default \"\";\n    aa \"A-1\";\n    bb \"B-1\";\n}\n");
  const auto& geo = aggregates.configMaps[0].index.data.at("allowlist.conf");
  EXPECT_NE(geo.find("    8.8.8.8/32 \"A-1,B-1\";\n"), std::string::npos) << geo;
  EXPECT_NE(geo.find("    8.8.8.0/24 \"B-1\";\n"), std::string::npos) << geo;
  EXPECT_NE(geo.find("    9.9.9.9/32 \"A-1\";\n"), std::string::npos) << geo;
  EXPECT_EQ(
      json::canonical(aggregates.networkPolicies[0].index.spec),
      R"({"ingress":[{"from":[{"ipBlock":{"cidr":"8.8.8.0/24"}},{"ipBlock":{"cidr":"9.9.9.9/32"}}],"ports":[{"port":8443,"protocol":"TCP"}]}],"podSelector":{},"policyTypes":["Ingress"]})");
}

TEST(Rendering, LetsACertificateStandForSeveralServices) {
  auto first = fragment("B-1", {"8.8.8.8/32"}, "aa"), second = fragment("A-1", {"9.9.9.9/32"}, "aa");
  first.certificates[0].sha256 = second.certificates[0].sha256 = "a256";
  // An earlier certificate that one of them still admits.
  second.certificates.push_back({"bb", "b256", "", std::nullopt, "2026-11-24T09:00:00Z", std::nullopt});
  for (const auto& fragments : {Fragments{{"1", first}, {"2", second}}, Fragments{{"1", second}, {"2", first}}}) {
    const auto data = rendered(fragments).configMaps[1].index.data;
    EXPECT_EQ(data.at("clients.conf"),
              "map $ssl_client_fingerprint $mpay_client_service {\n    default \"\";\n    aa \"A-1,B-1\";\n"
              "    bb \"A-1\";\n}\n");
    EXPECT_EQ(data.at("clients.map"), "a256 A-1,B-1\nb256 A-1\n");
  }
  EXPECT_EQ(rendered({{"2", second}}).configMaps[1].index.data.at("clients.map"), "a256 A-1\nb256 A-1\n")
      << "one of the two left";
  EXPECT_EQ(rendered({}).configMaps[1].index.data.at("admitted.conf"), renderAdmission());
}

TEST(Memory, NamesAreOfTheWholeKey) { EXPECT_NE(hashOf({"a-b", "c"}), hashOf({"a", "b-c"})); }

TEST(Memory, ARevisionIsRehashed) {
  const test::Authority authority;
  const auto certificate = authority.issue({}).certificate;
  api::MPayIntegration integration;
  integration.spec.service.id = "A-1";
  integration.spec.endpoints.production = api::Endpoint{"https://p.example", {"8.8.8.9", "8.8.8.8"}};
  Revision revision;
  revision.effect = productionEffect(integration, {crypto::digestText(certificate), std::nullopt, {}});
  revision.digest = digestOf(revision.effect.as_object());
  revision.certificate = crypto::base64(certificate);
  ASSERT_TRUE(verifyRevision(revision));
  const auto fragment = fragmentOf({1, "", "", revision});
  ASSERT_TRUE(fragment);
  EXPECT_EQ(fragment->addresses, std::vector<std::string>{"8.8.8.8/31"});
  EXPECT_EQ(fragment->certificates.size(), 1u);
  const std::function<void(Revision&)> damages[] = {
      [](Revision& r) { r.digest.back() = r.digest.back() == '0' ? '1' : '0'; },
      [](Revision& r) { r.effect.as_object()["name"] = "other"; },
      [&](Revision& r) { r.certificate = crypto::base64(authority.issue({}).certificate); },
      [](Revision& r) { r.certificate.reset(); },
      [](Revision& r) { r.logo = crypto::base64("logo"); },
  };
  for (const auto& damage : damages) {
    Revision damaged = revision;
    damage(damaged);
    const auto verified = verifyRevision(damaged);
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().reason, "RevisionCorrupt");
  }
}

TEST(Admission, IsInForceOnlyWhenEveryPolicyIsAsShipped) {
  const auto shipped = ShippedPolicies::parse(api::shippedPolicies()).value();
  ASSERT_EQ(shipped.policies.size(), 4u);
  ASSERT_EQ(shipped.bindings.size(), 4u);
  std::vector<std::shared_ptr<const api::ValidatingAdmissionPolicy>> policies;
  std::vector<std::shared_ptr<const api::ValidatingAdmissionPolicyBinding>> bindings;
  const auto meta = [](const std::string& name, const std::string& time) {
    api::PolicyMeta m;
    m.name = name;
    m.creationTimestamp = "2026-01-01T00:00:00Z";
    m.managedFields = {{time, std::nullopt}, {"2027-01-01T00:00:00Z", "status"}};
    return m;
  };
  for (const auto& [name, spec] : shipped.policies) {
    policies.push_back(std::make_shared<const api::ValidatingAdmissionPolicy>(
        api::ValidatingAdmissionPolicy{meta(name, "2026-01-01T00:00:00Z"), spec}));
  }
  for (const auto& [name, spec] : shipped.bindings) {
    bindings.push_back(std::make_shared<const api::ValidatingAdmissionPolicyBinding>(
        api::ValidatingAdmissionPolicyBinding{meta(name, "2026-02-01T00:00:00Z"), spec}));
  }
  const auto good = judgeAdmission(shipped, policies, bindings);
  ASSERT_TRUE(good.inForceSince) << good.problem;
  EXPECT_EQ(formatTime(*good.inForceSince), "2026-02-01T00:00:10Z") << "ten seconds after the last write, status aside";

  auto missing = bindings;
  missing.pop_back();
  EXPECT_FALSE(judgeAdmission(shipped, policies, missing).inForceSince);
  auto warning = *bindings[0];
  warning.spec.as_object()["validationActions"] = json::array{"Warn"};
  auto altered = bindings;
  altered[0] = std::make_shared<const api::ValidatingAdmissionPolicyBinding>(warning);
  EXPECT_FALSE(judgeAdmission(shipped, policies, altered).inForceSince);
  auto leaving = *policies[0];
  leaving.metadata.deletionTimestamp = "2026-03-01T00:00:00Z";
  policies[0] = std::make_shared<const api::ValidatingAdmissionPolicy>(leaving);
  EXPECT_FALSE(judgeAdmission(shipped, policies, bindings).inForceSince);
}

}  // namespace
}  // namespace mpay::onboarding
