// Judges whether recorded decisions open a gate. Source of the rules: docs/domain.md, "Validation".
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/validation.h"
#include "base/clock.h"
#include "ledger/revision.h"
#include "onboarding/verdict.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// Tells since when the admission policies that make records believable are in force.
struct Admission {
  std::optional<WallTime> inForceSince{};
  std::string problem{};  // set where they are not in force
};

struct Gate {
  api::ObjectKey integration;
  std::string uid;
  std::string environment;
  api::Milestone milestone = api::Milestone::FinalValidation;
  std::vector<api::Role> roles;
  std::string digest;
  api::ServiceAccountPolicy serviceAccounts = api::ServiceAccountPolicy::Refused;
  std::optional<NumberedRevision> live{};  // a record counts for the first promotion after it
};

using Records = std::vector<std::shared_ptr<const api::MPayValidation>>;

struct GateVerdict {
  bool open = false;
  std::string
      reason;  // Accepted, AdmissionPolicyMissing, Awaiting..., Rejected, SelfApproval, EvidenceStale, EvidenceMismatch
  std::string message;
  bool rejected = false;
  bool isUnknown = false;  // records cannot be believed now
  Records counted{};       // the records that opened it
  Awaited awaited = Awaited::Validation;
};

GateVerdict judgeRecords(const Gate& gate, const Records& records, const Admission& admission);

// The condition of the gate.
Verdict ofGate(const GateVerdict& gate);

}  // namespace mpay::onboarding
