#include "onboarding/snapshot.h"

#include <utility>

#include "gateway/rendering.h"

namespace mpay::onboarding {
namespace {

// An edit keeps the UID. An integration that is created again for the same beneficiary and service takes over from the
// one before. While a form has no ServiceID it may still become the same service.
bool isAnothers(const Holder& holder, const std::string& serviceID, const api::MPayIntegration& integration) {
  const auto& spec = integration.spec;
  return holder.uid != integration.metadata.uid.value_or("") &&
         (holder.idno != spec.beneficiary.idno || (spec.service.id && serviceID != *spec.service.id));
}

// The records of a predecessor are not this integration's to show or to publish.
void setPredecessorAside(EnvironmentSnapshot& snapshot) {
  snapshot.leaving = std::exchange(snapshot.fragment, std::nullopt);
  snapshot.service.reset();
  snapshot.notifications.value.reset();
}

// A damaged fragment counts as what the gateway's objects hold of it. The fragment, and the text that it was read from.
void readFragment(const GatheredEnvironment& gathered, EnvironmentSnapshot& into) {
  auto object = gathered.fragment.object;
  if (!object) return;
  into.fragment = contentOf<Fragment>(object);
  if (!into.fragment && gathered.published) {
    object = gathered.published;
    into.fragment = contentOf<Fragment>(object);
  }
  into.isDamaged = !into.fragment;
  into.isInGatewayFiles = into.fragment && gathered.published &&
                          gathered.publishedHash == currentHash(*into.fragment, object->data.at("content.json"));
}

// The revision that production serves, which is the last one.
void readRevision(const GatheredEnvironment& gathered, const api::MPayIntegration& integration,
                  EnvironmentSnapshot& into) {
  const auto key = integration.metadata.key();
  const auto& last = gathered.lastRevision;
  const std::int64_t number = last ? last->revision : 0;
  if (gathered.nextRevisionTaken) into.takenRevisionName = revisionName(key, number + 1);
  if (into.fragment && into.fragment->revision > number) {
    into.liveProblem = Error{
        ErrorKind::Invalid,
        fmt::format("revision {} is published and its ControllerRevision is gone; production "
                    "stays as it is. Restore {}, or delete ConfigMap {} to go back",
                    into.fragment->revision, revisionName(key, into.fragment->revision), memoryName(kFragment, key)),
        "RevisionCorrupt"};
    return;
  }
  if (!last) return;
  auto revision = revisionIn(*last);
  if (!revision) {
    into.liveProblem = revision.error();
    return;
  }
  const auto& spec = integration.spec;
  if (isOf(revision->revision, spec)) {
    into.live = std::move(*revision);
    return;
  }
  // While a form has no ServiceID it may still become the same service.
  into.isPredecessors = revision->revision.holder.idno != spec.beneficiary.idno || spec.service.id;
  setPredecessorAside(into);
}

// The first name that another's object has, of the objects that provisioning needs.
std::string takenNameIn(const GatheredEnvironment& gathered, const Settings& settings, const api::ObjectKey& key) {
  if (settings.revocation.mode != api::RevocationMode::None && gathered.revocation.nameTaken)
    return memoryName(kRevocation, key);
  if (gathered.claim.nameTaken) return memoryName(kClaim, key);
  if (gathered.fragment.nameTaken) return memoryName(kFragment, key);
  return gathered.service.nameTaken ? serviceName(settings.spec.registrar.configMap.value(), key) : "";
}

template <class T>
Kept<T> kept(const GatheredObject& gathered) {
  return keptIn<T>(gathered.object, gathered.nameTaken);
}

}  // namespace

const Notifications& notificationsIn(const EnvironmentSnapshot& environment) {
  static const Notifications none;
  return environment.notifications.value ? *environment.notifications.value : none;
}

EnvironmentSnapshot snapshotOf(const GatheredEnvironment& gathered, const std::string& name,
                               const api::MPayIntegration& integration) {
  EnvironmentSnapshot snapshot;
  snapshot.declared = gathered.declared;
  if (!gathered.declared) {
    snapshot.problem =
        Error{ErrorKind::Invalid, fmt::format("environment {} does not exist; the platform creates it", name),
              "EnvironmentNotFound"};
    return snapshot;
  }
  if (gathered.settings) {
    snapshot.settings = *gathered.settings;
  } else {
    snapshot.problem = gathered.settings.error();
  }
  snapshot.aggregateProblem = gathered.aggregateProblem;
  if (!gathered.isRead) {
    if (snapshot.settings) snapshot.problem = beingRead("the output namespace is being read");
    snapshot.settings = nullptr;
    return snapshot;
  }
  snapshot.read = true;
  snapshot.assignments = gathered.assignments;
  snapshot.revoked = gathered.revoked;
  snapshot.withdrawal = contentOf<WithdrawalRecord>(gathered.withdrawal.object);
  snapshot.isWithdrawalDamaged = gathered.withdrawal.object && !snapshot.withdrawal;
  snapshot.notifications = kept<Notifications>(gathered.notifications);
  snapshot.revocation = kept<RevocationRecord>(gathered.revocation);
  snapshot.tests = kept<TestRecord>(gathered.tests);
  readFragment(gathered, snapshot);
  if (!snapshot.fragment) snapshot.claimed = contentOf<Claim>(gathered.claim.object);
  if (snapshot.settings) {
    snapshot.service = gathered.service.object;
    snapshot.takenName = takenNameIn(gathered, *snapshot.settings, integration.metadata.key());
  }
  // The last revision, if there is one, tells whose the records are.
  if (!gathered.lastRevision) {
    const auto isOfPredecessor = [&](const auto& record) {
      return record && isAnothers(record->holder, record->serviceID, integration);
    };
    snapshot.isPredecessors =
        snapshot.fragment ? isOfPredecessor(snapshot.fragment) : isOfPredecessor(snapshot.claimed);
  }
  if (snapshot.isPredecessors) {
    setPredecessorAside(snapshot);
  } else {
    readRevision(gathered, integration, snapshot);
  }
  return snapshot;
}

Snapshot snapshotOf(const Gathered& gathered) {
  const auto& names = gathered.integration->spec.environments;
  return {static_cast<const Facts&>(gathered), snapshotOf(gathered.testing, names.testing, *gathered.integration),
          snapshotOf(gathered.production, names.production, *gathered.integration)};
}

}  // namespace mpay::onboarding
