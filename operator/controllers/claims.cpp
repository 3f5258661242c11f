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

onboarding::Conflicts Claims::Index::conflictsOf(const Request& request) const {
  const auto holder = keyOf(request.claim);
  onboarding::Conflicts conflicts;
  if (const auto mine = claims.find(holder); mine != claims.end()) {
    const auto& had = mine->second;
    if (had == request.claim) return conflicts;
    const bool passes = had.holder.idno == request.claim.holder.idno && had.serviceID == request.claim.serviceID;
    conflicts.service = had.holder.uid != request.claim.holder.uid && !passes;
  }
  const auto isOthers = [&](const std::map<std::string, api::ObjectKey>& map, const std::string& key) {
    const auto found = map.find(key);
    return found != map.end() && found->second != holder;
  };
  conflicts.service = conflicts.service || isOthers(services, request.claim.serviceID);
  for (const auto& certificate : request.claim.certificates)
    conflicts.certificate = conflicts.certificate || isOthers(certificates, certificate);
  for (const auto& text : request.claim.addresses) {
    const auto prefix = net::parsePrefix(text);
    if (!prefix) continue;
    const auto others = overlapping(*prefix, holder);
    const bool mayShare =
        net::within(request.shared, *prefix) || std::all_of(others.begin(), others.end(), [&](const auto& other) {
          return request.provesIdno && claims.at(other).holder.idno == request.claim.holder.idno;
        });
    if (!mayShare || others.size() >= kMaximumSharers) conflicts.addresses.push_back(text);
  }
  return conflicts;
}

bool Claims::Index::take(const Request& request, const onboarding::Conflicts& conflicts) {
  const auto holder = keyOf(request.claim);
  const auto granted = onboarding::granted(request.claim, conflicts);
  const auto had = claims.find(holder);
  if (had != claims.end() && had->second == granted) return false;
  const bool changed = had != claims.end();
  remove(holder);
  add(granted);
  return changed;
}

void Claims::load(const std::string& environment, const std::function<std::vector<onboarding::Claim>()>& written) {
  byEnvironment_.with([&](auto& all) {
    if (all.contains(environment)) return;
    auto& index = all[environment];
    for (const auto& claim : written()) index.add(claim);
  });
}

std::vector<onboarding::Conflicts> Claims::reserve(const std::vector<Request>& requests) {
  std::set<api::ObjectKey> freed;
  auto conflicts = byEnvironment_.with([&](auto& all) {
    std::vector<onboarding::Conflicts> found;
    for (const auto& request : requests) found.push_back(all[request.environment].conflictsOf(request));
    const bool refused =
        std::any_of(found.begin(), found.end(), [](const auto& c) { return c.service || c.certificate; });
    for (std::size_t i = 0; i < requests.size(); ++i) {
      Index& index = all[requests[i].environment];
      const auto holder = keyOf(requests[i].claim);
      if (found[i].any()) {
        index.waiting.insert(holder);
      } else {
        index.waiting.erase(holder);
      }
      if (!refused && index.take(requests[i], found[i])) freed.insert(index.waiting.begin(), index.waiting.end());
      freed.erase(holder);
    }
    return found;
  });
  wake(freed);
  return conflicts;
}

void Claims::release(const std::string& environment, const api::ObjectKey& holder) {
  wake(byEnvironment_.with([&](auto& all) {
    Index& index = all[environment];
    index.waiting.erase(holder);
    if (!index.claims.contains(holder)) return std::set<api::ObjectKey>{};
    index.remove(holder);
    return index.waiting;
  }));
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
  claims.load(environment, [&] {
    std::vector<onboarding::Claim> written;
    std::set<api::ObjectKey> holders;
    for (const auto& object : outputs.ofComponent(onboarding::kClaim)) {
      if (auto claim = onboarding::remembered<onboarding::Claim>(*object)) {
        holders.insert(keyOf(*claim));
        written.push_back(std::move(*claim));
      }
    }
    // What is published stays its publisher's also where the claim was lost.
    for (const auto& object : outputs.ofComponent(onboarding::kFragment)) {
      const auto fragment = onboarding::remembered<onboarding::Fragment>(*object);
      if (!fragment) continue;
      auto claim = onboarding::claimOf(*fragment);
      if (!holders.contains(keyOf(claim))) written.push_back(std::move(claim));
    }
    return written;
  });
}

}  // namespace mpay::controllers
