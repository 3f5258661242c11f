#include "domain/certificate_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace mpay::domain {
namespace {

// The IDNO that an identifier names; empty: none.
std::string_view idnoIn(std::string_view identifier) {
  constexpr std::size_t digits = 13;
  // The identifier begins with three letters for its kind, or with two letters and a colon for a kind that the country
  // defined. The country follows. NTR is the register whose number is the IDNO.
  if (identifier.starts_with("NTRMD-")) identifier.remove_prefix(6);
  const bool isBare = identifier.size() == digits &&
                      std::all_of(identifier.begin(), identifier.end(), [](char c) { return c >= '0' && c <= '9'; });
  return isBare ? identifier : std::string_view();
}

std::string isNoAuthority(const CertificateQuestion& q) {
  if (!q.certificate.isAuthority()) return "";
  return "the certificate is a certification authority's; give the system's own";
}

std::string mayAuthenticateClients(const CertificateQuestion& q) {
  if (q.certificate.allowsClientAuthentication()) return "";
  return "the certificate's extended key usage lacks clientAuth; request one for a system";
}

std::string isNoServersAlone(const CertificateQuestion& q) {
  if (q.certificate.allowsClientByNetscapeType()) return "";
  return "the certificate's Netscape type (nsCertType) lacks the SSL client; request one for a system";
}

std::string certifiesNobody(const CertificateQuestion& q) {
  if (!q.certificate.signsCertificates()) return "";
  return "the certificate's key usage holds keyCertSign, which is an authority's; request one for a system";
}

std::string maySign(const CertificateQuestion& q) {
  if (q.certificate.allowsDigitalSignature()) return "";
  return "the certificate's key usage lacks digitalSignature; request one for a system";
}

std::string hasStrongKey(const CertificateQuestion& q) {
  if (const auto flaw = q.certificate.rsaFlaw(); !flaw.empty())
    return fmt::format("the key is no sound RSA key: {}; make another, and request a certificate of it", flaw);
  if (const int bits = q.certificate.rsaBits(); bits > 0) {
    if (bits >= q.policy.minimumRsaBits) return "";
    return fmt::format("the RSA key has {} bits, at least {} are needed; request a new certificate", bits,
                       q.policy.minimumRsaBits);
  }
  const auto curve = q.certificate.curve();
  const auto& accepted = q.policy.curves;
  if (!curve.empty() && std::find(accepted.begin(), accepted.end(), curve) != accepted.end()) return "";
  return fmt::format("the key is {}; RSA or the curves {} are accepted", curve.empty() ? "neither RSA nor EC" : curve,
                     fmt::join(accepted, ", "));
}

// The fault of the hash under the certificate's signature; empty: none.
std::string weaknessOf(const crypto::Certificate& certificate, const CertificatePolicy& policy) {
  const auto hash = certificate.signatureHash();
  const auto& accepted = policy.signatureHashes;
  if (std::find(accepted.begin(), accepted.end(), hash) != accepted.end()) return "";
  return fmt::format("is signed with {}; {} are accepted", hash.empty() ? "an algorithm without a known hash" : hash,
                     fmt::join(accepted, ", "));
}

std::string isSignedStrongly(const CertificateQuestion& q) {
  const auto weakness = weaknessOf(q.certificate, q.policy);
  return weakness.empty() ? "" : fmt::format("the certificate {}; request a new one", weakness);
}

std::string hasBegun(const CertificateQuestion& q) {
  if (q.certificate.notBefore() <= q.now) return "";
  return fmt::format("the certificate is valid from {}", formatTime(q.certificate.notBefore()));
}

std::string hasNotEnded(const CertificateQuestion& q) {
  if (q.now <= q.certificate.notAfter()) return "";
  return fmt::format("the certificate expired at {}; request a new one", formatTime(q.certificate.notAfter()));
}

std::string chainsToAuthority(const CertificateQuestion& q) { return q.path ? "" : q.path.error().message; }

std::string hasNames(const crypto::Certificate& certificate) {
  if (certificate.issuer().empty()) return "does not say who issued it";
  if (certificate.subject().empty() && (certificate.isAuthority() || !certificate.hasAlternativeNames()))
    return "does not say whose it is";
  return "";
}

std::string hasExtensionsOfItsVersion(const crypto::Certificate& certificate) {
  return certificate.hasExtensionsOfItsVersion() ? "" : "has extensions, and is not of version 3";
}

// RFC 5280 demands more that nginx and HAProxy do not check: key identifiers, an authority's key usage, critical basic
// constraints. Authorities in use lack these, and demanding them adds no safety.
constexpr std::string (*kForms[])(const crypto::Certificate&) = {hasNames, hasExtensionsOfItsVersion};

std::string problemOfForm(const crypto::Certificate& certificate) {
  for (const auto problem : kForms) {
    if (auto said = problem(certificate); !said.empty()) return said;
  }
  return "";
}

std::string isReachedInGoodForm(const CertificateQuestion& q) {
  for (const auto& certificate : *q.path) {
    if (const auto said = problemOfForm(certificate); !said.empty())
      return fmt::format("the certificate of {}, issued by {}, {}", certificate.subject(), certificate.issuer(), said);
  }
  return "";
}

// A self-signed authority is trusted for itself, not for its signature, so that signature is not judged.
std::string weaknessOfAuthority(const crypto::Certificate& authority, const CertificatePolicy& policy) {
  if (auto weakness = crypto::weaknessOfKey(authority); !weakness.empty()) return weakness;
  return authority.isSelfSigned() ? "" : weaknessOf(authority, policy);
}

// Every authority on the path is judged: a forged authority can forge the certificate.
std::string weaknessOn(const crypto::Path& path, const CertificatePolicy& policy) {
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (const auto weakness = weaknessOfAuthority(path[i], policy); !weakness.empty())
      return fmt::format("the authority {} {}", path[i].subject(), weakness);
  }
  return "";
}

std::string isReachedStrongly(const CertificateQuestion& q) { return weaknessOn(*q.path, q.policy); }

std::string differenceOf(SubjectSays says) {
  return says == SubjectSays::Another
             ? "the organizationIdentifier or serialNumber of its subject is another's than beneficiary.idno"
             : "its subject names no IDNO, neither as organizationIdentifier nor as serialNumber";
}

std::string namesTheBeneficiary(const CertificateQuestion& q) {
  if (!q.policy.subjectMustMatch) return "";
  const auto says = whoseIs(q.certificate, q.idno);
  if (says == SubjectSays::TheBeneficiary) return "";
  return fmt::format("the certificate is not the beneficiary's: {}; request one in its name", differenceOf(says));
}

constexpr std::array kChecks{
    CertificateCheck{"WrongUsage", isNoAuthority},
    CertificateCheck{"WrongUsage", certifiesNobody},
    CertificateCheck{"WrongUsage", mayAuthenticateClients},
    CertificateCheck{"WrongUsage", isNoServersAlone},
    CertificateCheck{"WrongUsage", maySign},
    CertificateCheck{"WeakCertificate", hasStrongKey},
    CertificateCheck{"WeakCertificate", isSignedStrongly},
    CertificateCheck{"CertificateNotYetValid", hasBegun},
    CertificateCheck{"CertificateExpired", hasNotEnded},
    CertificateCheck{"UntrustedIssuer", chainsToAuthority},
    CertificateCheck{"UntrustedIssuer", isReachedInGoodForm},
    CertificateCheck{"WeakCertificate", isReachedStrongly},
    CertificateCheck{"SubjectMismatch", namesTheBeneficiary},
};

}  // namespace

std::span<const CertificateCheck> certificateChecks() { return kChecks; }

std::string problemOfAuthority(const crypto::Certificate& authority, const CertificatePolicy& policy) {
  if (auto said = problemOfForm(authority); !said.empty()) return said;
  if (!authority.mayIssueClients()) {
    return "may not issue certificates for TLS clients: its basic constraints, key usage, extended key usage or "
           "nsCertType do not allow it";
  }
  return weaknessOfAuthority(authority, policy);
}

SubjectSays whoseIs(const crypto::Certificate& certificate, std::string_view idno) {
  for (const auto& values : {certificate.organizationIdentifiers(), certificate.serialNumbers()}) {
    auto says = SubjectSays::Nothing;
    for (const auto& value : values) {
      const auto named = idnoIn(value);
      if (named.empty()) continue;
      if (named != idno) return SubjectSays::Another;
      says = SubjectSays::TheBeneficiary;
    }
    if (says != SubjectSays::Nothing) return says;
  }
  return SubjectSays::Nothing;
}

Result<TrustedCertificate> judgeCertificate(const crypto::Certificate& certificate,
                                            const crypto::Intermediates& intermediates,
                                            const crypto::Authorities& authorities, const CertificatePolicy& policy,
                                            std::string_view idno, WallTime now) {
  auto path = authorities.verify(certificate, now, intermediates,
                                 [&](const crypto::Path& found) { return weaknessOn(found, policy); });
  // No path, or only one over a weak authority: the checks tell which.
  if (!path) path = authorities.verify(certificate, now, intermediates);
  const CertificateQuestion question{certificate, path, policy, idno, now};
  for (const auto& check : kChecks) {
    if (auto problem = check.problem(question); !problem.empty())
      return refuse(std::string(check.reason), std::move(problem));
  }
  TrustedCertificate trusted{*path};
  if (whoseIs(certificate, idno) == SubjectSays::Another)
    trusted.note = "note that " + differenceOf(SubjectSays::Another);
  return trusted;
}

Result<void> judgeSignatureCertificate(const crypto::Certificate& certificate, WallTime now) {
  if (now < certificate.notBefore()) {
    return refuse("CertificateNotYetValid",
                  fmt::format("the certificate is valid from {}", formatTime(certificate.notBefore())));
  }
  if (now > certificate.notAfter()) {
    return refuse("CertificateExpired",
                  fmt::format("the certificate expired at {}", formatTime(certificate.notAfter())));
  }
  return {};
}

}  // namespace mpay::domain
