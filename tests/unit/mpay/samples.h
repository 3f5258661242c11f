// Keys, payloads and times for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "mpay/messages.h"
#include "support/pki.h"

namespace mpay::soap::test {

inline constexpr WallTime kNow{std::chrono::seconds(1'752'133'885)};  // 2025-07-10T07:51:25Z

inline const Validity kValidity{Instant(kNow) + Duration(959), Instant(kNow) + std::chrono::minutes(5) + Duration(959)};

// Two systems certified by the same authority.
struct Keys {
  mpay::test::Authority authority;
  mpay::test::Identity ours = authority.issue({.commonName = "MPay", .key = mpay::test::KeyKind::Rsa2048});
  mpay::test::Identity theirs = authority.issue({.commonName = "SIA Altul", .key = mpay::test::KeyKind::Rsa2048});
  Signer signer = Signer::parse(ours.certificate, ours.key).value();
  Signer other = Signer::parse(theirs.certificate, theirs.key).value();
};

inline const Keys& keys() {
  static const Keys made;
  return made;
}

// An answer with one line, like the guide's sample.
inline std::string orderXml() {
  return R"(<GetOrderDetailsResponse xmlns="https://mpay.gov.md"><GetOrderDetailsResult>)"
         R"(<OrderDetails xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><Currency>MDL</Currency>)"
         R"(<CustomerID>2006022048426</CustomerID><CustomerName>Nume Prenume</CustomerName>)"
         R"(<CustomerType>Person</CustomerType><IssuedAt>2025-07-10T09:26:29.463</IssuedAt><Lines><OrderLine>)"
         R"(<AllowAdvancePayments>false</AllowAdvancePayments><AllowPartialPayments>false</AllowPartialPayments>)"
         R"(<AmountDue>9267.00</AmountDue><DestinationAccount><BankAccount>MD77TRGAAA14153401000000</BankAccount>)"
         R"(<BankCode>TREZMD2X</BankCode><BankFiscalCode>1006601000255</BankFiscalCode>)"
         R"(<BeneficiaryName>Agenția Model</BeneficiaryName></DestinationAccount><LineID>Base:1|Nb-1</LineID>)"
         R"(<Properties><OrderProperty><DisplayName>Descrierea plății</DisplayName><Id>7254f94c</Id>)"
         R"(<IsVisible>true</IsVisible><Name>Description</Name><Required>true</Required><Type>LineDescription</Type>)"
         R"(<Value>Arenda</Value></OrderProperty></Properties><Reason>Agenția Model</Reason></OrderLine></Lines>)"
         R"(<OrderKey>MDS02250710092629689</OrderKey><Reason>Plata pentru arenda terenului</Reason>)"
         R"(<ServiceID>MDS02</ServiceID><Status>Active</Status><TotalAmountDue>9267.00</TotalAmountDue>)"
         R"(</OrderDetails></GetOrderDetailsResult></GetOrderDetailsResponse>)";
}

inline Document order() { return Document::parse(orderXml()).value(); }

inline Signing signing(Algorithm algorithm = Algorithm::RsaSha1) {
  return {.id = "653470e3c2154f72aa12ccc097940986", .validity = kValidity, .algorithm = algorithm};
}

// The same answer with a correct signature.
inline std::string signedOrder(Algorithm algorithm = Algorithm::RsaSha1) {
  return seal(order(), keys().signer, signing(algorithm)).value();
}

inline Verification verified(const std::string& bytes,
                             const std::vector<Algorithm>& allowed = {Algorithm::RsaSha1, Algorithm::RsaSha256}) {
  const auto envelope = Envelope::parse(bytes);
  if (!envelope) {
    ADD_FAILURE() << envelope.error().message;
    return {};
  }
  return verify(*envelope, keys().signer.certificate(), allowed);
}

inline std::string reasons(const Verification& verification) {
  std::string all;
  for (const auto& problem : verification.problems) all += (all.empty() ? "" : " ") + problem.reason;
  return all;
}

// Replaces the first `from` in `text`, which must be there.
inline std::string with(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos) {
    ADD_FAILURE() << "not there: " << from;
    return text;
  }
  return text.replace(at, from.size(), to);
}

}  // namespace mpay::soap::test
