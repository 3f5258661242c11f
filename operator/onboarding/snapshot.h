// Everything that a decision about one integration knows, read from the caches at one moment.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/integration.h"
#include "onboarding/assignment.h"
#include "onboarding/environment.h"
#include "onboarding/functional_testing.h"
#include "onboarding/key_request.h"
#include "onboarding/memory.h"
#include "onboarding/records.h"
#include "onboarding/revocation.h"

namespace mpay::onboarding {

// What is known of one environment for one integration.
struct EnvironmentSnapshot {
  std::shared_ptr<const api::MPayEnvironment> declared{};  // null: there is none of that name
  std::shared_ptr<const Settings> settings{};              // null: see problem
  std::optional<Error> problem{};
  bool read = false;  // the output namespace was: what follows is all there is
  std::optional<Fragment> fragment{};
  bool isDamaged = false;          // the fragment is there and cannot be read, and this process never saw it whole
  std::optional<Claim> claimed{};  // where there is no fragment to say it and it was written down
  // What is here is an earlier integration's of this name, for another beneficiary or service: it is to go.
  bool isAnothers = false;
  std::shared_ptr<const api::ConfigMap> service{};
  bool aggregated = false;         // everything published for the gateway holds `fragment` as it is
  std::string aggregateProblem{};  // why it cannot
  std::optional<NumberedRevision> live{};
  std::optional<Error> liveProblem{};
  std::optional<WithdrawalRecord> withdrawal{};
  Effects effects{};
  std::optional<std::string> effectsVersion{};  // resourceVersion of their record; absent: there is none
  std::optional<RevocationRecord> revocation{};
  std::optional<std::string> revocationVersion{};        // resourceVersion of that; absent: there is none
  std::shared_ptr<const RevokedCertificates> revoked{};  // by what all integrations know
  std::optional<TestRecord> tests{};                     // of a testing environment
  std::optional<std::string> testsVersion{};             // resourceVersion of that; absent: there is none
  std::optional<Fragment> leaving{};                     // what is published here and is an earlier integration's
  std::shared_ptr<const Assignments> assignments{};      // null: there are none
  std::string foreign{};                                 // name of an object that is not ours where ours should be
  std::string foreignRevision{};                         // the same, of the next revision
  std::string foreignEffects{};                          // and of the record of notifications
  std::string foreignTests{};                            // and of that of functional tests
};

struct Snapshot {
  std::shared_ptr<const api::MPayIntegration> integration;
  std::optional<std::map<std::string, std::string>> namespaceLabels{};
  Content certificate{};
  Content intermediates{};
  std::optional<Result<KeySecret>> keySecret{};  // of certificate.request
  MadeKeys madeKeys{};                           // of the keys that the form shows, those that the operator made
  Content logo{};
  std::vector<Content> users{};  // one for each back-office user with a certificate, in order
  EnvironmentSnapshot testing{};
  EnvironmentSnapshot production{};
  Records records{};
  Admission admission{};
  TestRequests testRequests{};
};

}  // namespace mpay::onboarding
