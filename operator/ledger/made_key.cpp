#include "ledger/made_key.h"

namespace mpay::ledger {

std::string madeKeyName(const std::string& publicKeySha256) { return "mpay-key-" + publicKeySha256.substr(0, 32); }

}  // namespace mpay::ledger
