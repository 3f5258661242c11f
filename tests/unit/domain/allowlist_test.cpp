#include "domain/allowlist.h"

#include <gmock/gmock.h>

#include <random>
#include <set>

namespace mpay::domain {
namespace {

using Texts = std::vector<std::string>;

AddressPolicy policy() { return {256, {*net::parsePrefix("203.0.113.0/24")}, {}}; }

Texts canonical(const Texts& texts) {
  const auto set = AddressSet::parse(texts, policy(), "addresses");
  return set ? set->texts() : Texts{set.error().reason};
}

TEST(AddressSet, HasOneCanonicalForm) {
  const std::pair<Texts, Texts> rows[] = {
      {{}, {}},
      {{"8.8.8.8"}, {"8.8.8.8/32"}},
      {{"8.8.8.9", "8.8.8.8"}, {"8.8.8.8/31"}},
      {{"8.8.8.9", "8.8.8.10"}, {"8.8.8.9/32", "8.8.8.10/32"}},
      {{"8.8.8.0/25", "8.8.8.128/25"}, {"8.8.8.0/24"}},
      {{"8.8.8.0/24", "8.8.8.7"}, {"8.8.8.0/24"}},
      {{"8.8.8.8", "8.8.8.8/32", "8.8.8.8"}, {"8.8.8.8/32"}},
      {{"2a00::1", "8.8.8.8"}, {"8.8.8.8/32", "2a00::1/128"}},
      {{"8.8.8.0/26", "8.8.8.64/26", "8.8.8.128/25"}, {"8.8.8.0/24"}},
  };
  for (const auto& [declared, expected] : rows)
    EXPECT_EQ(canonical(declared), expected) << ::testing::PrintToString(declared);
}

TEST(AddressSet, RefusesWithTheReason) {
  const std::pair<const char*, const char*> rows[] = {
      {"0.0.0.0/0", "RangeTooWide"},
      {"::/0", "RangeTooWide"},
      {"8.0.0.0/8", "RangeTooWide"},
      {"2a00::/32", "RangeTooWide"},
      {"10.0.0.1", "NonPublicAddress"},
      {"172.16.0.1", "NonPublicAddress"},
      {"192.168.1.1", "NonPublicAddress"},
      {"127.0.0.1", "NonPublicAddress"},
      {"169.254.169.254", "NonPublicAddress"},
      {"100.64.0.1", "NonPublicAddress"},
      {"224.0.0.1", "NonPublicAddress"},
      {"255.255.255.255", "NonPublicAddress"},
      {"192.0.2.1", "NonPublicAddress"},
      {"198.18.0.1", "NonPublicAddress"},
      {"0.0.0.1", "NonPublicAddress"},
      {"::1", "NonPublicAddress"},
      {"fe80::1", "NonPublicAddress"},
      {"fc00::1", "NonPublicAddress"},
      {"ff02::1", "NonPublicAddress"},
      {"2001:db8::1", "NonPublicAddress"},
      {"010.8.8.8", "MalformedAddress"},
      {"0x7f.1", "MalformedAddress"},
      {"134744072", "MalformedAddress"},
      {"example.com", "MalformedAddress"},
      {"::ffff:8.8.8.8", "EmbeddedIPv4"},
      {"64:ff9b::808:808", "EmbeddedIPv4"},
      {"2002:808:808::", "EmbeddedIPv4"},
      {"2001:0:1::", "EmbeddedIPv4"},
      {"8.8.8.8/24", "HostBitsSet"},
      {"2a00::1/64", "HostBitsSet"},
      {"203.0.113.7", "203.0.113.7/32"},
      {"203.0.112.0/23", "NonPublicAddress"},
      {"100.127.255.255", "NonPublicAddress"},
      {"198.51.100.7", "NonPublicAddress"},
      {"240.0.0.1", "NonPublicAddress"},
      {"3fff::1", "NonPublicAddress"},
      {"::", "NonPublicAddress"},
      {"4000::1", "NonPublicAddress"},
      {"192.168.0.0/15", "NonPublicAddress"},
      {"8.8.8.010", "MalformedAddress"},
      {"8.8.8", "MalformedAddress"},
      {"0x08.0x08.0x08.0x08", "MalformedAddress"},
      {"8.8.8.8/08", "MalformedAddress"},
      {"8.8.8.8/33", "MalformedAddress"},
      {"8.8.8.8/-1", "MalformedAddress"},
      {" 8.8.8.8", "MalformedAddress"},
      {"", "MalformedAddress"},
      {"2a00::1%eth0", "MalformedAddress"},
      {"64:ff9b:1::1", "EmbeddedIPv4"},
      {"::8.8.8.8", "EmbeddedIPv4"},
  };
  for (const auto& [text, expected] : rows) EXPECT_EQ(canonical({text}), Texts{expected}) << text;
}

TEST(AddressSet, NamesTheElementByIndex) {
  const Texts texts{"8.8.8.8", "8.8.8.8/24"};
  const auto set = AddressSet::parse(texts, policy(), "endpoints.testing.addresses");
  ASSERT_FALSE(set);
  EXPECT_THAT(set.error().message, ::testing::HasSubstr("endpoints.testing.addresses[1]"));
}

TEST(AddressSet, CountsTheUnionAndIpv6BySixtyFours) {
  const auto size = [](const Texts& texts) { return AddressSet::parse(texts, {~0ull, {}, {}}, "a")->size(); };
  EXPECT_EQ(size({"8.8.8.0/24", "8.8.8.7", "8.8.8.0/25"}), 256u);
  EXPECT_EQ(size({"2a00::1", "2a00::2", "2a00:0:0:1::/64"}), 2u);
  EXPECT_EQ(size({"2a00::/48"}), 65536u);
  EXPECT_EQ(size({"8.8.8.8", "8.8.9.0/30", "2a00::1", "2a00:0:0:1::1"}), 7u) << "both families together";
}

// The limit applies to the union: an address declared twice counts once, and no element need be too wide by itself.
TEST(AddressSet, LimitsTheUnion) {
  EXPECT_EQ(canonical({"8.8.8.0/25", "8.8.8.0/24", "8.8.8.128/25"}), Texts{"8.8.8.0/24"});
  EXPECT_EQ(canonical({"8.8.8.0/24", "8.8.9.9"}), Texts{"RangeTooWide"});
  EXPECT_EQ(canonical({"8.8.8.0/25", "2a00::/57"}), (Texts{"8.8.8.0/25", "2a00::/57"}));
  EXPECT_EQ(canonical({"8.8.8.0/25", "2a00::/57", "2a01::1"}), Texts{"RangeTooWide"});
}

// Compares the table with the sets for every address of a small space.
TEST(AddressTable, AgreesWithEverySetAtEveryAddress) {
  std::minstd_rand random(7);
  for (int round = 0; round < 200; ++round) {
    std::map<std::string, AddressSet> sets;
    std::multimap<std::string, const AddressSet*> declared;
    for (int service = 0; service < 4; ++service) {
      std::vector<net::Prefix> prefixes;
      for (unsigned i = 0; i < random() % 4; ++i) {
        net::Prefix prefix{*net::parseAddress("8.8.8." + std::to_string(random() % 64)),
                           26 + static_cast<int>(random() % 7)};
        prefix.address = prefix.first();
        prefixes.push_back(prefix);
      }
      const auto name = "S" + std::to_string(service);
      declared.emplace(name, &(sets[name] = AddressSet::of(prefixes)));
    }
    const auto rows = addressTable(declared);
    for (int host = 0; host < 64; ++host) {
      const net::Prefix address = *net::parsePrefix("8.8.8." + std::to_string(host));
      std::vector<std::string> expected, found;
      for (const auto& [service, set] : sets) {
        for (const auto& prefix : set.prefixes()) {
          if (prefix.contains(address)) expected.push_back(service);
        }
      }
      int longest = -1;
      for (const auto& row : rows) {
        if (!row.prefix.contains(address) || row.prefix.length < longest) continue;
        ASSERT_NE(row.prefix.length, longest) << "each prefix once";
        longest = row.prefix.length;
        found = row.services;
      }
      ASSERT_EQ(found, expected) << round << " " << host;
    }
  }
}

// A row exists while somebody declares it: other ranges beside or within it change nothing.
TEST(AddressTable, KeepsARowWhateverIsDeclaredWithinIt) {
  const auto set = [](const std::string& text) { return AddressSet::of({*net::parsePrefix(text)}); };
  const auto wide = set("8.8.0.0/16"), narrow = set("8.8.8.8/32");
  const auto rows = addressTable({{"A", &wide}, {"B", &narrow}});
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].prefix.text(), "8.8.0.0/16");
  EXPECT_EQ(rows[0].services, Texts{"A"});
  EXPECT_EQ(rows[1].services, (Texts{"A", "B"}));
}

}  // namespace
}  // namespace mpay::domain
