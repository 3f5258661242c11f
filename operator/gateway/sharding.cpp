#include "gateway/sharding.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace mpay::gateway {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

// FNV-1a, followed by the last step of MurmurHash3, so that every bit depends on every byte.
std::uint64_t hash(const net::Prefix& prefix) {
  std::uint64_t h = 0xcbf29ce484222325;
  const auto take = [&h](std::uint8_t byte) { h = (h ^ byte) * 0x100000001b3; };
  take(prefix.address.v6 ? 6 : 4);
  for (const auto byte : prefix.address.bytes) take(byte);
  take(static_cast<std::uint8_t>(prefix.length));
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccd;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53;
  return h ^ (h >> 33);
}

// The number of the block of that length in which the prefix begins.
std::uint64_t blockDigit(const net::Prefix& prefix, int length) {
  return hash({net::Prefix{prefix.address, length}.first(), length}) >> 60;
}

std::size_t digitAt(std::uint64_t key, std::size_t depth) { return (key >> (60 - 4 * depth)) & 0xf; }

bool fits(const Part& part, std::size_t bytes, std::size_t entries) {
  std::size_t size = 0, count = 0;
  for (const auto& file : part.files) {
    count += file.size();
    for (const auto* entry : file) size += entry->text.size();
  }
  return (size <= bytes && count <= entries) || count <= 1;
}

void cut(Part part, std::size_t bytes, std::size_t entries, std::vector<Part>& into) {
  const std::size_t depth = part.digits.size();
  if (depth == 16 || fits(part, bytes, entries)) {
    into.push_back(std::move(part));
    return;
  }
  for (std::size_t digit = 0; digit < kDigits.size(); ++digit) {
    Part child{part.digits + kDigits[digit], std::vector<std::vector<const Entry*>>(part.files.size())};
    for (std::size_t file = 0; file < part.files.size(); ++file) {
      for (const auto* entry : part.files[file]) {
        if (digitAt(entry->key, depth) == digit) child.files[file].push_back(entry);
      }
    }
    cut(std::move(child), bytes, entries, into);
  }
}

// partFile("clients.conf", "3") is "clients-3.conf".
std::string partFile(const std::string& name, const std::string& digits) {
  const auto dot = name.rfind('.');
  return name.substr(0, dot) + "-" + digits + name.substr(dot);
}

std::string joined(const std::vector<const Entry*>& entries) {
  std::string text;
  for (const auto* entry : entries) text += entry->text;
  return text;
}

}  // namespace

std::uint64_t shardKey(const net::Prefix& prefix) {
  const bool v6 = prefix.address.v6;
  return blockDigit(prefix, v6 ? 48 : 16) << 60 | blockDigit(prefix, v6 ? 64 : 24) << 56 | hash(prefix) >> 8;
}

std::uint64_t shardKey(std::string_view sha256) {
  std::uint64_t key = 0;
  const auto digits = sha256.substr(0, 16);
  std::from_chars(digits.data(), digits.data() + digits.size(), key, 16);
  return key;
}

std::vector<Part> partition(const std::vector<const std::vector<Entry>*>& files, std::size_t bytes,
                            std::size_t entries) {
  Part whole;
  for (const auto* file : files) {
    auto& all = whole.files.emplace_back();
    for (const auto& entry : *file) all.push_back(&entry);
  }
  std::vector<Part> parts;
  cut(std::move(whole), bytes, entries, parts);
  return parts;
}

Sharded shard(const std::vector<File>& files, std::size_t bytes) {
  // Room for names, heads and feet.
  std::vector<const std::vector<Entry>*> entries;
  for (const auto& file : files) {
    const std::size_t overhead = file.name.size() + 16 + file.head.size() + file.foot.size();
    bytes -= std::min(bytes, overhead);
    entries.push_back(&file.entries);
  }
  Sharded sharded;
  const auto parts = partition(entries, bytes, std::numeric_limits<std::size_t>::max());
  const bool isWhole = parts.size() == 1 && parts.front().digits.empty();
  for (std::size_t i = 0; i < files.size(); ++i) {
    const File& file = files[i];
    if (isWhole) {
      sharded.index[file.name] = file.head + joined(parts.front().files[i]) + file.foot;
      continue;
    }
    std::string names;
    for (const auto& part : parts) {
      const auto name = partFile(file.name, part.digits);
      sharded.parts[part.digits][name] = joined(part.files[i]);
      names += file.includes ? fmt::format("    include {};\n", name) : name + "\n";
    }
    if (file.includes) {
      sharded.index[file.name] = file.head + names + file.foot;
    } else {
      sharded.index[file.name + ".parts"] = names;
    }
  }
  return sharded;
}

std::string partName(std::string_view name, std::string_view digits) { return fmt::format("{}-part-{}", name, digits); }

bool isPartOf(std::string_view object, std::string_view name) {
  const auto begin = partName(name, "");
  if (!object.starts_with(begin) || object.size() == begin.size()) return false;
  return object.find_first_not_of(kDigits, begin.size()) == std::string_view::npos;
}

}  // namespace mpay::gateway
