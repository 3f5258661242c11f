// The set of addresses that a service may call from, in one canonical form.
// Pure: no I/O, no clock. Source of the rules: docs/domain.md, "Addresses".
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/address.h"

namespace mpay::domain {

struct AddressPolicy {
  std::uint64_t maximum = 256;           // IPv4 addresses plus IPv6 /64s in the union
  std::vector<net::Prefix> permitted{};  // ranges allowed although not public
  std::vector<net::Prefix> shared{};     // ranges that several integrations may declare
};

// Canonical, sorted, non-overlapping prefixes. Sets of the same addresses compare equal in whatever order and spelling
// they were declared, so their rendering does not change.
class AddressSet {
 public:
  AddressSet() = default;

  // Parses addresses ("203.0.113.7") and prefixes ("203.0.113.0/28").
  // Errors: Invalid with reason MalformedAddress, HostBitsSet, RangeTooWide, EmbeddedIPv4 or NonPublicAddress, naming
  // the element by index ("endpoints.testing.addresses[2]"). RangeTooWide also when the union counts more than the
  // policy's maximum. `member` follows the index where each element is an object (".address").
  static Result<AddressSet> parse(std::span<const std::string> addresses, const AddressPolicy& policy,
                                  std::string_view field, std::string_view member = "");

  // From prefixes or texts that were judged before (the operator's records). A text that is no prefix is left out.
  static AddressSet of(std::vector<net::Prefix> prefixes);
  static AddressSet ofTexts(std::span<const std::string> texts);

  // The set without `taken`, in the fewest prefixes.
  AddressSet without(std::span<const net::Prefix> taken) const;

  const std::vector<net::Prefix>& prefixes() const& { return prefixes_; }
  std::vector<net::Prefix> prefixes() && { return std::move(prefixes_); }
  std::vector<std::string> texts() const;
  bool empty() const { return prefixes_.empty(); }
  // The number of IPv4 addresses plus IPv6 /64s; a /64 that is declared in part counts as one. Saturating.
  std::uint64_t size() const;
  bool operator==(const AddressSet&) const = default;

 private:
  std::vector<net::Prefix> prefixes_;
};

// Errors: Invalid RangeTooWide when the set counts more than the policy's maximum.
Result<void> judgeWidth(const AddressSet& set, const AddressPolicy& policy, std::string_view field);

// A row of the gateway's table: a declared prefix, and the services that may call from it, sorted. Among the rows that
// contain an address the longest prefix counts, as in nginx's geo and HAProxy's map_ip.
struct AddressRow {
  net::Prefix prefix;
  std::vector<std::string> services;
};

// The rows of many services, sorted. A row also names the services of the wider prefixes that contain it. So the
// longest match alone tells who may call, also where shared ranges nest. Every declared prefix is a row, whatever
// others declare. Equal input gives equal output. O(n log n) for n prefixes, times the depth of nesting.
std::vector<AddressRow> addressTable(const std::multimap<std::string, const AddressSet*>& addressesByService);

}  // namespace mpay::domain
