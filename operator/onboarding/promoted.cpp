#include <algorithm>

#include "gateway/rendering.h"
#include "onboarding/conditions.h"
#include "onboarding/effect.h"

namespace mpay::onboarding {
namespace {

constexpr std::size_t kSpentKept = 200;

// Notes the parts of the live revision that the platform assigned to others.
void judgeLoss(const NumberedRevision& live, const Fragment& whole, const Barred& barred, Serving& serving) {
  if (!barred.assignments) return;
  const auto nobody = [&](Loss loss, std::string reason, std::string_view what) {
    serving.loss = loss;
    serving.lost =
        fix(std::move(reason), fmt::format("production admits nobody under {} (revision {}): the platform assigned "
                                           "its {} to another integration; ask the MPay operator",
                                           live.revision.digest, live.number, what));
  };
  if (isServiceTaken(whole, barred)) return nobody(Loss::ServiceID, "ServiceIDConflict", "ServiceID");
  const auto left = admissible(whole, {{}, barred.assignments});
  if (left.certificates != whole.certificates) return nobody(Loss::Certificate, "CertificateConflict", "certificate");
  if (left == whole) return;
  std::vector<std::string> missing;
  for (const auto& [before, after] :
       {std::pair(&whole.addresses, &left.addresses), std::pair(&whole.posAddresses, &left.posAddresses)}) {
    for (const auto& text : *before) {
      if (std::find(after->begin(), after->end(), text) == after->end()) missing.push_back(text);
    }
  }
  serving.loss = Loss::Addresses;
  serving.lost = fix("AddressConflict",
                     fmt::format("production serves {} (revision {}) without what the platform assigned to another "
                                 "integration of {}; declare others, which are validated anew",
                                 live.revision.digest, live.number, fmt::join(missing, ", ")));
}

std::string describeServing(const NumberedRevision& live, const Serving& serving) {
  if (serving.tellsOfLoss()) return serving.lost.message;
  if (const auto* withheld = serving.withheld) {
    return fmt::format("production admits nobody under {} (revision {}): its certificate {}", live.revision.digest,
                       live.number,
                       withheld->verdict == RevocationVerdict::Revoked   ? describeRevocation(*withheld)
                       : withheld->verdict == RevocationVerdict::Unknown ? "could not be checked for revocation yet"
                                                                         : "is being checked for revocation");
  }
  return fmt::format("production goes on serving {} (revision {})", live.revision.digest, live.number);
}

api::ControllerRevision revisionOf(const PromotionQuestion& question) {
  const auto& [snapshot, form] = std::tie(question.snapshot, question.form);
  const auto key = snapshot.integration->metadata.key();
  Revision revision;
  revision.digest = form.digest;
  revision.effect = productionEffect(*snapshot.integration, form.hashes);
  if (form.hashes.certificate) revision.certificate = encoded(snapshot.certificate);
  revision.intermediates = textsOf(form.intermediates);
  if (form.hashes.logo) revision.logo = encoded(snapshot.logo);
  revision.holder = form.productionClaim->holder;
  for (const auto* records : {&question.functional.counted, &question.validated.counted}) {
    for (const auto& record : *records) {
      revision.records.push_back({record->metadata.name.value_or(""), record->metadata.uid.value_or(""),
                                  record->metadata.creationTimestamp.value_or(""), record->spec, "NotSigned"});
    }
  }
  // The time of older records shows that they are spent; only the newest can be of this very second.
  auto known = snapshot.records;
  std::sort(known.begin(), known.end(),
            [](const auto& a, const auto& b) { return a->metadata.creationTimestamp > b->metadata.creationTimestamp; });
  if (known.size() > kSpentKept) known.resize(kSpentKept);
  for (const auto& record : known) revision.spent.push_back(record->metadata.uid.value_or(""));
  if (const auto& tests = question.tests.record; isTested(snapshot) && tests && tests->last)
    revision.functionalTests = tests->last->status;
  revision.promotedAt = formatTime(question.now);
  const auto& live = snapshot.production.live;
  api::ControllerRevision object;
  object.revision = live ? live->number + 1 : 1;
  object.metadata = ownedMeta(snapshot.production.settings->spec.outputNamespace, revisionName(key, object.revision),
                              "revision", snapshot.production.settings->name, key);
  object.data = json::encode(revision);
  return object;
}

// True when production serves the declared form; otherwise the reason why not, or not yet.
Verdict judgeServing(const PromotionQuestion& question) {
  const auto& [snapshot, serving] = std::tie(question.snapshot, question.serving);
  const auto& live = *snapshot.production.live;
  if (serving.tellsOfLoss()) return serving.lost;
  if (serving.inPlace && serving.withheld) {
    const auto words = describeServing(live, serving);
    return serving.withheld->verdict == RevocationVerdict::Revoked
               ? fix("CertificateRevoked", words + "; give another, which is validated anew")
               : writing("Provisioning", words);
  }
  if (serving.inPlace)
    return good("Promoted", fmt::format("production serves {} (revision {}){}", question.form.digest, live.number,
                                        tellEarlier(serving.issue->fragment)));
  if (serving.missing) return *serving.missing;
  const Error problem = snapshot.production.problem.value_or(beingRead("the environment is being read"));
  return working(
      problem.reason.empty() ? "Pending" : problem.reason,
      fmt::format("{}; {}", serving.withheld ? describeServing(live, serving) : "production goes on as it is",
                  problem.message));
}

}  // namespace

Serving serveLive(const Snapshot& snapshot, const PublicationQuestion& question, const Presented& presented,
                  const CheckedCertificate* withheld) {
  const auto& production = snapshot.production;
  const auto& live = production.live;
  Serving serving;
  serving.withheld = withheld;
  const auto stays = [&] {
    serving.issue = dropEnded(question);
    return serving;
  };
  if (production.liveProblem) {
    serving.corrupt = working("RevisionCorrupt", production.liveProblem->message);
    return stays();
  }
  if (!live || !production.settings) return stays();
  auto next = fragmentOf(*live);
  if (!next) {
    serving.corrupt = working("RevisionCorrupt", next.error().message);
    return stays();
  }
  judgeLoss(*live, *next, question.barred, serving);
  if (!serving.losesAll()) serving.certificate = presented.promoted;
  // Without its ServiceID the integration may publish nothing of the revision.
  if (serving.loss == Loss::ServiceID) return serving;
  serving.issue = publish(question, std::move(*next));
  serving.service =
      renderService(production.settings->spec, production.settings->name, snapshot.integration->metadata.key(),
                    live->revision.effect.as_object(), live->revision.logo);
  serving.missing = whatIsMissing(production, serving.issue->fragment, *serving.service);
  serving.inPlace = !serving.missing;
  return serving;
}

PromotedJudged judgePromoted(const PromotionQuestion& question) {
  const auto& [snapshot, form, serving] = std::tie(question.snapshot, question.form, question.serving);
  const auto& live = snapshot.production.live;
  if (serving.corrupt) return {*serving.corrupt, {}};
  if (servesDeclared(snapshot, form)) return {judgeServing(question), {}};
  if (!isForProduction(snapshot)) {
    return {idle("NotRequested",
                 live ? "targetStage is Testing; " + describeServing(*live, serving) : "targetStage is Testing"),
            {}};
  }
  const Verdict* const gates[] = {&question.validated.verdict, &question.functional.verdict, &question.testing,
                                  &question.submitted, &question.certificate};
  if (std::all_of(std::begin(gates), std::end(gates), [](const auto* gate) { return gate->holds(); })) {
    if (const auto& taken = snapshot.production.takenRevisionName; !taken.empty())
      return {nameTaken("a ControllerRevision", taken), {}};
    return {writing("Promoting", "the validated revision is being recorded"), revisionOf(question)};
  }
  if (!live)
    return {awaiting(Awaited::Validation, "Validated comes first; production admits nobody for this service"), {}};
  if (form.digest.empty()) {
    return {working("AwaitingSubmission",
                    describeServing(*live, serving) + "; what is declared cannot be judged, see the conditions before"),
            {}};
  }
  return {awaiting(Awaited::Validation,
                   fmt::format("{}; {} waits for its own validation", describeServing(*live, serving), form.digest)),
          {}};
}

}  // namespace mpay::onboarding
