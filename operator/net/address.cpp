#include "net/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

namespace mpay::net {
namespace {

// Sets the bits from `length` on to `to`; an IPv4 address begins at bit 96.
Address fill(Address address, int length, bool to) {
  const int begin = (address.v6 ? 0 : 96) + length;
  for (int bit = begin; bit < 128; ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> (bit % 8));
    auto& byte = address.bytes[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<std::uint8_t>(to ? byte | mask : byte & ~mask);
  }
  return address;
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

}  // namespace mpay::net
