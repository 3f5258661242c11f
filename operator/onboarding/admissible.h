// The part of an integration that may be published: one rule for publishing, restoring and taking out. Pure.
#pragma once

#include <initializer_list>
#include <memory>
#include <set>
#include <string>

#include "ledger/assignment.h"
#include "onboarding/revocation.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// Items that one environment publishes of nobody, or not of this integration.
struct Barred {
  std::set<std::string> certificates{};              // by SHA-256: revoked, or not checked yet
  std::shared_ptr<const Assignments> assignments{};  // null: the platform assigned nothing
};

// The certificates that these records (null: none) know to be revoked, unless the environment only reports that, and
// the assignments of the platform to others. An integration's own decision bars more, see barredIn() in
// onboarding/certificates.h.
Barred barredByRecords(const api::MPayEnvironmentSpec& environment,
                       std::initializer_list<const RevocationRecord*> records,
                       std::shared_ptr<const Assignments> assignments);

// The fragment without the barred certificates, and without items that the platform assigned to others. A fragment
// whose ServiceID was assigned to another must not be published at all, see isServiceTaken().
Fragment admissible(Fragment fragment, const Barred& barred);

// The platform assigned the ServiceID to another integration.
bool isServiceTaken(const Fragment& fragment, const Barred& barred);

}  // namespace mpay::onboarding
