// IP addresses and prefixes, IPv4 and IPv6, in one exact spelling.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mpay::net {

// An address as a 128-bit number in network order. An IPv4 address takes the last four bytes.
struct Address {
  bool v6 = false;
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Address&) const = default;

  // "203.0.113.7", "2001:db8::1" (RFC 5952).
  std::string text() const;
};

// An address and the number of leading bits that count.
struct Prefix {
  Address address;
  int length = 0;  // 0..32 or 0..128
  auto operator<=>(const Prefix&) const = default;

  int width() const { return address.v6 ? 128 : 32; }
  Address first() const;  // the address with the host bits 0
  Address last() const;   // the address with the host bits 1
  bool hasHostBits() const { return first() != address; }
  bool contains(const Prefix& other) const;
  bool overlaps(const Prefix& other) const { return contains(other) || other.contains(*this); }
  std::string text() const;  // "203.0.113.7/32"
};

// Accepts dotted decimal with four parts and no leading zeros, and RFC 4291's forms without a zone. Nothing for any
// other spelling ("010.8.8.8", "0x7f.1", "2130706433").
std::optional<Address> parseAddress(std::string_view text);

// Accepts an address, or an address with "/length". Host bits are kept; see hasHostBits.
std::optional<Prefix> parsePrefix(std::string_view text);

// True if one of the ranges contains the whole prefix.
bool within(std::span<const Prefix> ranges, const Prefix& prefix);

// True if the prefix overlaps a range whose addresses carry an IPv4 address inside (mapped, compatible, NAT64, 6to4,
// Teredo). Admitting one admits an IPv4 address that nobody named. ::1 and :: embed nothing.
bool embedsIPv4(const Prefix& prefix);

// True if the whole prefix is public: outside the registries of special-purpose addresses (RFC 6890), and embedding no
// IPv4 address.
bool isPublic(const Prefix& prefix);

// True if the address is public or in one of the permitted ranges: then it may be called.
bool mayCall(const Address& address, std::span<const Prefix> permitted);

}  // namespace mpay::net
