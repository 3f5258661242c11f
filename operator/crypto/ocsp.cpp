#include "crypto/ocsp.h"

#include <fmt/format.h>
#include <openssl/err.h>

#include "crypto/asn1.h"
#include "crypto/handle.h"

namespace mpay::crypto {
namespace {

using Basic = Handle<OCSP_BASICRESP, OCSP_BASICRESP_free>;

// The signed part of a response.
Result<Basic> decoded(std::string_view bytes) {
  if (bytes.size() > kMaximumOcspBytes) {
    return refuse("ResponseTooLarge",
                  fmt::format("a response of {} bytes; at most {} are looked at", bytes.size(), kMaximumOcspBytes));
  }
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* end = at + bytes.size();
  const Handle<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(bytes.size())));
  ERR_clear_error();
  if (!response || at != end) return refuse("MalformedResponse", "the bytes are not one OCSP response");
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return refuse("ResponderRefused",
                  fmt::format("the responder answers {}", OCSP_response_status_str(static_cast<long>(status))));
  }
  Basic basic(OCSP_response_get1_basic(response.get()));
  ERR_clear_error();
  if (!basic) return refuse("MalformedResponse", "the response is of no kind that is understood");
  return basic;
}

// Applies to a delegate, a certificate that the issuer made for OCSP signing, the rules for an authority's key and
// signature and for a signer's key usage.
Result<void> judgeDelegate(OCSP_BASICRESP* basic, const Certificate& issuer) {
  X509* signer = nullptr;
  const Handle<STACK_OF(X509), freeStack> known(sk_X509_new_null());
  sk_X509_push(known.get(), issuer.get());
  if (OCSP_resp_get0_signer(basic, &signer, known.get()) != 1 || !signer)
    return refuse("UnauthorizedSigner", "the response does not say who signed it");
  if (X509_cmp(signer, issuer.get()) == 0) return {};
  const auto delegate = Certificate::parse(derOf([&](unsigned char** out) { return i2d_X509(signer, out); }));
  if (!delegate) return refuse("UnauthorizedSigner", "the signer's certificate cannot be read");
  const auto refused = [](const std::string& why) {
    return refuse("UnauthorizedSigner", "the certificate for OCSP signing, whose key signed the response, " + why);
  };
  if (!delegate->allowsDigitalSignature()) return refused("has a key usage without digitalSignature");
  if (const auto weakness = weaknessOfKey(*delegate); !weakness.empty()) return refused(weakness);
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, signer);
  if (isWeakSignature(algorithm)) return refused("is signed with SHA-1, MD5 or an unknown algorithm");
  return {};
}

// The signer must be the issuer, or a certificate that the issuer itself made for OCSP signing.
Result<void> verify(OCSP_BASICRESP* basic, const Certificate& issuer, WallTime now) {
  if (isWeakSignature(OCSP_resp_get0_tbs_sigalg(basic)))
    return refuse("BadSignature", "the response is signed with SHA-1, MD5 or an unknown algorithm");
  // Only the issuer is trusted, a root or not, so that no other authority's chain is accepted.
  const Handle<X509_STORE, X509_STORE_free> store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), issuer.get());
  X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN);
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store.get()), std::chrono::system_clock::to_time_t(now));
  const Handle<STACK_OF(X509), freeStack> known(sk_X509_new_null());
  sk_X509_push(known.get(), issuer.get());
  const int holds = OCSP_basic_verify(basic, known.get(), store.get(), OCSP_NOEXPLICIT);
  const auto problem = ERR_peek_last_error();
  ERR_clear_error();
  if (holds == 1) return judgeDelegate(basic, issuer);
  if (ERR_GET_LIB(problem) == ERR_LIB_OCSP && ERR_GET_REASON(problem) == OCSP_R_SIGNATURE_FAILURE)
    return refuse("BadSignature", "the response's signature does not hold");
  const char* words = problem ? ERR_reason_error_string(problem) : nullptr;
  return refuse("UnauthorizedSigner",
                fmt::format("neither the issuer nor whom it certified for OCSP signing has signed the response{}{}",
                            words ? ": " : "", words ? words : ""));
}

Result<void> judgeTimes(const ASN1_GENERALIZEDTIME* made, const ASN1_GENERALIZEDTIME* next, WallTime now,
                        RevocationFinding& finding) {
  const auto thisUpdate = timeOf(made);
  if (!thisUpdate) return refuse("MalformedResponse", "the response does not say of when it is");
  if (*thisUpdate > now + kClockSkew)
    return refuse("ResponseNotYetValid", fmt::format("the response is of {}", formatTime(*thisUpdate)));
  finding.thisUpdate = *thisUpdate;
  finding.nextUpdate = next ? timeOf(next) : std::optional(*thisUpdate + kLongestWithoutNextUpdate);
  if (!finding.nextUpdate) return refuse("MalformedResponse", "the response's nextUpdate is no time");
  if (*finding.nextUpdate < now) {
    return refuse("ResponseOutdated", fmt::format("the response was good until {}", formatTime(*finding.nextUpdate)));
  }
  return {};
}

// True if an identifier names the certificate, by any hash.
bool isAbout(const OCSP_CERTID* id, const Certificate& certificate, const Certificate& issuer) {
  ASN1_OBJECT* algorithm = nullptr;
  OCSP_id_get0_info(nullptr, &algorithm, nullptr, nullptr, const_cast<OCSP_CERTID*>(id));
  const EVP_MD* hash = EVP_get_digestbyobj(algorithm);
  const Handle<OCSP_CERTID, OCSP_CERTID_free> expected(hash ? OCSP_cert_to_id(hash, certificate.get(), issuer.get())
                                                            : nullptr);
  ERR_clear_error();
  return expected && OCSP_id_cmp(expected.get(), id) == 0;
}

// Reads a single response on one certificate.
Result<RevocationFinding> findingOf(OCSP_SINGLERESP* single, WallTime now) {
  if (OCSP_SINGLERESP_get_ext_by_critical(single, 1, -1) >= 0)
    return refuse("UnsupportedResponse", "the response has a critical extension that is not understood");
  int reason = OCSP_REVOKED_STATUS_NOSTATUS;
  ASN1_GENERALIZEDTIME* revoked = nullptr;
  ASN1_GENERALIZEDTIME* made = nullptr;
  ASN1_GENERALIZEDTIME* next = nullptr;
  const int status = OCSP_single_get0_status(single, &reason, &revoked, &made, &next);
  RevocationFinding finding;
  TRY(judgeTimes(made, next, now, finding));
  if (status == V_OCSP_CERTSTATUS_GOOD) {
    finding.state = RevocationState::Good;
  } else if (status == V_OCSP_CERTSTATUS_REVOKED) {
    // removeFromCRL releases a certificate from a hold (RFC 5280, 5.3.1). A responder should rather say good.
    const bool released = reason == OCSP_REVOKED_STATUS_REMOVEFROMCRL;
    finding.state = released ? RevocationState::Good : RevocationState::Revoked;
    if (!released) finding.revokedAt = timeOf(revoked);
    if (!released) finding.reason = reasonText(reason);
  }
  return finding;
}

}  // namespace

Result<OcspQuery> OcspQuery::of(const Certificate& certificate, const Certificate& issuer) {
  std::shared_ptr<OCSP_REQUEST> handle(OCSP_REQUEST_new(), OCSP_REQUEST_free);
  // SHA-1 only names the issuer here and protects nothing. Every responder knows SHA-1 (RFC 5019, 2.1.1).
  Handle<OCSP_CERTID, OCSP_CERTID_free> id(OCSP_cert_to_id(EVP_sha1(), certificate.get(), issuer.get()));
  const bool made = id && OCSP_request_add0_id(handle.get(), id.get()) != nullptr;
  if (made) (void)id.release();
  std::string request;
  if (made && OCSP_request_add1_nonce(handle.get(), nullptr, -1) == 1)
    request = derOf([&](unsigned char** out) { return i2d_OCSP_REQUEST(handle.get(), out); });
  ERR_clear_error();
  if (request.empty()) return fail(ErrorKind::Crypto, "the OCSP request cannot be made");
  return OcspQuery(std::move(handle), certificate, issuer, std::move(request));
}

Result<RevocationFinding> OcspQuery::read(std::string_view response, WallTime now) const {
  const auto basic = TRY(decoded(response));
  TRY(verify(basic.get(), issuer_, now));
  const int nonce = OCSP_check_nonce(handle_.get(), basic.get());
  if (nonce != 1 && nonce != -1) return refuse("WrongNonce", "the response answers another request");
  if (OCSP_BASICRESP_get_ext_by_critical(basic.get(), 1, -1) >= 0)
    return refuse("UnsupportedResponse", "the response has a critical extension that is not understood");
  std::optional<RevocationFinding> gravest;
  std::optional<Error> problem;
  for (int i = 0; i < OCSP_resp_count(basic.get()); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic.get(), i);
    if (!isAbout(OCSP_SINGLERESP_get0_id(single), certificate_, issuer_)) continue;
    auto finding = findingOf(single, now);
    // A part that is not understood may mean anything, so it fails the whole response.
    if (!finding && finding.error().reason == "UnsupportedResponse") return fail(std::move(finding).error());
    if (!finding) {
      problem = std::move(finding).error();
    } else if (!gravest || isGraver(*finding, *gravest)) {
      gravest = std::move(*finding);
    }
  }
  if (gravest) return std::move(*gravest);
  if (problem) return fail(std::move(*problem));
  return refuse("WrongCertificate", "the response says nothing of this certificate");
}

}  // namespace mpay::crypto
