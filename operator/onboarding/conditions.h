// The conditions of an integration, in the order in which they are judged: each one is a function of what it needs, in
// a file of its own, and returns its verdict with what it writes. decide() composes them. Pure. Source of the rules:
// docs/domain.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "onboarding/certificates.h"
#include "onboarding/publication.h"
#include "onboarding/vocabulary.h"
#include "onboarding/writes.h"

namespace mpay::onboarding {

// --- CertificateTrusted and Submitted (submitted.cpp) ---------------------------------------------------------------

struct SubmittedJudged {
  Verdict certificate{}, verdict{};
  // The claims to be written: also where an address is in conflict, since the rest stays this integration's over a
  // restart.
  std::optional<Claim> testing{}, production{};
};
SubmittedJudged judgeSubmitted(const Snapshot& snapshot, const Examination& form, const Conflicts& testing,
                               const Conflicts& production);

// --- TestEnvironmentReady (test_environment_ready.cpp) --------------------------------------------------------------

struct TestingQuestion {
  const Snapshot& snapshot;
  const Examination& form;
  const Verdict& submitted;
  const Conflicts& conflicts;
  PublicationQuestion publication;
};
struct TestingJudged {
  Verdict verdict{};
  std::optional<Issue> issue{};
  std::optional<api::ConfigMap> service{};
};
TestingJudged judgeTesting(const TestingQuestion& question);

// --- FunctionalTestsPassed (functional_tests_passed.cpp) ------------------------------------------------------------

// What is remembered of runs from now on, and which one comes next.
struct TestsPlanned {
  std::optional<TestRecord> record{};                 // none: no tester ever ran anything
  bool isWritten = false;                             // it differs from what is remembered
  std::optional<api::FunctionalTestStatus> status{};  // of the last run
  std::optional<WallTime> looksAgainAt{};
};
// While testing is being provisioned again what is intended stays.
TestsPlanned planTests(const Snapshot& snapshot, const Examination& form, const Verdict& submitted,
                       const Verdict& testing, WallTime now);

// A gate that people's records open.
struct GateJudged {
  Verdict verdict{};
  Records counted{};  // the records that opened it
};
GateJudged judgeFunctional(const Snapshot& snapshot, const Examination& form, const Verdict& testing,
                           const TestsPlanned& tests);

// --- Validated (validated.cpp) --------------------------------------------------------------------------------------

GateJudged judgeValidated(const Snapshot& snapshot, const Examination& form, const Verdict& functional);

// --- Promoted (promoted.cpp) ----------------------------------------------------------------------------------------

// What the platform assigned to others of the live revision.
enum class Loss { None, Addresses, Certificate, ServiceID };

// What production does of the live revision, whatever is declared.
struct Serving {
  Loss loss = Loss::None;
  Verdict lost{};                                // where anything is
  const CheckedCertificate* withheld = nullptr;  // its certificate, where production does not publish that
  std::optional<Verdict> corrupt{};              // it cannot be read
  std::optional<Verdict> missing{};              // the gateway does not hold it yet; nothing where it is not published
  bool inPlace = false;                          // the gateway's objects hold it
  std::optional<Issue> issue{};
  std::optional<api::ConfigMap> service{};
  std::optional<crypto::Certificate> certificate{};  // that it serves with

  // Production admits nobody under the live revision.
  bool losesAll() const { return loss == Loss::Certificate || loss == Loss::ServiceID; }
  // What is revoked matters more than addresses that are missing.
  bool tellsOfLoss() const { return loss != Loss::None && (losesAll() || !withheld); }
};
Serving serveLive(const Snapshot& snapshot, const PublicationQuestion& question, const Presented& presented,
                  const CheckedCertificate* withheld);

struct PromotionQuestion {
  const Snapshot& snapshot;
  const Examination& form;
  const Serving& serving;
  const Verdict &certificate, &submitted, &testing;
  const GateJudged &functional, &validated;
  const TestsPlanned& tests;
  WallTime now{};
};
struct PromotedJudged {
  Verdict verdict{};
  std::optional<api::ControllerRevision> revision{};  // to be created: the promotion
};
PromotedJudged judgePromoted(const PromotionQuestion& question);

// --- Notified (notified.cpp) ----------------------------------------------------------------------------------------

// What is told in one environment, an entry each.
using Told = std::vector<Notification>;

struct NotifiedJudged {
  Verdict verdict{};
  std::optional<Notification> activation{};
};
NotifiedJudged judgeNotified(const Snapshot& snapshot, const Verdict& promoted, WallTime now);

// One notification of each warning of a certificate, by whichever environment's channel comes first: nothing where
// `elsewhere` told it, where no warning has come, or where the environment has no channel.
std::optional<Notification> warningOf(const api::CertificateStatus& certificate, const EnvironmentSnapshot& environment,
                                      const Notifications& elsewhere, const api::MPayIntegration& integration,
                                      WallTime now);

// One notification of each certificate that is revoked, by whichever environment has a channel, production first.
Told revocationsToTell(const Snapshot& snapshot, api::Stage stage, WallTime now);

// What is remembered of notifications from now on; nothing where that is what is there.
std::optional<Notifications> notificationsToWrite(const EnvironmentSnapshot& environment, Told wanted,
                                                  const std::optional<NumberedRevision>& live);

// --- Ready, Reconciling and Stalled (summary.cpp) -------------------------------------------------------------------

struct SummaryQuestion {
  const api::MPayIntegration& integration;
  const Verdict &prerequisites, &certificate, &submitted, &testing, &functional, &validated, &promoted, &notified;
  bool serves = false;  // production admits somebody under the live revision
  WallTime now{};
};
// Sets stage, phase, conditions and observedGeneration. Returns the types of the conditions that wait for what is being
// written.
std::vector<std::string> summarise(const SummaryQuestion& question, api::MPayIntegrationStatus& status);

// --- What several of them ask ---------------------------------------------------------------------------------------

inline bool isForProduction(const Snapshot& snapshot) {
  return snapshot.integration->spec.targetStage == api::Stage::Production;
}
// Production serves what is declared.
inline bool servesDeclared(const Snapshot& snapshot, const Examination& form) {
  const auto& live = snapshot.production.live;
  return live && !form.digest.empty() && live->revision.digest == form.digest;
}
inline bool isTested(const Snapshot& snapshot) {
  return snapshot.testing.settings && snapshot.testing.settings->tester;
}

}  // namespace mpay::onboarding
