// What decide() works out, condition by condition. For decide.cpp, which calls the steps in order, and for the files
// that hold them; nobody else includes it.
//
//   decision_claims.cpp            CertificateTrusted and Submitted: what others hold, what is claimed
//   decision_testing.cpp           TestEnvironmentReady
//   decision_functional_tests.cpp  FunctionalTestsPassed, and which run comes next
//   decision_promotion.cpp         Validated and Promoted, and the revision that a promotion records
//   decision_certificates.cpp      certificates that expire, are revoked or withheld, or lie in the Secret of a request
//   decision_notifications.cpp     Notified, and whatever else is told
//   decision_publication.cpp       what an environment publishes; the steps of testing and of production share it
//   decision_summary.cpp           the conditions of the status; Ready, Reconciling and Stalled
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "onboarding/decide.h"

namespace mpay::onboarding {

// A step reads the verdicts of the steps before it and sets its own; what is to be written goes into `plan`.
struct Decision {
  const Snapshot& in;
  const Examination& form;
  const Conflicts& testingConflicts;
  const Conflicts& productionConflicts;
  const WallTime now;
  Plan plan{};
  Verdict certificate{}, submitted{}, testing{}, functional{}, validated{}, promoted{}, notified{};
  Records functionalRecords{}, finalRecords{};
  RevocationRecord testingChecks{}, productionChecks{};  // to exist, also while suspended
  std::optional<Verdict> lost{};                         // of the live revision, what the platform assigned to others
  const CheckedCertificate* unadmitted = nullptr;        // of the live revision, where production publishes it no more
  std::vector<EffectRecord> tellInTesting{}, tellInProduction{};
  std::optional<TestRecord> tests{};                        // what is remembered of runs from now on
  const std::optional<crypto::Certificate> promotedWith{};  // of the live revision
  const bool presentsEarlier = false;                       // the Secret of a request, than what is declared
  std::optional<crypto::Certificate> served{};              // by production

  const api::MPayIntegration& integration() const { return *in.integration; }
  const api::MPayIntegrationSpec& spec() const { return in.integration->spec; }
  api::ObjectKey key() const { return integration().metadata.key(); }
  const std::optional<NumberedRevision>& live() const { return in.production.live; }
  bool servesCurrent() const { return live() && !form.digest.empty() && live()->revision.digest == form.digest; }
  bool toProduction() const { return spec().targetStage == api::Stage::Production; }
  // Whether a verdict on the form waits for what is being read.
  bool waitsForReading() const {
    const auto waits = [](const Verdict& verdict) { return verdict.reason == "Pending"; };
    return waits(form.prerequisites) || waits(certificate) || waits(submitted) || waits(form.testingTenancy);
  }

  // decision_claims.cpp
  void judgeClaims();

  // decision_testing.cpp
  void judgeTesting();

  // decision_functional_tests.cpp
  void judgeFunctional();
  bool isTested() const { return in.testing.settings && in.testing.settings->tester; }
  // What is to be run, bound to the version of the record that this was decided on: whoever runs it writes it too.
  // While testing is being provisioned again what is intended stays.
  void planTests();
  // What the runs say, where a tester runs any; True where there is none.
  Verdict judgeRuns() const;

  // decision_promotion.cpp
  void judgeValidated();
  void judgePromoted();
  void promote();
  // What production does meanwhile.
  std::string serving() const;
  // What is missing of what was validated, because it is another's now.
  void noteLost(const Fragment& whole);
  // Whether production admits nobody under the live revision any more.
  bool losesAll() const { return lost && lost->reason != "AddressConflict"; }
  // What is revoked matters more than addresses that are missing.
  bool tellsOfLoss() const { return lost && (losesAll() || !unadmitted); }

  // decision_certificates.cpp
  void planChecks();
  // The certificates that an environment does not publish: those that are revoked, whichever environment knows it,
  // unless it only reports them; and of those that it does not publish what was never checked, or was never found good
  // where that counts as a refusal.
  std::set<std::string> withheld(const EnvironmentSnapshot& environment, const RevocationRecord& checks) const;
  // What is known of a certificate that production does not publish for that; null where it does.
  const CheckedCertificate* withheldCheck(const std::string& sha256) const;
  // What is written whatever else holds, also while suspended: what is to be checked, and that what is revoked leaves.
  void planRevocation(const EnvironmentSnapshot& environment, const RevocationRecord& checks,
                      std::vector<api::ConfigMap>& objects) const;
  void judgeExpiry();
  api::CertificateStatus describe(const crypto::Certificate& leaf, const EnvironmentSnapshot& environment);
  // What has to be written into the Secret of a request.
  void planKeys();
  // Whether whoever presents the declared certificate is admitted wherever the service is.
  bool isAdmittedEverywhere() const;

  // decision_notifications.cpp
  void judgeNotified();
  // One notification for each warning, by whichever environment's channel comes first.
  void warn(const crypto::Certificate& leaf, const api::CertificateStatus& status,
            const EnvironmentSnapshot& environment, const Effects& elsewhere, std::vector<EffectRecord>& into);
  // One notification of each certificate that is revoked, by whichever environment has a channel, production first.
  void tellOfRevoked(const EnvironmentSnapshot& environment, std::vector<EffectRecord>& into) const;
  // Writes down what is to be told, bound to the version of the record that this was decided on: the sender writes it
  // too.
  void intend(const EnvironmentSnapshot& environment, std::vector<EffectRecord> wanted,
              std::vector<api::ConfigMap>& into) const;

  // decision_publication.cpp
  // What an environment publishes, with what it owes to earlier certificates.
  Fragment publish(const EnvironmentSnapshot& environment, Fragment next, const RevocationRecord& checks,
                   std::vector<api::ConfigMap>& into);
  // Where nothing new can be published: ends what is due to end.
  void end(const EnvironmentSnapshot& environment, const RevocationRecord& checks, std::vector<api::ConfigMap>& into);
  // Whether the gateway's objects hold this; else the verdict says what is missing.
  bool isPublished(const EnvironmentSnapshot& environment, const Fragment& fragment, const api::ConfigMap& service,
                   Verdict& verdict) const;

  // decision_summary.cpp
  void summarise();
};

// Whether the Secret of a request still presents an earlier certificate than the declared one.
// In decision_certificates.cpp; the others are in decision_publication.cpp.
bool isEarlierPresented(const Snapshot& in, const Examination& form);

api::ConfigMap fragmentObject(const api::MPayEnvironment& environment, const api::ObjectKey& key,
                              const Fragment& fragment);
bool isFragment(const api::ConfigMap& object);

// What an environment publishes under the integration's name, though it may be an earlier one's.
const std::optional<Fragment>& publishedIn(const EnvironmentSnapshot& environment);

// Adds the earlier certificates that the fragment still admits to the status.
void listEarlier(const EnvironmentSnapshot& environment, const Fragment& fragment, api::MPayIntegrationStatus& status);

// What a condition adds about earlier certificates.
std::string tellEarlier(const Fragment& fragment);

// Content in base64; absent where there is none, or it cannot be read.
std::optional<std::string> encoded(const Content& content);

// Another's object is where ours should be. `what` is its kind, with an article.
Verdict nameTaken(std::string_view what, const std::string& name);

}  // namespace mpay::onboarding
