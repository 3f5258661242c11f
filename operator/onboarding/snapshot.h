// Everything that a decision about one integration knows, read at one moment.
//
// A controller gathers objects, as they are in its caches (`Gathered`). snapshotOf() says what they mean: which records
// are this integration's and which an earlier one's of its name, what is damaged, and which revision production serves.
// Pure.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/integration.h"
#include "ledger/assignment.h"
#include "ledger/claim.h"
#include "ledger/fragment.h"
#include "ledger/made_key.h"
#include "ledger/notifications.h"
#include "ledger/revision.h"
#include "ledger/revocation.h"
#include "ledger/test_record.h"
#include "ledger/withdrawal.h"
#include "onboarding/environment.h"
#include "onboarding/key_request.h"
#include "onboarding/records.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// An object of an output namespace.
struct GatheredObject {
  std::shared_ptr<const api::ConfigMap> object{};  // null: the operator has none of that name
  bool nameTaken = false;                          // an object that is not the operator's has its name
};

// The objects of one environment that concern one integration.
struct GatheredEnvironment {
  std::shared_ptr<const api::MPayEnvironment> declared{};  // null: there is none of that name
  Result<std::shared_ptr<const Settings>> settings = fail(beingRead("the environment is being read"));
  bool isRead = false;             // the output namespace is, and all fragments in it: what follows is all there is
  std::string aggregateProblem{};  // why the gateway's objects cannot be written
  GatheredObject claim{}, fragment{}, service{}, withdrawal{}, notifications{}, revocation{}, tests{};
  // The fragment that all the gateway's objects hold, null where they hold none, and its currentHash().
  std::shared_ptr<const api::ConfigMap> published{};
  std::string publishedHash{};
  std::shared_ptr<const api::ControllerRevision> lastRevision{};  // null: there is none
  bool nextRevisionTaken = false;                                 // another's object has the name of the next one
  std::shared_ptr<const RevokedCertificates> revoked{};           // by the records of all integrations
  std::shared_ptr<const Assignments> assignments{};               // null: there are none
};

// The same as a decision knows it.
struct EnvironmentSnapshot {
  std::shared_ptr<const api::MPayEnvironment> declared{};  // null: there is none of that name
  std::shared_ptr<const Settings> settings{};              // null: see problem
  std::optional<Error> problem{};
  bool read = false;  // the output namespace is: what follows is all there is
  std::optional<Fragment> fragment{};
  bool isDamaged = false;          // the fragment is there and cannot be read, and this process never saw it whole
  std::optional<Claim> claimed{};  // only where there is no fragment
  // The records are an earlier integration's of this name, for another beneficiary or service: they are to go.
  bool isPredecessors = false;
  std::optional<Fragment> leaving{};  // the fragment of that predecessor
  std::shared_ptr<const api::ConfigMap> service{};
  bool isInGatewayFiles = false;   // everything published for the gateway holds `fragment` as it is
  std::string aggregateProblem{};  // why it cannot
  std::optional<NumberedRevision> live{};
  std::optional<Error> liveProblem{};  // why there is none although something was promoted
  std::optional<WithdrawalRecord> withdrawal{};
  bool isWithdrawalDamaged = false;  // there is one, and nobody can read it
  Kept<Notifications> notifications{};
  Kept<RevocationRecord> revocation{};
  Kept<TestRecord> tests{};  // of a testing environment
  std::shared_ptr<const RevokedCertificates> revoked{};
  std::shared_ptr<const Assignments> assignments{};
  std::string takenName{};          // of a claim, fragment, service document or revocation record; empty: all are free
  std::string takenRevisionName{};  // of the next revision
};

// The notifications of an environment; none where there is no record.
const Notifications& notificationsIn(const EnvironmentSnapshot& environment);

// Facts that are the same gathered and in a snapshot.
struct Facts {
  std::shared_ptr<const api::MPayIntegration> integration{};
  std::optional<std::map<std::string, std::string>> namespaceLabels{};
  // Content that the form refers to.
  Content certificate{};
  Content intermediates{};
  std::optional<Result<KeySecret>> keySecret{};  // of certificate.request
  MadeKeys madeKeys{};                           // of the keys that the form shows, those that the operator made
  Content logo{};
  std::vector<Content> users{};  // one for each back-office user with a certificate, in order
  Records records{};
  Admission admission{};
  TestRequests testRequests{};
};

struct Gathered : Facts {
  GatheredEnvironment testing{}, production{};
};

struct Snapshot : Facts {
  EnvironmentSnapshot testing{}, production{};
};

Snapshot snapshotOf(const Gathered& gathered);

// One of its environments, which the form names so.
EnvironmentSnapshot snapshotOf(const GatheredEnvironment& gathered, const std::string& name,
                               const api::MPayIntegration& integration);

}  // namespace mpay::onboarding
