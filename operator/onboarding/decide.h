// The decision: the state of an integration, and the writes that bring it further.
//
// Pure. examine() looks at the form alone and returns the claims. The claims are then reserved, and decide() decides
// everything else. Both see the same snapshot.
#pragma once

#include <optional>

#include "onboarding/snapshot.h"
#include "onboarding/verdict.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// Tells whether an environment admits the namespace for this beneficiary.
struct Tenancy : Verdict {
  bool isRefused = false;  // the namespace is not admitted: publication ends
};

// The findings on the form.
struct Examination {
  Verdict prerequisites;
  Verdict certificate;
  Verdict form;  // Submitted, without the claims
  api::ContentHashes hashes;
  std::string digest;
  std::string testingDigest;
  std::optional<crypto::Certificate> leaf;  // as declared, trusted or not
  crypto::Intermediates intermediates{};    // those given with it, where it is trusted apart from its revocation
  crypto::Intermediates sent{};             // those of them on its paths, in order: a client sends them
  std::optional<KeyJudgement> keys{};       // of a certificate that is requested
  Verdict testingAddresses;                 // True, or the reason why not
  Fragment testingFragment;                 // to be published once everything holds
  std::optional<Claim> testingClaim;
  std::optional<Claim> productionClaim;
  Tenancy testingTenancy;
  Tenancy productionTenancy;            // judged for any target
  std::optional<WallTime> nextInstant;  // when a verdict may change with time alone
};

// True when a named environment admits the namespace. Otherwise the operator reads no references of the integration:
// any author of an integration could make the operator watch any number of objects.
bool isTenant(const Snapshot& snapshot);

// The record that tells that a certificate is revoked, whatever is checked now: the integration's own, or if they know
// nothing of it, another integration's. Null: none.
const CheckedCertificate* findRevoked(const Snapshot& snapshot, const std::string& sha256);

Examination examine(const Snapshot& snapshot, WallTime now);

// The parts of a claim that others hold.
struct Conflicts {
  bool service = false;
  bool certificate = false;
  std::vector<std::string> addresses{};
  bool any() const { return service || certificate || !addresses.empty(); }
};

// The claim without the addresses that others hold.
Claim granted(Claim claim, const Conflicts& conflicts);

struct Plan {
  api::MPayIntegrationStatus status;
  std::vector<api::ConfigMap> testing;  // objects to write, in this order
  std::vector<api::ConfigMap> production;
  std::optional<api::ControllerRevision> revision;  // to create: a promotion
  std::optional<KeyPlan> keys;                      // the write to the Secret of a request
  // The withdrawal that is recorded in production is forgotten, because the integration is back; or carried out when
  // due, because another integration has its name now; or neither, while that is unknown.
  bool forgetWithdrawal = false;
  bool carryOutWithdrawal = false;
  // The environment no longer permits the namespace: testing ends at once, production as after a deletion.
  bool endTesting = false;
  bool endProduction = false;
  // Testing's fragment is damaged, and its content is known to nobody. It is removed, because it would stop everybody's
  // files.
  bool dropTesting = false;
  // Testing publishes the declared form, so an earlier testing environment may end its publication.
  bool provisioned = false;
  std::optional<WallTime> nextInstant;
  std::vector<std::string> beingWritten{};  // the conditions that wait for these writes
};

Plan decide(const Snapshot& snapshot, const Examination& examination, const Conflicts& testing,
            const Conflicts& production, WallTime now);

// Adds the reason of a failed write to the conditions that wait for it.
void explain(Plan& plan, const Error& failure);

}  // namespace mpay::onboarding
