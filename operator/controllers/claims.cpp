#include "controllers/claims.h"

#include <algorithm>

namespace mpay::controllers {
namespace {

api::ObjectKey keyOf(const onboarding::Claim& claim) { return {claim.holder.namespace_, claim.holder.name}; }

}  // namespace

void Claims::Index::add(const onboarding::Claim& claim) {
  const auto holder = keyOf(claim);
  claims[holder] = claim;
  services.emplace(claim.serviceID, holder);
  for (const auto& certificate : claim.certificates) certificates.emplace(certificate, holder);
  for (const auto& text : claim.addresses) {
    if (const auto prefix = net::parsePrefix(text)) addresses[*prefix].insert(holder);
  }
}

void Claims::Index::remove(const api::ObjectKey& holder) {
  const auto found = claims.find(holder);
  if (found == claims.end()) return;
  const auto drop = [&](std::map<std::string, api::ObjectKey>& map, const std::string& key) {
    const auto entry = map.find(key);
    if (entry != map.end() && entry->second == holder) map.erase(entry);
  };
  drop(services, found->second.serviceID);
  for (const auto& certificate : found->second.certificates) drop(certificates, certificate);
  for (const auto& text : found->second.addresses) {
    const auto prefix = net::parsePrefix(text);
    const auto entry = prefix ? addresses.find(*prefix) : addresses.end();
    if (entry == addresses.end()) continue;
    entry->second.erase(holder);
    if (entry->second.empty()) addresses.erase(entry);
  }
  claims.erase(found);
}

std::set<api::ObjectKey> Claims::Index::overlapping(const net::Prefix& prefix, const api::ObjectKey& but) const {
  std::set<api::ObjectKey> others;
  const auto take = [&](const std::set<api::ObjectKey>& holders) {
    for (const auto& holder : holders) {
      if (holder != but) others.insert(holder);
    }
  };
  for (int length = 0; length < prefix.length; ++length) {
    const auto wider = addresses.find({net::Prefix{prefix.address, length}.first(), length});
    if (wider != addresses.end()) take(wider->second);
  }
  for (auto at = addresses.lower_bound(prefix); at != addresses.end() && prefix.contains(at->first); ++at)
    take(at->second);
  return others;
}

void Claims::load(const std::string& environment, const std::vector<onboarding::Claim>& written) {
  byEnvironment_.with([&](auto& all) {
    if (all.contains(environment)) return;
    auto& index = all[environment];
    for (const auto& claim : written) index.add(claim);
  });
}

onboarding::Conflicts Claims::reserve(const std::string& environment, const onboarding::Claim& claim,
                                      const std::vector<net::Prefix>& shared) {
  return byEnvironment_.with([&](auto& all) {
    Index& index = all[environment];
    const auto holder = keyOf(claim);
    onboarding::Conflicts conflicts;
    const auto mine = index.claims.find(holder);
    if (mine != index.claims.end()) {
      if (mine->second == claim) return conflicts;
      const auto& had = mine->second;
      const bool passes = had.holder.idno == claim.holder.idno && had.serviceID == claim.serviceID;
      if (had.holder.uid != claim.holder.uid && !passes) {
        conflicts.service = true;
        return conflicts;
      }
    }
    const auto other = [&](const std::map<std::string, api::ObjectKey>& map, const std::string& key) {
      const auto found = map.find(key);
      return found != map.end() && found->second != holder;
    };
    conflicts.service = other(index.services, claim.serviceID);
    for (const auto& certificate : claim.certificates)
      conflicts.certificate = conflicts.certificate || other(index.certificates, certificate);
    for (const auto& text : claim.addresses) {
      const auto prefix = net::parsePrefix(text);
      if (!prefix) continue;
      const bool isShared =
          std::any_of(shared.begin(), shared.end(), [&](const auto& range) { return range.contains(*prefix); });
      if (!isShared && !index.overlapping(*prefix, holder).empty()) conflicts.addresses.push_back(text);
    }
    if (!conflicts.service && !conflicts.certificate) {
      // Addresses in conflict are not taken; the rest is, so that the ServiceID is held meanwhile.
      onboarding::Claim granted = claim;
      std::erase_if(granted.addresses, [&](const auto& text) {
        return std::find(conflicts.addresses.begin(), conflicts.addresses.end(), text) != conflicts.addresses.end();
      });
      index.remove(holder);
      index.add(granted);
    }
    return conflicts;
  });
}

void Claims::release(const std::string& environment, const api::ObjectKey& holder) {
  byEnvironment_.with([&](auto& all) { all[environment].remove(holder); });
}

std::vector<std::string> Claims::holders(const std::string& environment, const onboarding::Claim& claim) const {
  return byEnvironment_.with([&](const auto& all) {
    std::set<std::string> names;
    const auto found = all.find(environment);
    if (found == all.end()) return std::vector<std::string>{};
    const Index& index = found->second;
    const auto holder = keyOf(claim);
    const auto note = [&](const std::map<std::string, api::ObjectKey>& map, const std::string& key) {
      const auto entry = map.find(key);
      if (entry != map.end() && entry->second != holder) names.insert(entry->second.text());
    };
    note(index.services, claim.serviceID);
    for (const auto& certificate : claim.certificates) note(index.certificates, certificate);
    for (const auto& text : claim.addresses) {
      const auto prefix = net::parsePrefix(text);
      if (!prefix) continue;
      for (const auto& other : index.overlapping(*prefix, holder)) names.insert(other.text());
    }
    return std::vector<std::string>(names.begin(), names.end());
  });
}

void loadClaims(Claims& claims, const std::string& environment, const Outputs& outputs) {
  std::vector<onboarding::Claim> written;
  for (const auto& object : outputs.ofComponent(onboarding::kClaim)) {
    if (auto claim = onboarding::remembered<onboarding::Claim>(*object)) written.push_back(std::move(*claim));
  }
  claims.load(environment, written);
}

}  // namespace mpay::controllers
