// The decision: what is true of an integration, and what is to be written so that it comes further.
//
// Pure. examine() looks at the form alone and says what is to be claimed; the claims are then asked
// for; decide() says everything else. Both see the same snapshot.
#pragma once

#include <optional>

#include "onboarding/snapshot.h"
#include "onboarding/verdict.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// Whether an environment admits the namespace, for this beneficiary.
struct Tenancy : Verdict {
  bool isRefused = false;  // not the namespace: what is published ends
};

// The form, read.
struct Examination {
  Verdict prerequisites;
  Verdict certificate;
  Verdict form;  // Submitted, but for the claims
  api::ContentHashes hashes;
  std::string digest;
  std::string testingDigest;
  std::optional<crypto::Certificate> leaf;  // as declared, trusted or not
  crypto::Intermediates intermediates{};    // that were given with it, where it is trusted but for its revocation
  crypto::Intermediates sent{};             // those of them that are on its paths, in order: what a client sends
  std::optional<KeyJudgement> keys{};       // of a certificate that is requested
  Verdict testingAddresses;                 // True, or why not
  Fragment testingFragment;                 // to be published once everything holds
  std::optional<Claim> testingClaim;
  std::optional<Claim> productionClaim;
  Tenancy testingTenancy;
  Tenancy productionTenancy;            // whatever the target
  std::optional<WallTime> nextInstant;  // when a verdict may change with time alone
};

// Whether an environment that is named admits the namespace. Of others nothing that they refer to is read: whoever may
// create an integration somewhere could make the operator watch as much as he likes.
bool isTenant(const Snapshot& snapshot);

// What says that a certificate is revoked: the integration's own records, or where they know nothing of it those of all
// others, whatever is checked now. Null: nothing does.
const CheckedCertificate* findRevoked(const Snapshot& snapshot, const std::string& sha256);

Examination examine(const Snapshot& snapshot, WallTime now);

// What others hold of what was to be claimed.
struct Conflicts {
  bool service = false;
  bool certificate = false;
  std::vector<std::string> addresses{};
  bool any() const { return service || certificate || !addresses.empty(); }
};

// What is left of a claim: all but the addresses that others hold.
Claim granted(Claim claim, const Conflicts& conflicts);

struct Plan {
  api::MPayIntegrationStatus status;
  std::vector<api::ConfigMap> testing;  // to exist, in this order
  std::vector<api::ConfigMap> production;
  std::optional<api::ControllerRevision> revision;  // to be created: a promotion
  std::optional<KeyPlan> keys;                      // to be done to the Secret of a request
  // What becomes of a withdrawal that is recorded in production: it is forgotten, because the integration is back; or
  // carried out when due, because another one has its name now; or neither, while that cannot be told.
  bool forgetWithdrawal = false;
  bool carryOutWithdrawal = false;
  // The environment does not permit the namespace any more: testing ends at once, production as after a deletion.
  bool endTesting = false;
  bool endProduction = false;
  // Testing's fragment is damaged, and nothing tells what it said: it goes, since it would stop everybody's files.
  bool dropTesting = false;
  // Testing publishes what is declared, so that what an earlier testing environment publishes may end.
  bool provisioned = false;
  std::optional<WallTime> nextInstant;
  std::vector<std::string> beingWritten{};  // the conditions that wait for what is to be written here
};

Plan decide(const Snapshot& snapshot, const Examination& examination, const Conflicts& testing,
            const Conflicts& production, WallTime now);

// Adds to the conditions that wait for something to be written why that failed.
void explain(Plan& plan, const Error& failure);

}  // namespace mpay::onboarding
