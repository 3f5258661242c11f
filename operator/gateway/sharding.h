// Published files that are too large for one object, cut into parts.
//
// Pure. Which part an entry is in follows from the entry alone, never from its neighbours, so an entry that comes or
// goes changes one part; equal entries give equal parts in whatever order they came. Sets that fit are not cut at all.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "net/address.h"

namespace mpay::gateway {

// Of all keys and values of a ConfigMap. An API server takes 1 MiB (core/v1), a request to etcd 1.5 MiB.
inline constexpr std::size_t kMaximumFileBytes = 900 * 1024;
// Of all rules of a NetworkPolicy: network plugins handle a few thousand at most.
inline constexpr std::size_t kMaximumPeers = 1000;

// What a file is made of: lines that stand for themselves.
struct Entry {
  std::uint64_t key = 0;  // decides the part, hexadecimal digit by digit from the left
  std::string text;       // with its line end
};

// Spreads addresses over parts so that neighbours stay together: the first digit is of the IPv4 /16 or IPv6 /48 that
// the prefix begins in, the second of the /24 or /64, the others of the prefix. What an integration may declare is
// within one /16 or /48 each, so it moves to no other part as its prefixes merge.
std::uint64_t shardKey(const net::Prefix& prefix);
// A SHA-256 in hexadecimal: its own first digits.
std::uint64_t shardKey(std::string_view sha256);

// Entries of several files whose keys begin with these digits. No digits: all there are.
struct Part {
  std::string digits;
  std::vector<std::vector<const Entry*>> files;  // in the order given
};

// One part without digits where all entries are within the limits; else one for each first digit, empty ones too, and
// where such a one is over a limit, one for each second digit instead, and so on. What cannot be told apart stays
// together. The entries must outlive the answer.
std::vector<Part> partition(const std::vector<const std::vector<Entry>*>& files, std::size_t bytes,
                            std::size_t entries);

// One published file.
struct File {
  std::string name;  // "clients.conf"
  std::string head, foot;
  // It can include others, as nginx's can: then the index is a file of that name that includes the parts'. Else the
  // index is a file "<name>.parts" with the names of the parts' files, a name a line: those, one after the other, are
  // the file.
  bool includes = false;
  std::vector<Entry> entries;
};

using Data = std::map<std::string, std::string>;  // of a ConfigMap

// The data of one target's ConfigMaps.
struct Sharded {
  std::map<std::string, Data> parts;  // by digits; empty where all fits into one object
  Data index;                         // names the parts' files; all there is where there are none
};
Sharded shard(const std::vector<File>& files, std::size_t bytes = kMaximumFileBytes);

// The name of a part's object: "mpay-clients-part-3".
std::string partName(std::string_view name, std::string_view digits);
// Whether an object's name is that of a part of `name`.
bool isPartOf(std::string_view object, std::string_view name);

}  // namespace mpay::gateway
