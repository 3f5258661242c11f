// Writes the seeds of all targets into a folder.
#include <filesystem>

#include "crypto/ocsp.h"
#include "support/process.h"
#include "support/revocation.h"

using namespace mpay;
using namespace mpay::test;

int main(int, char** argv) {
  const std::filesystem::path folder(argv[1]);
  const auto write = [&](const std::string& target, const std::vector<std::string>& seeds) {
    std::filesystem::create_directories(folder / target);
    for (std::size_t i = 0; i < seeds.size(); ++i) writeFile(folder / target / std::to_string(i), seeds[i]);
  };
  const Authority authority;
  const auto signer = signerOf(authority);
  const auto leaf = authority.issue({.organizations = {"Agenția Model"},
                                     .serialNumber = "1006601000255",
                                     .distributionPoints = "URI:http://crl.example/",
                                     .informationAccess = "OCSP;URI:http://ocsp.example/"});
  const auto rsa = authority.issue({.key = KeyKind::Rsa2048, .alternativeNames = "DNS:a.example,IP:127.0.0.1"});
  write("certificate", {leaf.certificate, leaf.der, rsa.certificate, rsa.der,
                        leaf.certificate + authority.certificate(), authority.certificate(), leaf.key});
  write("crl",
        {makeList(signer), makeList(signer, {.revoked = {{leaf.certificate, 1}, {rsa.certificate}}}),
         makeList(signer, {.revoked = {{leaf.certificate, 8}}, .delta = true, .unknownCritical = true}),
         makeList(signer, {.issuingDistributionPoint = "critical,fullname:URI:http://crl.example/,onlyuser:TRUE"}),
         makeList(signer, {.issuingDistributionPoint = "critical,onlysomereasons:keyCompromise"}),
         pemOfList(makeList(signer))});
  using Status = OcspOptions::Status;
  const auto query = crypto::OcspQuery::of(crypto::Certificate::parse(leaf.certificate).value(),
                                           crypto::Certificate::parse(authority.certificate()).value())
                         .value();
  const auto answer = [&](OcspOptions options) {
    options.nonce = OcspOptions::Nonce::None;  // the target's query has another
    return answerOcsp(query.request(), signer, options);
  };
  const auto responder = authority.issue({.extendedKeyUsage = "OCSPSigning"});
  write("ocsp", {answer({}), answer({.status = Status::Revoked, .reason = 1}), answer({.status = Status::Unknown}),
                 answer({.nextUpdate = std::nullopt, .unknownCritical = true}), answer({.about = rsa.certificate}),
                 answer({.signer = signerOf(responder)}), refuseOcsp(3)});
  write("address", {"8.8.8.8", "203.0.113.0/28\n8.8.4.4", "2a00::1/64\n2a00:0:0:1::/64", "::ffff:8.8.8.8", "010.8.8.8",
                    "2002:808:808::/48", "0.0.0.0/0", "8.8.8.9/31"});
  writeFile(folder / "issuer.pem", authority.certificate());
  writeFile(folder / "issuer.key", authority.key());
  writeFile(folder / "leaf.pem", leaf.certificate);
  return 0;
}
