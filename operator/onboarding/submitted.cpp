// CertificateTrusted and Submitted, when the conflicts with other integrations are known.
#include <algorithm>

#include "gateway/rendering.h"
#include "onboarding/conditions.h"

namespace mpay::onboarding {

Claim granted(Claim claim, const Conflicts& conflicts) {
  std::erase_if(claim.addresses, [&](const auto& text) {
    return std::find(conflicts.addresses.begin(), conflicts.addresses.end(), text) != conflicts.addresses.end();
  });
  return claim;
}

SubmittedJudged judgeSubmitted(const Snapshot& snapshot, const Examination& form, const Conflicts& testing,
                               const Conflicts& production) {
  SubmittedJudged judged{form.certificate, form.form, {}, {}};
  const auto& settings = snapshot.testing.settings;
  if (testing.certificate || production.certificate) {
    judged.certificate =
        fix("CertificateConflict",
            fmt::format("another beneficiary's integration registered this certificate first, or the "
                        "platform assigned it to one; only services of one beneficiary share a certificate "
                        "({}), at most {} of them; use a certificate of your own, or ask the MPay operator",
                        settings && settings->spec.tenants.idnoLabel ? "one IDNO" : "one IDNO and one namespace",
                        kMaximumServices));
    judged.verdict = working("AwaitingCertificate", "CertificateTrusted comes first");
  } else if (testing.service || production.service) {
    judged.verdict = fix("ServiceIDConflict",
                         fmt::format("service.id {} belongs to another integration, or to an earlier one of this name "
                                     "that is being withdrawn; ask the MPay operator",
                                     snapshot.integration->spec.service.id.value_or("")));
  }
  if (!judged.verdict.holds()) return judged;
  judged.testing = granted(*form.testingClaim, testing);
  if (form.productionClaim) judged.production = granted(*form.productionClaim, production);
  if (!production.addresses.empty()) {
    judged.verdict = fix(
        "AddressConflict",
        fmt::format(
            "endpoints.production or a terminal declares {}, which another integration declared first or was assigned",
            fmt::join(production.addresses, ", ")));
  }
  return judged;
}

}  // namespace mpay::onboarding
