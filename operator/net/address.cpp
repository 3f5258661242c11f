#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace mpay::net {
namespace {

// Sets the bits from `length` on to `to`. An IPv4 address begins at bit 96.
Address fill(Address address, int length, bool to) {
  const int begin = (address.v6 ? 0 : 96) + length;
  auto byte = static_cast<std::size_t>(begin / 8);
  if (begin % 8 != 0) {
    const auto mask = static_cast<std::uint8_t>(0xff >> (begin % 8));
    address.bytes[byte] = static_cast<std::uint8_t>(to ? address.bytes[byte] | mask : address.bytes[byte] & ~mask);
    ++byte;
  }
  for (; byte < address.bytes.size(); ++byte) address.bytes[byte] = to ? 0xff : 0;
  return address;
}

Prefix known(std::string_view text) { return *parsePrefix(text); }

const std::vector<Prefix>& embedding() {
  static const std::vector<Prefix> ranges{
      known("::ffff:0:0/96"),   // IPv4-mapped, RFC 4291
      known("::/96"),           // IPv4-compatible, RFC 4291
      known("64:ff9b::/96"),    // NAT64, RFC 6052
      known("64:ff9b:1::/48"),  // NAT64, RFC 8215
      known("2002::/16"),       // 6to4, RFC 3056
      known("2001::/32"),       // Teredo, RFC 4380
  };
  return ranges;
}

// Ranges in the registries of special-purpose addresses (RFC 6890) that cannot be a public source.
const std::vector<Prefix>& special() {
  static const std::vector<Prefix> ranges{
      known("0.0.0.0/8"),      known("10.0.0.0/8"),     known("100.64.0.0/10"), known("127.0.0.0/8"),
      known("169.254.0.0/16"), known("172.16.0.0/12"),  known("192.0.0.0/24"),  known("192.0.2.0/24"),
      known("192.88.99.0/24"), known("192.168.0.0/16"), known("198.18.0.0/15"), known("198.51.100.0/24"),
      known("203.0.113.0/24"), known("224.0.0.0/4"),    known("240.0.0.0/4"),
  };
  return ranges;
}

// IPv6 assigns only 2000::/3 to public use. These parts of it are not public.
const std::vector<Prefix>& special6() {
  static const std::vector<Prefix> ranges{known("2001::/23"), known("2001:db8::/32"), known("3fff::/20")};
  return ranges;
}

bool overlapsAny(const std::vector<Prefix>& ranges, const Prefix& prefix) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Prefix& range) { return range.overlaps(prefix); });
}

}  // namespace

std::string Address::text() const {
  char buffer[INET6_ADDRSTRLEN] = "";
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data() + (v6 ? 0 : 12), buffer, sizeof buffer);
  return buffer;
}

Address Prefix::first() const { return fill(address, length, false); }
Address Prefix::last() const { return fill(address, length, true); }

bool Prefix::contains(const Prefix& other) const {
  return address.v6 == other.address.v6 && length <= other.length && first() <= other.first() && other.last() <= last();
}

std::string Prefix::text() const { return address.text() + "/" + std::to_string(length); }

std::optional<Address> parseAddress(std::string_view text) {
  Address address;
  // inet_pton takes exactly four decimal parts; glibc's also refuses leading zeros.
  const std::string copy(text);
  if (copy.size() != std::char_traits<char>::length(copy.c_str())) return std::nullopt;
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data() + 12) == 1) return address;
  address.v6 = true;
  address.bytes.fill(0);
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::optional<Prefix> parsePrefix(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parseAddress(text.substr(0, slash));
  if (!address) return std::nullopt;
  Prefix prefix{*address, address->v6 ? 128 : 32};
  if (slash == std::string_view::npos) return prefix;
  const auto digits = text.substr(slash + 1);
  int length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool plain = !digits.empty() && digits.size() <= 3 && (digits[0] != '0' || digits.size() == 1) &&
                     std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!plain || error != std::errc() || end != digits.data() + digits.size() || length > prefix.width())
    return std::nullopt;
  prefix.length = length;
  return prefix;
}

bool within(std::span<const Prefix> ranges, const Prefix& prefix) {
  return std::any_of(ranges.begin(), ranges.end(), [&](const Prefix& range) { return range.contains(prefix); });
}

bool embedsIPv4(const Prefix& prefix) {
  static const Prefix loopback = known("::/127");
  return prefix.address.v6 && !loopback.contains(prefix) && overlapsAny(embedding(), prefix);
}

bool isPublic(const Prefix& prefix) {
  if (!prefix.address.v6) return !overlapsAny(special(), prefix);
  static const Prefix assigned = known("2000::/3");
  return assigned.contains(prefix) && !overlapsAny(special6(), prefix) && !embedsIPv4(prefix);
}

bool mayCall(const Address& address, std::span<const Prefix> permitted) {
  const Prefix one{address, address.v6 ? 128 : 32};
  return isPublic(one) || within(permitted, one);
}

}  // namespace mpay::net
