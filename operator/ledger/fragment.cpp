#include "ledger/fragment.h"

#include <algorithm>

#include "crypto/digest.h"

namespace mpay::ledger {

Fingerprints fingerprintsOf(const crypto::Certificate& certificate, std::vector<std::string> intermediates) {
  return {certificate.sha1(),
          certificate.sha256(),
          formatTime(certificate.notAfter()),
          crypto::base64(certificate.der()),
          std::nullopt,
          std::nullopt,
          std::move(intermediates)};
}

std::optional<crypto::Certificate> certificateIn(const std::optional<std::string>& base64) {
  auto certificate = base64 ? crypto::Certificate::parseBase64(*base64) : fail(Error{});
  return certificate ? std::optional(std::move(*certificate)) : std::nullopt;
}

std::vector<std::string> textsOf(const crypto::Intermediates& intermediates) {
  std::vector<std::string> texts;
  for (const auto& intermediate : intermediates) texts.push_back(crypto::base64(intermediate.der()));
  return texts;
}

crypto::Intermediates intermediatesOf(const std::vector<std::string>& texts) {
  crypto::Intermediates intermediates;
  for (const auto& text : texts) {
    if (auto intermediate = certificateIn(text)) intermediates.push_back(std::move(*intermediate));
  }
  return intermediates;
}

bool publishes(const std::optional<Fragment>& fragment, const std::string& sha256) {
  return fragment && std::any_of(fragment->certificates.begin(), fragment->certificates.end(),
                                 [&](const auto& published) { return published.sha256 == sha256; });
}

std::string currentHash(const Fragment& fragment, const std::string& text) {
  Fragment current = fragment;
  if (std::erase_if(current.certificates, isEarlier) == 0) return crypto::sha256Hex(text);
  return crypto::sha256Hex(json::canonical(json::encode(current)));
}

Contribution::Contribution(Fragment of)
    : fragment(std::move(of)),
      addresses(domain::AddressSet::ofTexts(fragment.addresses)),
      posAddresses(domain::AddressSet::ofTexts(fragment.posAddresses)) {}

}  // namespace mpay::ledger
