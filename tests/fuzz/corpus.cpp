// Writes the seeds of all targets into a folder.
#include <filesystem>

#include "crypto/ocsp.h"
#include "mpay/messages.h"
#include "support/process.h"
#include "support/revocation.h"

using namespace mpay;
using namespace mpay::test;

namespace {

// The content of signed answers.
const std::string kOrders =
    R"(<GetOrderDetailsResponse xmlns="https://mpay.gov.md"><GetOrderDetailsResult><OrderDetails>)"
    R"(<AllowPartialPayments>true</AllowPartialPayments><Currency>MDL</Currency><CustomerType>Person</CustomerType>)"
    R"(<DueDate>2026-11-24T00:00:00</DueDate><Lines><OrderLine><AmountDue>12.50</AmountDue><DestinationAccount>)"
    R"(<BankAccount>MD77TRGAAA14153401000000</BankAccount><BankCode>TREZMD2X</BankCode>)"
    R"(<BankFiscalCode>1006601000255</BankFiscalCode><BeneficiaryName>Agenția Model</BeneficiaryName>)"
    R"(</DestinationAccount><LineID>1</LineID><Properties><OrderProperty><Name>a</Name><Required>true</Required>)"
    R"(</OrderProperty></Properties><Reason>Arenda</Reason></OrderLine></Lines><OrderKey>K1</OrderKey>)"
    R"(<Reason>Arenda</Reason><ServiceID>S1</ServiceID><Status>Active</Status>)"
    R"(<TotalAmountDue>12.50</TotalAmountDue></OrderDetails></GetOrderDetailsResult></GetOrderDetailsResponse>)";

std::string enveloped(const std::string& header, const std::string& payload) {
  return R"(<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">)" + header + "<s:Body>" + payload +
         "</s:Body></s:Envelope>";
}

}  // namespace

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
    options.nonce = OcspOptions::Nonce::None;  // the target's query has another nonce
    return answerOcsp(query.request(), signer, options);
  };
  const auto responder = authority.issue({.extendedKeyUsage = "OCSPSigning"});
  write("ocsp", {answer({}), answer({.status = Status::Revoked, .reason = 1}), answer({.status = Status::Unknown}),
                 answer({.nextUpdate = std::nullopt, .unknownCritical = true}), answer({.about = rsa.certificate}),
                 answer({.signer = signerOf(responder)}), refuseOcsp(3)});
  write("address", {"8.8.8.8", "203.0.113.0/28\n8.8.4.4", "2a00::1/64\n2a00:0:0:1::/64", "::ffff:8.8.8.8", "010.8.8.8",
                    "2002:808:808::/48", "0.0.0.0/0", "8.8.8.9/31"});
  const auto service = authority.issue({.key = KeyKind::Rsa2048});
  const auto services = soap::Signer::parse(service.certificate, service.key).value();
  const auto orders = soap::Document::parse(kOrders).value();
  soap::Signing how{.id = "1", .validity = soap::Validity{soap::Instant{}, soap::Instant{std::chrono::minutes(5)}}};
  const auto sha1 = soap::seal(orders, services, how).value();
  how.algorithm = soap::Algorithm::RsaSha256;
  const auto sha256 = soap::seal(orders, services, how).value();
  how.signsBody = false;
  write("signature", {sha1, sha256, soap::seal(orders, services, how).value(), kOrders});
  write("answer",
        {enveloped("<s:Header/>", kOrders),
         enveloped("", R"(<ConfirmOrderPaymentResponse xmlns="https://mpay.gov.md"/>)"),
         enveloped("", "<s:Fault><faultcode>s:UnknownOrder</faultcode><faultstring>No</faultstring></s:Fault>"),
         "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "<html/>"});
  writeFile(folder / "service.pem", service.certificate);
  writeFile(folder / "service.key", service.key);
  writeFile(folder / "issuer.pem", authority.certificate());
  writeFile(folder / "issuer.key", authority.key());
  writeFile(folder / "leaf.pem", leaf.certificate);
  return 0;
}
