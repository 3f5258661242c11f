// The conditions of an integration, in the order in which they are judged. Each is a function of its inputs, in a file
// of its own, and returns its verdict with its writes. decide() composes them. Pure. Source of the rules:
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
  // The claims to write. They are written also where an address is in conflict, so that the other addresses stay this
  // integration's over a restart.
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

// The record of runs from now on, and the time of the next look.
struct TestsPlanned {
  std::optional<TestRecord> record{};                 // none: no tester ever ran anything
  bool isWritten = false;                             // it differs from the known record
  std::optional<api::FunctionalTestStatus> status{};  // of the last run
  std::optional<WallTime> looksAgainAt{};
};
// While testing is being provisioned again, the intended run stays.
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

// The part of the live revision that the platform assigned to others.
enum class Loss { None, Addresses, Certificate, ServiceID };

// The state of the live revision in production, whatever is declared.
struct Serving {
  Loss loss = Loss::None;
  Verdict lost{};                                // set where anything is lost
  const CheckedCertificate* withheld = nullptr;  // its certificate, where production does not publish it
  std::optional<Verdict> corrupt{};              // it cannot be read
  std::optional<Verdict> missing{};              // the gateway does not hold it yet; nothing where it is not published
  bool inPlace = false;                          // the gateway's objects hold it
  std::optional<Issue> issue{};
  std::optional<api::ConfigMap> service{};
  std::optional<crypto::Certificate> certificate{};  // the one that it serves with

  // Production admits nobody under the live revision.
  bool losesAll() const { return loss == Loss::Certificate || loss == Loss::ServiceID; }
  // A revoked certificate matters more than missing addresses.
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

// The notifications of one environment.
using Told = std::vector<Notification>;

struct NotifiedJudged {
  Verdict verdict{};
  std::optional<Notification> activation{};
};
NotifiedJudged judgeNotified(const Snapshot& snapshot, const Verdict& promoted, WallTime now);

// One notification for each warning of a certificate, by the first environment that has a channel. Nothing where
// `elsewhere` contains it, where no warning is due, or where the environment has no channel.
std::optional<Notification> warningOf(const api::CertificateStatus& certificate, const EnvironmentSnapshot& environment,
                                      const Notifications& elsewhere, const api::MPayIntegration& integration,
                                      WallTime now);

// One notification for each revoked certificate, by one environment that has a channel, production first.
Told revocationsToTell(const Snapshot& snapshot, api::Stage stage, WallTime now);

// The notifications to remember from now on; nothing where the record contains exactly these.
std::optional<Notifications> notificationsToWrite(const EnvironmentSnapshot& environment, Told wanted,
                                                  const std::optional<NumberedRevision>& live);

// --- Ready, Reconciling and Stalled (summary.cpp) -------------------------------------------------------------------

struct SummaryQuestion {
  const api::MPayIntegration& integration;
  const Verdict &prerequisites, &certificate, &submitted, &testing, &functional, &validated, &promoted, &notified;
  bool serves = false;  // production admits somebody under the live revision
  WallTime now{};
};
// Sets stage, phase, conditions and observedGeneration. Returns the types of the conditions that wait for a write.
std::vector<std::string> summarise(const SummaryQuestion& question, api::MPayIntegrationStatus& status);

// --- Shared by several conditions -----------------------------------------------------------------------------------

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
