// The certificates of one integration: revocation checks, withholding, expiry, and writes to the Secret of a request.
// Pure. Source of the rules: docs/certificates.md.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include "onboarding/admissible.h"
#include "onboarding/decide.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// The earliest of some instants; nothing where there is none.
std::optional<WallTime> earliestOf(std::initializer_list<std::optional<WallTime>> instants);

// The certificates that a decision knows beside the form.
struct Presented {
  const std::optional<crypto::Certificate> promoted{};  // of the live revision
  const bool presentsEarlier = false;                   // the Secret of a request presents an earlier certificate
};
Presented presentedBy(const Snapshot& snapshot, const Examination& form);

// The certificates to check in each environment; empty where it checks none.
struct Checks {
  RevocationRecord testing{}, production{};
};
Checks checksFor(const Snapshot& snapshot, const Examination& form, const Presented& presented, WallTime now);

// The checks to write: nothing where the same certificates with the same signers are remembered. The controller that
// asks writes the findings.
std::optional<RevocationRecord> checksToWrite(const EnvironmentSnapshot& environment, const RevocationRecord& checks);

// The items that an environment does not publish:
// 1. Revoked certificates, whichever environment knows it, unless this one only reports them.
// 2. Certificates that it does not publish yet and that were never checked, or were never found good where that counts
// as a refusal.
// 3. Items that the platform assigned to others.
Barred barredIn(const EnvironmentSnapshot& environment, const RevocationRecord& checks, const Snapshot& snapshot,
                const Examination& form, const Presented& presented);

// The check for which production does not publish the promoted certificate; null where production publishes it.
const CheckedCertificate* whyWithheld(const Barred& production, const RevocationRecord& checks,
                                      const Snapshot& snapshot, const Presented& presented);

// A certificate as the status describes it.
struct Described {
  api::CertificateStatus status{};
  std::optional<WallTime> changes{};  // when the next warning comes
};

// The expiry of the declared certificate, and of the one that production serves with.
struct Expiry {
  std::optional<Described> declared{}, served{};
  bool isServed = false;                 // production serves with the declared one
  std::string ofDeclared{}, ofServed{};  // additions to CertificateTrusted and Promoted; "" before any warning
  std::optional<WallTime> changes{};
};
Expiry judgeExpiry(const Snapshot& snapshot, const Examination& form, const std::optional<crypto::Certificate>& served,
                   WallTime now);

// The write to the Secret of a request; `isTrusted` is CertificateTrusted.
std::optional<KeyPlan> planKeys(const Snapshot& snapshot, const Examination& form, const Presented& presented,
                                bool isTrusted);

}  // namespace mpay::onboarding
