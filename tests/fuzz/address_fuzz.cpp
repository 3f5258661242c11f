#include "domain/allowlist.h"
#include "fuzz/pki.h"

using namespace mpay;

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto address = net::parseAddress(text))
    fuzz::require(net::parseAddress(address->text()) == address && text.size() < 46);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const auto& line : lines) {
    const auto prefix = net::parsePrefix(line);
    if (!prefix) continue;
    fuzz::require(net::parsePrefix(prefix->text()) == prefix);
    fuzz::require(prefix->contains({prefix->last(), prefix->width()}));
    fuzz::require(!net::isPublic(*prefix) || !net::embedsIPv4(*prefix));
  }
  const auto set = domain::AddressSet::parse(lines, {}, "addresses");
  if (!set) {
    fuzz::require(!set.error().reason.empty());
    return 0;
  }
  const auto again = domain::AddressSet::parse(set->texts(), {}, "addresses");
  fuzz::require(again && *again == *set && set->size() <= domain::AddressPolicy{}.maximum);
  return 0;
}
