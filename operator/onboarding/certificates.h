// The certificates of one integration: which are checked for revocation, which are withheld, how long they last, and
// what becomes of the Secret of a request. Pure. Source of the rules: docs/certificates.md.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>

#include "onboarding/admissible.h"
#include "onboarding/decide.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// The first of some instants; nothing where there is none.
std::optional<WallTime> earliestOf(std::initializer_list<std::optional<WallTime>> instants);

// What a decision knows of certificates beside the form.
struct Presented {
  const std::optional<crypto::Certificate> promoted{};  // of the live revision
  const bool presentsEarlier = false;                   // the Secret of a request, than what is declared
};
Presented presentedBy(const Snapshot& snapshot, const Examination& form);

// The certificates that are to be checked, in each environment; empty where it checks none.
struct Checks {
  RevocationRecord testing{}, production{};
};
Checks checksFor(const Snapshot& snapshot, const Examination& form, const Presented& presented, WallTime now);

// The checks as they are to be written: nothing where the same certificates, asked of the same signers, are remembered.
// What a check finds is written by whoever looks.
std::optional<RevocationRecord> checksToWrite(const EnvironmentSnapshot& environment, const RevocationRecord& checks);

// What an environment does not publish: certificates that are revoked, whichever environment knows it, unless this one
// only reports them; of those that it does not publish yet, what was never checked, or was never found good where that
// counts as a refusal; and what the platform assigned to others.
Barred barredIn(const EnvironmentSnapshot& environment, const RevocationRecord& checks, const Snapshot& snapshot,
                const Examination& form, const Presented& presented);

// What is known of the promoted certificate that production does not publish for that; null where it does.
const CheckedCertificate* whyWithheld(const Barred& production, const RevocationRecord& checks,
                                      const Snapshot& snapshot, const Presented& presented);

// A certificate as the status tells it.
struct Described {
  api::CertificateStatus status{};
  std::optional<WallTime> changes{};  // when the next warning comes
};

// How long the declared certificate and the one that production serves with last.
struct Expiry {
  std::optional<Described> declared{}, served{};
  bool isServed = false;                 // production serves with the declared one
  std::string ofDeclared{}, ofServed{};  // what CertificateTrusted and Promoted add; "" where no warning has come
  std::optional<WallTime> changes{};
};
Expiry judgeExpiry(const Snapshot& snapshot, const Examination& form, const std::optional<crypto::Certificate>& served,
                   WallTime now);

// What has to be written into the Secret of a request; `isTrusted` is CertificateTrusted.
std::optional<KeyPlan> planKeys(const Snapshot& snapshot, const Examination& form, const Presented& presented,
                                bool isTrusted);

}  // namespace mpay::onboarding
