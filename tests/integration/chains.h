// Chains of certificates of every shape, for the operator and the gateways to judge.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/pki.h"

namespace mpay::test {

struct Chain {
  std::string name;
  Identity client;
  std::string given;    // PEM, the form's intermediates, which the client sends
  std::string trusted;  // PEM, the authorities
  std::string reason;   // the operator's reason for a refusal; empty: trusted
  // A key of kDifferences if the operator and the gateways may differ; empty: they must agree.
  std::string_view difference = "";
};

// The reason of a difference, in the words of docs/certificates.md.
struct Difference {
  std::string_view key, words;
};
extern const std::vector<Difference> kDifferences;

std::vector<Chain> makeChains();

}  // namespace mpay::test
