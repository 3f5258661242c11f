// CertificateTrusted and Submitted, once it is known what others hold; what is claimed.
#include "onboarding/decision.h"
#include "onboarding/rendering.h"

#include <algorithm>

namespace mpay::onboarding {
namespace {

api::ConfigMap claimObject(const Settings& settings, const api::ObjectKey& key, const Claim& claim) {
  return remember(memoryMeta(settings.spec.outputNamespace, kClaim, settings.name, key), claim);
}

}  // namespace

Claim granted(Claim claim, const Conflicts& conflicts) {
  std::erase_if(claim.addresses, [&](const auto& text) {
    return std::find(conflicts.addresses.begin(), conflicts.addresses.end(), text) != conflicts.addresses.end();
  });
  return claim;
}

void Decision::judgeClaims() {
  certificate = form.certificate;
  submitted = form.form;
  if (testingConflicts.certificate || productionConflicts.certificate) {
    certificate = fix(
        "CertificateConflict",
        fmt::format("another beneficiary's integration registered this certificate first, or the "
                    "platform assigned it to one; only services of one beneficiary share a certificate "
                    "({}), at most {} of them; use a certificate of your own, or ask the MPay operator",
                    in.testing.settings && in.testing.settings->spec.tenants.idnoLabel ? "one IDNO"
                                                                                       : "one IDNO and one namespace",
                    kMaximumServices));
    submitted = working("AwaitingCertificate", "CertificateTrusted comes first");
  } else if (testingConflicts.service || productionConflicts.service) {
    submitted = fix("ServiceIDConflict",
                    fmt::format("service.id {} belongs to another integration, or to an earlier one of this name "
                                "that is being withdrawn; ask the MPay operator",
                                spec().service.id.value_or("")));
  }
  if (!submitted.holds()) return;
  // Also where an address is in conflict: the rest stays this integration's across a restart.
  plan.testing.push_back(claimObject(*in.testing.settings, key(), granted(*form.testingClaim, testingConflicts)));
  if (form.productionClaim) {
    plan.production.push_back(
        claimObject(*in.production.settings, key(), granted(*form.productionClaim, productionConflicts)));
  }
  if (!productionConflicts.addresses.empty()) {
    submitted = fix(
        "AddressConflict",
        fmt::format(
            "endpoints.production or a terminal declares {}, which another integration declared first or was assigned",
            fmt::join(productionConflicts.addresses, ", ")));
  }
}

}  // namespace mpay::onboarding
