#include "crypto/revocation.h"

#include <gmock/gmock.h>

#include "crypto/crl.h"
#include "crypto/ocsp.h"
#include "support/revocation.h"

namespace mpay::crypto {
namespace {

using test::Authority;
using test::Identity;
using test::ListOptions;
using test::OcspOptions;
using test::signerOf;

WallTime now() { return systemClock().now(); }

Certificate parsed(const std::string& pem) { return Certificate::parse(pem).value(); }

// One authority, and who has to do with it.
struct Pki {
  const Authority authority{"STISC Model CA"}, sameName{"STISC Model CA"}, another{"Another CA"};
  const Authority subordinate = authority.subordinate("STISC Model CA 2");
  const Certificate issuer = parsed(authority.certificate());
  const Identity system = authority.issue({.commonName = "SIA"}), other = authority.issue({.commonName = "Other"});
  const Certificate leaf = parsed(system.certificate);
  const Identity noLists = test::selfSigned({.commonName = "No lists", .keyUsage = "critical,digitalSignature"});
};

const Pki& pki() {
  static const Pki made;
  return made;
}

struct ListRow {
  std::string name;
  std::string bytes;
  std::string reason;  // of the refusal; empty: it is taken
};

TEST(RevocationList, IsTakenOnlyWhereItCanBeReliedOn) {
  const auto& p = pki();
  const auto mine = signerOf(p.authority);
  const auto list = [&](const ListOptions& options) { return makeList(mine, options); };
  const std::string good = list({});
  std::string damaged = good;
  damaged[damaged.size() - 4] = static_cast<char>(damaged[damaged.size() - 4] ^ 1);
  std::string forged = list({.revoked = {{p.system.certificate}}});
  forged[forged.find("STISC Model CA")] = 'Z';
  const ListRow rows[] = {
      {"good", good, ""},
      {"PEM", test::pemOfList(good), ""},
      {"only of users", list({.issuingDistributionPoint = "critical,onlyuser:TRUE"}), ""},
      {"of now", list({.thisUpdate = 0, .nextUpdate = 1}), ""},
      {"a clock that is ahead", list({.thisUpdate = 200}), ""},
      {"empty", "", "MalformedList"},
      {"no list", p.system.der, "MalformedList"},
      {"truncated", good.substr(0, good.size() - 1), "MalformedList"},
      {"with more behind it", good + "x", "MalformedList"},
      {"twice", test::pemOfList(good) + test::pemOfList(good), "MalformedList"},
      {"too large", std::string(kMaximumListBytes + 1, '0'), "ListTooLarge"},
      {"another issuer", makeList(signerOf(p.another)), "WrongIssuer"},
      {"another name in it", forged, "WrongIssuer"},
      {"the issuer's name, another's key", makeList(signerOf(p.sameName)), "BadSignature"},
      {"bad signature", damaged, "BadSignature"},
      {"SHA-1", list({.sha1 = true}), "BadSignature"},
      {"delta", list({.delta = true}), "UnsupportedList"},
      {"unknown critical extension", list({.unknownCritical = true}), "UnsupportedList"},
      {"the same of an entry", list({.revoked = {{p.other.certificate, -1, true}}}), "UnsupportedList"},
      {"indirect", list({.issuingDistributionPoint = "critical,indirectCRL:TRUE"}), "UnsupportedList"},
      {"only of authorities", list({.issuingDistributionPoint = "critical,onlyCA:TRUE"}), "UnsupportedList"},
      {"only of attributes", list({.issuingDistributionPoint = "critical,onlyAA:TRUE"}), "UnsupportedList"},
      {"some reasons only", list({.issuingDistributionPoint = "critical,onlysomereasons:keyCompromise"}),
       "UnsupportedList"},
      {"its place without a URI", list({.issuingDistributionPoint = "critical,fullname:DNS:crl.example"}),
       "UnsupportedList"},
      {"not yet valid", list({.thisUpdate = 3600}), "ListNotYetValid"},
      {"outdated", list({.thisUpdate = -7200, .nextUpdate = -60}), "ListOutdated"},
      {"no next one", list({.nextUpdate = std::nullopt}), "ListOutdated"},
  };
  for (const auto& row : rows) {
    const auto parsedList = RevocationList::parse(row.bytes, p.issuer, now());
    EXPECT_EQ(parsedList ? "" : parsedList.error().reason, row.reason)
        << row.name << (parsedList ? "" : ": " + parsedList.error().message);
  }
}

TEST(RevocationList, IsOfAnIssuerThatMaySignLists) {
  const auto& p = pki();
  const auto list = RevocationList::parse(makeList(signerOf(p.noLists)), parsed(p.noLists.certificate), now());
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().reason, "WrongIssuer");
}

TEST(RevocationList, SaysWhoIsRevoked) {
  const auto& p = pki();
  struct Row {
    std::string name;
    std::vector<test::RevokedEntry> revoked;
    RevocationState state;
    std::string reason;
  };
  const auto& pem = p.system.certificate;
  std::vector<test::RevokedEntry> many{{pem, 4}};
  for (int i = 0; i < 40; ++i) many.insert(many.begin() + i / 2, {p.authority.issue().certificate});
  const Row rows[] = {
      {"nobody", {}, RevocationState::Good, ""},
      {"another", {{p.other.certificate, 1}}, RevocationState::Good, ""},
      {"revoked", {{p.other.certificate}, {pem}}, RevocationState::Revoked, ""},
      {"with a reason", {{pem, 1}}, RevocationState::Revoked, "keyCompromise"},
      {"among many", many, RevocationState::Revoked, "superseded"},
      {"on hold", {{pem, 6}}, RevocationState::Revoked, "certificateHold"},
      {"released from a hold", {{pem, 8}}, RevocationState::Good, ""},
  };
  for (const auto& row : rows) {
    const auto list = RevocationList::parse(makeList(signerOf(p.authority), {.revoked = row.revoked}), p.issuer, now());
    ASSERT_TRUE(list) << row.name << ": " << list.error().message;
    const auto finding = list->find(p.leaf, "");
    ASSERT_TRUE(finding) << row.name << ": " << finding.error().message;
    EXPECT_EQ(finding->state, row.state) << row.name;
    EXPECT_EQ(finding->reason, row.reason) << row.name;
    EXPECT_EQ(finding->revokedAt.has_value(), row.state == RevocationState::Revoked) << row.name;
    EXPECT_EQ(finding->nextUpdate, list->nextUpdate()) << row.name;
    EXPECT_EQ(finding->thisUpdate, list->thisUpdate()) << row.name;
    EXPECT_LT(list->thisUpdate(), now()) << row.name;
  }
}

TEST(RevocationList, SaysNothingOfCertificatesThatAreNotItsOwn) {
  const auto& p = pki();
  const auto list = RevocationList::parse(makeList(signerOf(p.authority)), p.issuer, now()).value();
  const auto finding = list.find(parsed(p.subordinate.issue().certificate), "");
  ASSERT_FALSE(finding);
  EXPECT_EQ(finding.error().reason, "WrongIssuer");

  const auto leaf = parsed(p.authority.issue({.distributionPoints = "URI:http://crl.example/2.crl"}).certificate);
  struct Row {
    std::string place, source;
    bool belongs;
  };
  const Row rows[] = {{"http://crl.example/2.crl", "", true},
                      {"http://crl.example/2.crl", "http://mirror.example/2.crl", true},
                      {"http://crl.example/1.crl", "http://crl.example/2.crl", false},
                      {"http://crl.example/1.crl", "http://crl.example/1.crl", false}};
  const auto nowhere = parsed(p.authority.issue().certificate);
  for (const auto& row : rows) {
    const auto bytes =
        makeList(signerOf(p.authority), {.issuingDistributionPoint = "critical,fullname:URI:" + row.place});
    const auto placed = RevocationList::parse(bytes, p.issuer, now());
    ASSERT_TRUE(placed) << placed.error().message;
    EXPECT_EQ(placed->find(leaf, row.source).has_value(), row.belongs) << row.place << " from " << row.source;
    EXPECT_EQ(placed->find(nowhere, row.source).has_value(), row.place == row.source)
        << "a certificate that names none";
  }
}

TEST(Revocation, TellsWhereItIsToBeHad) {
  const auto leaf =
      parsed(pki()
                 .authority
                 .issue({.distributionPoints = "URI:http://a.example/1.crl,DNS:a.example,URI:ldap://b.example/cn=x",
                         .informationAccess = "caIssuers;URI:http://a.example/ca,OCSP;URI:http://ocsp.example/"})
                 .certificate);
  EXPECT_THAT(distributionPoints(leaf), ::testing::ElementsAre("http://a.example/1.crl", "ldap://b.example/cn=x"));
  EXPECT_THAT(ocspResponders(leaf), ::testing::ElementsAre("http://ocsp.example/"));
  EXPECT_TRUE(distributionPoints(pki().leaf).empty());
  EXPECT_TRUE(ocspResponders(pki().leaf).empty());
  std::string many;
  for (int i = 0; i < 50; ++i) many += (i ? ",URI:http://a.example/" : "URI:http://a.example/") + std::to_string(i);
  EXPECT_EQ(distributionPoints(parsed(pki().authority.issue({.distributionPoints = many}).certificate)).size(), 8u);
}

TEST(Ocsp, TakesAResponseOnlyWhereItCanBeReliedOn) {
  const auto& p = pki();
  const auto query = OcspQuery::of(p.leaf, p.issuer).value();
  const auto mine = signerOf(p.authority);
  const auto answered = [&](const OcspOptions& options) { return answerOcsp(query.request(), mine, options); };
  const auto signedBy = [&](const Identity& who) { return answered({.signer = signerOf(who)}); };
  const auto responder = [&](const Authority& by, test::CertificateOptions options) {
    options.commonName = "Responder";
    if (options.extendedKeyUsage == "clientAuth,serverAuth") options.extendedKeyUsage = "OCSPSigning";
    return by.issue(options);
  };
  const std::string good = answered({});
  std::string altered = good;
  altered[altered.find("\x18\x0f") + 15] ^= 1;  // a digit of producedAt
  const auto ofSubordinate = responder(p.subordinate, {});
  const std::pair<std::string, std::pair<std::string, std::string>> rows[] = {
      {"good", {good, ""}},
      {"without a nonce", {answered({.nonce = OcspOptions::Nonce::None}), ""}},
      {"delegated", {signedBy(responder(p.authority, {})), ""}},
      {"without nextUpdate", {answered({.nextUpdate = std::nullopt}), ""}},
      {"a clock that is ahead", {answered({.thisUpdate = 200}), ""}},
      {"empty", {"", "MalformedResponse"}},
      {"truncated", {good.substr(0, good.size() - 1), "MalformedResponse"}},
      {"with more behind it", {good + "x", "MalformedResponse"}},
      {"HTML", {"<html>", "MalformedResponse"}},
      {"too large", {std::string(kMaximumOcspBytes + 1, '0'), "ResponseTooLarge"}},
      {"tryLater", {test::refuseOcsp(3), "ResponderRefused"}},
      {"unauthorized", {test::refuseOcsp(6), "ResponderRefused"}},
      {"bad signature", {altered, "BadSignature"}},
      {"SHA-1", {answered({.sha1 = true}), "BadSignature"}},
      {"another authority", {answered({.signer = signerOf(p.another)}), "UnauthorizedSigner"}},
      {"another authority of that name", {answered({.signer = signerOf(p.sameName)}), "BadSignature"}},
      {"delegated without the usage", {signedBy(p.other), "UnauthorizedSigner"}},
      {"the system itself", {signedBy(p.system), "UnauthorizedSigner"}},
      {"delegated, expired", {signedBy(responder(p.authority, {.validFor = -60})), "UnauthorizedSigner"}},
      {"delegated, not yet valid", {signedBy(responder(p.authority, {.validFrom = 3600})), "UnauthorizedSigner"}},
      {"delegated by another authority", {signedBy(responder(p.another, {})), "UnauthorizedSigner"}},
      {"delegated by one below the issuer",
       {answered({.signer = signerOf(ofSubordinate), .chain = {p.subordinate.certificate()}}), "UnauthorizedSigner"}},
      {"wrong nonce", {answered({.nonce = OcspOptions::Nonce::Other}), "WrongNonce"}},
      {"of another certificate", {answered({.about = p.other.certificate}), "WrongCertificate"}},
      {"unknown critical extension", {answered({.unknownCritical = true}), "UnsupportedResponse"}},
      {"not yet valid", {answered({.thisUpdate = 3600}), "ResponseNotYetValid"}},
      {"outdated", {answered({.thisUpdate = -7200, .nextUpdate = -60}), "ResponseOutdated"}},
      {"old, without nextUpdate", {answered({.thisUpdate = -7200, .nextUpdate = std::nullopt}), "ResponseOutdated"}},
  };
  for (const auto& [name, row] : rows) {
    const auto finding = query.read(row.first, now());
    EXPECT_EQ(finding ? "" : finding.error().reason, row.second)
        << name << (finding ? "" : ": " + finding.error().message);
  }
  const auto later = now() + std::chrono::hours(2);
  EXPECT_TRUE(query.read(signedBy(responder(p.authority, {.validFrom = 3600})), later)) << "the given time counts";
  EXPECT_FALSE(query.read(signedBy(responder(p.authority, {.validFor = 3600})), later));
  EXPECT_EQ(query.read(good, now() + std::chrono::days(2)).error().reason, "ResponseOutdated")
      << "the given time counts";
}

TEST(Ocsp, IsAskedOfTheIssuerThatIssued) {
  const auto& p = pki();
  const auto system = p.subordinate.issue();
  const auto query = OcspQuery::of(parsed(system.certificate), parsed(p.subordinate.certificate())).value();
  EXPECT_TRUE(query.read(answerOcsp(query.request(), signerOf(p.subordinate)), now()))
      << "an issuer that is no root is trusted all the same";
  const auto byRoot =
      query.read(answerOcsp(query.request(), signerOf(p.subordinate), {.signer = signerOf(p.authority)}), now());
  ASSERT_FALSE(byRoot);
  EXPECT_EQ(byRoot.error().reason, "UnauthorizedSigner");
}

TEST(Ocsp, SaysWhoIsRevoked) {
  const auto& p = pki();
  const auto query = OcspQuery::of(p.leaf, p.issuer).value();
  using Status = OcspOptions::Status;
  struct Row {
    std::string name;
    Status status;
    int reason;
    RevocationState state;
    std::string said;
  };
  const Row rows[] = {{"good", Status::Good, -1, RevocationState::Good, ""},
                      {"revoked", Status::Revoked, -1, RevocationState::Revoked, ""},
                      {"with a reason", Status::Revoked, 1, RevocationState::Revoked, "keyCompromise"},
                      {"on hold", Status::Revoked, 6, RevocationState::Revoked, "certificateHold"},
                      {"released from a hold", Status::Revoked, 8, RevocationState::Good, ""},
                      {"unknown", Status::Unknown, -1, RevocationState::Unknown, ""}};
  for (const auto& row : rows) {
    const auto finding = query.read(
        answerOcsp(query.request(), signerOf(p.authority), {.status = row.status, .reason = row.reason}), now());
    ASSERT_TRUE(finding) << row.name << ": " << finding.error().message;
    EXPECT_EQ(finding->state, row.state) << row.name;
    EXPECT_EQ(finding->reason, row.said) << row.name;
    EXPECT_EQ(finding->revokedAt.has_value(), row.state == RevocationState::Revoked) << row.name;
    EXPECT_TRUE(finding->nextUpdate) << row.name;
  }
}

}  // namespace
}  // namespace mpay::crypto
