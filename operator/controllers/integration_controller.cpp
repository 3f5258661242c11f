#include "controllers/integration_controller.h"

#include "base/log.h"
#include "controllers/environment_controller.h"
#include "controllers/handover.h"
#include "crypto/digest.h"
#include "onboarding/rendering.h"
#include "onboarding/rotation.h"

namespace mpay::controllers {
namespace {

using onboarding::memoryName;

// What is an earlier integration's is not this one's to show or to publish.
void hide(onboarding::EnvironmentSnapshot& snapshot) {
  snapshot.leaving = std::exchange(snapshot.fragment, std::nullopt);
  snapshot.service.reset();
  snapshot.effects = {};
}

// The revision that production serves, the last one (null: there is none), and whether the next one can be made.
void recallRevision(Outputs& outputs, const ObjectKey& key, const api::MPayIntegrationSpec& spec,
                    const std::shared_ptr<const api::ControllerRevision>& last, onboarding::EnvironmentSnapshot& into) {
  const std::int64_t number = last ? last->revision : 0;
  if (const auto next = onboarding::revisionName(key, number + 1); outputs.isForeignRevision(next, key))
    into.foreignRevision = next;
  if (into.fragment && into.fragment->revision > number) {
    into.liveProblem =
        Error{ErrorKind::Invalid,
              fmt::format("revision {} is published and its ControllerRevision is gone; production "
                          "stays as it is. Restore {}, or delete ConfigMap {} to go back",
                          into.fragment->revision, onboarding::revisionName(key, into.fragment->revision),
                          memoryName(onboarding::kFragment, key)),
              "RevisionCorrupt"};
    return;
  }
  if (!last) return;
  auto content = json::decode<onboarding::Revision>(last->data);
  auto verified = content ? onboarding::verifyRevision(*content) : Result<void>(fail(content.error()));
  if (!verified) {
    into.liveProblem = verified.error();
    return;
  }
  if (!onboarding::isOf(*content, spec)) {
    // Without a ServiceID it may still become the same service.
    into.isAnothers = content->holder.idno != spec.beneficiary.idno || spec.service.id;
    return hide(into);
  }
  into.live = onboarding::NumberedRevision{number, last->metadata.name.value_or(""),
                                           last->metadata.creationTimestamp.value_or(""), std::move(*content)};
}

// An edit keeps the UID; who re-creates an integration of the same beneficiary and service takes over from it. Without
// a ServiceID it may still become the same service.
bool isOfAnother(const onboarding::Holder& holder, const std::string& serviceID,
                 const api::MPayIntegration& integration) {
  const auto& spec = integration.spec;
  return holder.uid != integration.metadata.uid.value_or("") &&
         (holder.idno != spec.beneficiary.idno || (spec.service.id && serviceID != *spec.service.id));
}

// Whether trying again will fail in the same way until somebody acts; then the status must say so.
bool isRefusal(const Error& error) { return error.kind == ErrorKind::Api && !error.isConflict(); }

}  // namespace

IntegrationController::IntegrationController(kube::Client& client, const Clock& clock, Caches& caches, Claims& claims,
                                             runtime::EventRecorder& events, std::function<bool()> mayWrite)
    : client_(client),
      clock_(clock),
      caches_(caches),
      claims_(claims),
      events_(events),
      withdrawal_(clock, caches, claims),
      keySecrets_(client, mayWrite),
      mayWrite_(std::move(mayWrite)) {}

Result<runtime::Outcome> IntegrationController::reconcile(const ObjectKey& key, std::stop_token stop) {
  TRY(handOver(caches_, claims_, key, stop));
  auto integration = caches_.integrations().get(key);
  if (!integration) {
    caches_.refer("integration " + key.text(), {}, {}, "");
    return withdrawal_.withdraw(key, false, nullptr, stop);
  }
  if (integration->metadata.deletionTimestamp) {
    auto outcome = withdrawal_.withdraw(key, integration->spec.deletionPolicy == api::DeletionPolicy::Retain,
                                        &integration->spec.environments, stop);
    if (!outcome) {
      tellWhatDeletionWaitsFor(*integration, outcome.error());
      return fail(std::move(outcome).error());
    }
    waiting_.with([&](auto& all) { all.erase(key); });
    TRY(patchFinalizer(client_, caches_.integrations(), *integration, onboarding::kFinalizer, false, mayWrite_, stop));
    return outcome;
  }
  if (TRY(patchFinalizer(client_, caches_.integrations(), *integration, onboarding::kFinalizer, true, mayWrite_,
                         stop))) {
    integration = caches_.integrations().get(key);
    if (!integration) return runtime::Outcome{};
  }
  // Each round sees what the one before wrote; a promotion takes three.
  std::optional<Error> keyProblem;
  for (int round = 0; round < 6; ++round) {
    auto decided = decide(integration, keyProblem);
    if (!decided && onboarding::isBeingRead(decided.error())) return runtime::Outcome{};  // a watch will tell
    if (!decided) return fail(decided.error());
    const auto written = write(*decided, stop);
    if (written && *written) continue;
    if (!written && !isRefusal(written.error())) return fail(written.error());
    if (!written) onboarding::explain(decided->plan, written.error());
    // What it changes in the Secret is told by a watch, and judged then.
    auto kept = noteShownKeys(*decided, stop);
    if (kept) kept = keyProblem ? Result<void>(fail(*keyProblem)) : writeKeys(*decided, stop);
    if (!kept && !keyProblem && kept.error().reason == "ReferenceForbidden") {
      keyProblem = std::move(kept).error();
      continue;
    }
    TRY(writeStatus(*decided, stop));
    if (!written) return fail(written.error());
    if (!kept) return fail(std::move(kept).error());
    return soonest(TRY(lookAgain(clock_, decided->plan.nextInstant)), TRY(end(*decided, stop)));
  }
  return fail(Error{ErrorKind::Api, "the outputs do not settle", "Unsettled"});
}

// What is left of an earlier integration of this name, and of environments that this one named before.
Result<runtime::Outcome> IntegrationController::end(const Round& round, const std::stop_token& stop) {
  const auto& integration = *round.snapshot.integration;
  const auto& names = integration.spec.environments;
  const ObjectKey key = integration.metadata.key();
  runtime::Outcome outcome;
  if (const auto testing = outputsOf(names.testing); round.plan.endTesting && testing && testing->synced())
    TRY(withdrawal_.endTesting(key, *round.snapshot.testing.declared, stop));
  if (round.plan.carryOutWithdrawal || round.plan.endProduction) {
    if (const auto production = caches_.environments().get({"", names.production}))
      outcome = TRY(withdrawal_.withdrawProduction(key, *production, false, stop));
  }
  return soonest(outcome, TRY(withdrawal_.leave(key, names, round.plan.provisioned, stop)));
}

std::shared_ptr<Outputs> IntegrationController::outputsOf(const std::string& environment) {
  const auto object = caches_.environments().get({"", environment});
  return object ? caches_.outputs(*object) : nullptr;
}

onboarding::EnvironmentSnapshot IntegrationController::readEnvironment(const std::string& name,
                                                                       const api::MPayIntegration& integration) {
  const ObjectKey key = integration.metadata.key();
  onboarding::EnvironmentSnapshot snapshot;
  snapshot.declared = caches_.environments().get({"", name});
  if (!snapshot.declared) {
    snapshot.problem =
        Error{ErrorKind::Invalid, fmt::format("environment {} does not exist; the platform creates it", name),
              "EnvironmentNotFound"};
    return snapshot;
  }
  const auto outputs = caches_.outputs(*snapshot.declared);
  const auto state = caches_.environmentState(*snapshot.declared);
  if (state.settings) {
    snapshot.settings = *state.settings;
  } else {
    snapshot.problem = state.settings.error();
  }
  snapshot.aggregateProblem = state.aggregateProblem;
  // Until the environment's controller has seen all fragments, none would seem to be published.
  if (!outputs->synced() || !state.synced) {
    if (snapshot.settings) snapshot.problem = onboarding::beingRead("the output namespace is being read");
    snapshot.settings = nullptr;
    return snapshot;
  }
  snapshot.read = true;
  loadClaims(claims_, *snapshot.declared, *outputs);
  snapshot.assignments = claims_.assignments(snapshot.declared->metadata.uid.value_or(""));
  snapshot.withdrawal = recall<onboarding::WithdrawalRecord>(*outputs, onboarding::kWithdrawal, key);
  if (const auto effects = outputs->own(memoryName(onboarding::kEffects, key))) {
    snapshot.effects = onboarding::rememberedEffects(*effects).value_or(onboarding::Effects{});
    snapshot.effectsVersion = effects->metadata.resourceVersion;
  }
  if (const auto checks = outputs->own(memoryName(onboarding::kRevocation, key))) {
    snapshot.revocation = contentOf<onboarding::RevocationRecord>(checks);
    snapshot.revocationVersion = checks->metadata.resourceVersion;
  }
  snapshot.revoked = outputs->revoked();
  if (const auto tests = outputs->own(memoryName(onboarding::kTests, key))) {
    snapshot.tests = contentOf<onboarding::TestRecord>(tests);
    snapshot.testsVersion = tests->metadata.resourceVersion;
  }
  if (auto object = outputs->own(memoryName(onboarding::kFragment, key))) {
    const auto found = state.aggregated->find(object->metadata.name.value_or(""));
    const auto* aggregated = found == state.aggregated->end() ? nullptr : &found->second;
    snapshot.fragment = contentOf<onboarding::Fragment>(object);
    if (!snapshot.fragment && aggregated) {
      // Damaged since it was published: that is what it said.
      object = aggregated->object;
      snapshot.fragment = contentOf<onboarding::Fragment>(object);
    }
    snapshot.isDamaged = !snapshot.fragment;
    snapshot.aggregated =
        snapshot.fragment && aggregated &&
        aggregated->hash == onboarding::currentHash(*snapshot.fragment, object->data.at("content.json"));
  }
  if (!snapshot.fragment) snapshot.claimed = recall<onboarding::Claim>(*outputs, onboarding::kClaim, key);
  const auto leaves = [&](const auto& memory) {
    return memory && isOfAnother(memory->holder, memory->serviceID, integration);
  };
  const auto last = lastRevision(*outputs, key);
  // Where there are revisions the last one tells.
  if (!last) snapshot.isAnothers = snapshot.fragment ? leaves(snapshot.fragment) : leaves(snapshot.claimed);
  if (snapshot.settings) {
    const auto service = onboarding::serviceName(snapshot.settings->spec.registrar.configMap.value(), key);
    snapshot.service = outputs->own(service);
    for (const auto& wanted : {service, memoryName(onboarding::kFragment, key), memoryName(onboarding::kClaim, key)}) {
      if (outputs->isForeign(wanted, key)) snapshot.foreign = wanted;
    }
    const auto checks = memoryName(onboarding::kRevocation, key);
    if (snapshot.settings->revocation.mode != api::RevocationMode::None && outputs->isForeign(checks, key))
      snapshot.foreign = checks;
  }
  if (const auto effects = memoryName(onboarding::kEffects, key); outputs->isForeign(effects, key))
    snapshot.foreignEffects = effects;
  if (const auto tests = memoryName(onboarding::kTests, key); outputs->isForeign(tests, key))
    snapshot.foreignTests = tests;
  if (snapshot.isAnothers) {
    hide(snapshot);
  } else {
    recallRevision(*outputs, key, integration.spec, last, snapshot);
  }
  return snapshot;
}

Result<onboarding::Snapshot> IntegrationController::read(
    const std::shared_ptr<const api::MPayIntegration>& integration) {
  const auto& spec = integration->spec;
  const ObjectKey key = integration->metadata.key();
  onboarding::Snapshot snapshot;
  snapshot.integration = integration;
  snapshot.namespaceLabels = caches_.namespaceLabels(key.namespace_);
  snapshot.testing = readEnvironment(spec.environments.testing, *integration);
  snapshot.production = readEnvironment(spec.environments.production, *integration);
  for (const auto* environment : {&snapshot.testing, &snapshot.production}) {
    if (!environment->settings && environment->problem && onboarding::isBeingRead(*environment->problem))
      return fail(*environment->problem);
  }
  TRY(readContent(snapshot));
  snapshot.records = caches_.records(key);
  snapshot.admission = caches_.admission();
  for (const auto& request : caches_.testRequests(key)) {
    if (!request->metadata.deletionTimestamp) snapshot.testRequests.push_back(request->metadata.uid.value_or(""));
  }
  return snapshot;
}

Result<void> IntegrationController::readContent(onboarding::Snapshot& snapshot) {
  const auto& spec = snapshot.integration->spec;
  const ObjectKey key = snapshot.integration->metadata.key();
  const std::string owner = "integration " + key.text();
  if (!onboarding::isTenant(snapshot)) {
    caches_.refer(owner, {}, {}, "");
    snapshot.users.resize(spec.backOfficeUsers.size());
    return {};
  }
  std::vector<const api::ContentSource*> sources;
  std::vector<const api::ContentReference*> references;
  std::set<ObjectKey> keySecrets;
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
  // A verdict on what is not read yet would be told, and taken back a moment later.
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
  // Whichever environment it was made in: its certificate may be shown as a person's in another.
  for (const auto& environment : caches_.environments().list()) {
    const auto outputs = caches_.outputs(*environment);
    if (!shown.empty()) TRY(outputs->expectRead("the notes of keys"));
    for (const auto& fingerprint : shown) {
      const auto made = contentOf<onboarding::MadeKey>(outputs->own(onboarding::madeKeyName(fingerprint)));
      if (made && made->publicKeySha256 == fingerprint) snapshot.madeKeys.emplace(fingerprint, *made);
    }
  }
  // What this process saw once, somebody may have deleted since then.
  noted_.with([&](auto& noted) {
    for (const auto& fingerprint : shown) {
      if (const auto found = noted.find(fingerprint); found != noted.end()) snapshot.madeKeys.insert(*found);
    }
    noted.insert(snapshot.madeKeys.begin(), snapshot.madeKeys.end());
  });
  return {};
}

Result<void> IntegrationController::note(const onboarding::MadeKey& made, const onboarding::Snapshot& snapshot,
                                         const std::stop_token& stop) {
  noted_.with([&](auto& noted) { noted.insert_or_assign(made.publicKeySha256, made); });
  for (const auto* environment : {&snapshot.testing, &snapshot.production}) {
    if (!environment->declared || !environment->read) continue;
    const std::string name = environment->declared->metadata.name.value_or("");
    auto metadata =
        onboarding::ownedMeta(environment->declared->spec.outputNamespace,
                              onboarding::madeKeyName(made.publicKeySha256), onboarding::kMadeKey, name, std::nullopt);
    TRY(outputsOf(name)->ensure(onboarding::remember(std::move(metadata), made), stop));
  }
  return {};
}

Result<void> IntegrationController::noteShownKeys(const Round& round, const std::stop_token& stop) {
  for (const auto& [fingerprint, made] : round.snapshot.madeKeys) TRY(note(made, round.snapshot, stop));
  return {};
}

Result<IntegrationController::Round> IntegrationController::decide(
    const std::shared_ptr<const api::MPayIntegration>& integration, const std::optional<Error>& keyProblem) {
  Round round{TRY(read(integration)), {}, {}, {}, {}};
  if (keyProblem) round.snapshot.keySecret = Result<onboarding::KeySecret>(fail(*keyProblem));
  const WallTime now = clock_.now();
  round.examination = onboarding::examine(round.snapshot, now);
  if (const auto& form = round.examination; form.testingClaim && !integration->spec.suspend) {
    const auto request = [](const onboarding::Claim& claim, const onboarding::EnvironmentSnapshot& environment) {
      const auto& settings = *environment.settings;
      return Claims::Request{environment.declared->metadata.uid.value_or(""), claim, settings.addresses.shared,
                             settings.spec.tenants.idnoLabel.has_value()};
    };
    std::vector<Claims::Request> requests{request(*form.testingClaim, round.snapshot.testing)};
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
      if (!result && result.error().reason == "NameConflict") continue;  // the condition says so
      written = TRY(std::move(result)) || written;
      // A registrar that was renamed: the new document is in place, the old one may go.
      if (!isOfComponent(object.metadata, onboarding::kService)) continue;
      for (const auto& document : outputs->servicesOf(round.snapshot.integration->metadata.key())) {
        if (document->metadata.name == object.metadata.name) continue;
        TRY(outputs->remove(document->metadata.name.value_or(""), stop));
        written = true;
      }
    }
    return {};
  };
  // What cannot be written in testing must not keep production from being restored.
  auto inTesting = ensure(names.testing, round.plan.testing);
  if (inTesting && round.plan.dropTesting) {
    const auto name = memoryName(onboarding::kFragment, round.snapshot.integration->metadata.key());
    inTesting = outputsOf(names.testing)->remove(name, stop);
    spdlog::warn("{} was damaged and goes: what it said is known to nobody", name);
  }
  TRY(ensure(names.production, round.plan.production));
  TRY(std::move(inTesting));
  if (round.plan.forgetWithdrawal) {
    TRY(outputsOf(names.production)
            ->remove(memoryName(onboarding::kWithdrawal, round.snapshot.integration->metadata.key()), stop));
    written = true;
  }
  // The revision last: all that it rests on is in place. It is what makes production serve.
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

// The status of an object that is being deleted is looked at by few, its Events by whoever asks why it does not go.
void IntegrationController::tellWhatDeletionWaitsFor(const api::MPayIntegration& integration, const Error& error) {
  if (error.kind == ErrorKind::Cancelled) return;
  const bool isNew = waiting_.with(
      [&](auto& all) { return std::exchange(all[integration.metadata.key()], error.message) != error.message; });
  if (!isNew) return;
  events_.record(runtime::referenceTo(integration), runtime::EventType::Warning,
                 error.reason.empty() ? "WithdrawalPending" : error.reason, "Withdraw", error.message);
}

// One Event for each warning that comes.
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

// Who holds what is told to the platform only.
void IntegrationController::tell(const Round& round) {
  const auto& integration = *round.snapshot.integration;
  const auto certificatesOf = [](const std::optional<api::MPayIntegrationStatus>& status) {
    const auto& production = status ? status->production : std::nullopt;
    return std::pair(status ? status->certificate : std::nullopt, production ? production->certificate : std::nullopt);
  };
  const auto [declaredBefore, servedBefore] = certificatesOf(integration.status);
  const auto [declared, served] = certificatesOf(round.plan.status);
  // Where Ready says that it expired one Event is enough.
  const auto* ready = api::findCondition(round.plan.status.conditions, "Ready");
  if (!ready || ready->reason != "CertificateExpired") tellExpiry(integration, declaredBefore, declared, "is declared");
  if (!declared || !served || served->sha256 != declared->sha256)
    tellExpiry(integration, servedBefore, served, "production serves");
  const auto* before = integration.status ? &integration.status->conditions : nullptr;
  if (!tellReady(events_, integration, before, round.plan.status.conditions)) return;
  const auto& names = integration.spec.environments;
  const std::tuple<const onboarding::Conflicts&, const std::string&, const std::optional<onboarding::Claim>&> both[] = {
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
