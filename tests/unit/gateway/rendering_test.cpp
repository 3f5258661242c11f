#include "gateway/rendering.h"

#include <gtest/gtest.h>

namespace mpay::gateway {
namespace {

using ledger::Fragment;
using ledger::Fragments;

const std::string kName = "testing";
const crypto::Authorities kNoAuthorities;

api::MPayEnvironmentSpec spec() {
  api::MPayEnvironmentSpec s;
  s.outputNamespace = "out";
  s.allowlist.targets.push_back(
      {"gateway", api::AllowlistConfigMap{"mpay-allowlist", api::AllowlistFormat::Nginx}, std::nullopt});
  api::AllowlistNetworkPolicy policy;
  policy.ports = {{8443, api::Protocol::TCP}};
  s.allowlist.targets.push_back({"network", std::nullopt, policy});
  s.trust.bundles = {{"mpay-clients", api::BundleFormat::FingerprintMap}};
  return s;
}

Fragment fragment(const std::string& id, std::vector<std::string> addresses, const std::string& sha1) {
  return {{}, 0, id, "sha256:x", std::move(addresses), {}, {{sha1, "", "", std::nullopt, std::nullopt, std::nullopt}}};
}

Aggregates rendered(const Fragments& fragments) {
  const auto s = spec();
  return renderAggregates(s, kName, &kNoAuthorities, fragments);
}

TEST(Rendering, GoesOnWithoutAuthoritiesButForTheirBundle) {
  auto s = spec();
  s.trust.bundles.push_back({"mpay-authorities", api::BundleFormat::PEM});
  const Fragments fragments{{"a", fragment("A-1", {"8.8.8.8/32"}, "aa")}};
  const auto with = renderAggregates(s, kName, &kNoAuthorities, fragments);
  const auto without = renderAggregates(s, kName, nullptr, fragments);
  ASSERT_EQ(with.configMaps.size(), 3u);
  ASSERT_EQ(without.configMaps.size(), 2u);
  EXPECT_EQ(with.configMaps[0].index.metadata.name, "mpay-allowlist");
  EXPECT_EQ(without.configMaps[0].index.data, with.configMaps[0].index.data);
  EXPECT_EQ(without.configMaps[1].index.metadata.name, "mpay-clients");
}

TEST(Rendering, WritesTheAllowlistForEachGateway) {
  auto s = spec();
  s.allowlist.targets = {{"h", api::AllowlistConfigMap{"h", api::AllowlistFormat::HAProxy}, std::nullopt},
                         {"c", api::AllowlistConfigMap{"c", api::AllowlistFormat::CIDR}, std::nullopt}};
  auto a = fragment("A-1", {"8.8.8.128/25", "8.8.8.8/32"}, "aa");
  auto b = fragment("B-1", {"8.8.8.0/25", "2a00::/64"}, "bb");
  a.posAddresses = {"9.9.9.9/32"};
  a.certificates[0].sha256 = "a256";
  b.certificates[0].sha256 = "b256";
  const Fragments fragments{{"b", b}, {"a", a}};
  const auto aggregates = renderAggregates(s, kName, nullptr, fragments);
  ASSERT_EQ(aggregates.configMaps.size(), 3u);
  const auto& prefixes = aggregates.configMaps[0].index.data;
  EXPECT_EQ(prefixes.at("allowlist.txt"), "8.8.8.0/24\n2a00::/64\n");
  EXPECT_EQ(prefixes.at("pos-allowlist.txt"), "9.9.9.9/32\n");
  const auto& haproxy = aggregates.configMaps[1].index.data;
  EXPECT_NE(haproxy.at("allowlist.map").find("8.8.8.8/32 A-1,B-1\n"), std::string::npos) << haproxy.at("allowlist.map");
  EXPECT_NE(haproxy.at("allowlist.map").find("2a00::/64 B-1\n"), std::string::npos);
  EXPECT_EQ(haproxy.at("pos-allowlist.map"), "9.9.9.9/32 A-1\n");
  EXPECT_EQ(aggregates.configMaps[2].index.data.at("clients.map"), "a256 A-1\nb256 B-1\n");
  const auto nobody = renderAggregates(s, kName, nullptr, {});
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

}  // namespace
}  // namespace mpay::gateway
