// Reads an MPayEnvironment for those who use it.
#pragma once

#include <memory>
#include <span>

#include "api/environment.h"
#include "crypto/x509.h"
#include "domain/allowlist.h"
#include "domain/certificate_policy.h"
#include "onboarding/verdict.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// The bytes of a field that may refer to another object. Nothing: not known yet.
// Errors: Invalid with reason ReferenceNotFound, ReferenceForbidden.
using Content = std::optional<Result<std::string>>;

struct RevocationPolicy {
  api::RevocationMode mode = api::RevocationMode::None;
  api::FailureMode onFailure = api::FailureMode::Hard;
  std::chrono::seconds interval = std::chrono::hours(1);
  std::optional<std::string> url{};
  std::vector<net::Prefix> permitted{};  // addresses that are not public and may be fetched from
};

// Errors: Invalid with reason InvalidField.
Result<RevocationPolicy> revocationOf(const api::Revocation& declared);

inline constexpr std::chrono::seconds kShortestCheckInterval{5};
inline constexpr std::chrono::hours kLongestCheckInterval{24};

// The settings for calls of web services in functional tests.
struct TesterSettings {
  std::vector<net::Prefix> permitted{};  // addresses that are not public and may be called
  std::string authorities{};             // PEM, of TLS; empty: the system's
  Duration timeout{};                    // one call
  Duration deadline{};                   // a run
};

inline constexpr std::chrono::minutes kLongestTestCall{2};
inline constexpr std::chrono::minutes kLongestTestRun{30};

// An environment, read and found usable.
struct Settings {
  std::string name;
  api::MPayEnvironmentSpec spec;
  crypto::Authorities authorities;
  AddressPolicy addresses;
  CertificatePolicy certificates;
  RevocationPolicy revocation;
  // A fault in it concerns the functional tests alone.
  std::optional<Result<TesterSettings>> tester{};
};

// The time between a deletion and the end of service in production. The default applies where the declared value is no
// duration, or longer than kLongestWithdrawalDelay.
std::chrono::seconds withdrawalDelay(const api::MPayEnvironmentSpec& spec);
inline constexpr std::chrono::hours kLongestWithdrawalDelay{24 * 366};

// `testerAuthorities`: the content that tester.authorities refers to, where there is such a field. Errors: Invalid with
// reason Pending (authorities not read yet), NotSupported (a field whose effect is not built yet), InvalidField, and
// those of the references and of Authorities::parse.
Result<std::shared_ptr<const Settings>> examineEnvironment(const api::MPayEnvironment& environment,
                                                           const Content& authorities,
                                                           const Content& testerAuthorities = {});

// The progress of an environment's publication.
struct Publication {
  std::optional<Error> unusable{};      // from examineEnvironment, or of the output namespace
  bool read = false;                    // the output namespace was read
  std::string conflict{};               // another's object where ours should be
  std::optional<Error> failed{};        // a write that is tried again
  std::optional<std::string> keptBy{};  // the reason why its deletion waits
};

// Judges Ready: True Published; False InUse, Pending, NameConflict, PublishFailed, or the reason why the environment is
// unusable.
Verdict judgePublication(const Publication& publication, const std::string& outputNamespace);

// Judges the authorities, names each problem in the message, and notes when the verdict will change:
// 1. True Valid.
// 2. True AuthorityExpiring where one of these warnings (days before the end) is due.
// 3. False AuthorityExpired.
// 4. False AuthorityNotUsable where one can be on no accepted path: it is not yet valid, not of the right form, too
// weak, may not issue certificates for clients, or is not self-signed and no other usable authority issued it.
Verdict judgeAuthorities(const crypto::Authorities& authorities, std::span<const std::int64_t> warnings, WallTime now,
                         std::optional<WallTime>& nextInstant, const CertificatePolicy& policy = {});

// Ready, Reconciling and Stalled, as kstatus reads them, and AuthoritiesValid.
std::vector<api::Condition> environmentConditions(const api::MPayEnvironment& environment, const Verdict& ready,
                                                  const Verdict& authorities, WallTime now);

}  // namespace mpay::onboarding
