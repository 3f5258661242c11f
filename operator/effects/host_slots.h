// Lets one integration at a time use each host. A waiting one is woken later, and holds no worker meanwhile.
#pragma once

#include <map>
#include <set>
#include <string>

#include "api/meta.h"
#include "base/synchronized.h"

namespace mpay::effects {

// Thread-safe.
class HostSlots {
 public:
  // False where the host is taken: then leave() will return `key` too.
  bool take(const std::string& host, const api::ObjectKey& key) {
    return hosts_.with([&](auto& hosts) {
      const auto [slot, isFree] = hosts.try_emplace(host);
      if (!isFree) slot->second.insert(key);
      return isFree;
    });
  }

  // Frees the host, and returns the integrations to wake.
  std::set<api::ObjectKey> leave(const std::string& host) {
    return hosts_.with([&](auto& hosts) {
      auto node = hosts.extract(host);
      return node ? std::move(node.mapped()) : std::set<api::ObjectKey>();
    });
  }

 private:
  Synchronized<std::map<std::string, std::set<api::ObjectKey>>> hosts_;  // by taken host: the integrations that wait
};

}  // namespace mpay::effects
