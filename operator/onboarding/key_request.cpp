#include "onboarding/key_request.h"

#include <fmt/format.h>

namespace mpay::onboarding {
namespace {

constexpr std::chrono::hours kLongestRenewal{24 * 366};

Verdict unusable(const std::string& secret, std::string_view why) {
  return fix(
      "SecretNotUsable",
      fmt::format("certificate.request.secretName: Secret {} {}; nothing in it is overwritten. Create another one "
                  "of type kubernetes.io/tls with an empty tls.crt and tls.key",
                  secret, why));
}

// True when the operator made that key for this integration, or for an earlier one of the same name and beneficiary.
bool isOurs(const KeySlot& slot, const MadeKeys& made, const api::MPayIntegration& integration) {
  const auto known = made.find(slot.publicKeySha256);
  return known != made.end() && known->second.holder.namespace_ == integration.metadata.namespace_.value_or("") &&
         known->second.holder.name == integration.metadata.name.value_or("") &&
         known->second.holder.idno == integration.spec.beneficiary.idno;
}

// The reason why the Secret is unusable; empty: none.
std::string_view problemOf(const KeySecret& secret, const MadeKeys& made, const api::MPayIntegration& integration) {
  if (secret.type != kTlsType) return "is not of type kubernetes.io/tls";
  if (secret.immutable) return "is immutable";
  const auto& current = secret.current;
  const auto& renewal = secret.renewal;
  if (current.empty) {
    if (secret.hasCertificate) return "holds a certificate without a key";
    return renewal.empty ? "" : "holds a renewal.key without a tls.key";
  }
  if (!isOurs(current, made, integration)) return "holds a key that the operator did not make for this integration";
  if (!renewal.empty && !isOurs(renewal, made, integration))
    return "holds a renewal.key that the operator did not make for this integration";
  return "";
}

// The request beside that key, where it is a request of this key with the form's subject.
std::optional<api::CertificateRequestStatus> openRequest(const KeySlot& slot, const std::string& secretName,
                                                         const std::string& subject) {
  const auto request = crypto::parseRequest(slot.request);
  if (!request || request->publicKeySha256 != slot.publicKeySha256 || request->subject != subject) return std::nullopt;
  return api::CertificateRequestStatus{secretName, slot.publicKeySha256, slot.request};
}

}  // namespace

crypto::RequestSubject subjectOf(const api::MPayIntegrationSpec& spec) {
  crypto::RequestSubject subject{
      spec.informationSystem ? spec.informationSystem->name : api::textOf(spec.service.name).value_or(""),
      spec.beneficiary.legalName, spec.beneficiary.idno, ""};
  if (spec.certificate && spec.certificate->request) {
    const auto& declared = spec.certificate->request->subject;
    subject.commonName = declared.commonName.value_or(subject.commonName);
    subject.organization = declared.organization.value_or(subject.organization);
    subject.organizationalUnit = declared.organizationalUnit.value_or("");
  }
  return subject;
}

KeyJudgement judgeKeys(const api::MPayIntegration& integration, const std::optional<Result<KeySecret>>& secret,
                       const MadeKeys& made, const std::optional<Result<crypto::Certificate>>& issued, WallTime now) {
  KeyJudgement out;
  const auto says = [&out](Verdict verdict) {
    out.verdict = std::move(verdict);
    return out;
  };
  const auto& request = *integration.spec.certificate->request;
  const auto renewBefore = parseDurationUpTo(request.renewBefore, kLongestRenewal);
  if (!renewBefore)
    return says(fix("InvalidField", "certificate.request.renewBefore is not a duration like 720h, of at most a year"));
  const auto subject = crypto::textOf(subjectOf(integration.spec));
  if (!subject) return says(ofError(within("certificate.request.subject", subject.error())));
  if (!secret) return says(reading("the Secret of certificate.request is being read"));
  if (!*secret) return says(ofError(within("certificate.request.secretName", secret->error())));
  const KeySecret& held = **secret;
  if (const auto problem = problemOf(held, made, integration); !problem.empty())
    return says(unusable(request.secretName, problem));

  const auto requesting = [&](KeyStep step) {
    out.step = step;
    return says(working("Requesting", "the key and the request for its certificate are being written"));
  };
  if (held.current.empty) return requesting(KeyStep::MakeKey);
  if (!held.hasCertificate) {
    out.open = openRequest(held.current, request.secretName, *subject);
    if (!out.open) return requesting(KeyStep::WriteRequest);
  }
  const bool isAbsent = issued && !*issued && issued->error().state == ErrorState::Absent;
  if (!integration.spec.certificate->issued || isAbsent) {
    return says(awaiting(Awaited::Certificate,
                         fmt::format("{}give the certificate of the key in Secret {} in certificate.issued{}",
                                     out.open ? "send status.certificateRequest.pem to STISC, and then " : "",
                                     request.secretName, isAbsent ? ": " + issued->error().message : "")));
  }
  if (!issued) return says(reading("certificate.issued is being read"));
  if (!*issued) return says(ofError(issued->error()));
  const auto fingerprint = (*issued)->publicKeySha256();
  out.isRenewal = !held.renewal.empty && fingerprint == held.renewal.publicKeySha256;
  if (!out.isRenewal && fingerprint != held.current.publicKeySha256) {
    return says(fix("KeyMismatch", fmt::format("certificate.issued is of another key than that in Secret {}; give the "
                                               "certificate that was issued upon status.certificateRequest",
                                               request.secretName)));
  }
  out.verdict = good("", "");
  if (out.isRenewal || !held.hasCertificate) return out;
  out.renewsAt = (*issued)->notAfter() - *renewBefore;
  if (now < *out.renewsAt) return out;
  // A working certificate goes on working: the next key has a place of its own until its certificate is there.
  if (held.renewal.empty) {
    out.step = KeyStep::MakeRenewalKey;
  } else if (out.open = openRequest(held.renewal, request.secretName, *subject); !out.open) {
    out.step = KeyStep::WriteRenewalRequest;
  }
  return out;
}

}  // namespace mpay::onboarding
