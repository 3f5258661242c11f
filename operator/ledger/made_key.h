// The record of a key that the operator made: one ConfigMap a key, written down before the key is, and kept.
#pragma once

#include <map>
#include <string>

#include "ledger/holder.h"
#include "ledger/memory.h"

namespace mpay::ledger {

struct MadeKey {
  Holder holder;
  std::string publicKeySha256;
  std::string madeAt;
};
BOOST_DESCRIBE_STRUCT(MadeKey, (), (holder, publicKeySha256, madeAt))

// "mpay-key-<32 digits of the fingerprint>".
std::string madeKeyName(const std::string& publicKeySha256);

// By fingerprint of the public key.
using MadeKeys = std::map<std::string, MadeKey>;

}  // namespace mpay::ledger
