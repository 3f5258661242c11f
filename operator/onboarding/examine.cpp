// examine(): the form, the certificate, the addresses.
#include <algorithm>
#include <array>

#include "crypto/digest.h"
#include "domain/digest.h"
#include "domain/logo.h"
#include "domain/rules.h"
#include "net/transport.h"
#include "onboarding/decide.h"
#include "onboarding/effect.h"
#include "onboarding/revocation.h"

namespace mpay::onboarding {
namespace {

using api::MPayIntegrationSpec;

struct PrerequisiteCheck {
  std::string_view reason;
  std::string (*problem)(const MPayIntegrationSpec&, WallTime);
};

std::string namesArePlain(const MPayIntegrationSpec& s, WallTime) {
  const std::pair<std::string_view, std::string_view> texts[] = {{"beneficiary.legalName", s.beneficiary.legalName},
                                                                 {"contract.number", s.contract.number},
                                                                 {"applicant.name", s.applicant.name},
                                                                 {"service.provider.name", s.service.provider.name}};
  for (const auto& [field, text] : texts) {
    if (!isPlainText(text)) return fmt::format("{} holds control or text-reordering characters; retype it", field);
  }
  return "";
}
std::string idnoHolds(const MPayIntegrationSpec& s, WallTime) {
  return isIdno(s.beneficiary.idno) ? "" : "beneficiary.idno is not an IDNO: its checksum does not hold";
}
std::string ibansHold(const MPayIntegrationSpec& s, WallTime) {
  for (std::size_t i = 0; i < s.service.accounts.size(); ++i) {
    if (!isIban(s.service.accounts[i].iban)) {
      return fmt::format("service.accounts[{}].iban is not an IBAN: its checksum does not hold", i);
    }
  }
  return "";
}
std::string isRegistered(const MPayIntegrationSpec& s, WallTime) {
  if (s.beneficiary.type != api::BeneficiaryType::Public || s.beneficiary.registerNumber) return "";
  return "beneficiary.registerNumber is missing: a public system must be registered";
}
// The begin of that day: in the east up to fourteen hours before UTC's.
std::optional<WallTime> beginOf(const std::string& date) {
  const auto begin = parseTime(date + "T00:00:00Z");
  return begin ? std::optional(*begin - std::chrono::hours(14)) : std::nullopt;
}
std::string isContracted(const MPayIntegrationSpec& s, WallTime now) {
  const auto signedOn = beginOf(s.contract.signedOn);
  if (!signedOn) return "contract.signedOn is not a date like 2026-09-14";
  if (*signedOn > now) return "contract.signedOn lies in the future: the contract is not signed yet";
  return "";
}
std::string isPaid(const MPayIntegrationSpec& s, WallTime) {
  const bool commercial = std::any_of(s.service.accounts.begin(), s.service.accounts.end(),
                                      [](const auto& account) { return account.kind == api::AccountKind::Commercial; });
  if (s.contract.paidService || (s.beneficiary.type != api::BeneficiaryType::Private && !commercial)) return "";
  return "contract.paidService must be true for a private beneficiary or a commercial account";
}

constexpr std::array kPrerequisites{
    PrerequisiteCheck{"InvalidField", namesArePlain},     PrerequisiteCheck{"InvalidField", idnoHolds},
    PrerequisiteCheck{"InvalidField", ibansHold},         PrerequisiteCheck{"RegisterNumberMissing", isRegistered},
    PrerequisiteCheck{"ContractNotSigned", isContracted}, PrerequisiteCheck{"PaidServiceRequired", isPaid},
};

// Notes the instants at which a certificate's validity begins and has ended.
void noteValidity(std::optional<WallTime>& instant, const crypto::Certificate& certificate, WallTime now) {
  noteInstant(instant, certificate.notBefore(), now);
  noteInstant(instant, certificate.notAfter() + std::chrono::seconds(1), now);
}

// The content that the form refers to, parsed once. Nothing: it was not read.
struct Parsed {
  std::optional<Result<crypto::Certificate>> certificate;
  std::optional<Result<crypto::Intermediates>> intermediates;
  std::optional<Result<Logo>> logo;
  std::vector<std::optional<Result<crypto::Certificate>>> users;  // one for each back-office user
};

template <class T, class Read>
std::optional<Result<T>> parsed(const Content& content, const Read& read, std::string_view where) {
  if (!content) return std::nullopt;
  if (!*content) return fail(within(where, content->error()));
  auto result = read(**content);
  if (!result) return fail(within(where, std::move(result).error()));
  return result;
}

// Parses the content that the form refers to. Hashes all content of the right kind, whatever else is wrong with it: a
// digest does not change because a certificate expires. True when nothing is missing from the digest.
bool readContent(const Snapshot& snapshot, Parsed& parsedForm, api::ContentHashes& hashes) {
  const auto& spec = snapshot.integration->spec;
  bool whole = true;
  if (spec.certificate) {
    parsedForm.certificate =
        parsed<crypto::Certificate>(snapshot.certificate, crypto::Certificate::parse,
                                    spec.certificate->request ? "certificate.issued" : "certificate");
    whole = parsedForm.certificate && *parsedForm.certificate;
    if (whole) hashes.certificate = crypto::digestText(**snapshot.certificate);
    // Intermediates lead to an authority and take no effect themselves, so no digest contains them.
    if (spec.certificate->intermediates) {
      parsedForm.intermediates = parsed<crypto::Intermediates>(snapshot.intermediates, crypto::parseIntermediates,
                                                               "certificate.intermediates");
    }
  }
  if (spec.service.logo) {
    parsedForm.logo = parsed<Logo>(snapshot.logo, judgeLogo, "service.logo");
    const bool read = parsedForm.logo && *parsedForm.logo;
    if (read) hashes.logo = crypto::digestText(**snapshot.logo);
    whole = whole && read;
  }
  std::size_t content = 0;
  for (std::size_t i = 0; i < spec.backOfficeUsers.size(); ++i) {
    parsedForm.users.emplace_back();
    hashes.users.emplace_back();
    if (!spec.backOfficeUsers[i].signatureCertificate) continue;
    const Content& bytes = snapshot.users.at(content++);
    parsedForm.users.back() = parsed<crypto::Certificate>(bytes, crypto::Certificate::parse,
                                                          fmt::format("backOfficeUsers[{}].signatureCertificate", i));
    const bool read = parsedForm.users.back() && *parsedForm.users.back();
    if (read) hashes.users.back() = crypto::digestText(**bytes);
    whole = whole && read;
  }
  return whole;
}

// Content is not read before some environment admits the namespace.
Verdict judgeUnread(const Examination& out, std::string_view where) {
  if (out.testingTenancy.holds() || out.productionTenancy.holds())
    return reading(fmt::format("{} is being read", where));
  Verdict verdict = out.testingTenancy;
  verdict.message = fmt::format("{} is not read before the namespace is admitted: {}", where, verdict.message);
  return verdict;
}

// True when the operator made the key: its notes tell it, or the key is in the Secret where the operator keeps it, also
// where somebody deleted the notes.
bool isSystemsKey(const Snapshot& snapshot, const std::string& publicKeySha256) {
  if (snapshot.madeKeys.contains(publicKeySha256)) return true;
  if (!snapshot.keySecret || !*snapshot.keySecret) return false;
  const auto& held = **snapshot.keySecret;
  return held.current.publicKeySha256 == publicKeySha256 || held.renewal.publicKeySha256 == publicKeySha256;
}

Verdict judgePrerequisites(const Snapshot& snapshot, const Parsed& parsedForm, Examination& out, WallTime now) {
  const auto& spec = snapshot.integration->spec;
  if (const auto signedOn = beginOf(spec.contract.signedOn)) noteInstant(out.nextInstant, *signedOn, now);
  for (const auto& check : kPrerequisites) {
    if (auto problem = check.problem(spec, now); !problem.empty())
      return fix(std::string(check.reason), std::move(problem));
  }
  std::size_t checked = 0;
  for (std::size_t i = 0; i < spec.backOfficeUsers.size(); ++i) {
    if (!spec.backOfficeUsers[i].signatureCertificate) continue;
    const auto& certificate = parsedForm.users[i];
    const auto where = fmt::format("backOfficeUsers[{}].signatureCertificate", i);
    if (!certificate) return judgeUnread(out, where);
    if (!*certificate) return ofError(certificate->error());
    noteValidity(out.nextInstant, **certificate, now);
    if (isSystemsKey(snapshot, (*certificate)->publicKeySha256())) {
      return fix("OperatorMadeKey",
                 where +
                     ": the operator made its key, so a signature with it proves nothing about a person; give the "
                     "user's own certificate");
    }
    if (const auto judged = judgeSignatureCertificate(**certificate, now); !judged)
      return ofError(within(where, judged.error()));
    ++checked;
  }
  if (spec.backOfficeUsers.empty()) {
    return good("Met", "the prerequisites are met; no back-office user is declared, so nobody sees the payments yet");
  }
  return good("Met",
              fmt::format("the prerequisites are met; {} of {} users' signature certificates are given and in date",
                          checked, spec.backOfficeUsers.size()));
}

// True where the rules of the environment can be used.
Verdict judgeUsable(const EnvironmentSnapshot& environment) {
  if (environment.settings) return good("", "");
  return environment.problem ? ofError(*environment.problem) : reading("the environment is being read");
}

// The environments whose rules apply to the form.
std::vector<const EnvironmentSnapshot*> concerned(const Snapshot& snapshot) {
  if (snapshot.integration->spec.targetStage == api::Stage::Testing) return {&snapshot.testing};
  return {&snapshot.testing, &snapshot.production};
}

// Judges the known revocation of a certificate. Holds, with a note, where that is no obstacle.
Verdict judgeRevocation(const Snapshot& snapshot, const std::string& sha256) {
  if (const auto* revoked = findRevoked(snapshot, sha256))
    return fix("CertificateRevoked",
               fmt::format("the certificate {}; request a new one", describeRevocation(*revoked)));
  std::string notes;
  for (const auto* environment : concerned(snapshot)) {
    const auto& rules = environment->settings->revocation;
    const auto* known = environment->revocation.value ? environment->revocation.value->find(sha256) : nullptr;
    std::string note;
    if (rules.mode == api::RevocationMode::None) {
      note = "revocation is not checked (None)";
    } else if (!known || known->verdict == RevocationVerdict::Pending) {
      note = "revocation is being checked";
      if (!publishes(environment->fragment, sha256)) return reading(note);
    } else if (known->verdict == RevocationVerdict::Unknown) {
      note = "revocation is unknown, and is asked again: " + known->problem.value_or("");
      if (rules.onFailure == api::FailureMode::Hard) return working("RevocationUnknown", note);
    } else {
      note = fmt::format("not revoked ({})", json::nameOf(rules.mode));
    }
    if (!notes.ends_with(note)) notes += (notes.empty() ? "" : "; ") + note;
  }
  return good("", notes);
}

bool holds(const crypto::Intermediates& intermediates, const crypto::Certificate& certificate) {
  return std::any_of(intermediates.begin(), intermediates.end(),
                     [&](const auto& known) { return known.sha256() == certificate.sha256(); });
}

Verdict judgeTrust(const Snapshot& snapshot, const Parsed& parsedForm, Examination& out, WallTime now) {
  const auto& spec = snapshot.integration->spec;
  if (!spec.certificate) {
    if (spec.genericService) return good("NotRequired", "a generic service needs no system certificate");
    return fix("CertificateMissing", "an information system needs a certificate issued by STISC");
  }
  const auto& certificate = parsedForm.certificate;
  if (spec.certificate->request) {
    if (!snapshot.keySecret) return judgeUnread(out, "the Secret of certificate.request");
    out.keys = judgeKeys(*snapshot.integration, snapshot.keySecret, snapshot.madeKeys, certificate, now);
    if (out.keys->renewsAt) noteInstant(out.nextInstant, *out.keys->renewsAt, now);
    if (!out.keys->verdict.holds()) return out.keys->verdict;
  }
  if (!certificate) return judgeUnread(out, "certificate");
  if (!*certificate) return ofError(certificate->error());
  out.leaf = **certificate;
  noteValidity(out.nextInstant, *out.leaf, now);
  crypto::Intermediates intermediates;
  if (spec.certificate->intermediates) {
    if (!parsedForm.intermediates) return judgeUnread(out, "certificate.intermediates");
    if (!*parsedForm.intermediates) return ofError(parsedForm.intermediates->error());
    intermediates = **parsedForm.intermediates;
    for (const auto& intermediate : intermediates) noteValidity(out.nextInstant, intermediate, now);
  }
  std::string note = out.keys && out.keys->open
                         ? "; it ends soon, and the next is requested: send "
                           "status.certificateRequest.pem to STISC, then change certificate.issued"
                         : "";
  for (const auto* environment : concerned(snapshot)) {
    if (auto usable = judgeUsable(*environment); !usable.holds()) return usable;
    const auto& settings = *environment->settings;
    const auto judged = judgeCertificate(*out.leaf, intermediates, settings.authorities, settings.certificates,
                                         spec.beneficiary.idno, now);
    if (!judged) return ofError(judged.error());
    for (const auto& authority : judged->path) {
      noteValidity(out.nextInstant, authority, now);
      if (holds(intermediates, authority) && !holds(out.sent, authority)) out.sent.push_back(authority);
    }
    if (!judged->note.empty() && note.find(judged->note) == std::string::npos) note += "; " + judged->note;
  }
  out.intermediates = std::move(intermediates);
  const auto revocation = judgeRevocation(snapshot, out.leaf->sha256());
  if (!revocation.holds()) return revocation;
  return good("Trusted", fmt::format("{}, issued by {}, valid until {}; {}{}", out.leaf->subject(), out.leaf->issuer(),
                                     formatTime(out.leaf->notAfter()), revocation.message, note));
}

Tenancy judgeTenancy(const Snapshot& snapshot, api::Stage stage) {
  if (!snapshot.namespaceLabels) return {reading("the namespace is being read or deleted")};
  const auto& spec = snapshot.integration->spec;
  const bool isTesting = stage == api::Stage::Testing;
  const auto& environment = isTesting ? snapshot.testing : snapshot.production;
  const auto& name = isTesting ? spec.environments.testing : spec.environments.production;
  if (!environment.declared) return {judgeUsable(environment)};
  const auto& settings = environment.declared->spec;
  if (settings.stage != stage) {
    return {fix("EnvironmentMismatch", fmt::format("environment {} is of stage {}, {} is needed", name,
                                                   json::nameOf(settings.stage), json::nameOf(stage)))};
  }
  const auto& labels = *snapshot.namespaceLabels;
  const auto& needed = settings.tenants.namespaceSelector.matchLabels;
  const bool permitted = !needed.empty() && std::all_of(needed.begin(), needed.end(), [&](const auto& label) {
    const auto found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
  if (!permitted) {
    return {fix("NamespaceNotPermitted",
                fmt::format("environment {} does not admit this namespace; ask the platform to label it", name)),
            true};
  }
  if (settings.tenants.idnoLabel) {
    const auto found = labels.find(*settings.tenants.idnoLabel);
    if (found == labels.end() || found->second != spec.beneficiary.idno) {
      return {fix("IdentityMismatch",
                  fmt::format("the namespace's label {} does not equal beneficiary.idno; the platform sets it",
                              *settings.tenants.idnoLabel))};
    }
  }
  return {good("", "")};
}

// The callers of one stage.
struct Callers {
  std::vector<std::string> endpoint;
  std::vector<std::string> terminals;
};

Result<Callers> judgeCallers(const Settings& settings, const std::optional<api::Endpoint>& endpoint,
                             const api::Service& service, std::string_view stage) {
  const AddressPolicy& policy = settings.addresses;
  const std::string field = fmt::format("endpoints.{}.addresses", stage);
  std::vector<std::string> intended;
  for (const auto& terminal : service.posTerminals) intended.push_back(terminal.address);
  const auto called = endpoint ? TRY(AddressSet::parse(endpoint->addresses, policy, field)) : AddressSet();
  const auto terminals = TRY(AddressSet::parse(intended, policy, "service.posTerminals", ".address"));
  std::vector<net::Prefix> all = called.prefixes();
  all.insert(all.end(), terminals.prefixes().begin(), terminals.prefixes().end());
  TRY(judgeWidth(AddressSet::of(std::move(all)), policy, field + " with service.posTerminals"));
  return Callers{called.texts(), terminals.texts()};
}

Verdict judgeForm(const Snapshot& snapshot, const Parsed& parsedForm, Examination& out, Callers& production) {
  const auto& spec = snapshot.integration->spec;
  const bool toProduction = spec.targetStage == api::Stage::Production;
  if (!out.testingTenancy.holds()) return out.testingTenancy;
  if (toProduction && !out.productionTenancy.holds()) return out.productionTenancy;
  if (!out.prerequisites.holds()) return working("AwaitingPrerequisites", "PrerequisitesMet comes first");
  if (!out.certificate.holds()) return working("AwaitingCertificate", "CertificateTrusted comes first");
  for (const auto& [field, endpoint] : {std::pair{"endpoints.testing.url", &spec.endpoints.testing},
                                        std::pair{"endpoints.production.url", &spec.endpoints.production}}) {
    // The schema permits more URLs: any port, and blanks in the path.
    if (*endpoint && !net::isPlainUrl((*endpoint)->url))
      return fix("InvalidField",
                 fmt::format("{} is no URL that can be called: its port or a character is invalid", field));
  }
  if (spec.service.logo) {
    if (!parsedForm.logo) return judgeUnread(out, "service.logo");
    if (!*parsedForm.logo) return ofError(parsedForm.logo->error());
  }
  for (const auto* environment : concerned(snapshot)) {
    if (auto usable = judgeUsable(*environment); !usable.holds()) return usable;
  }
  if (toProduction) {
    auto callers = judgeCallers(*snapshot.production.settings, spec.endpoints.production, spec.service, "production");
    if (!callers) return ofError(callers.error());
    production = std::move(*callers);
  }
  for (const auto& recipient : spec.notification.recipients) {
    if (!isMailAddress(recipient))
      return fix("InvalidRecipient", "notification.recipients holds what is no mail address; nothing is sent to any");
  }
  if (!isMailAddress(spec.applicant.email)) return fix("InvalidRecipient", "applicant.email is no mail address");
  if (!spec.service.id) {
    return awaiting(Awaited::ServiceID,
                    "the form is complete; the MPay operator assigns service.id, it is then set once");
  }
  return good("Submitted", fmt::format("the form is complete, service {} is claimed", *spec.service.id));
}

void include(std::vector<std::string>& into, const std::vector<std::string>& more) {
  into.insert(into.end(), more.begin(), more.end());
  std::sort(into.begin(), into.end());
  into.erase(std::unique(into.begin(), into.end()), into.end());
}

// Published items stay claimed until something else is published.
void includePublished(Claim& claim, const std::optional<Fragment>& published) {
  if (!published) return;
  const auto held = claimOf(*published);
  include(claim.certificates, held.certificates);
  include(claim.addresses, held.addresses);
}

}  // namespace

const CheckedCertificate* findRevoked(const Snapshot& snapshot, const std::string& sha256) {
  bool isKnown = false;
  for (const auto* environment : {&snapshot.testing, &snapshot.production}) {
    const auto* check = environment->revocation.value ? environment->revocation.value->find(sha256) : nullptr;
    if (check && check->verdict == RevocationVerdict::Revoked) return check;
    isKnown = isKnown || (check && check->evidence);
  }
  if (isKnown) return nullptr;
  for (const auto* environment : {&snapshot.testing, &snapshot.production}) {
    if (!environment->revoked) continue;
    if (const auto found = environment->revoked->find(sha256); found != environment->revoked->end())
      return &found->second;
  }
  return nullptr;
}

bool isTenant(const Snapshot& snapshot) {
  return judgeTenancy(snapshot, api::Stage::Testing).holds() || judgeTenancy(snapshot, api::Stage::Production).holds();
}

Examination examine(const Snapshot& snapshot, WallTime now) {
  const auto& integration = *snapshot.integration;
  const auto& spec = integration.spec;
  Examination out;
  out.testingTenancy = judgeTenancy(snapshot, api::Stage::Testing);
  out.productionTenancy = judgeTenancy(snapshot, api::Stage::Production);
  Parsed parsedForm;
  if (readContent(snapshot, parsedForm, out.hashes)) {
    out.digest = digestOf(productionEffect(integration, out.hashes));
    out.testingDigest = digestOf(testingEffect(integration, out.hashes));
  }
  out.prerequisites = judgePrerequisites(snapshot, parsedForm, out, now);
  out.certificate = judgeTrust(snapshot, parsedForm, out, now);
  Callers production;
  out.form = judgeForm(snapshot, parsedForm, out, production);
  out.testingAddresses = working("AwaitingSubmission", "Submitted comes first");
  if (!out.form.holds()) return out;

  Claim claim;
  claim.holder = holderOf(integration);
  claim.serviceID = *spec.service.id;
  if (out.leaf) claim.certificates.push_back(out.leaf->sha256());

  const Settings& testing = *snapshot.testing.settings;
  out.testingFragment.holder = claim.holder;
  out.testingFragment.serviceID = claim.serviceID;
  out.testingFragment.digest = out.testingDigest;
  if (out.leaf) {
    out.testingFragment.certificates.push_back(fingerprintsOf(*out.leaf, textsOf(out.intermediates)));
  }
  const auto callers = judgeCallers(testing, spec.endpoints.testing, spec.service, "testing");
  out.testingClaim = claim;
  if (!callers) {
    out.testingAddresses = ofError(callers.error());
  } else {
    out.testingAddresses = good("", "");
    out.testingFragment.addresses = callers->endpoint;
    out.testingFragment.posAddresses = callers->terminals;
    include(out.testingClaim->addresses, callers->endpoint);
    include(out.testingClaim->addresses, callers->terminals);
  }
  includePublished(*out.testingClaim, snapshot.testing.fragment);
  if (spec.targetStage == api::Stage::Production) {
    out.productionClaim = claim;
    include(out.productionClaim->addresses, production.endpoint);
    include(out.productionClaim->addresses, production.terminals);
    includePublished(*out.productionClaim, snapshot.production.fragment);
    // The live revision stays claimed also where the fragment lacks a part of it: that part comes back when the
    // fragment is restored, or a hold is lifted.
    if (const auto& live = snapshot.production.live) {
      if (auto promoted = fragmentOf(*live)) {
        if (const auto& assignments = snapshot.production.assignments) assignments->takeOut(*promoted);
        includePublished(*out.productionClaim, *promoted);
      }
    }
  }
  return out;
}

}  // namespace mpay::onboarding
