#include "onboarding/environment.h"

#include <algorithm>
#include <set>

#include "gateway/rendering.h"
#include "net/transport.h"
#include "onboarding/rotation.h"

namespace mpay::onboarding {
namespace {

using api::MPayEnvironmentSpec;

// A declared feature that is not built, and therefore refused.
struct Unsupported {
  std::string_view field;
  bool (*used)(const MPayEnvironmentSpec&);
};

constexpr Unsupported kUnsupported[] = {
    {"registrar.http", [](const MPayEnvironmentSpec& s) { return s.registrar.http.has_value(); }},
    {"registrar.mail", [](const MPayEnvironmentSpec& s) { return s.registrar.mail.has_value(); }},
    {"validation.signature Required",
     [](const MPayEnvironmentSpec& s) { return s.validation.signature == api::SignaturePolicy::Required; }},
    {"more than one notification channel",
     [](const MPayEnvironmentSpec& s) { return s.notifications.channels.size() > 1; }},
};

Result<std::vector<net::Prefix>> ranges(const std::vector<std::string>& texts, std::string_view field) {
  std::vector<net::Prefix> prefixes;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto prefix = net::parsePrefix(texts[i]);
    if (!prefix || prefix->hasHostBits()) {
      return refuse("InvalidField", fmt::format("{}[{}] is not a prefix like 10.0.0.0/8", field, i));
    }
    prefixes.push_back(*prefix);
  }
  return prefixes;
}

Result<TesterSettings> testerOf(const MPayEnvironmentSpec& spec, const Content& authorities) {
  const auto& declared = *spec.tester;
  TesterSettings tester;
  tester.permitted = TRY(ranges(declared.permitted, "tester.permitted"));
  const auto timeout = parseDuration(declared.timeout), deadline = parseDuration(declared.deadline);
  if (!timeout || *timeout <= Duration::zero() || *timeout > kLongestTestCall)
    return refuse("InvalidField", "tester.timeout is not a duration like 30s, of at most 2m");
  if (!deadline || *deadline <= Duration::zero() || *deadline > kLongestTestRun)
    return refuse("InvalidField", "tester.deadline is not a duration like 3m, of at most 30m");
  tester.timeout = *timeout;
  tester.deadline = *deadline;
  if (declared.authorities) {
    if (!authorities) return fail(beingRead("tester.authorities is being read"));
    if (!*authorities) return fail(within("tester.authorities", authorities->error()));
    tester.authorities = **authorities;
    if (const auto parsed = net::TlsContext::of({tester.authorities, {}, {}, {}}); !parsed)
      return refuse("InvalidField", "tester.authorities: " + parsed.error().message);
  }
  return tester;
}

Result<void> judgeNames(const api::MPayEnvironmentSpec& spec) {
  if (const auto taken = takenName(spec)) {
    return refuse(
        "InvalidField",
        fmt::format("{} may not be what a target or a bundle writes: it is the name of another's part, of what "
                    "the operator remembers, or of a bundle of authorities; choose another",
                    *taken));
  }
  const auto& registrar = spec.registrar.configMap;
  const auto service = registrar ? serviceName(*registrar, {"namespace", "name"}) : "";
  if (isMemoryName(service))
    return refuse("InvalidField",
                  "registrar.configMap is named as what the operator remembers is; choose another name");
  return {};
}

}  // namespace

Result<RevocationPolicy> revocationOf(const api::Revocation& declared) {
  RevocationPolicy policy{declared.mode, declared.onFailure, std::chrono::seconds(0), declared.url, {}};
  const auto interval = parseDuration(declared.interval);
  if (!interval || *interval < kShortestCheckInterval || *interval > kLongestCheckInterval)
    return refuse("InvalidField", "trust.revocation.interval is not a duration like 1h, from 5s to 24h");
  policy.interval = std::chrono::ceil<std::chrono::seconds>(*interval);
  if (declared.url && !net::isPlainUrl(*declared.url))
    return refuse("InvalidField", "trust.revocation.url is not an http or https URL without user information");
  policy.permitted = TRY(ranges(declared.permitted, "trust.revocation.permitted"));
  return policy;
}

Result<std::shared_ptr<const Settings>> examineEnvironment(const api::MPayEnvironment& environment,
                                                           const Content& authorities,
                                                           const Content& testerAuthorities) {
  auto settings = std::make_shared<Settings>();
  settings->name = environment.metadata.name.value_or("");
  settings->spec = environment.spec;
  const auto& spec = settings->spec;
  for (const auto& unsupported : kUnsupported) {
    if (unsupported.used(spec)) {
      return refuse("NotSupported", fmt::format("environment {}: {} is not supported by this version; remove it",
                                                settings->name, unsupported.field));
    }
  }
  if (!authorities)
    return fail(beingRead(fmt::format("environment {}: the authorities are being read", settings->name)));
  if (!*authorities) return fail(within("trust.authorities", authorities->error()));
  auto parsed = crypto::Authorities::parse(**authorities);
  if (!parsed) return fail(within("trust.authorities", parsed.error()));
  settings->authorities = std::move(*parsed);
  settings->addresses.maximum = static_cast<std::uint64_t>(std::max<std::int64_t>(spec.addresses.maximum, 1));
  settings->addresses.permitted = TRY(ranges(spec.addresses.permitted, "addresses.permitted"));
  settings->addresses.shared = TRY(ranges(spec.addresses.shared, "addresses.shared"));
  settings->certificates.minimumRsaBits = static_cast<int>(spec.trust.certificates.minimumRSABits);
  settings->certificates.curves = spec.trust.certificates.curves;
  settings->certificates.signatureHashes = spec.trust.certificates.signatureHashes;
  settings->certificates.subjectMustMatch = spec.trust.certificates.subjectMatch == api::SubjectMatch::Required;
  settings->revocation = TRY(revocationOf(spec.trust.revocation));
  if (spec.tester) settings->tester = testerOf(spec, testerAuthorities);
  TRY(judgeNames(spec));
  if (!parseDurationUpTo(spec.withdrawal.delay, kLongestWithdrawalDelay))
    return refuse("InvalidField", "withdrawal.delay is not a duration like 15m, of at most a year");
  if (!parseDurationUpTo(spec.trust.overlap, kLongestOverlap))
    return refuse("InvalidField", "trust.overlap is not a duration like 24h, of at most 90 days");
  return std::shared_ptr<const Settings>(std::move(settings));
}

std::chrono::seconds withdrawalDelay(const api::MPayEnvironmentSpec& spec) {
  return parseDurationUpTo(spec.withdrawal.delay, kLongestWithdrawalDelay).value_or(std::chrono::minutes(15));
}

Verdict judgePublication(const Publication& publication, const std::string& outputNamespace) {
  if (publication.keptBy) return idle("InUse", "deletion waits for " + *publication.keptBy);
  if (publication.unusable) return ofError(*publication.unusable);
  if (!publication.read) return reading(fmt::format("the output namespace {} is being read", outputNamespace));
  if (!publication.conflict.empty()) return fix("NameConflict", publication.conflict);
  if (publication.failed) {
    return working("PublishFailed",
                   fmt::format("the gateway's objects in {} are not up to date, and are tried again: {}",
                               outputNamespace, publication.failed->message));
  }
  return good("Published", fmt::format("the gateway's objects in {} are up to date", outputNamespace));
}

namespace {

// The fault, other than its own expiry, for which an authority can be on no path now; empty: none.
std::string problemNow(const crypto::Authorities& authorities, const crypto::Certificate& authority,
                       const CertificatePolicy& policy, WallTime now, std::set<std::string>& asked) {
  if (now < authority.notBefore()) return fmt::format("is valid from {}", formatTime(authority.notBefore()));
  if (auto problem = problemOfAuthority(authority, policy); !problem.empty()) return problem;
  if (authority.isSelfSigned()) return "";
  for (const auto& issuer : authorities.issuersOf(authority)) {
    if (issuer.notAfter() < now || !asked.insert(issuer.sha256()).second) continue;
    if (problemNow(authorities, issuer, policy, now, asked).empty()) return "";
  }
  return fmt::format(
      "is not self-signed, and none of the authorities issued it that leads to a self-signed one; add {}",
      authority.issuer());
}

}  // namespace

Verdict judgeAuthorities(const crypto::Authorities& authorities, std::span<const std::int64_t> warnings, WallTime now,
                         std::optional<WallTime>& nextInstant, const CertificatePolicy& policy) {
  constexpr std::size_t kNamed = 5;
  std::vector<std::string> ended, unusable, ending;
  for (const auto& authority : authorities.certificates()) {
    noteWarnings(nextInstant, authority.notAfter(), warnings, now);
    noteInstant(nextInstant, authority.notBefore(), now);
    const auto due = dueWarning(authority.notAfter(), warnings, now);
    const auto at = formatTime(authority.notAfter());
    std::set<std::string> asked{authority.sha256()};
    if (due && *due == 0) {
      ended.push_back(fmt::format("{} expired at {}", authority.subject(), at));
    } else if (const auto problem = problemNow(authorities, authority, policy, now, asked); !problem.empty()) {
      unusable.push_back(fmt::format("{} {}", authority.subject(), problem));
    } else if (due) {
      ending.push_back(fmt::format("{} expires at {}, within {} days", authority.subject(), at, *due));
    }
  }
  const bool hasEnded = !ended.empty(), isUnusable = !hasEnded && !unusable.empty();
  auto told = std::move(ended);
  for (auto* more : {&unusable, &ending}) told.insert(told.end(), more->begin(), more->end());
  if (told.empty()) return good("Valid", fmt::format("{} authorities are valid", authorities.certificates().size()));
  const auto more = told.size() > kNamed ? fmt::format("; and {} more", told.size() - kNamed) : "";
  if (told.size() > kNamed) told.resize(kNamed);
  const std::string_view advice = isUnusable ? "no certificate is trusted through it, so correct trust.authorities"
                                             : "certificates are trusted through a valid authority alone, so add its "
                                               "successor to trust.authorities, and remove it once nobody needs it";
  auto message = fmt::format("{}{}; {}", fmt::join(told, "; "), more, advice);
  auto verdict = hasEnded     ? idle("AuthorityExpired", std::move(message))
                 : isUnusable ? idle("AuthorityNotUsable", std::move(message))
                              : good("AuthorityExpiring", std::move(message));
  verdict.warns = true;
  return verdict;
}

std::vector<api::Condition> environmentConditions(const api::MPayEnvironment& environment, const Verdict& ready,
                                                  const Verdict& authorities, WallTime now) {
  const bool isWorking = !ready.holds() && ready.isUnderWay();
  const bool isStalled = !ready.holds() && ready.attention == Attention::Fix;
  const std::pair<std::string_view, Verdict> all[] = {
      {"Ready", ready},
      {"Reconciling", isWorking ? good(ready.reason, ready.message) : idle("Idle", "nothing is under way")},
      {"Stalled", isStalled ? good(ready.reason, ready.message) : idle("NotStalled", "nothing must be edited")},
      {"AuthoritiesValid", authorities}};
  std::vector<api::Condition> conditions;
  for (const auto& [type, verdict] : all) {
    conditions.push_back(conditionOf(type, verdict, environment.metadata.generation.value_or(0),
                                     environment.status ? &environment.status->conditions : nullptr, now));
  }
  return conditions;
}

}  // namespace mpay::onboarding
