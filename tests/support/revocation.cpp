#include "support/revocation.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>
#include <stdexcept>

#include "support/extensions.h"

namespace mpay::test {
namespace {

template <class T>
using Owned = std::shared_ptr<T>;

Owned<BIO> reading(const std::string& text) {
  return {BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), BIO_free_all};
}

Owned<X509> certificateOf(const std::string& pem) {
  Owned<X509> certificate(PEM_read_bio_X509(reading(pem).get(), nullptr, nullptr, nullptr), X509_free);
  if (!certificate) throw std::runtime_error("no certificate");
  return certificate;
}

Owned<EVP_PKEY> keyOf(const std::string& pem) {
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(reading(pem).get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  if (!key) throw std::runtime_error("no key");
  return key;
}

template <class Write>
std::string written(const Write& write) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()), BIO_free_all);
  if (write(out.get()) != 1) throw std::runtime_error("not written");
  char* data = nullptr;
  const long length = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

// A meaningless extension: 1.3.6.1.4.1.99999.1, an OCTET STRING of the two bytes of NULL.
Owned<X509_EXTENSION> unknownCritical() {
  const Owned<ASN1_OBJECT> object(OBJ_txt2obj("1.3.6.1.4.1.99999.1", 1), ASN1_OBJECT_free);
  const Owned<ASN1_OCTET_STRING> value(ASN1_OCTET_STRING_new(), ASN1_OCTET_STRING_free);
  const unsigned char null[] = {5, 0};
  ASN1_OCTET_STRING_set(value.get(), null, sizeof null);
  return {X509_EXTENSION_create_by_OBJ(nullptr, object.get(), 1, value.get()), X509_EXTENSION_free};
}

Owned<ASN1_TIME> fromNow(long seconds) { return {X509_gmtime_adj(nullptr, seconds), ASN1_STRING_free}; }
Owned<ASN1_GENERALIZEDTIME> generalizedFromNow(long seconds) {
  return {ASN1_GENERALIZEDTIME_adj(nullptr, std::time(nullptr), 0, seconds), ASN1_GENERALIZEDTIME_free};
}

}  // namespace

Signer signerOf(const Authority& authority) { return {authority.certificate(), authority.key()}; }
Signer signerOf(const Identity& identity) { return {identity.certificate, identity.key}; }

std::string makeList(const Signer& issuer, const ListOptions& options) {
  const Owned<X509_CRL> list(X509_CRL_new(), X509_CRL_free);
  const auto signing = certificateOf(issuer.certificate);
  X509_CRL_set_version(list.get(), 1);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(signing.get()));
  X509_CRL_set1_lastUpdate(list.get(), fromNow(options.thisUpdate).get());
  if (options.nextUpdate) X509_CRL_set1_nextUpdate(list.get(), fromNow(*options.nextUpdate).get());
  for (const auto& revoked : options.revoked) {
    X509_REVOKED* entry = X509_REVOKED_new();
    const auto certificate = certificateOf(revoked.certificate);
    auto* serial = const_cast<ASN1_INTEGER*>(X509_get0_serialNumber(certificate.get()));
    X509_REVOKED_set_serialNumber(entry, serial);
    X509_REVOKED_set_revocationDate(entry, fromNow(-600).get());
    if (revoked.reason >= 0) {
      const Owned<ASN1_ENUMERATED> reason(ASN1_ENUMERATED_new(), ASN1_ENUMERATED_free);
      ASN1_ENUMERATED_set(reason.get(), revoked.reason);
      X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason.get(), 0, 0);
    }
    if (revoked.criticalExtension) X509_REVOKED_add_ext(entry, unknownCritical().get(), -1);
    X509_CRL_add0_revoked(list.get(), entry);
  }
  X509_CRL_sort(list.get());
  const Owned<ASN1_INTEGER> number(ASN1_INTEGER_new(), ASN1_INTEGER_free);
  ASN1_INTEGER_set(number.get(), 7);
  X509_CRL_add1_ext_i2d(list.get(), NID_crl_number, number.get(), 0, 0);
  if (options.delta) X509_CRL_add1_ext_i2d(list.get(), NID_delta_crl, number.get(), 0, 0);
  if (options.unknownCritical) X509_CRL_add_ext(list.get(), unknownCritical().get(), -1);
  if (!options.issuingDistributionPoint.empty()) {
    const auto point = makeExtension("issuingDistributionPoint=" + options.issuingDistributionPoint);
    X509_CRL_add_ext(list.get(), point.get(), -1);
  }
  if (!X509_CRL_sign(list.get(), keyOf(issuer.key).get(), options.sha1 ? EVP_sha1() : EVP_sha256()))
    throw std::runtime_error("list not signed");
  return written([&](BIO* out) { return i2d_X509_CRL_bio(out, list.get()); });
}

std::string pemOfList(const std::string& der) {
  const Owned<X509_CRL> list(d2i_X509_CRL_bio(reading(der).get(), nullptr), X509_CRL_free);
  return written([&](BIO* out) { return PEM_write_bio_X509_CRL(out, list.get()); });
}

std::string answerOcsp(const std::string& request, const Signer& issuer, const OcspOptions& options) {
  const Owned<OCSP_REQUEST> asked(d2i_OCSP_REQUEST_bio(reading(request).get(), nullptr), OCSP_REQUEST_free);
  if (!asked || OCSP_request_onereq_count(asked.get()) != 1) throw std::runtime_error("no OCSP request");
  const auto authority = certificateOf(issuer.certificate);
  const Owned<OCSP_BASICRESP> basic(OCSP_BASICRESP_new(), OCSP_BASICRESP_free);
  const auto add = [&](OCSP_CERTID* id, OcspStatus said, int reason, long made, const std::optional<long>& next) {
    const auto thisUpdate = generalizedFromNow(made), revokedAt = generalizedFromNow(-600);
    const auto nextUpdate = generalizedFromNow(next.value_or(0));
    const int status = said == OcspStatus::Good      ? V_OCSP_CERTSTATUS_GOOD
                       : said == OcspStatus::Revoked ? V_OCSP_CERTSTATUS_REVOKED
                                                     : V_OCSP_CERTSTATUS_UNKNOWN;
    OCSP_SINGLERESP* single = OCSP_basic_add1_status(basic.get(), id, status, reason,
                                                     status == V_OCSP_CERTSTATUS_REVOKED ? revokedAt.get() : nullptr,
                                                     thisUpdate.get(), next ? nextUpdate.get() : nullptr);
    if (!single) throw std::runtime_error("no OCSP status");
    return single;
  };
  OCSP_CERTID* asking = OCSP_onereq_get0_id(OCSP_request_onereq_get0(asked.get(), 0));
  const auto named = [&](const std::string& hash) {
    Owned<OCSP_CERTID> id(OCSP_CERTID_dup(asking), OCSP_CERTID_free);
    if (!options.about.empty() || hash != "SHA1") {
      if (options.about.empty()) throw std::runtime_error("another hash needs the certificate");
      id = {OCSP_cert_to_id(EVP_get_digestbyname(hash.c_str()), certificateOf(options.about).get(), authority.get()),
            OCSP_CERTID_free};
    }
    return id;
  };
  OCSP_SINGLERESP* first =
      add(named(options.hash).get(), options.status, options.reason, options.thisUpdate, options.nextUpdate);
  if (options.unknownCritical) OCSP_SINGLERESP_add_ext(first, unknownCritical().get(), -1);
  for (const auto& more : options.more) {
    OCSP_SINGLERESP* single = add(named(more.hash).get(), more.status, more.reason, more.thisUpdate, more.nextUpdate);
    if (more.unknownCritical) OCSP_SINGLERESP_add_ext(single, unknownCritical().get(), -1);
  }
  if (options.nonce == OcspOptions::Nonce::Same) OCSP_copy_nonce(basic.get(), asked.get());
  if (options.nonce == OcspOptions::Nonce::Other) OCSP_basic_add1_nonce(basic.get(), nullptr, -1);
  for (const auto& more : options.chain) OCSP_basic_add1_cert(basic.get(), certificateOf(more).get());
  const Signer& signer = options.signer ? *options.signer : issuer;
  if (OCSP_basic_sign(basic.get(), certificateOf(signer.certificate).get(), keyOf(signer.key).get(),
                      options.sha1 ? EVP_sha1() : EVP_sha256(), nullptr, 0) != 1)
    throw std::runtime_error("OCSP response not signed");
  const Owned<OCSP_RESPONSE> response(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()),
                                      OCSP_RESPONSE_free);
  return written([&](BIO* out) { return i2d_OCSP_RESPONSE_bio(out, response.get()); });
}

std::string refuseOcsp(int status) {
  const Owned<OCSP_RESPONSE> response(OCSP_response_create(status, nullptr), OCSP_RESPONSE_free);
  return written([&](BIO* out) { return i2d_OCSP_RESPONSE_bio(out, response.get()); });
}

}  // namespace mpay::test
