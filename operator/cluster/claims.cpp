#include "cluster/claims.h"

#include "gateway/rendering.h"

#include <algorithm>

namespace mpay::cluster {
namespace {

api::ObjectKey keyOf(const ledger::Claim& claim) { return {claim.holder.namespace_, claim.holder.name}; }

bool isIn(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

void include(std::vector<std::string>& sorted, const std::string& one) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), one);
  if (at == sorted.end() || *at != one) sorted.insert(at, one);
}

}  // namespace

std::set<api::ObjectKey> Claims::Index::waiting() const {
  std::set<api::ObjectKey> keys;
  for (const auto& [key, holder] : refused) keys.insert(key);
  return keys;
}

void Claims::Index::add(const ledger::Claim& claim) {
  const auto holder = keyOf(claim);
  claims[holder] = claim;
  if (!claim.serviceID.empty()) services.emplace(claim.serviceID, holder);
  for (const auto& certificate : claim.certificates) {
    if (strangersWith(certificate, claim.holder).empty()) certificates[certificate].insert(holder);
  }
  for (const auto& text : claim.addresses) {
    if (const auto prefix = net::parsePrefix(text)) addresses[*prefix].insert(holder);
  }
}

void Claims::Index::remove(const api::ObjectKey& holder) {
  const auto found = claims.find(holder);
  if (found == claims.end()) return;
  const auto drop = [&](auto& map, const auto& key) {
    const auto entry = map.find(key);
    if (entry == map.end()) return;
    entry->second.erase(holder);
    if (entry->second.empty()) map.erase(entry);
  };
  const auto service = services.find(found->second.serviceID);
  if (service != services.end() && service->second == holder) services.erase(service);
  for (const auto& certificate : found->second.certificates) drop(certificates, certificate);
  for (const auto& text : found->second.addresses) {
    if (const auto prefix = net::parsePrefix(text)) drop(addresses, *prefix);
  }
  claims.erase(found);
  contested.erase(holder);
}

std::set<api::ObjectKey> Claims::Index::strangersWith(const std::string& certificate,
                                                      const ledger::Holder& holder) const {
  std::set<api::ObjectKey> strangers;
  const auto found = certificates.find(certificate);
  if (found == certificates.end()) return strangers;
  const api::ObjectKey key{holder.namespace_, holder.name};
  for (const auto& other : found->second) {
    if (other != key && !ledger::isOneBeneficiary(claims.at(other).holder, holder, provesIdno)) strangers.insert(other);
  }
  return strangers;
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

void Claims::Index::noteAssignments(const Request& request, onboarding::Conflicts& conflicts) const {
  const auto& claim = request.claim;
  const auto mine = claims.find(keyOf(claim));
  const auto* had = mine == claims.end() ? nullptr : &mine->second;
  // An item that is held already stays granted.
  if (assignments->takesService(claim.holder, claim.serviceID)) {
    conflicts.service = true;
  } else if (assignments->ofService(claim.serviceID) && !(had && had->serviceID == claim.serviceID)) {
    conflicts.service = !published || published->services.contains(claim.serviceID);
  }
  for (const auto& sha256 : claim.certificates) {
    if (assignments->takesCertificate(claim.holder, sha256)) {
      conflicts.certificate = true;
    } else if (assignments->ofCertificate(sha256) && !(had && isIn(had->certificates, sha256))) {
      conflicts.certificate = conflicts.certificate || !published || published->certificates.contains(sha256);
    }
  }
  for (const auto& text : claim.addresses) {
    const auto prefix = net::parsePrefix(text);
    if (!prefix || assignments->overlapping(*prefix).empty()) continue;
    const bool isHeld = had && isIn(had->addresses, text);
    const bool isTaken = assignments->takesAddress(claim.holder, *prefix);
    const bool isPublished = !published || std::any_of(published->addresses.begin(), published->addresses.end(),
                                                       [&](const auto& other) { return other.overlaps(*prefix); });
    if (isTaken || (!isHeld && isPublished)) conflicts.addresses.push_back(text);
  }
}

std::set<api::ObjectKey> Claims::Index::concerned(const ledger::Assignments& other) const {
  std::set<api::ObjectKey> keys = waiting();
  const auto differ = [&](const ledger::Assignments& some, const ledger::Assignments& others) {
    const auto known = others.all();
    for (const auto& assignment : some.all()) {
      if (std::find(known.begin(), known.end(), assignment) != known.end()) continue;
      keys.insert({assignment.namespace_, assignment.name});
      if (const auto found = services.find(assignment.value);
          assignment.kind == ledger::AssignmentKind::ServiceID && found != services.end())
        keys.insert(found->second);
      if (const auto found = certificates.find(assignment.value);
          assignment.kind == ledger::AssignmentKind::Certificate && found != certificates.end())
        keys.insert(found->second.begin(), found->second.end());
      if (assignment.kind == ledger::AssignmentKind::Address)
        keys.merge(overlapping(*net::parsePrefix(assignment.value), {}));
    }
  };
  differ(other, *assignments);
  differ(*assignments, other);
  return keys;
}

onboarding::Conflicts Claims::Index::conflictsOf(const Request& request) const {
  const auto holder = keyOf(request.claim);
  onboarding::Conflicts conflicts;
  if (!assignments->empty()) noteAssignments(request, conflicts);
  if (const auto mine = claims.find(holder); mine != claims.end()) {
    const auto& had = mine->second;
    if (had == request.claim && !contested.contains(holder)) return conflicts;
    const bool passes = had.holder.idno == request.claim.holder.idno &&
                        (had.serviceID == request.claim.serviceID || had.serviceID.empty());
    conflicts.service = conflicts.service || (had.holder.uid != request.claim.holder.uid && !passes);
  }
  const auto service = services.find(request.claim.serviceID);
  conflicts.service = conflicts.service || (service != services.end() && service->second != holder);
  for (const auto& certificate : request.claim.certificates) {
    const auto found = certificates.find(certificate);
    if (found == certificates.end()) continue;
    const bool isFull = found->second.size() >= gateway::kMaximumServices && !found->second.contains(holder);
    conflicts.certificate =
        conflicts.certificate || isFull || !strangersWith(certificate, request.claim.holder).empty();
  }
  for (const auto& text : request.claim.addresses) {
    const auto prefix = net::parsePrefix(text);
    if (!prefix || isIn(conflicts.addresses, text)) continue;
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
  auto granted = onboarding::granted(request.claim, conflicts);
  const auto had = claims.find(holder);
  // Items that were assigned to others stay here until yield(): they may still be published, or be about to be.
  if (had != claims.end() && !assignments->empty()) {
    for (const auto& sha256 : had->second.certificates) {
      if (assignments->takesCertificate(had->second.holder, sha256)) include(granted.certificates, sha256);
    }
    for (const auto& text : had->second.addresses) {
      const auto prefix = net::parsePrefix(text);
      if (prefix && assignments->takesAddress(had->second.holder, *prefix)) include(granted.addresses, text);
    }
  }
  if (had != claims.end() && had->second == granted && !contested.contains(holder)) return false;
  const bool changed = had != claims.end();
  remove(holder);
  add(granted);
  settle();
  return changed;
}

void Claims::Index::enter(const api::ObjectKey& holder) {
  const auto& claim = claims.at(holder);
  bool isAnothers = !claim.serviceID.empty() && services.emplace(claim.serviceID, holder).first->second != holder;
  for (const auto& certificate : claim.certificates) {
    if (strangersWith(certificate, claim.holder).empty()) {
      certificates[certificate].insert(holder);
    } else {
      isAnothers = true;
    }
  }
  for (const auto& text : claim.addresses) {
    const auto prefix = net::parsePrefix(text);
    if (!prefix) continue;
    if (const auto found = addresses.find(*prefix); found != addresses.end() && found->second.contains(holder))
      continue;
    // Sharing between services of one beneficiary is judged when they ask.
    const auto others = overlapping(*prefix, holder);
    const bool isTheirs = std::any_of(others.begin(), others.end(), [&](const auto& other) {
      return claims.at(other).holder.idno != claim.holder.idno;
    });
    if (!isTheirs) addresses[*prefix].insert(holder);
    isAnothers = isAnothers || isTheirs;
  }
  if (isAnothers) {
    contested.insert(holder);
  } else {
    contested.erase(holder);
  }
}

void Claims::Index::settle() {
  for (const auto waits = contested; const auto& holder : waits) enter(holder);
}

void Claims::Index::load(const std::vector<Written>& written) {
  std::map<api::ObjectKey, const Written*> inOrder;
  for (const auto& one : written) inOrder.emplace(keyOf(one.claim), &one);
  for (const auto& [holder, one] : inOrder) {
    if (!one->published.holder.name.empty()) add(one->published);
    claims[holder] = one->claim;
  }
  for (const auto& [holder, one] : inOrder) enter(holder);
}

void Claims::load(const std::string& environment, const std::function<std::vector<Written>()>& written,
                  bool provesIdno) {
  byEnvironment_.with([&](auto& all) {
    auto& index = all[environment];
    if (std::exchange(index.loaded, true)) return;
    index.provesIdno = provesIdno;
    index.load(written());
  });
}

void Claims::keepOnly(const std::set<std::string>& environments) {
  byEnvironment_.with(
      [&](auto& all) { std::erase_if(all, [&](const auto& index) { return !environments.contains(index.first); }); });
}

std::vector<onboarding::Conflicts> Claims::reserve(const std::vector<Request>& requests) {
  std::set<api::ObjectKey> freed;
  auto conflicts = byEnvironment_.with([&](auto& all) {
    std::vector<onboarding::Conflicts> found;
    found.reserve(requests.size());
    for (const auto& request : requests) {
      auto& index = all[request.environment];
      index.provesIdno = request.provesIdno;
      found.push_back(index.conflictsOf(request));
    }
    const bool refused =
        std::any_of(found.begin(), found.end(), [](const auto& c) { return c.service || c.certificate; });
    for (std::size_t i = 0; i < requests.size(); ++i) {
      Index& index = all[requests[i].environment];
      const auto holder = keyOf(requests[i].claim);
      if (found[i].any()) {
        index.refused[holder] = requests[i].claim.holder;
      } else {
        index.refused.erase(holder);
      }
      if (!refused && index.take(requests[i], found[i])) freed.merge(index.waiting());
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
    index.refused.erase(holder);
    if (!index.claims.contains(holder)) return std::set<api::ObjectKey>{};
    index.remove(holder);
    index.settle();
    return index.waiting();
  }));
}

void Claims::assign(const std::string& environment, ledger::Assignments assignments) {
  wake(byEnvironment_.with([&](auto& all) {
    Index& index = all[environment];
    if (*index.assignments == assignments) return std::set<api::ObjectKey>{};
    auto concerned = index.concerned(assignments);
    index.assignments = std::make_shared<const ledger::Assignments>(std::move(assignments));
    index.published.reset();
    return concerned;
  }));
}

std::shared_ptr<const ledger::Assignments> Claims::assignments(const std::string& environment) const {
  static const auto none = std::make_shared<const ledger::Assignments>();
  return byEnvironment_.with([&](const auto& all) {
    const auto found = all.find(environment);
    return found == all.end() ? none : found->second.assignments;
  });
}

void Claims::yield(const std::string& environment, const api::ObjectKey& holder,
                   const ledger::Assignments& assignments) {
  wake(byEnvironment_.with([&](auto& all) {
    Index& index = all[environment];
    const auto found = index.claims.find(holder);
    if (found == index.claims.end()) return std::set<api::ObjectKey>{};
    auto claim = found->second;
    if (!assignments.takeOut(claim)) return std::set<api::ObjectKey>{};
    index.remove(holder);
    index.add(claim);
    index.settle();
    return index.waiting();
  }));
}

void Claims::publishing(const std::string& environment) {
  byEnvironment_.with([&](auto& all) {
    Index& index = all[environment];
    index.before = std::exchange(index.published, std::nullopt);
  });
}

void Claims::published(const std::string& environment, ledger::HeldByOthers held) {
  wake(byEnvironment_.with([&](auto& all) {
    Index& index = all[environment];
    auto concerned = held.holders;
    for (const auto& assignment : index.assignments->all()) {
      for (const auto& [key, holder] : index.refused) {
        const bool isAssignee = key == api::ObjectKey{assignment.namespace_, assignment.name};
        const bool mayShare = assignment.kind == ledger::AssignmentKind::Certificate &&
                              !index.assignments->takesCertificate(holder, assignment.value);
        if (isAssignee || mayShare) concerned.insert(key);
      }
    }
    index.published = std::move(held);
    return concerned;
  }));
}

void Claims::notLookedAt(const std::string& environment) {
  byEnvironment_.with([&](auto& all) {
    Index& index = all[environment];
    index.published = std::move(index.before);
  });
}

std::vector<std::string> Claims::holders(const std::string& environment, const ledger::Claim& claim) const {
  return byEnvironment_.with([&](const auto& all) {
    std::set<std::string> names;
    const auto found = all.find(environment);
    if (found == all.end()) return std::vector<std::string>{};
    const Index& index = found->second;
    const auto holder = keyOf(claim);
    const auto noteAssigned = [&](const ledger::Assignment* assignment) {
      if (assignment && assignment->assignee() != holder.text()) names.insert(assignment->assignee());
    };
    if (const auto entry = index.services.find(claim.serviceID);
        entry != index.services.end() && entry->second != holder)
      names.insert(entry->second.text());
    noteAssigned(index.assignments->ofService(claim.serviceID));
    for (const auto& certificate : claim.certificates) {
      for (const auto& other : index.strangersWith(certificate, claim.holder)) names.insert(other.text());
      noteAssigned(index.assignments->ofCertificate(certificate));
    }
    for (const auto& text : claim.addresses) {
      const auto prefix = net::parsePrefix(text);
      if (!prefix) continue;
      for (const auto& other : index.overlapping(*prefix, holder)) names.insert(other.text());
      for (const auto* assignment : index.assignments->overlapping(*prefix)) noteAssigned(assignment);
    }
    return std::vector<std::string>(names.begin(), names.end());
  });
}

void loadClaims(Claims& claims, const api::MPayEnvironment& environment, const Outputs& outputs) {
  claims.load(
      environment.metadata.uid.value_or(""),
      [&] {
        std::map<api::ObjectKey, Claims::Written> all;
        for (const auto& object : outputs.ofComponent(ledger::kClaim)) {
          if (auto claim = ledger::remembered<ledger::Claim>(*object)) all[keyOf(*claim)].claim = std::move(*claim);
        }
        // A published item stays its publisher's, also where the claim was lost.
        for (const auto& object : outputs.ofComponent(ledger::kFragment)) {
          auto fragment = ledger::contentOf<ledger::Fragment>(object);
          if (const auto key = integrationOf(object->metadata); !fragment && key) fragment = promoted(outputs, *key);
          if (!fragment) continue;
          auto published = ledger::claimOf(*fragment);
          auto& known = all[keyOf(published)];
          if (known.claim.holder.name.empty()) known.claim = published;
          for (const auto& certificate : published.certificates) include(known.claim.certificates, certificate);
          for (const auto& address : published.addresses) include(known.claim.addresses, address);
          known.published = std::move(published);
        }
        std::vector<Claims::Written> written;
        written.reserve(all.size());
        for (auto& [holder, one] : all) written.push_back(std::move(one));
        return written;
      },
      environment.spec.tenants.idnoLabel.has_value());
}

}  // namespace mpay::cluster
