#include "onboarding/admissible.h"

namespace mpay::onboarding {

Barred barredByRecords(const api::MPayEnvironmentSpec& environment,
                       std::initializer_list<const RevocationRecord*> records,
                       std::shared_ptr<const Assignments> assignments) {
  Barred barred{{}, std::move(assignments)};
  if (environment.trust.revocation.onRevoked == api::RevokedPolicy::Report) return barred;
  for (const auto* record : records) {
    if (!record) continue;
    for (const auto& check : record->certificates) {
      if (check.verdict == RevocationVerdict::Revoked) barred.certificates.insert(check.sha256);
    }
  }
  return barred;
}

Fragment admissible(Fragment fragment, const Barred& barred) {
  std::erase_if(fragment.certificates, [&](const auto& entry) { return barred.certificates.contains(entry.sha256); });
  if (barred.assignments) barred.assignments->takeOut(fragment);
  return fragment;
}

bool isServiceTaken(const Fragment& fragment, const Barred& barred) {
  return barred.assignments && barred.assignments->takesService(fragment.holder, fragment.serviceID);
}

}  // namespace mpay::onboarding
