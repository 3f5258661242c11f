// Chains of certificates of every shape, for what judges them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/pki.h"

namespace mpay::test {

struct Chain {
  std::string name;
  Identity client;
  std::string given;    // PEM, the intermediates of the form, which the client sends along
  std::string trusted;  // PEM, the authorities
  std::string reason;   // why the operator does not trust it; empty: it does
  // Where the operator and the gateways may differ: a key of kDifferences. Empty: they may not.
  std::string_view difference = "";
};

// Why they differ, in the words of docs/certificates.md.
struct Difference {
  std::string_view key, words;
};
extern const std::vector<Difference> kDifferences;

std::vector<Chain> makeChains();

}  // namespace mpay::test
