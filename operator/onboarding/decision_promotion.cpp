// Validated and Promoted, and the revision that a promotion records.
#include "onboarding/decision.h"

#include <algorithm>

#include "onboarding/digest.h"
#include "onboarding/rendering.h"

namespace mpay::onboarding {
namespace {

using api::ConditionStatus;

constexpr std::size_t kSpentKept = 200;

}  // namespace

std::string Decision::serving() const {
  if (tellsOfLoss()) return lost->message;
  if (unadmitted) {
    return fmt::format("production admits nobody under {} (revision {}): its certificate {}", live()->revision.digest,
                       live()->number,
                       unadmitted->verdict == RevocationVerdict::Revoked   ? describeRevocation(*unadmitted)
                       : unadmitted->verdict == RevocationVerdict::Unknown ? "could not be checked for revocation yet"
                                                                           : "is being checked for revocation");
  }
  return fmt::format("production goes on serving {} (revision {})", live()->revision.digest, live()->number);
}

void Decision::noteLost(const Fragment& whole) {
  if (!in.production.assignments) return;
  const auto& assignments = *in.production.assignments;
  const auto nobody = [&](std::string_view reason, std::string_view what) {
    lost =
        fix(std::string(reason), fmt::format("production admits nobody under {} (revision {}): the platform assigned "
                                             "its {} to another integration; ask the MPay operator",
                                             live()->revision.digest, live()->number, what));
  };
  Fragment left = whole;
  if (assignments.takesService(whole.holder, whole.serviceID)) {
    nobody("ServiceIDConflict", "ServiceID");
  } else if (assignments.takeOut(left) && left.certificates != whole.certificates) {
    nobody("CertificateConflict", "certificate");
  } else if (left != whole) {
    std::vector<std::string> missing;
    for (const auto& [before, after] :
         {std::pair(&whole.addresses, &left.addresses), std::pair(&whole.posAddresses, &left.posAddresses)}) {
      for (const auto& text : *before) {
        if (std::find(after->begin(), after->end(), text) == after->end()) missing.push_back(text);
      }
    }
    lost = fix("AddressConflict",
               fmt::format("production serves {} (revision {}) without what the platform assigned to another "
                           "integration of {}; declare others, which are validated anew",
                           live()->revision.digest, live()->number, fmt::join(missing, ", ")));
  }
}

void Decision::judgeValidated() {
  if (servesCurrent()) {
    validated = good("AsPromoted", fmt::format("revision {} keeps the records", live()->number));
  } else if (!toProduction()) {
    validated = idle("NotRequested", "targetStage is Testing");
  } else if (!functional.holds()) {
    validated = working("AwaitingFunctionalTesting", "FunctionalTestsPassed comes first");
    if (functional.status == ConditionStatus::Unknown) validated = functional;
  } else {
    const auto& rules = in.production.settings->spec.validation;
    Gate gate{key(),
              integration().metadata.uid.value_or(""),
              in.production.settings->name,
              api::Milestone::FinalValidation,
              rules.roles,
              form.digest,
              rules.serviceAccounts,
              live()};
    auto verdict = judgeRecords(gate, in.records, in.admission);
    validated = ofGate(verdict);
    finalRecords = std::move(verdict.counted);
  }
}

void Decision::promote() {
  Revision revision;
  revision.digest = form.digest;
  revision.effect = productionEffect(integration(), form.hashes);
  if (form.hashes.certificate) revision.certificate = encoded(in.certificate);
  revision.intermediates = textsOf(form.intermediates);
  if (form.hashes.logo) revision.logo = encoded(in.logo);
  revision.holder = form.productionClaim->holder;
  for (const auto* records : {&functionalRecords, &finalRecords}) {
    for (const auto& record : *records) {
      revision.records.push_back({record->metadata.name.value_or(""), record->metadata.uid.value_or(""),
                                  record->metadata.creationTimestamp.value_or(""), record->spec, "NotSigned"});
    }
  }
  // Older ones are told by their time; only the newest can be of this very second.
  auto known = in.records;
  std::sort(known.begin(), known.end(),
            [](const auto& a, const auto& b) { return a->metadata.creationTimestamp > b->metadata.creationTimestamp; });
  if (known.size() > kSpentKept) known.resize(kSpentKept);
  for (const auto& record : known) revision.spent.push_back(record->metadata.uid.value_or(""));
  if (isTested() && tests && tests->last) revision.functionalTests = tests->last->status;
  revision.promotedAt = formatTime(now);
  const std::int64_t number = live() ? live()->number + 1 : 1;
  api::ControllerRevision object;
  object.metadata = ownedMeta(in.production.settings->spec.outputNamespace, revisionName(key(), number), "revision",
                              in.production.settings->name, key());
  object.data = json::encode(revision);
  object.revision = number;
  plan.revision = std::move(object);
}

void Decision::judgePromoted() {
  const auto& production = in.production;
  if (promotedWith) unadmitted = withheldCheck(promotedWith->sha256());
  if (live()) {
    plan.status.production = api::ProductionStatus{live()->revision.digest, live()->number, live()->name,
                                                   live()->revision.promotedAt, std::nullopt};
  } else if (integration().status && (production.liveProblem || !production.read)) {
    // What cannot be read now is not gone: its environments stay immutable.
    plan.status.production = integration().status->production;
  }
  if (production.liveProblem) {
    promoted = working("RevisionCorrupt", production.liveProblem->message);
    end(production, productionChecks, plan.production);
    return;
  }
  bool inPlace = false;
  std::string earlier;
  if (live() && production.settings) {
    auto next = fragmentOf(*live());
    if (!next) {
      promoted = working("RevisionCorrupt", next.error().message);
      end(production, productionChecks, plan.production);
      return;
    }
    noteLost(*next);
    if (!losesAll()) served = promotedWith;
    // Without its ServiceID nothing of it is this integration's to publish.
    if (!lost || lost->reason != "ServiceIDConflict") {
      const auto fragment = publish(production, std::move(*next), productionChecks, plan.production);
      earlier = tellEarlier(fragment);
      api::ConfigMap service =
          renderService(*production.settings, key(), live()->revision.effect.as_object(), live()->revision.logo);
      inPlace = isPublished(production, fragment, service, promoted);
      plan.production.push_back(std::move(service));
    }
  } else {
    end(production, productionChecks, plan.production);
  }
  if (servesCurrent()) {
    if (tellsOfLoss()) {
      promoted = *lost;
    } else if (inPlace && unadmitted) {
      promoted = unadmitted->verdict == RevocationVerdict::Revoked
                     ? fix("CertificateRevoked", serving() + "; give another, which is validated anew")
                     : working("Provisioning", serving());
    } else if (inPlace) {
      promoted =
          good("Promoted", fmt::format("production serves {} (revision {}){}", form.digest, live()->number, earlier));
    } else if (!production.settings) {
      const Error problem =
          production.problem.value_or(Error{ErrorKind::Invalid, "the environment is being read", "Pending"});
      promoted =
          working(problem.reason.empty() ? "Pending" : problem.reason,
                  fmt::format("{}; {}", unadmitted ? serving() : "production goes on as it is", problem.message));
    }
  } else if (!toProduction()) {
    promoted = idle("NotRequested", live() ? "targetStage is Testing; " + serving() : "targetStage is Testing");
  } else if (validated.holds() && functional.holds() && testing.holds() && submitted.holds() && certificate.holds()) {
    if (production.foreignRevision.empty()) {
      promoted = working("Promoting", "the validated revision is being recorded");
      promote();
    } else {
      promoted = nameTaken("a ControllerRevision", production.foreignRevision);
    }
  } else if (live() && form.digest.empty()) {
    promoted =
        working("AwaitingSubmission", serving() + "; what is declared cannot be judged, see the conditions before");
  } else if (live()) {
    promoted =
        awaiting("AwaitingValidation", fmt::format("{}; {} waits for its own validation", serving(), form.digest));
  } else {
    promoted = awaiting("AwaitingValidation", "Validated comes first; production admits nobody for this service");
  }
}

}  // namespace mpay::onboarding
