// Cuts published files that are too large for one object into parts.
//
// Pure. The part of an entry depends on the entry alone, never on its neighbours, so adding or removing an entry
// changes one part. Equal entries give equal parts in whatever order they come. Sets that fit are not cut.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace mpay::gateway {

// The limit for all keys and values of a ConfigMap. An API server takes 1 MiB (core/v1), a request to etcd 1.5 MiB.
inline constexpr std::size_t kMaximumFileBytes = 900 * 1024;
// The limit for all rules of a NetworkPolicy: network plugins handle a few thousand at most.
inline constexpr std::size_t kMaximumPeers = 1000;

// The unit of a file: lines that need no other lines.
struct Entry {
  std::uint64_t key = 0;  // decides the part, hexadecimal digit by digit from the left
  std::string text;       // with its line end
};

// Spreads addresses over parts so that neighbours stay together. The first digit comes from the IPv4 /16 or IPv6 /48 in
// which the prefix begins, the second from the /24 or /64, the others from the prefix. Each range that an integration
// may declare is within one /16 or /48, so it moves to no other part as its prefixes merge.
std::uint64_t shardKey(const net::Prefix& prefix);
// The key of a SHA-256 in hexadecimal: its first digits.
std::uint64_t shardKey(std::string_view sha256);

// Entries of several files whose keys begin with these digits. No digits: all entries.
struct Part {
  std::string digits;
  std::vector<std::vector<const Entry*>> files;  // in the order given
};

// One part without digits where all entries are within the limits. Otherwise one part for each first digit, empty ones
// too; a part over a limit is replaced by one for each second digit, and so on. Entries with equal keys stay together.
// The entries must outlive the answer.
std::vector<Part> partition(const std::vector<const std::vector<Entry>*>& files, std::size_t bytes,
                            std::size_t entries);

// One published file.
struct File {
  std::string name;  // "clients.conf"
  std::string head, foot;
  // True: the file can include others, as nginx's can. Then the index is a file of that name that includes the parts'
  // files. False: the index is a file "<name>.parts" with the names of the parts' files, one a line; the parts' files
  // in that order are the file.
  bool includes = false;
  std::vector<Entry> entries;
};

using Data = std::map<std::string, std::string>;  // of a ConfigMap

// The data of one target's ConfigMaps.
struct Sharded {
  std::map<std::string, Data> parts;  // by digits; empty where all fits into one object
  Data index;                         // names the parts' files; without parts everything
};
Sharded shard(const std::vector<File>& files, std::size_t bytes = kMaximumFileBytes);

// The name of a part's object: "mpay-clients-part-3".
std::string partName(std::string_view name, std::string_view digits);
// True when the object is a part of `name`.
bool isPartOf(std::string_view object, std::string_view name);

}  // namespace mpay::gateway
