// Who holds which ServiceID, certificate and addresses, in each environment.
//
// The first claim keeps what it claimed, unless the platform assigned that to another (onboarding/assignment.h). Claims
// live in ConfigMaps of the output namespace; this is their index, and the one place where two integrations that want
// the same are told apart: a claim is reserved here before it is written, and written before anything is published
// under it.
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

// How many may hold one shared address: the gateway's files list them behind it, and nginx refuses a longer word. One
// certificate stands for at most gateway::kMaximumServices.
inline constexpr std::size_t kMaximumSharers = 100;

// Thread-safe. An environment is told by its UID: one that is created again under the same name knows nothing of the
// claims of the one before.
class Claims {
 public:
  // What was written down of one integration, and what of it is published. Where nothing was published, or nothing
  // written, that is empty.
  struct Written {
    ledger::Claim claim;
    ledger::Claim published{};
  };

  // What is asked for in one environment. `shared` ranges may be held by several, and where the environment proves
  // IDNOs all others by those of one IDNO. A certificate may be held by several services of one beneficiary, see
  // ledger::isOneBeneficiary().
  struct Request {
    std::string environment;
    const ledger::Claim& claim;
    const std::vector<net::Prefix>& shared;
    bool provesIdno = false;
  };

  // `wake` is told whom to look at again once something that it was refused has become free; without a lock held.
  explicit Claims(std::function<void(const api::ObjectKey&)> wake) : wake_(std::move(wake)) {}

  // Takes over the claims that were written down, by calling `written`; only the first call for an environment counts.
  // A crash between two writes leaves two claims of the same: it belongs to who publishes it, else to the first by
  // name, whatever the order in which they are given or ask again; the other one is granted it once that has given it
  // up.
  void load(const std::string& environment, const std::function<std::vector<Written>()>& written,
            bool provesIdno = false);

  // Forgets all but these.
  void keepOnly(const std::set<std::string>& environments);

  // Reserves what one integration asks for, but for the addresses that others hold, and says for each request what is
  // in the way; nothing anywhere where others hold a ServiceID or certificate of any of the requests. A claim of the
  // same namespace and name passes to a new UID when IDNO and ServiceID are the same, and counts as another's when
  // they are not.
  std::vector<onboarding::Conflicts> reserve(const std::vector<Request>& requests);

  void release(const std::string& environment, const api::ObjectKey& holder);

  // What the platform assigned in an environment, from now on. Whom that concerns is told: who holds it is to give it
  // up (Departures::handOver()), and only when nobody else holds it or publishes it, as far as the last publication
  // tells, is it granted to whom it was assigned.
  void assign(const std::string& environment, ledger::Assignments assignments);
  std::shared_ptr<const ledger::Assignments> assignments(const std::string& environment) const;

  // Takes out of a claim what these assign to others, once its fragment and its record hold nothing of that any more.
  void yield(const std::string& environment, const api::ObjectKey& holder, const ledger::Assignments& assignments);

  // The gateway's objects of an environment are being written: nothing new that was assigned is granted until it is
  // known again what they hold. Then published() says what others hold in them, or notLookedAt() that nothing changed.
  void publishing(const std::string& environment);
  void published(const std::string& environment, ledger::HeldByOthers held);
  void notLookedAt(const std::string& environment);

  // The holders of what conflicts with a claim, for the environment's Event.
  std::vector<std::string> holders(const std::string& environment, const ledger::Claim& claim) const;

 private:
  struct Index {
    bool loaded = false;
    bool provesIdno = false;  // as the last load or request said
    std::map<api::ObjectKey, ledger::Claim> claims;
    std::map<std::string, api::ObjectKey> services;
    std::map<std::string, std::set<api::ObjectKey>> certificates;
    std::map<net::Prefix, std::set<api::ObjectKey>> addresses;
    std::map<api::ObjectKey, ledger::Holder> refused;  // who is waiting for something
    std::set<api::ObjectKey> contested;  // whose written claim holds what was another's when it was loaded
    std::shared_ptr<const ledger::Assignments> assignments = std::make_shared<ledger::Assignments>();
    std::optional<ledger::HeldByOthers> published, before;  // unknown at first, and while it is being written

    std::set<api::ObjectKey> waiting() const;
    onboarding::Conflicts conflictsOf(const Request& request) const;
    // What is granted of it; true when something that was held before became free.
    bool take(const Request& request, const onboarding::Conflicts& conflicts);
    // Whether an assignment is in the way: it is another's, or others are still admitted under it.
    void noteAssignments(const Request& request, onboarding::Conflicts& conflicts) const;
    void add(const ledger::Claim& claim);
    void load(const std::vector<Written>& written);
    // Enters what is claimed by that holder and nobody else has; contested where another has some of it.
    void enter(const api::ObjectKey& holder);
    // After something became free.
    void settle();
    void remove(const api::ObjectKey& holder);
    // Whom a change of assignments concerns.
    std::set<api::ObjectKey> concerned(const ledger::Assignments& other) const;
    // Others that hold a certificate and are no services of this holder's beneficiary.
    std::set<api::ObjectKey> strangersWith(const std::string& certificate, const ledger::Holder& holder) const;
    // Others whose claimed prefixes overlap this one.
    std::set<api::ObjectKey> overlapping(const net::Prefix& prefix, const api::ObjectKey& but) const;
  };
  void wake(const std::set<api::ObjectKey>& keys) const {
    for (const auto& key : keys) wake_(key);
  }

  const std::function<void(const api::ObjectKey&)> wake_;
  Synchronized<std::map<std::string, Index>> byEnvironment_;
};

// Takes over what an output namespace, which must have been read, says of them.
void loadClaims(Claims& claims, const api::MPayEnvironment& environment, const Outputs& outputs);

}  // namespace mpay::cluster
