// The record of a fragment: what one integration contributes to an environment's gateway.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "crypto/x509.h"
#include "domain/allowlist.h"
#include "ledger/holder.h"
#include "ledger/memory.h"

namespace mpay::ledger {

// A certificate that an environment admits: the current one, or an earlier one that overlaps with it
// (onboarding/rotation.h).
struct Fingerprints {
  std::string sha1;
  std::string sha256;
  std::string notAfter;
  std::optional<std::string> der;         // base64; the operator keeps no other copy of a certificate that is replaced
  std::optional<std::string> replacedAt;  // of an earlier one
  std::optional<std::string> until;       // of an earlier one, once the new one is live: when it ends
  // base64 of the DER of the intermediates that were given with it: the form that gave them may be gone.
  std::vector<std::string> intermediates{};
  bool operator==(const Fingerprints&) const = default;
};
BOOST_DESCRIBE_STRUCT(Fingerprints, (), (sha1, sha256, notAfter, der, replacedAt, until, intermediates))

inline bool isEarlier(const Fingerprints& certificate) { return certificate.replacedAt.has_value(); }

// The fingerprints of a certificate, as the current one.
Fingerprints fingerprintsOf(const crypto::Certificate& certificate, std::vector<std::string> intermediates = {});

// The certificate of a base64 text in a record; nothing where there is none, or nobody can read it.
std::optional<crypto::Certificate> certificateIn(const std::optional<std::string>& base64);

// base64 of the DER of each, and back; a text that cannot be read is left out.
std::vector<std::string> textsOf(const crypto::Intermediates& intermediates);
crypto::Intermediates intermediatesOf(const std::vector<std::string>& texts);

struct Fragment {
  static constexpr std::string_view kName = kFragment;
  Holder holder;
  std::int64_t revision = 0;  // of production's; 0 in testing
  std::string serviceID;
  std::string digest;
  std::vector<std::string> addresses;     // of the information system
  std::vector<std::string> posAddresses;  // of payment terminals
  std::vector<Fingerprints> certificates;
  bool operator==(const Fragment&) const = default;
};
BOOST_DESCRIBE_STRUCT(Fragment, (), (holder, revision, serviceID, digest, addresses, posAddresses, certificates))

// True if the fragment has that certificate; false where there is no fragment.
bool publishes(const std::optional<Fragment>& fragment, const std::string& sha256);

// Equal for two fragments that admit the same current certificates, from the same addresses, as the same service:
// earlier certificates come and go without it. `text` is the JSON that `fragment` was read from.
std::string currentHash(const Fragment& fragment, const std::string& text);

// A fragment with its addresses parsed, once.
struct Contribution {
  Contribution() = default;
  Contribution(Fragment fragment);  // NOLINT: it is the same thing
  Fragment fragment;
  domain::AddressSet addresses, posAddresses;
};

// By the name of the fragment's ConfigMap.
using Fragments = std::map<std::string, Contribution>;

}  // namespace mpay::ledger
