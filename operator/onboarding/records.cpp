#include "onboarding/records.h"

#include <algorithm>
#include <array>
#include <map>

namespace mpay::onboarding {
namespace {

struct RecordQuestion {
  const api::MPayValidation& record;
  const Gate& gate;
  WallTime policiesSince;
};

// A test that a record must pass to count, and the reason where it does not.
struct RecordCheck {
  std::string_view reason;
  std::string_view words;
  bool (*holds)(const RecordQuestion&);
};

WallTime createdAt(const api::ObjectMeta& metadata) {
  return parseTime(metadata.creationTimestamp.value_or("")).value_or(WallTime{});
}

// A record counts for the first promotion after it. Creation times are whole seconds: within the second of a promotion,
// the list of the records that existed decides.
bool isUnspent(const RecordQuestion& q) {
  if (!q.gate.live) return true;
  const auto& spent = q.gate.live->revision.spent;
  return createdAt(q.record.metadata) >= parseTime(q.gate.live->createdAt).value_or(WallTime{}) &&
         std::find(spent.begin(), spent.end(), q.record.metadata.uid.value_or("")) == spent.end();
}

// A rejection needs less proof than an acceptance.
bool isRejection(const RecordQuestion& q) { return q.record.spec.decision == api::Decision::Rejected; }

constexpr std::array kRecordChecks{
    RecordCheck{"EvidenceMismatch", "names another object of this name",
                [](const RecordQuestion& q) { return q.record.spec.integration.uid == q.gate.uid; }},
    RecordCheck{"EvidenceMismatch", "names another environment",
                [](const RecordQuestion& q) { return api::environmentOf(q.record.spec) == q.gate.environment; }},
    RecordCheck{"EvidenceStale", "is about another digest: something changed since",
                [](const RecordQuestion& q) { return q.record.spec.digest == q.gate.digest; }},
    RecordCheck{"EvidenceStale", "was spent on an earlier promotion", isUnspent},
    RecordCheck{"EvidenceStale", "was made before the admission policies were in force for certain; record it again",
                [](const RecordQuestion& q) { return createdAt(q.record.metadata) > q.policiesSince; }},
    RecordCheck{"NotSupported", "is signed, and signatures are not supported by this version",
                [](const RecordQuestion& q) { return isRejection(q) || !q.record.spec.signature; }},
    RecordCheck{"EvidenceMismatch", "was made by a service account",
                [](const RecordQuestion& q) {
                  return isRejection(q) || q.gate.serviceAccounts == api::ServiceAccountPolicy::Allowed ||
                         !q.record.spec.recordedBy.starts_with("system:serviceaccount:");
                }},
};

// The later decision counts; in the same second, a rejection.
bool precedes(const api::MPayValidation& a, const api::MPayValidation& b) {
  const auto left = createdAt(a.metadata), right = createdAt(b.metadata);
  if (left != right) return left < right;
  if (a.spec.decision != b.spec.decision) return b.spec.decision == api::Decision::Rejected;
  return a.metadata.name < b.metadata.name;
}

}  // namespace

GateVerdict judgeRecords(const Gate& gate, const Records& records, const Admission& admission) {
  if (!admission.inForceSince)
    return {.reason = "AdmissionPolicyMissing", .message = admission.problem, .isUnknown = true};
  struct Seen {
    std::shared_ptr<const api::MPayValidation> record{};
    const RecordCheck* failed = nullptr;
  };
  std::map<api::Role, Seen> latest, refused;  // those that count, and those that do not
  for (const auto& record : records) {
    if (record->spec.milestone != gate.milestone) continue;
    const RecordQuestion question{*record, gate, *admission.inForceSince};
    const auto failed = std::find_if(kRecordChecks.begin(), kRecordChecks.end(),
                                     [&](const RecordCheck& check) { return !check.holds(question); });
    const bool counts = failed == kRecordChecks.end();
    auto& slot = (counts ? latest : refused)[record->spec.role];
    if (!slot.record || precedes(*slot.record, *record)) slot = {record, counts ? nullptr : &*failed};
  }
  GateVerdict verdict;
  std::vector<std::string> awaited;
  Seen misses;  // the first awaited role's latest record, which does not count
  for (const auto role : gate.roles) {
    const auto found = latest.find(role);
    if (found == latest.end()) {
      awaited.emplace_back(json::nameOf(role));
      if (!misses.record && refused.contains(role)) misses = refused[role];
    } else if (const auto& spec = found->second.record->spec; spec.decision == api::Decision::Rejected) {
      return {false, "Rejected",
              fmt::format("{} rejected {} as {}: {}. Mend what was found; a changed spec is validated anew",
                          spec.recordedBy, gate.digest, json::nameOf(role), spec.comment.value_or("no comment")),
              true};
    } else {
      verdict.counted.push_back(found->second.record);
    }
  }
  if (!awaited.empty()) {
    const bool isFunctional = gate.milestone == api::Milestone::FunctionalTesting;
    if (isFunctional && !misses.failed) verdict.awaited = Awaited::FunctionalTesting;
    verdict.reason = misses.failed ? misses.failed->reason : std::string(reasonOf(verdict.awaited));
    verdict.message = fmt::format(
        "waiting for {} on {} by {}: kubectl mpay validate {} -n {} --milestone {} --role {} --accept (or --reject){}",
        json::nameOf(gate.milestone), gate.digest, fmt::join(awaited, " and "), gate.integration.name,
        gate.integration.namespace_, json::nameOf(gate.milestone), awaited.front(),
        misses.failed ? fmt::format("; record {} does not count: it {}", misses.record->metadata.name.value_or(""),
                                    misses.failed->words)
                      : "");
    verdict.counted.clear();
    return verdict;
  }
  for (std::size_t i = 1; i < verdict.counted.size(); ++i) {
    if (verdict.counted[i]->spec.recordedBy == verdict.counted[0]->spec.recordedBy) {
      return {false, "SelfApproval",
              fmt::format("{} recorded for both roles; two different people must validate",
                          verdict.counted[0]->spec.recordedBy)};
    }
  }
  verdict.open = true;
  verdict.reason = "Accepted";
  std::vector<std::string> who;
  for (const auto& record : verdict.counted) {
    who.push_back(fmt::format("{} as {}", record->spec.recordedBy, json::nameOf(record->spec.role)));
  }
  verdict.message = fmt::format("accepted for {} by {}", gate.digest, fmt::join(who, " and "));
  return verdict;
}

Verdict ofGate(const GateVerdict& gate) {
  if (gate.open) return good(gate.reason, gate.message);
  if (gate.isUnknown) return {api::ConditionStatus::Unknown, gate.reason, gate.message, Attention::Working};
  return gate.rejected ? fix(gate.reason, gate.message) : awaiting(gate.awaited, gate.message, gate.reason);
}

}  // namespace mpay::onboarding
