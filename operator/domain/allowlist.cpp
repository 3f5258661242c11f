#include "domain/allowlist.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

namespace mpay::domain {
namespace {

using net::Prefix;

Result<Prefix> judge(const std::string& text, const AddressPolicy& policy, const std::string& where) {
  const auto prefix = net::parsePrefix(text);
  if (!prefix) {
    return refuse("MalformedAddress", fmt::format("{} is not an IPv4 or IPv6 address or prefix; write it like "
                                                  "203.0.113.7, 203.0.113.0/28 or 2001:db8::/64",
                                                  where));
  }
  if (prefix->length == 0) return refuse("RangeTooWide", fmt::format("{} would admit every address there is", where));
  if (prefix->hasHostBits()) {
    return refuse("HostBitsSet", fmt::format("{} has bits set after its /{}; write {} or the single address", where,
                                             prefix->length, Prefix{prefix->first(), prefix->length}.text()));
  }
  if (net::embedsIPv4(*prefix) && !net::within(policy.permitted, *prefix)) {
    return refuse("EmbeddedIPv4", fmt::format("{} embeds an IPv4 address; declare the IPv4 address itself", where));
  }
  if (!net::isPublic(*prefix) && !net::within(policy.permitted, *prefix)) {
    return refuse("NonPublicAddress", fmt::format("{} ({}) is not a public address, and the environment does not "
                                                  "permit it; declare the address that MPay sees",
                                                  where, prefix->text()));
  }
  return *prefix;
}

// True when b is the other half of a; `whole` becomes the prefix that contains both.
bool joins(const Prefix& a, const Prefix& b, Prefix& whole) {
  if (a.length != b.length || a.length == 0 || a.address.v6 != b.address.v6) return false;
  whole = Prefix{Prefix{a.address, a.length - 1}.first(), a.length - 1};
  return a.address != b.address && whole.contains(b) && whole.first() == a.address;
}

std::vector<Prefix> canonical(std::vector<Prefix> prefixes) {
  // Sorted by family, then by first address, the wider first: a prefix comes before the prefixes that it contains.
  std::sort(prefixes.begin(), prefixes.end());
  std::vector<Prefix> merged;
  for (const auto& prefix : prefixes) {
    if (!merged.empty() && merged.back().contains(prefix)) continue;
    merged.push_back(prefix);
    Prefix whole;
    while (merged.size() >= 2 && joins(merged[merged.size() - 2], merged.back(), whole)) {
      merged.pop_back();
      merged.back() = whole;
    }
  }
  return merged;
}

// Adds to `into` the rest of `from` without `taken`: halves `from`, and halves again each half that `taken` touches.
void subtract(const Prefix& from, const Prefix& taken, std::vector<Prefix>& into) {
  if (taken.contains(from)) return;
  if (!from.contains(taken)) {
    into.push_back(from);
    return;
  }
  const Prefix lower{from.address, from.length + 1};
  subtract(lower, taken, into);
  subtract({Prefix{from.last(), from.length + 1}.first(), from.length + 1}, taken, into);
}

}  // namespace

Result<AddressSet> AddressSet::parse(std::span<const std::string> addresses, const AddressPolicy& policy,
                                     std::string_view field, std::string_view member) {
  std::vector<Prefix> prefixes;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    prefixes.push_back(TRY(judge(addresses[i], policy, fmt::format("{}[{}]{}", field, i, member))));
  }
  AddressSet set = of(std::move(prefixes));
  TRY(judgeWidth(set, policy, field));
  return set;
}

Result<void> judgeWidth(const AddressSet& set, const AddressPolicy& policy, std::string_view field) {
  if (set.size() <= policy.maximum) return {};
  return refuse("RangeTooWide", fmt::format("{} covers {} addresses (an IPv6 /64 counts as one), the environment "
                                            "allows {}; declare only the addresses that call MPay",
                                            field, set.size(), policy.maximum));
}

AddressSet AddressSet::ofTexts(std::span<const std::string> texts) {
  std::vector<net::Prefix> prefixes;
  for (const auto& text : texts) {
    if (const auto prefix = net::parsePrefix(text)) prefixes.push_back(*prefix);
  }
  return of(std::move(prefixes));
}

AddressSet AddressSet::of(std::vector<net::Prefix> prefixes) {
  AddressSet set;
  set.prefixes_ = canonical(std::move(prefixes));
  return set;
}

AddressSet AddressSet::without(std::span<const net::Prefix> taken) const {
  std::vector<Prefix> left = prefixes_;
  for (const auto& each : taken) {
    std::vector<Prefix> next;
    for (const auto& prefix : left) subtract(prefix, each, next);
    left = std::move(next);
  }
  return of(std::move(left));
}

std::vector<std::string> AddressSet::texts() const {
  std::vector<std::string> texts;
  for (const auto& prefix : prefixes_) texts.push_back(prefix.text());
  return texts;
}

std::uint64_t AddressSet::size() const {
  std::uint64_t total = 0;
  std::set<net::Address> blocks;  // /64s that are declared in part
  for (const auto& prefix : prefixes_) {
    std::uint64_t count = 1;
    if (prefix.address.v6 && prefix.length > 64) {
      count = blocks.insert(Prefix{prefix.address, 64}.first()).second ? 1 : 0;
    } else {
      const int bits = prefix.address.v6 ? 64 - prefix.length : 32 - prefix.length;
      count = bits >= 63 ? std::numeric_limits<std::uint64_t>::max() / 2 : std::uint64_t{1} << bits;
    }
    total = total > std::numeric_limits<std::uint64_t>::max() - count ? std::numeric_limits<std::uint64_t>::max()
                                                                      : total + count;
  }
  return total;
}

std::vector<AddressRow> addressTable(const std::multimap<std::string, const AddressSet*>& addressesByService) {
  std::map<Prefix, std::set<std::string>> byPrefix;
  for (const auto& [service, addresses] : addressesByService) {
    for (const auto& prefix : addresses->prefixes()) byPrefix[prefix].insert(service);
  }
  std::vector<AddressRow> rows;
  std::vector<std::size_t> around;  // the rows that contain the current one, the widest first
  rows.reserve(byPrefix.size());
  // In this order a prefix comes before the prefixes that it contains.
  for (auto& [prefix, services] : byPrefix) {
    while (!around.empty() && !rows[around.back()].prefix.contains(prefix)) around.pop_back();
    if (!around.empty()) services.insert(rows[around.back()].services.begin(), rows[around.back()].services.end());
    around.push_back(rows.size());
    rows.push_back({prefix, {services.begin(), services.end()}});
  }
  return rows;
}

}  // namespace mpay::domain
