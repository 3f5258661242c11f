// Who holds which ServiceID, certificate and addresses, in each environment.
//
// The first claim keeps what it claimed. Claims live in ConfigMaps of the output namespace; this is
// their index, and the one place where two integrations that want the same are told apart: a claim is
// reserved here before it is written, and written before anything is published under it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/synchronized.h"
#include "controllers/outputs.h"
#include "onboarding/decide.h"

namespace mpay::controllers {

class Claims {
 public:
  // Takes over the claims that were written down; only the first call for an environment counts.
  void load(const std::string& environment, const std::vector<onboarding::Claim>& written);

  // Reserves a claim but for the addresses that others hold, and says which; nothing where others hold
  // its ServiceID or certificate. `shared` ranges may be held by several. A claim of the same namespace and name passes
  // to a new UID when IDNO and ServiceID are the same, and counts as another's when they are not.
  onboarding::Conflicts reserve(const std::string& environment, const onboarding::Claim& claim,
                                const std::vector<net::Prefix>& shared);

  void release(const std::string& environment, const api::ObjectKey& holder);

  // The holders of what conflicts with a claim, for the environment's Event.
  std::vector<std::string> holders(const std::string& environment, const onboarding::Claim& claim) const;

 private:
  struct Index {
    std::map<api::ObjectKey, onboarding::Claim> claims;
    std::map<std::string, api::ObjectKey> services;
    std::map<std::string, api::ObjectKey> certificates;
    std::map<net::Prefix, std::set<api::ObjectKey>> addresses;

    void add(const onboarding::Claim& claim);
    void remove(const api::ObjectKey& holder);
    // Others whose claimed prefixes overlap this one.
    std::set<api::ObjectKey> overlapping(const net::Prefix& prefix, const api::ObjectKey& but) const;
  };
  Synchronized<std::map<std::string, Index>> byEnvironment_;
};

// Takes over what an output namespace, which must have been read, says of them.
void loadClaims(Claims& claims, const std::string& environment, const Outputs& outputs);

}  // namespace mpay::controllers
