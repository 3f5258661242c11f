#include "controllers/integration_controller.h"

#include "base/log.h"
#include "controllers/departures.h"
#include "controllers/environment_controller.h"
#include "crypto/digest.h"
#include "gateway/rendering.h"
#include "onboarding/rotation.h"

namespace mpay::controllers {
namespace {

using ledger::memoryName;
using onboarding::Cause;

// True when another try fails in the same way until somebody acts; then the status must tell it.
bool isRefusal(const Error& error) { return error.kind == ErrorKind::Api && !error.isConflict(); }

}  // namespace

IntegrationController::IntegrationController(kube::Client& client, const Clock& clock, cluster::Caches& caches,
                                             cluster::Claims& claims, runtime::EventRecorder& events,
                                             std::function<bool()> mayWrite)
    : client_(client),
      clock_(clock),
      caches_(caches),
      claims_(claims),
      events_(events),
      departures_(clock, caches, claims),
      keySecrets_(client, mayWrite),
      mayWrite_(std::move(mayWrite)) {}

Result<runtime::Outcome> IntegrationController::reconcile(const api::ObjectKey& key, std::stop_token stop) {
  TRY(departures_.handOver(key, stop));
  auto integration = caches_.integrations().get(key);
  if (!integration) {
    caches_.forgetReferences("integration " + key.text());
    return departures_.withdraw(key, false, nullptr, stop);
  }
  if (integration->metadata.deletionTimestamp) {
    auto outcome = departures_.withdraw(key, integration->spec.deletionPolicy == api::DeletionPolicy::Retain,
                                        &integration->spec.environments, stop);
    if (!outcome) {
      tellWhatDeletionWaitsFor(*integration, outcome.error());
      return fail(std::move(outcome).error());
    }
    waiting_.with([&](auto& all) { all.erase(key); });
    TRY(patchFinalizer(client_, caches_.integrations(), *integration, ledger::kFinalizer, false, mayWrite_, stop));
    return outcome;
  }
  if (TRY(patchFinalizer(client_, caches_.integrations(), *integration, ledger::kFinalizer, true, mayWrite_, stop))) {
    integration = caches_.integrations().get(key);
    if (!integration) return runtime::Outcome{};
  }
  // Each round sees the writes of the round before; a promotion takes three.
  std::optional<Error> keyProblem;
  for (int round = 0; round < 6; ++round) {
    auto decided = decide(integration, keyProblem);
    if (!decided && onboarding::isBeingRead(decided.error())) return runtime::Outcome{};  // a watch will tell
    if (!decided) return fail(decided.error());
    const auto written = write(*decided, stop);
    if (written && *written) continue;
    if (!written && !isRefusal(written.error())) return fail(written.error());
    if (!written) onboarding::explain(decided->plan, written.error());
    // A watch tells the changes to the Secret, and they are judged then.
    auto kept = noteShownKeys(*decided, stop);
    if (kept) kept = keyProblem ? Result<void>(fail(*keyProblem)) : writeKeys(*decided, stop);
    if (!kept && !keyProblem && kept.error().state == ErrorState::Forbidden) {
      keyProblem = std::move(kept).error();
      continue;
    }
    TRY(writeStatus(*decided, stop));
    if (!written) return fail(written.error());
    if (!kept) return fail(std::move(kept).error());
    return soonest(lookAgain(clock_, decided->plan.nextInstant), TRY(leaveEnvironments(*decided, stop)));
  }
  return fail(Error{ErrorKind::Api, "the outputs do not settle", "Unsettled"});
}

// Leaves environments: those that an earlier integration of this name, or this one before, left something in.
Result<runtime::Outcome> IntegrationController::leaveEnvironments(const Round& round, const std::stop_token& stop) {
  const auto& integration = *round.snapshot.integration;
  const auto& names = integration.spec.environments;
  const api::ObjectKey key = integration.metadata.key();
  runtime::Outcome outcome;
  if (const auto testing = outputsOf(names.testing); round.plan.endTesting && testing && testing->synced())
    TRY(departures_.leave(key, *round.snapshot.testing.declared, Cause::NotNamed, stop));
  if (round.plan.carryOutWithdrawal || round.plan.endProduction) {
    if (const auto production = caches_.environments().get({"", names.production}))
      outcome = TRY(departures_.leave(key, *production, Cause::NotNamed, stop));
  }
  return soonest(outcome, TRY(departures_.leaveFormer(key, names, round.plan.provisioned, stop)));
}

std::shared_ptr<cluster::Outputs> IntegrationController::outputsOf(const std::string& environment) {
  const auto object = caches_.environments().get({"", environment});
  return object ? caches_.outputs(*object) : nullptr;
}

onboarding::GatheredEnvironment IntegrationController::gatherEnvironment(const std::string& name,
                                                                         const api::ObjectKey& key) {
  onboarding::GatheredEnvironment gathered;
  gathered.declared = caches_.environments().get({"", name});
  if (!gathered.declared) return gathered;
  const auto outputs = caches_.outputs(*gathered.declared);
  const auto state = caches_.environmentState(*gathered.declared);
  gathered.settings = state.settings;
  gathered.aggregateProblem = state.aggregateProblem;
  // Until the environment's controller has seen all fragments, none would seem to be published.
  gathered.isRead = outputs->synced() && state.synced;
  if (!gathered.isRead) return gathered;
  loadClaims(claims_, *gathered.declared, *outputs);
  const auto uid = gathered.declared->metadata.uid.value_or("");
  gathered.assignments = claims_.assignments(uid);
  gathered.revoked = outputs->revoked();
  const auto object = [&](const std::string& called) {
    return onboarding::GatheredObject{outputs->own(called), outputs->isForeign(called, key)};
  };
  gathered.claim = object(memoryName(ledger::kClaim, key));
  gathered.fragment = object(memoryName(ledger::kFragment, key));
  gathered.withdrawal = object(memoryName(ledger::kWithdrawal, key));
  gathered.notifications = object(memoryName(ledger::kNotifications, key));
  gathered.revocation = object(memoryName(ledger::kRevocation, key));
  gathered.tests = object(memoryName(ledger::kTests, key));
  if (state.settings)
    gathered.service = object(gateway::serviceName((*state.settings)->spec.registrar.configMap.value(), key));
  if (const auto found = state.aggregated->find(memoryName(ledger::kFragment, key)); found != state.aggregated->end()) {
    gathered.published = found->second.object;
    gathered.publishedHash = found->second.hash;
  }
  gathered.lastRevision = lastRevision(*outputs, key);
  const auto last = gathered.lastRevision ? gathered.lastRevision->revision : 0;
  gathered.nextRevisionTaken = outputs->isForeignRevision(ledger::revisionName(key, last + 1), key);
  return gathered;
}

Result<onboarding::Snapshot> IntegrationController::gather(
    const std::shared_ptr<const api::MPayIntegration>& integration) {
  const auto& spec = integration->spec;
  const api::ObjectKey key = integration->metadata.key();
  onboarding::Gathered gathered;
  gathered.integration = integration;
  gathered.namespaceLabels = caches_.namespaceLabels(key.namespace_);
  gathered.testing = gatherEnvironment(spec.environments.testing, key);
  gathered.production = gatherEnvironment(spec.environments.production, key);
  gathered.records = caches_.records(key);
  gathered.admission = caches_.admission();
  for (const auto& request : caches_.testRequests(key)) {
    if (!request->metadata.deletionTimestamp) gathered.testRequests.push_back(request->metadata.uid.value_or(""));
  }
  auto snapshot = snapshotOf(gathered);
  for (const auto* environment : {&snapshot.testing, &snapshot.production}) {
    if (!environment->settings && environment->problem && onboarding::isBeingRead(*environment->problem))
      return fail(*environment->problem);
  }
  TRY(readContent(snapshot));
  return snapshot;
}

Result<void> IntegrationController::readContent(onboarding::Snapshot& snapshot) {
  const auto& spec = snapshot.integration->spec;
  const api::ObjectKey key = snapshot.integration->metadata.key();
  const std::string owner = "integration " + key.text();
  if (!onboarding::isTenant(snapshot)) {
    caches_.forgetReferences(owner);
    snapshot.users.resize(spec.backOfficeUsers.size());
    return {};
  }
  std::vector<const api::ContentSource*> sources;
  std::vector<const api::ContentReference*> references;
  std::set<api::ObjectKey> keySecrets;
  const auto* certificate = spec.certificate ? api::sourceOf(*spec.certificate) : nullptr;
  if (certificate) sources.push_back(certificate);
  if (spec.certificate && spec.certificate->request)
    keySecrets.insert({key.namespace_, spec.certificate->request->secretName});
  if (spec.certificate && spec.certificate->intermediates) sources.push_back(&*spec.certificate->intermediates);
  if (spec.service.logo) references.push_back(&*spec.service.logo);
  for (const auto& user : spec.backOfficeUsers) {
    if (user.signatureCertificate) sources.push_back(&*user.signatureCertificate);
  }
  caches_.refer(owner, sources, references, key.namespace_, {}, keySecrets);
  bool whole = true;
  const auto content = [&](const auto& source) {
    auto found = caches_.content(source, key.namespace_);
    whole = whole && found;
    return found;
  };
  if (certificate) snapshot.certificate = content(*certificate);
  for (const auto& secret : keySecrets) {
    snapshot.keySecret = caches_.keySecret(secret);
    whole = whole && snapshot.keySecret;
  }
  if (spec.certificate && spec.certificate->intermediates)
    snapshot.intermediates = content(*spec.certificate->intermediates);
  if (spec.service.logo) snapshot.logo = content(*spec.service.logo);
  for (const auto& user : spec.backOfficeUsers) {
    if (user.signatureCertificate) snapshot.users.push_back(content(*user.signatureCertificate));
  }
  // A verdict on a form that is not completely read would be reported, and taken back a moment later.
  if (!whole) return fail(onboarding::beingRead("what the form refers to is being read"));
  return recallKeys(snapshot);
}

Result<void> IntegrationController::recallKeys(onboarding::Snapshot& snapshot) {
  std::set<std::string> shown;
  if (snapshot.keySecret && *snapshot.keySecret) {
    for (const auto* slot : {&(*snapshot.keySecret)->current, &(*snapshot.keySecret)->renewal}) {
      if (!slot->publicKeySha256.empty()) shown.insert(slot->publicKeySha256);
    }
  }
  for (const auto& user : snapshot.users) {
    if (!user || !*user) continue;
    if (const auto certificate = crypto::Certificate::parse(**user)) shown.insert(certificate->publicKeySha256());
  }
  // The notes of all environments are read: a key made in one may belong to a person's certificate shown in another.
  for (const auto& environment : caches_.environments().list()) {
    const auto outputs = caches_.outputs(*environment);
    if (!shown.empty()) TRY(outputs->expectRead("the notes of keys"));
    for (const auto& fingerprint : shown) {
      const auto made = ledger::contentOf<ledger::MadeKey>(outputs->own(ledger::madeKeyName(fingerprint)));
      if (made && made->publicKeySha256 == fingerprint) snapshot.madeKeys.emplace(fingerprint, *made);
    }
  }
  // A note that this process saw may have been deleted since then.
  noted_.with([&](auto& noted) {
    for (const auto& fingerprint : shown) {
      if (const auto found = noted.find(fingerprint); found != noted.end()) snapshot.madeKeys.insert(*found);
    }
    noted.insert(snapshot.madeKeys.begin(), snapshot.madeKeys.end());
  });
  return {};
}

Result<void> IntegrationController::note(const ledger::MadeKey& made, const onboarding::Snapshot& snapshot,
                                         const std::stop_token& stop) {
  noted_.with([&](auto& noted) { noted.insert_or_assign(made.publicKeySha256, made); });
  for (const auto* environment : {&snapshot.testing, &snapshot.production}) {
    if (!environment->declared || !environment->read) continue;
    const std::string name = environment->declared->metadata.name.value_or("");
    auto metadata = ledger::ownedMeta(environment->declared->spec.outputNamespace,
                                      ledger::madeKeyName(made.publicKeySha256), ledger::kMadeKey, name, std::nullopt);
    TRY(outputsOf(name)->ensure(ledger::remember(std::move(metadata), made), stop));
  }
  return {};
}

Result<void> IntegrationController::noteShownKeys(const Round& round, const std::stop_token& stop) {
  for (const auto& [fingerprint, made] : round.snapshot.madeKeys) TRY(note(made, round.snapshot, stop));
  return {};
}

Result<IntegrationController::Round> IntegrationController::decide(
    const std::shared_ptr<const api::MPayIntegration>& integration, const std::optional<Error>& keyProblem) {
  Round round{TRY(gather(integration)), {}, {}, {}, {}};
  if (keyProblem) round.snapshot.keySecret = Result<onboarding::KeySecret>(fail(*keyProblem));
  const WallTime now = clock_.now();
  round.examination = onboarding::examine(round.snapshot, now);
  if (const auto& form = round.examination; form.testingClaim && !integration->spec.suspend) {
    const auto request = [](const ledger::Claim& claim, const onboarding::EnvironmentSnapshot& environment) {
      const auto& settings = *environment.settings;
      return cluster::Claims::Request{environment.declared->metadata.uid.value_or(""), claim, settings.addresses.shared,
                                      settings.spec.tenants.idnoLabel.has_value()};
    };
    std::vector<cluster::Claims::Request> requests{request(*form.testingClaim, round.snapshot.testing)};
    if (form.productionClaim) requests.push_back(request(*form.productionClaim, round.snapshot.production));
    auto conflicts = claims_.reserve(requests);
    round.testing = std::move(conflicts.front());
    if (form.productionClaim) round.production = std::move(conflicts.back());
  }
  round.plan = onboarding::decide(round.snapshot, round.examination, round.testing, round.production, now);
  return round;
}

Result<bool> IntegrationController::write(const Round& round, const std::stop_token& stop) {
  const auto& names = round.snapshot.integration->spec.environments;
  bool written = false;
  const auto ensure = [&](const std::string& environment, const std::vector<api::ConfigMap>& desired) -> Result<void> {
    const auto outputs = outputsOf(environment);
    for (const auto& object : desired) {
      auto result = outputs->ensure(object, stop);
      if (!result && result.error().state == ErrorState::NameTaken) continue;  // the condition says so
      written = TRY(std::move(result)) || written;
      // After a registrar was renamed the new document is in place, and the old one may go.
      if (!cluster::isOfComponent(object.metadata, ledger::kService)) continue;
      for (const auto& document : outputs->servicesOf(round.snapshot.integration->metadata.key())) {
        if (document->metadata.name == object.metadata.name) continue;
        TRY(outputs->remove(document->metadata.name.value_or(""), stop));
        written = true;
      }
    }
    return {};
  };
  // A failed write in testing must not keep production from being restored.
  auto inTesting = ensure(names.testing, round.plan.testing);
  if (inTesting && round.plan.dropTesting) {
    const auto name = memoryName(ledger::kFragment, round.snapshot.integration->metadata.key());
    inTesting = outputsOf(names.testing)->remove(name, stop);
    spdlog::warn("{} was damaged and goes: what it said is known to nobody", name);
  }
  TRY(ensure(names.production, round.plan.production));
  TRY(std::move(inTesting));
  if (round.plan.forgetWithdrawal) {
    TRY(outputsOf(names.production)
            ->remove(memoryName(ledger::kWithdrawal, round.snapshot.integration->metadata.key()), stop));
    written = true;
  }
  // The revision comes last, when everything that it needs is in place. It makes production serve.
  if (round.plan.revision && !written) {
    TRY(outputsOf(names.production)->create(*round.plan.revision, stop));
    spdlog::info("integration {}: promoted, revision {}", round.snapshot.integration->metadata.key().text(),
                 round.plan.revision->revision);
    written = true;
  }
  return written;
}

Result<void> IntegrationController::writeKeys(const Round& round, const std::stop_token& stop) {
  const auto& plan = round.plan.keys;
  if (!plan) return {};
  const auto& snapshot = round.snapshot;
  return keySecrets_.carryOut(
      *plan,
      [&](const std::string& fingerprint) -> Result<void> {
        return note({plan->holder, fingerprint, formatTime(clock_.now())}, snapshot, stop);
      },
      stop);
}

Result<void> IntegrationController::writeStatus(const Round& round, const std::stop_token& stop) {
  const auto& integration = *round.snapshot.integration;
  const auto current = caches_.integrations().get(integration.metadata.key());
  const auto& known =
      current && current->metadata.uid == integration.metadata.uid ? current->status : integration.status;
  if (known && json::equal(*known, round.plan.status)) return {};
  if (!mayWrite_()) return fail(ErrorKind::Cancelled, "not the leader");
  auto written = kube::Api<api::MPayIntegration>(client_).applyStatus(integration, round.plan.status, stop);
  if (!written) return written.error().isNotFound() ? Result<void>{} : fail(written.error());
  caches_.integrations().remember(std::move(*written));
  tell(round);
  return {};
}

// Few look at the status of an object that is being deleted. Its Events tell why it does not go.
void IntegrationController::tellWhatDeletionWaitsFor(const api::MPayIntegration& integration, const Error& error) {
  if (error.kind == ErrorKind::Cancelled) return;
  const bool isNew = waiting_.with(
      [&](auto& all) { return std::exchange(all[integration.metadata.key()], error.message) != error.message; });
  if (!isNew) return;
  events_.record(runtime::referenceTo(integration), runtime::EventType::Warning,
                 error.reason.empty() ? "WithdrawalPending" : error.reason, "Withdraw", error.message);
}

// Records one Event for each new warning.
void IntegrationController::tellExpiry(const api::MPayIntegration& integration,
                                       const std::optional<api::CertificateStatus>& before,
                                       const std::optional<api::CertificateStatus>& now, std::string_view whose) {
  if (!now || !now->expiresWithinDays) return;
  if (before && before->sha256 == now->sha256 && before->expiresWithinDays == now->expiresWithinDays) return;
  const bool hasEnded = *now->expiresWithinDays == 0;
  events_.record(runtime::referenceTo(integration), runtime::EventType::Warning,
                 hasEnded ? "CertificateExpired" : "CertificateExpiring", "Watch",
                 fmt::format("the certificate that {} (serial {}) {} {}", whose, now->serial,
                             hasEnded ? "expired at" : "expires at", now->notAfter));
}

// Only the platform is told the holders of conflicting items.
void IntegrationController::tell(const Round& round) {
  const auto& integration = *round.snapshot.integration;
  const auto certificatesOf = [](const std::optional<api::MPayIntegrationStatus>& status) {
    const auto& production = status ? status->production : std::nullopt;
    return std::pair(status ? status->certificate : std::nullopt, production ? production->certificate : std::nullopt);
  };
  const auto [declaredBefore, servedBefore] = certificatesOf(integration.status);
  const auto [declared, served] = certificatesOf(round.plan.status);
  // If Ready tells the expiry, that one Event is enough.
  const auto* ready = api::findCondition(round.plan.status.conditions, "Ready");
  if (!ready || ready->reason != "CertificateExpired") tellExpiry(integration, declaredBefore, declared, "is declared");
  if (!declared || !served || served->sha256 != declared->sha256)
    tellExpiry(integration, servedBefore, served, "production serves");
  const auto* before = integration.status ? &integration.status->conditions : nullptr;
  if (!tellReady(events_, integration, before, round.plan.status.conditions)) return;
  const auto& names = integration.spec.environments;
  const std::tuple<const onboarding::Conflicts&, const std::string&, const std::optional<ledger::Claim>&> both[] = {
      {round.testing, names.testing, round.examination.testingClaim},
      {round.production, names.production, round.examination.productionClaim}};
  for (const auto& [conflicts, name, claim] : both) {
    const auto environment = caches_.environments().get({"", name});
    if (!conflicts.any() || !environment || !claim) continue;
    events_.record(runtime::referenceTo(*environment), runtime::EventType::Warning, "ClaimConflict", "Claim",
                   fmt::format("{} claims what {} hold", integration.metadata.key().text(),
                               fmt::join(claims_.holders(environment->metadata.uid.value_or(""), *claim), ", ")));
  }
}

}  // namespace mpay::controllers
