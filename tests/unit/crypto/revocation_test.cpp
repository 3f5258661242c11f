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

// One authority with its issued certificates, and the other authorities of these tests.
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
  std::string reason;  // for the refusal; empty: accepted
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

TEST(Ocsp, TakesTheGravestOfSeveralWords) {
  const auto& p = pki();
  const auto query = OcspQuery::of(p.leaf, p.issuer).value();
  using Status = test::OcspStatus;
  using State = RevocationState;
  struct Row {
    std::string name;
    OcspOptions first;
    std::vector<test::OcspSingle> more;
    std::string refused;
    State state;
    std::string reason;
  };
  const OcspOptions good{}, revoked{.status = Status::Revoked}, held{.status = Status::Revoked, .reason = 6},
      compromised{.status = Status::Revoked, .reason = 1},
      outdated{.status = Status::Revoked, .reason = 1, .thisUpdate = -7200, .nextUpdate = -60};
  const Row rows[] = {
      {"good, then revoked", good, {{Status::Revoked, 1}}, "", State::Revoked, "keyCompromise"},
      {"revoked, then good", compromised, {{Status::Good}}, "", State::Revoked, "keyCompromise"},
      {"held, then for good", held, {{Status::Revoked, 4}}, "", State::Revoked, "superseded"},
      {"for good, then held", compromised, {{Status::Revoked, 6}}, "", State::Revoked, "keyCompromise"},
      {"for good, then without a reason", compromised, {{Status::Revoked}}, "", State::Revoked, "keyCompromise"},
      {"revoked, then unknown", revoked, {{Status::Unknown}}, "", State::Revoked, ""},
      {"good, then unknown", good, {{Status::Unknown}}, "", State::Unknown, ""},
      {"good, then released", good, {{Status::Revoked, 8}}, "", State::Good, ""},
      {"held, then released", held, {{Status::Revoked, 8}}, "", State::Revoked, "certificateHold"},
      {"good, then revoked by SHA-256", good, {{Status::Revoked, 1, "SHA256"}}, "", State::Revoked, "keyCompromise"},
      {"good, then revoked by SHA-512", good, {{Status::Revoked, 1, "SHA512"}}, "", State::Revoked, "keyCompromise"},
      {"SHA-256 alone",
       {.status = Status::Revoked, .reason = 1, .hash = "SHA256"},
       {},
       "",
       State::Revoked,
       "keyCompromise"},
      {"good, and what was revoked is outdated", good, {{Status::Revoked, 1, "SHA1", -7200, -60}}, "", State::Good, ""},
      {"what was revoked is outdated, then good", outdated, {{Status::Good}}, "", State::Good, ""},
      {"good, and what is not understood",
       good,
       {{Status::Good, -1, "SHA1", -600, 86400, true}},
       "UnsupportedResponse",
       State::Good,
       ""},
  };
  for (const auto& row : rows) {
    auto options = row.first;
    options.more = row.more;
    options.about = p.system.certificate;
    const auto finding = query.read(answerOcsp(query.request(), signerOf(p.authority), options), now());
    ASSERT_EQ(finding ? "" : finding.error().reason, row.refused) << row.name;
    if (!finding) continue;
    EXPECT_EQ(finding->state, row.state) << row.name;
    EXPECT_EQ(finding->reason, row.reason) << row.name;
  }
}

TEST(Ocsp, HoldsDelegatesToTheRulesForKeysAndUsage) {
  const auto& p = pki();
  const auto query = OcspQuery::of(p.leaf, p.issuer).value();
  using test::KeyKind;
  const auto with = [](const std::string& keyUsage, KeyKind key = KeyKind::P256, bool sha1 = false) {
    test::CertificateOptions options;
    options.commonName = "Responder";
    options.key = key;
    options.sha1 = sha1;
    options.keyUsage = keyUsage;
    options.extendedKeyUsage = "OCSPSigning";
    return options;
  };
  const std::pair<std::string, std::pair<test::CertificateOptions, std::string>> rows[] = {
      {"good", {with("critical,digitalSignature"), ""}},
      {"no key usage", {with(""), ""}},
      {"RSA", {with("", KeyKind::Rsa2048), ""}},
      {"another key usage", {with("critical,keyEncipherment"), "UnauthorizedSigner"}},
      {"non-repudiation alone", {with("critical,nonRepudiation"), "UnauthorizedSigner"}},
      {"a short key", {with("", KeyKind::Rsa1024), "UnauthorizedSigner"}},
      {"a short key of RSASSA-PSS", {with("", KeyKind::RsaPss1024), "UnauthorizedSigner"}},
      {"a strange curve", {with("", KeyKind::Secp256k1), "UnauthorizedSigner"}},
      {"DSA", {with("", KeyKind::Dsa2048), "UnauthorizedSigner"}},
      {"certified with SHA-1", {with("", KeyKind::P256, true), "UnauthorizedSigner"}},
  };
  for (const auto& [name, row] : rows) {
    const auto delegate = p.authority.issue(row.first);
    const auto finding =
        query.read(answerOcsp(query.request(), signerOf(p.authority), {.signer = signerOf(delegate)}), now());
    EXPECT_EQ(finding ? "" : finding.error().reason, row.second)
        << name << (finding ? "" : ": " + finding.error().message);
  }
}

TEST(Revocation, HasWordsForEveryReason) {
  const std::pair<int, std::string> rows[] = {{-1, ""},
                                              {0, "unspecified"},
                                              {1, "keyCompromise"},
                                              {2, "cACompromise"},
                                              {3, "affiliationChanged"},
                                              {4, "superseded"},
                                              {5, "cessationOfOperation"},
                                              {6, "certificateHold"},
                                              {9, "privilegeWithdrawn"},
                                              {10, "aACompromise"},
                                              {7, "reason 7"},
                                              {11, "reason 11"}};
  EXPECT_EQ(reasonText(8), "removeFromCRL");
  const auto& p = pki();
  const auto query = OcspQuery::of(p.leaf, p.issuer).value();
  for (const auto& [code, words] : rows) {
    EXPECT_EQ(reasonText(code), words);
    EXPECT_EQ(isForGood(words), code > 0 && code != 6) << words;
    const auto list = RevocationList::parse(
        makeList(signerOf(p.authority), {.revoked = {{p.system.certificate, code}}}), p.issuer, now());
    EXPECT_EQ(list->find(p.leaf, "")->reason, words);
    const auto finding = query.read(
        answerOcsp(query.request(), signerOf(p.authority), {.status = OcspOptions::Status::Revoked, .reason = code}),
        now());
    EXPECT_EQ(finding->reason, words);
  }
}

TEST(RevocationList, TakesTheGravestOfSeveralEntries) {
  const auto& p = pki();
  const auto& pem = p.system.certificate;
  const std::pair<std::vector<int>, std::string> rows[] = {
      {{6, 1}, "keyCompromise"}, {{1, 6}, "keyCompromise"},        {{-1, 4}, "superseded"},
      {{4, -1}, "superseded"},   {{0, 5}, "cessationOfOperation"}, {{8, 1}, "keyCompromise"},
      {{1, 8}, "keyCompromise"}, {{8, 6}, "certificateHold"}};
  for (const auto& [reasons, gravest] : rows) {
    std::vector<test::RevokedEntry> entries;
    for (const int reason : reasons) entries.push_back({pem, reason});
    const auto list = RevocationList::parse(makeList(signerOf(p.authority), {.revoked = entries}), p.issuer, now());
    const auto finding = list->find(p.leaf, "");
    EXPECT_EQ(finding->state, RevocationState::Revoked);
    EXPECT_EQ(finding->reason, gravest) << reasons[0] << " " << reasons[1];
  }
}

TEST(RevocationList, BelongsToItsPlaceHoweverThatIsNamed) {
  const auto& p = pki();
  struct Row {
    std::string list, certificate, source;
    bool belongs;
  };
  const std::string directory = "critical,fullname:dirName:directory",
                    uri = "critical,fullname:URI:http://crl.example/";
  const Row rows[] = {
      {directory, "at_directory", "http://mirror.example/", true},
      {directory, "at_another", "http://mirror.example/", false},
      {directory, "at_both", "http://mirror.example/", true},
      {uri, "at_both", "http://mirror.example/", true},
      {uri, "at_directory", "http://mirror.example/", false},
      {uri, "at_directory", "http://crl.example/", true},
      {"critical,fullname:dirName:another", "at_both", "http://mirror.example/", false},
      {"critical,relativename:relative", "at_relative", "http://mirror.example/", true},
      {"critical,relativename:relative", "at_directory", "http://mirror.example/", false},
      {"critical,fullname:URI:HTTP://CRL.Example/", "at_both", "", true},
      {uri, "URI:HTTP://CRL.EXAMPLE/", "", true},
      {uri, "URI:http://crl.example/A", "", false},
      {"critical,fullname:URI:http://crl.example/a", "URI:http://crl.example/A", "", false},
      {"critical,fullname:URI:http://crl.example/a?B", "URI:http://crl.example/a?b", "", false},
      {"critical,fullname:URI:ldap://Crl.example/cn=A", "URI:LDAP://crl.example/cn=A", "", true},
      {"critical,fullname:URI:ldap:///cn=A", "URI:LDAP:///cn=A", "", true},
      {"critical,fullname:URI:http://Me@crl.example/", "URI:http://me@crl.example/", "", false},
      {"critical,fullname:URI:http://Me@CRL.example:80", "URI:http://Me@crl.example:80", "", true},
  };
  for (const auto& row : rows) {
    const auto leaf = parsed(p.authority.issue({.distributionPoints = row.certificate}).certificate);
    const auto list =
        RevocationList::parse(makeList(signerOf(p.authority), {.issuingDistributionPoint = row.list}), p.issuer, now());
    ASSERT_TRUE(list) << row.list << ": " << list.error().message;
    EXPECT_EQ(list->find(leaf, row.source).has_value(), row.belongs)
        << row.list << " of " << row.certificate << " from " << row.source;
  }
  const auto both = parsed(p.authority.issue({.distributionPoints = "at_both"}).certificate);
  EXPECT_THAT(distributionPoints(both), ::testing::ElementsAre("http://crl.example/"));
}

TEST(RevocationList, MayBeSignedWithAnotherKeyOfItsIssuer) {
  const auto& p = pki();
  const Authority signing = p.authority.subordinate("Issuing CA"), lists = p.authority.subordinate("Issuing CA"),
                  elsewhere = p.authority.subordinate("Other CA");
  const auto leaf = signing.issue();
  const auto bytes = makeList(signerOf(lists), {.revoked = {{leaf.certificate, 1}}});
  const auto issuer = parsed(signing.certificate());
  const std::vector<Certificate> signers{parsed(lists.certificate())}, others{parsed(elsewhere.certificate())};
  EXPECT_EQ(RevocationList::parse(bytes, issuer, now()).error().reason, "BadSignature");
  EXPECT_EQ(RevocationList::parse(bytes, issuer, now(), others).error().reason, "BadSignature");
  EXPECT_EQ(RevocationList::parse(makeList(signerOf(elsewhere)), issuer, now(), others).error().reason, "WrongIssuer");
  const auto list = RevocationList::parse(bytes, issuer, now(), signers);
  ASSERT_TRUE(list) << list.error().message;
  EXPECT_EQ(list->find(parsed(leaf.certificate), "")->reason, "keyCompromise");
  EXPECT_TRUE(RevocationList::parse(makeList(signerOf(signing)), issuer, now(), signers)) << "its own key still";
  // An authority may sign its lists with the other key only.
  const Authority certifying = p.authority.subordinate(test::CertificateOptions{
      .commonName = "Issuing CA",
      .extensions =
          std::vector<std::string>{"basicConstraints=CA:TRUE", "keyUsage=keyCertSign", "subjectKeyIdentifier=hash"}});
  EXPECT_TRUE(RevocationList::parse(bytes, parsed(certifying.certificate()), now(), signers));
}

}  // namespace
}  // namespace mpay::crypto
