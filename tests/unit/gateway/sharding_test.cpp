// Files with thousands of entries: their parts, the cost of one change, and that the parts together equal the whole.
#include "gateway/sharding.h"

#include <gmock/gmock.h>

#include <random>

#include "crypto/digest.h"
#include "gateway/rendering.h"

namespace mpay::gateway {
namespace {

using namespace ledger;

constexpr std::size_t kMany = 5000;

// The longest possible names; neighbouring addresses, as in one country.
Fragment member(std::size_t i) {
  Fragment fragment;
  fragment.serviceID = fmt::format("SERVICE-{:05}", i);
  fragment.serviceID.resize(36, 'X');
  const auto block = static_cast<unsigned>(i / 64);
  fragment.addresses = {fmt::format("31.{}.{}.{}/32", 100 + block / 16, block % 16, 4 * (i % 64)),
                        fmt::format("31.{}.{}.{}/32", 100 + block / 16, block % 16, 4 * (i % 64) + 2),
                        fmt::format("2a00:{:x}:{:x}::/64", 0x1000 + block, i)};
  fragment.posAddresses = {fmt::format("93.{}.{}.{}/32", 100 + block / 16, block % 16, 4 * (i % 64))};
  const auto hash = crypto::sha256Hex(std::to_string(i));
  fragment.certificates = {{crypto::sha256Hex(hash).substr(0, 40), hash, "2030-01-01T00:00:00Z", {}, {}, {}}};
  return fragment;
}

Fragments members(std::size_t count) {
  Fragments fragments;
  for (std::size_t i = 0; i < count; ++i) fragments.emplace(fmt::format("fragment-{:05}", i), member(i));
  return fragments;
}

api::MPayEnvironmentSpec spec() {
  api::MPayEnvironmentSpec spec;
  spec.outputNamespace = "out";
  const std::pair<const char*, api::AllowlistFormat> formats[] = {{"cidr", api::AllowlistFormat::CIDR},
                                                                  {"haproxy", api::AllowlistFormat::HAProxy},
                                                                  {"nginx", api::AllowlistFormat::Nginx}};
  for (const auto& [name, format] : formats)
    spec.allowlist.targets.push_back({name, api::AllowlistConfigMap{name, format}, std::nullopt});
  spec.allowlist.targets.push_back({"network", std::nullopt, api::AllowlistNetworkPolicy{}});
  spec.trust.bundles = {{"clients", api::BundleFormat::FingerprintMap}};
  return spec;
}

Aggregates render(const Fragments& fragments, const ObjectLimits& limits) {
  return renderAggregates(spec(), "testing", nullptr, fragments, limits);
}

std::size_t sizeOf(const api::ConfigMap& object) {
  std::size_t size = 0;
  for (const auto& [name, text] : object.data) size += name.size() + text.size();
  return size;
}

std::multiset<std::string> linesOf(const std::string& text) {
  std::multiset<std::string> lines;
  for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.insert(text.substr(begin, end - begin));
  return lines;
}

// The file as a gateway sees it: files that the index includes or lists stand in their place.
std::multiset<std::string> seen(const Published<api::ConfigMap>& published, const std::string& file) {
  std::map<std::string, std::string> all = published.index.data;
  for (const auto& part : published.parts) all.insert(part.data.begin(), part.data.end());
  std::multiset<std::string> lines;
  const auto take = [&](const std::string& name) {
    EXPECT_TRUE(all.contains(name)) << name;
    for (const auto& line : linesOf(all[name])) lines.insert(line);
  };
  if (all.contains(file + ".parts")) {
    for (const auto& part : linesOf(all[file + ".parts"])) take(part);
    return lines;
  }
  for (const auto& line : linesOf(all.at(file))) {
    constexpr std::string_view kInclude = "    include ";
    if (line.starts_with(kInclude)) {
      take(line.substr(kInclude.size(), line.size() - kInclude.size() - 1));
    } else {
      lines.insert(line);
    }
  }
  return lines;
}

std::map<std::string, json::value> peersOf(const Published<api::NetworkPolicy>& published) {
  std::map<std::string, json::value> peers;
  auto all = published.parts;
  all.push_back(published.index);
  for (const auto& policy : all) {
    boost::system::error_code none;
    const auto* from = policy.spec.find_pointer("/ingress/0/from", none);
    if (!from) continue;
    EXPECT_FALSE(from->as_array().empty()) << "an empty from admits everybody";
    EXPECT_LE(from->as_array().size(), kMaximumPeers);
    for (const auto& peer : from->as_array())
      EXPECT_TRUE(peers.emplace(json::canonical(peer), peer).second) << "each peer once";
  }
  return peers;
}

const std::map<std::string, std::vector<std::string>> kFiles{{"cidr", {"allowlist.txt", "pos-allowlist.txt"}},
                                                             {"haproxy", {"allowlist.map", "pos-allowlist.map"}},
                                                             {"nginx", {"allowlist.conf", "pos-allowlist.conf"}},
                                                             {"clients", {"clients.conf", "clients.map"}}};
constexpr ObjectLimits kUnlimited{std::size_t{1} << 30, std::size_t{1} << 30};

// The names of the objects that differ between two publications.
std::set<std::string> changed(const Published<api::ConfigMap>& a, const Published<api::ConfigMap>& b) {
  std::map<std::string, Data> before, after;
  for (const auto& [from, into] : {std::pair{&a, &before}, {&b, &after}}) {
    into->emplace(*from->index.metadata.name, from->index.data);
    for (const auto& part : from->parts) into->emplace(*part.metadata.name, part.data);
  }
  std::set<std::string> names;
  for (const auto& [name, data] : before) {
    if (!after.contains(name) || after[name] != data) names.insert(name);
  }
  for (const auto& [name, data] : after) {
    if (!before.contains(name)) names.insert(name);
  }
  return names;
}

TEST(Sharding, PartsOfFiveThousandFitAndSayWhatTheWholeSays) {
  const auto fragments = members(kMany);
  const auto begin = std::chrono::steady_clock::now();
  const auto sharded = render(fragments, {});
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
  std::cout << "rendering " << kMany << " for five targets: " << took.count() << " ms\n";
  const auto whole = render(fragments, kUnlimited);
  std::size_t cut = 0;
  ASSERT_EQ(sharded.configMaps.size(), kFiles.size());
  for (std::size_t i = 0; i < sharded.configMaps.size(); ++i) {
    const auto& published = sharded.configMaps[i];
    const auto& name = *published.index.metadata.name;
    EXPECT_TRUE(whole.configMaps[i].parts.empty());
    cut += !published.parts.empty();
    EXPECT_LE(sizeOf(published.index), kMaximumFileBytes) << name;
    for (const auto& part : published.parts) {
      EXPECT_LE(sizeOf(part), kMaximumFileBytes) << *part.metadata.name;
      EXPECT_TRUE(isPartOf(*part.metadata.name, name)) << *part.metadata.name;
      EXPECT_EQ(part.data.size(), 2u) << *part.metadata.name;
    }
    for (const auto& file : kFiles.at(name)) {
      const auto all = seen(published, file);
      EXPECT_EQ(all, seen(whole.configMaps[i], file)) << name << " " << file;
      EXPECT_GE(all.size(), 100u) << name << " " << file;
    }
  }
  EXPECT_EQ(cut, 3u) << "5,000 certificates, and 20,000 addresses with their services, are more than an object holds; "
                        "the bare prefixes are not";
  ASSERT_EQ(sharded.networkPolicies.size(), 1u);
  EXPECT_GT(sharded.networkPolicies[0].parts.size(), 1u);
  EXPECT_FALSE(sharded.networkPolicies[0].index.spec.as_object().contains("ingress")) << "the parts admit, it does not";
  EXPECT_EQ(peersOf(sharded.networkPolicies[0]).size(), 4 * kMany);
}

TEST(Sharding, DoesNotDependOnTheOrderOfArrival) {
  const auto fragments = members(kMany);
  Fragments backwards;
  for (auto at = fragments.rbegin(); at != fragments.rend(); ++at) backwards.insert(*at);
  const auto a = render(fragments, {}), b = render(backwards, {});
  for (std::size_t i = 0; i < a.configMaps.size(); ++i) EXPECT_TRUE(changed(a.configMaps[i], b.configMaps[i]).empty());
}

TEST(Sharding, OneMoreChangesOnePartAndNoIndex) {
  auto fragments = members(kMany);
  // Small parts, of several digits.
  for (const auto& limits : {ObjectLimits{}, ObjectLimits{20000, 100}}) {
    const auto before = render(fragments, limits);
    auto one = member(kMany);
    one.addresses = {"185.108.180.1/32"};
    one.posAddresses.clear();
    auto more = fragments;
    more.emplace("fragment-one-more", one);
    const auto after = render(more, limits);
    for (std::size_t i = 0; i < before.configMaps.size(); ++i) {
      const auto names = changed(before.configMaps[i], after.configMaps[i]);
      ASSERT_EQ(names.size(), 1u) << ::testing::PrintToString(names);
      const auto& index = *before.configMaps[i].index.metadata.name;
      EXPECT_EQ(isPartOf(*names.begin(), index), !before.configMaps[i].parts.empty()) << *names.begin();
    }
  }
}

// An integration whose prefixes merge, or come apart, stays in one part.
TEST(Sharding, KeepsNeighboursTogether) {
  for (const auto& [a, b] : {std::pair{"31.100.7.4/32", "31.100.200.0/24"},
                             {"31.100.0.0/16", "31.100.255.255/32"},
                             {"2a00:1:2::/48", "2a00:1:2:3::4/128"}}) {
    EXPECT_EQ(shardKey(*net::parsePrefix(a)) >> 60, shardKey(*net::parsePrefix(b)) >> 60) << a << " " << b;
  }
  for (const auto& [a, b] : {std::pair{"31.100.7.4/31", "31.100.7.4/32"}, {"2a00:1:2:3::/64", "2a00:1:2:3::4/128"}})
    EXPECT_EQ(shardKey(*net::parsePrefix(a)) >> 56, shardKey(*net::parsePrefix(b)) >> 56) << a << " " << b;
}

TEST(Sharding, SpreadsAddresses) {
  std::map<std::uint64_t, int> first;
  for (unsigned i = 0; i < 256; ++i) ++first[shardKey(*net::parsePrefix(fmt::format("31.{}.0.1", i))) >> 60];
  EXPECT_EQ(first.size(), 16u);
  for (const auto& [digit, count] : first) EXPECT_LT(count, 40) << digit;
}

TEST(Sharding, LeavesWhatFitsAsItIsAndWhatCannotBeCutTogether) {
  const File small{"a.conf", "{\n", "}\n", true, {{0, "x\n"}, {~0ull, "y\n"}}};
  const auto whole = shard({small});
  EXPECT_TRUE(whole.parts.empty());
  EXPECT_EQ(whole.index, (Data{{"a.conf", "{\nx\ny\n}\n"}}));
  const auto cut = shard({small}, 29);
  EXPECT_EQ(cut.parts.size(), 16u) << "empty ones too, so that the index does not change as they fill";
  EXPECT_EQ(cut.parts.at("0").at("a-0.conf"), "x\n");
  EXPECT_EQ(cut.parts.at("7").at("a-7.conf"), "");
  EXPECT_TRUE(cut.index.at("a.conf").starts_with("{\n    include a-0.conf;\n")) << cut.index.at("a.conf");
  EXPECT_TRUE(cut.index.at("a.conf").ends_with("    include a-f.conf;\n}\n")) << cut.index.at("a.conf");
  const File same{"a.map", "", "", false, {{5, "xxxxxxxx\n"}, {5, "yyyyyyyy\n"}}};
  const auto together = shard({same}, 29);
  EXPECT_EQ(together.parts.at("0000000000000005").at("a-0000000000000005.map"), "xxxxxxxx\nyyyyyyyy\n");
  EXPECT_FALSE(together.index.contains("a.map")) << "whoever knows no parts must not take an empty file for it";
  EXPECT_TRUE(together.index.at("a.map.parts").starts_with("a-00"));
}

TEST(Sharding, NamesParts) {
  EXPECT_EQ(partName("mpay-clients", "3f"), "mpay-clients-part-3f");
  EXPECT_TRUE(isPartOf("mpay-clients-part-3f", "mpay-clients"));
  EXPECT_FALSE(isPartOf("mpay-clients-part-", "mpay-clients"));
  EXPECT_FALSE(isPartOf("mpay-clients-part-x", "mpay-clients"));
  EXPECT_FALSE(isPartOf("mpay-clients", "mpay-clients"));
  EXPECT_FALSE(isPartOf("mpay-clients-2-part-3", "mpay-clients"));
}

// Removing one integration removes exactly the entries that no other one has.
TEST(Rendering, RemovesExactlyTheEntriesOfWhoLeaves) {
  auto a = member(1), b = member(2), c = member(3);
  b.addresses = a.addresses;                      // a neighbour with the same addresses
  c.addresses = {"31.100.0.0/24", "9.9.9.9/32"};  // and one range around them
  const Fragments all{{"a", a}, {"b", b}, {"c", c}}, left{{"b", b}, {"c", c}};
  const auto before = render(all, {}), after = render(left, {});
  for (std::size_t i = 0; i < before.configMaps.size(); ++i) {
    const auto& name = *before.configMaps[i].index.metadata.name;
    for (const auto& file : kFiles.at(name)) {
      // The rest equals the former content without a.
      std::string expected = before.configMaps[i].index.data.at(file);
      for (const auto& gone : {a.serviceID + ",", "," + a.serviceID}) {
        for (std::size_t at; (at = expected.find(gone)) != std::string::npos;) expected.erase(at, gone.size());
      }
      auto lines = linesOf(expected);
      std::erase_if(lines, [&](const auto& line) {
        return line.find(a.serviceID) != std::string::npos || line == a.posAddresses[0];
      });
      EXPECT_EQ(linesOf(after.configMaps[i].index.data.at(file)), lines) << name << " " << file;
    }
  }
  EXPECT_EQ(peersOf(after.networkPolicies[0]).size(), peersOf(before.networkPolicies[0]).size() - 1)
      << "the terminal's address alone: the others are the neighbour's too";
}

// Nothing takes the place of a part. If there is no such part, every object is kept up to date.
TEST(Sharding, WritesNothingElseWhereAPartIs) {
  const auto namesOf = [](const Aggregates& aggregates) {
    std::vector<std::string> names;
    const auto collect = [&](const auto& all) {
      for (const auto& published : all) {
        names.push_back(*published.index.metadata.name);
        for (const auto& part : published.parts) names.push_back(*part.metadata.name);
      }
    };
    collect(aggregates.configMaps);
    collect(aggregates.networkPolicies);
    return names;
  };
  const auto fragments = members(500);
  const ObjectLimits small{20000, 100};
  const auto whole = render(fragments, small);
  auto odd = spec();
  for (const auto& published : whole.configMaps) {
    if (published.parts.empty()) continue;
    odd.allowlist.targets.push_back({"another", api::AllowlistConfigMap{*published.parts[0].metadata.name, {}}, {}});
  }
  const auto& policies = whole.networkPolicies.at(0);
  const auto policy = policies.parts.at(0).metadata.name->substr(std::string("mpay-").size());
  odd.allowlist.targets.insert(odd.allowlist.targets.begin(), {policy, {}, api::AllowlistNetworkPolicy{}});
  EXPECT_TRUE(takenName(odd));
  EXPECT_EQ(namesOf(renderAggregates(odd, "testing", nullptr, fragments, small)), namesOf(whole));
  EXPECT_GT(namesOf(renderAggregates(odd, "testing", nullptr, fragments, kUnlimited)).size(),
            namesOf(render(fragments, kUnlimited)).size());
}

}  // namespace
}  // namespace mpay::gateway
