#include "controllers/handover.h"

#include "base/log.h"
#include "onboarding/admissible.h"

namespace mpay::controllers {
namespace {

using onboarding::memoryName;

// What is written in place of that very object.
api::ConfigMap replacing(const api::ConfigMap& object, const auto& content) {
  api::ObjectMeta metadata;
  metadata.name = object.metadata.name;
  metadata.namespace_ = object.metadata.namespace_;
  metadata.labels = object.metadata.labels;
  metadata.annotations = object.metadata.annotations;
  metadata.resourceVersion = object.metadata.resourceVersion;
  return onboarding::remember(std::move(metadata), content);
}

Result<void> handOverIn(Outputs& outputs, const std::shared_ptr<const onboarding::Assignments>& all,
                        const ObjectKey& key, const std::stop_token& stop) {
  const auto& assignments = *all;
  const onboarding::Barred barred{{}, all};
  const auto published = outputs.own(memoryName(onboarding::kFragment, key));
  const auto claimed = outputs.own(memoryName(onboarding::kClaim, key));
  const auto fragment = contentOf<onboarding::Fragment>(published);
  const auto left = fragment ? std::optional(admissible(*fragment, barred)) : std::nullopt;
  auto claim = contentOf<onboarding::Claim>(claimed);
  if ((fragment && isServiceTaken(*fragment, barred)) ||
      (claim && assignments.takesService(claim->holder, claim->serviceID))) {
    TRY(outputs.remove(memoryName(onboarding::kFragment, key), stop));
    for (const auto& document : outputs.servicesOf(key))
      TRY(outputs.remove(document->metadata.name.value_or(""), stop));
    spdlog::info("integration {}: its ServiceID was assigned to another; nothing of it is published", key.text());
  } else if (left != fragment) {
    TRY(outputs.ensure(replacing(*published, *left), stop));
    spdlog::info("integration {}: what was assigned to others is published no more", key.text());
  }
  if (claim && assignments.takeOut(*claim)) TRY(outputs.ensure(replacing(*claimed, *claim), stop));
  return {};
}

}  // namespace

Result<void> handOver(Caches& caches, Claims& claims, const ObjectKey& key, const std::stop_token& stop) {
  for (const auto& environment : caches.environments().list()) {
    const auto uid = environment->metadata.uid.value_or("");
    const auto assignments = claims.assignments(uid);
    if (assignments->empty()) continue;
    const auto outputs = caches.outputs(*environment);
    if (!outputs->synced()) continue;
    loadClaims(claims, *environment, *outputs);
    TRY(handOverIn(*outputs, assignments, key, stop));
    claims.yield(uid, key, *assignments);
  }
  return {};
}

}  // namespace mpay::controllers
