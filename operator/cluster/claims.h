// The holder of each ServiceID, certificate and address, in each environment.
//
// The first claim keeps its items, unless the platform assigned them to another integration (ledger/assignment.h).
// Claims live in ConfigMaps of the output namespace. This is their index, and the only place that decides between two
// integrations that want the same item: a claim is reserved here before it is written, and written before anything is
// published under it.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/synchronized.h"
#include "cluster/outputs.h"
#include "ledger/assignment.h"
#include "onboarding/decide.h"

namespace mpay::cluster {

// The largest number of integrations that may hold one shared address: the gateway's files list them behind it, and
// nginx refuses a longer word. One certificate stands for at most gateway::kMaximumServices.
inline constexpr std::size_t kMaximumSharers = 100;

// Thread-safe. The UID identifies an environment: an environment that is created again under the same name does not
// inherit the claims of the earlier one.
class Claims {
 public:
  // The written claim of one integration, and the part of it that is published. Each is empty where there is none.
  struct Written {
    ledger::Claim claim;
    ledger::Claim published{};
  };

  // The items that an integration asks for in one environment. Several integrations may hold `shared` ranges. If the
  // environment proves IDNOs, integrations of one IDNO may share every other address. Services of one beneficiary may
  // share a certificate, see ledger::isOneBeneficiary().
  struct Request {
    std::string environment;
    const ledger::Claim& claim;
    const std::vector<net::Prefix>& shared;
    bool provesIdno = false;
  };

  // `wake` receives the integration to reconcile again once an item that it was refused becomes free. No lock is held.
  explicit Claims(std::function<void(const api::ObjectKey&)> wake) : wake_(std::move(wake)) {}

  // Takes over the written claims, by calling `written`; only the first call for an environment counts.
  // A crash between two writes can leave two claims of the same item. The integration that publishes the item owns it.
  // Otherwise the first by name owns it. The order of the claims and of later requests does not matter. When the owner
  // gives the item up, the other one gets it.
  void load(const std::string& environment, const std::function<std::vector<Written>()>& written,
            bool provesIdno = false);

  // Forgets all other environments.
  void keepOnly(const std::set<std::string>& environments);

  // Reserves the items that one integration asks for, except addresses that others hold, and returns the conflicts of
  // each request. Reserves nothing anywhere where others hold a ServiceID or certificate of any of the requests. A
  // claim of the same namespace and name passes to a new UID when IDNO and ServiceID are equal. Otherwise it counts as
  // another's.
  std::vector<onboarding::Conflicts> reserve(const std::vector<Request>& requests);

  void release(const std::string& environment, const api::ObjectKey& holder);

  // Replaces the assignments of the platform in an environment, and tells the integrations concerned. A holder must
  // give up the assigned item (Departures::handOver()). The assignee is granted it only when nobody else holds it, or
  // publishes it as far as the last publication tells.
  void assign(const std::string& environment, ledger::Assignments assignments);
  std::shared_ptr<const ledger::Assignments> assignments(const std::string& environment) const;

  // Takes items that these assignments give to others out of a claim, once its fragment and its record hold none of
  // them.
  void yield(const std::string& environment, const api::ObjectKey& holder, const ledger::Assignments& assignments);

  // The gateway's objects of an environment are being written. No assigned item is newly granted until their content is
  // known again: published() tells what others hold in them, notLookedAt() that nothing changed.
  void publishing(const std::string& environment);
  void published(const std::string& environment, ledger::HeldByOthers held);
  void notLookedAt(const std::string& environment);

  // The holders of the items that conflict with a claim, for the environment's Event.
  std::vector<std::string> holders(const std::string& environment, const ledger::Claim& claim) const;

 private:
  struct Index {
    bool loaded = false;
    bool provesIdno = false;  // as the last load or request said
    std::map<api::ObjectKey, ledger::Claim> claims;
    std::map<std::string, api::ObjectKey> services;
    std::map<std::string, std::set<api::ObjectKey>> certificates;
    std::map<net::Prefix, std::set<api::ObjectKey>> addresses;
    std::map<api::ObjectKey, ledger::Holder> refused;  // waiting for an item
    std::set<api::ObjectKey> contested;  // their written claims held an item of another integration when loaded
    std::shared_ptr<const ledger::Assignments> assignments = std::make_shared<ledger::Assignments>();
    std::optional<ledger::HeldByOthers> published, before;  // unknown at first, and while it is being written

    std::set<api::ObjectKey> waiting() const;
    onboarding::Conflicts conflictsOf(const Request& request) const;
    // Takes over the granted part; true when an item that was held before became free.
    bool take(const Request& request, const onboarding::Conflicts& conflicts);
    // Notes each assignment in the way: the item is another's, or others are still admitted under it.
    void noteAssignments(const Request& request, onboarding::Conflicts& conflicts) const;
    void add(const ledger::Claim& claim);
    void load(const std::vector<Written>& written);
    // Enters the items that this holder claims and nobody else has; contested where another has some of them.
    void enter(const api::ObjectKey& holder);
    // To call after an item became free.
    void settle();
    void remove(const api::ObjectKey& holder);
    // The integrations that a change of assignments concerns.
    std::set<api::ObjectKey> concerned(const ledger::Assignments& other) const;
    // Other holders of a certificate that are no services of this holder's beneficiary.
    std::set<api::ObjectKey> strangersWith(const std::string& certificate, const ledger::Holder& holder) const;
    // Other integrations whose claimed prefixes overlap this one.
    std::set<api::ObjectKey> overlapping(const net::Prefix& prefix, const api::ObjectKey& but) const;
  };
  void wake(const std::set<api::ObjectKey>& keys) const {
    for (const auto& key : keys) wake_(key);
  }

  const std::function<void(const api::ObjectKey&)> wake_;
  Synchronized<std::map<std::string, Index>> byEnvironment_;
};

// Takes over the claims of an output namespace, which must have been read.
void loadClaims(Claims& claims, const api::MPayEnvironment& environment, const Outputs& outputs);

}  // namespace mpay::cluster
