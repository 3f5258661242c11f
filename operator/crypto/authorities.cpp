#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "crypto/asn1.h"
#include "crypto/handle.h"
#include "crypto/x509.h"

namespace mpay::crypto {
namespace {

// The search for a path ends after this many steps, because others choose the intermediates.
constexpr int kMostSteps = 200;

bool isSame(const Certificate& a, const Certificate& b) { return X509_cmp(a.get(), b.get()) == 0; }

// Compares names, key identifiers and the issuer's key usage.
bool mayHaveIssued(const Certificate& issuer, const Certificate& subject) {
  return X509_check_issued(issuer.get(), subject.get()) == X509_V_OK;
}
// Only the signature tells authorities of the same name apart.
bool signedIt(const Certificate& issuer, const Certificate& subject) {
  return X509_verify(subject.get(), X509_get0_pubkey(issuer.get())) == 1;
}

// Client: the certificate of a TLS client, verified as servers do it. Any: a certificate of any use.
enum class Purpose { Client, Any };

// OpenSSL's verdict on a certificate, given the certificates that the client would send with it.
class Verification {
 public:
  Verification(const std::vector<Certificate>& authorities, X509_STORE* store, WallTime at, Purpose purpose)
      : authorities_(authorities), store_(store), at_(at), purpose_(purpose) {}

  // Errors: OpenSSL's message.
  Result<Path> of(const Path& candidate) const {
    const Handle<STACK_OF(X509), freeStack> sent(sk_X509_new_null());
    for (std::size_t i = 1; i < candidate.size(); ++i) sk_X509_push(sent.get(), candidate[i].get());
    const Handle<X509_STORE_CTX, X509_STORE_CTX_free> context(X509_STORE_CTX_new());
    X509_STORE_CTX_init(context.get(), store_, candidate.front().get(), sent.get());
    if (purpose_ == Purpose::Client) X509_STORE_CTX_set_default(context.get(), "ssl_client");
    X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(at_));
    X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(kLongestPath) - 2);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_POLICY_CHECK);
    X509_VERIFY_PARAM_add0_policy(parameters, OBJ_nid2obj(NID_any_policy));
    if (X509_verify_cert(context.get()) == 1) return chainOf(context.get(), candidate);
    X509* where = X509_STORE_CTX_get_current_cert(context.get());
    return fail(ErrorKind::Invalid,
                fmt::format("{} ({})", X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())),
                            where ? nameText(X509_get_subject_name(where)) : candidate.front().subject()));
  }

 private:
  Path chainOf(X509_STORE_CTX* context, const Path& candidate) const {
    STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
    Path path;
    for (int i = 0; i < sk_X509_num(chain); ++i) {
      for (const auto* known : {&candidate, &authorities_}) {
        const auto found = std::find_if(known->begin(), known->end(), [&](const auto& certificate) {
          return X509_cmp(certificate.get(), sk_X509_value(chain, i)) == 0;
        });
        if (found == known->end()) continue;
        path.push_back(*found);
        break;
      }
    }
    return path;
  }

  const std::vector<Certificate>& authorities_;
  X509_STORE* const store_;
  const WallTime at_;
  const Purpose purpose_;
};

// Searches depth first over every possible issuer of the last certificate, until OpenSSL accepts a path.
struct Search {
  const std::vector<Certificate>& authorities;
  const Intermediates& intermediates;
  const Verification& verification;
  const std::function<std::string(const Path&)>& judge;
  int steps = 0;
  Path path{};
  std::string problem{};    // the first complete path's problem
  std::string farthest{};   // the issuer that no candidate is, on the longest path
  std::size_t reached = 0;  // that path's number of certificates

  bool goesOn() {
    const Certificate last = path.back();
    bool found = false;
    for (const auto* candidates : {&authorities, &intermediates}) {
      for (const auto& candidate : *candidates) {
        const bool isAnchor = candidates == &authorities && candidate.isSelfSigned();
        // A self-signed certificate that is no authority leads nowhere.
        if (!isAnchor && candidate.isSelfSigned()) continue;
        if (path.size() >= kLongestPath || holds(candidate) || !mayHaveIssued(candidate, last)) continue;
        if (++steps > kMostSteps || !signedIt(candidate, last)) continue;
        found = true;
        path.push_back(candidate);
        if (isAnchor ? isAccepted() : goesOn()) return true;
        path.pop_back();
      }
    }
    if (!found && path.size() > reached) {
      reached = path.size();
      farthest = last.issuer();
    }
    return false;
  }

  // Judges a complete path. An accepted path is replaced by the one that OpenSSL built.
  bool isAccepted() {
    auto verified = verification.of(path);
    std::string said = !verified ? verified.error().message : judge ? judge(*verified) : "";
    if (said.empty()) {
      path = std::move(*verified);
      return true;
    }
    if (problem.empty()) problem = std::move(said);
    return false;
  }

  bool holds(const Certificate& candidate) const {
    return std::any_of(path.begin(), path.end(), [&](const auto& known) { return isSame(known, candidate); });
  }
};

// The authority that ends the path of a possible signer of lists; nothing if there is no path.
std::optional<Certificate> anchorOf(const Certificate& signer, const std::vector<Certificate>& authorities,
                                    const Intermediates& intermediates, const Verification& verification, WallTime at) {
  const bool isAuthority = std::any_of(authorities.begin(), authorities.end(),
                                       [&](const auto& authority) { return isSame(authority, signer); });
  // A self-signed authority is its own anchor. No path is verified, because OpenSSL might take another certificate of
  // that name for its issuer.
  if (isAuthority && signer.isSelfSigned())
    return signer.notBefore() <= at && at <= signer.notAfter() ? std::optional(signer) : std::nullopt;
  Search search{authorities, intermediates, verification, {}};
  search.path.push_back(signer);
  return search.goesOn() ? std::optional(search.path.back()) : std::nullopt;
}

// A trust anchor is a name and a key: a renewed certificate has the same two.
bool isSameAnchor(const Certificate& a, const Certificate& b) {
  return a.subject() == b.subject() && a.publicKeySha256() == b.publicKeySha256();
}

}  // namespace

Result<Authorities> Authorities::parse(std::string_view pem) {
  if (pem.size() > (std::size_t{1} << 20))
    return refuse("MalformedAuthorities", "the authorities are larger than 1 MiB");
  auto parsed = certificatesIn(pem);
  if (!parsed && parsed.error().reason == "PrivateKeyInPublicField")
    return refuse("PrivateKeyInPublicField", "the authorities hold a private key");
  if (!parsed) return refuse("MalformedAuthorities", parsed.error().message);
  auto& all = *parsed;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!all[i].isAuthority())
      return refuse("MalformedAuthorities",
                    fmt::format("block {}: {} is not a certification authority", i + 1, all[i].subject()));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.isSelfSigned() != b.isSelfSigned() ? a.isSelfSigned() : a.sha256() < b.sha256();
  });
  all.erase(std::unique(all.begin(), all.end(), isSame), all.end());
  Authorities authorities;
  authorities.store_ = {X509_STORE_new(), X509_STORE_free};
  for (const auto& certificate : all) X509_STORE_add_cert(authorities.store_.get(), certificate.get());
  authorities.certificates_ = std::move(all);
  return authorities;
}

Result<Path> Authorities::verify(const Certificate& certificate, WallTime at, const Intermediates& intermediates,
                                 const std::function<std::string(const Path&)>& problem) const {
  const Verification verification(certificates_, store_.get(), at, Purpose::Client);
  Search search{certificates_, intermediates, verification, problem};
  search.path.push_back(certificate);
  const bool found = search.goesOn();
  ERR_clear_error();
  if (found) return std::move(search.path);
  const auto why = !search.problem.empty()
                       ? search.problem
                       : fmt::format("neither they nor certificate.intermediates hold the authority {} that signed it",
                                     search.farthest);
  return refuse("UntrustedIssuer", fmt::format("the certificate of {}, issued by {}, does not chain to an authority of "
                                               "the environment: {}",
                                               certificate.subject(), certificate.issuer(), why));
}

std::vector<Certificate> Authorities::listSigners(const Certificate& issuer, WallTime at,
                                                  const Intermediates& intermediates) const {
  const Verification verification(certificates_, store_.get(), at, Purpose::Any);
  std::vector<Certificate> signers;
  for (const auto* candidates : {&certificates_, &intermediates}) {
    for (const auto& candidate : *candidates) {
      const bool isNamed =
          X509_NAME_cmp(X509_get_subject_name(candidate.get()), X509_get_subject_name(issuer.get())) == 0;
      const bool isKnown =
          std::any_of(signers.begin(), signers.end(), [&](const auto& known) { return isSame(known, candidate); });
      if (isNamed && !isKnown && !isSame(candidate, issuer)) signers.push_back(candidate);
    }
  }
  if (signers.empty()) return signers;
  const auto anchor = anchorOf(issuer, certificates_, intermediates, verification, at);
  std::erase_if(signers, [&](const auto& signer) {
    const auto other = anchorOf(signer, certificates_, intermediates, verification, at);
    return !anchor || !other || !isSameAnchor(*anchor, *other);
  });
  ERR_clear_error();
  return signers;
}

std::vector<Certificate> Authorities::issuersOf(const Certificate& certificate) const {
  std::vector<Certificate> issuers;
  for (const auto& candidate : certificates_) {
    if (!isSame(candidate, certificate) && mayHaveIssued(candidate, certificate) && signedIt(candidate, certificate))
      issuers.push_back(candidate);
  }
  ERR_clear_error();
  return issuers;
}

std::string Authorities::pem() const {
  std::string text;
  for (const auto& certificate : certificates_) text += certificate.pem();
  return text;
}

}  // namespace mpay::crypto
