#include "mpay/security.h"

#include <openssl/err.h>

#include <atomic>
#include <functional>
#include <thread>

#include "support/process.h"
#include "unit/mpay/samples.h"

namespace mpay::soap::test {
namespace {

// The first element of that tag with its content, as in the text.
std::string cut(const std::string& text, const std::string& tag) {
  const std::string closing = "</" + tag + ">";
  const auto begin = std::min(text.find("<" + tag + " "), text.find("<" + tag + ">"));
  const auto end = text.find(closing, begin);
  if (begin == std::string::npos || end == std::string::npos) {
    ADD_FAILURE() << "not there: " << tag;
    return {};
  }
  return text.substr(begin, end + closing.size() - begin);
}

// Replaces everything that differs between two keys by its name.
std::string withoutKey(std::string text) {
  for (const auto& [tag, name] : {std::pair("o:BinarySecurityToken", "TOKEN"), std::pair("SignatureValue", "VALUE"),
                                  std::pair("ds:SignatureValue", "VALUE")}) {
    if (text.find(std::string("<") + tag) == std::string::npos) continue;
    const auto element = cut(text, tag);
    const auto begin = element.find('>') + 1;
    text = with(text, element.substr(begin, element.rfind("</") - begin), name);
  }
  return text;
}

Confirmation confirmation() {
  return {
      .invoiceId = "00069002233014",
      .lines = {{.amount = Amount::parse("9267").value(),
                 .account =
                     DestinationAccount{
                         .bankAccount = "", .bankCode = "", .bankFiscalCode = "", .beneficiaryName = "", .empty = true},
                 .lineId = "Base:1|Nb-1",
                 .properties = {{"Cont beneficiar", "MD77TRGAAA14153401000000"}}}},
      .orderKey = "MDS02250710092629689",
      .paidAt = "2025-07-10T10:51:23",
      .paymentId = "79042133",
      .properties = {{"Bank", "MAIB (Card) & <altele>"}},
      .serviceId = "MDS02",
      .totalAmount = Amount::parse("9267.00").value()};
}

TEST(Sealing, RequestsAreTheRecordedBytes) {
  const auto query = getOrderDetails({.language = "ro", .orderKey = "MDS02250710092629689", .serviceId = "MDS02"});
  const auto sha256 = signing(Algorithm::RsaSha256);
  const auto stranger = getOrderDetails({.orderKey = "MDS02250710092629690", .serviceId = "MDS02"});
  auto unsignedOne = signing();
  unsignedOne.signature = false;
  auto timestampAlone = signing();
  timestampAlone.signsBody = false;
  auto withoutTimestamp = signing();
  withoutTimestamp.validity.reset();
  auto tampered = signing();
  tampered.tampered = stranger;
  auto prefixed = signing(), listed = signing();
  prefixed.prefixes = Prefixes::All;
  listed.prefixes = Prefixes::Listed;
  const std::vector<std::tuple<std::string, Document, Signing>> table{
      {"get-order-details", query, signing()},
      {"prefixed", query, prefixed},
      {"prefix-list", confirmOrderPayment(confirmation()), listed},
      {"get-order-details-sha256", query, sha256},
      {"confirm-order-payment", confirmOrderPayment(confirmation()), signing()},
      {"unsigned", query, unsignedOne},
      {"timestamp-alone", query, timestampAlone},
      {"without-timestamp", query, withoutTimestamp},
      {"tampered", query, tampered},
  };
  const std::filesystem::path golden = MPAY_SOURCE_DIR "/tests/unit/mpay/golden";
  for (const auto& [name, payload, how] : table) {
    const auto sealed = seal(payload, keys().signer, how);
    ASSERT_TRUE(sealed) << name;
    EXPECT_EQ(seal(payload, keys().signer, how).value(), *sealed) << name << ": the same again";
    const auto file = golden / (name + ".xml");
    // MPAY_RECORD records the files anew. The diff shows the changes, and contains no key.
    if (std::getenv("MPAY_RECORD") != nullptr) mpay::test::writeFile(file, withoutKey(*sealed) + "\n");
    EXPECT_EQ(withoutKey(*sealed) + "\n", mpay::test::readFile(file)) << name;
  }
}

TEST(Sealing, TheDefectiveRequestsAreDefectiveInOneThing) {
  struct Row {
    const char* name;
    std::function<void(Signing&)> change;
    std::string reasons;
  };
  const std::vector<Row> table{
      {"none", [](Signing&) {}, ""},
      {"unsigned", [](Signing& how) { how.signature = false; }, "MissingSignature"},
      {"Timestamp alone", [](Signing& how) { how.signsBody = false; }, "BodyNotSigned"},
      {"without Timestamp", [](Signing& how) { how.validity.reset(); }, "TimestampNotSigned"},
      {"tampered", [](Signing& how) { how.tampered = getOrderDetails({.orderKey = "2", .serviceId = "S"}); },
       "DigestMismatch"},
  };
  for (const auto& row : table) {
    auto how = signing();
    row.change(how);
    const auto found = verified(seal(order(), keys().signer, how).value());
    EXPECT_EQ(reasons(found), row.reasons) << row.name;
    EXPECT_EQ(found.body.has_value(), row.reasons.empty()) << row.name;
  }
  auto withoutTimestamp = signing();
  withoutTimestamp.validity.reset();
  EXPECT_NE(
      verified(seal(order(), keys().signer, withoutTimestamp).value()).problems.at(0).message.find("no Timestamp"),
      std::string::npos);
  const auto stranger = Signer::stranger("MPay", kNow).value();
  const auto foreign = verified(seal(order(), stranger, signing()).value());
  EXPECT_EQ(reasons(foreign), "SignatureMismatch");
  EXPECT_EQ(foreign.signatureByEmbedded, Holds::Yes);
  EXPECT_FALSE(foreign.keyInfoNamesRegistered);
  const auto pretended = verified(seal(order(), stranger.presenting(keys().signer.certificate()), signing()).value());
  EXPECT_EQ(reasons(pretended), "SignatureMismatch");
  EXPECT_EQ(pretended.signatureByEmbedded, Holds::No);
  EXPECT_TRUE(pretended.keyInfoNamesRegistered);
}

// Requests with different prefixes are otherwise the same, and verify.
TEST(Sealing, PrefixesChangeNothingElse) {
  for (const auto prefixes : {Prefixes::Few, Prefixes::All, Prefixes::Listed}) {
    auto how = signing();
    how.prefixes = prefixes;
    const auto text = seal(confirmOrderPayment(confirmation()), keys().signer, how).value();
    const auto found = verified(text);
    EXPECT_EQ(reasons(found), "");
    EXPECT_TRUE(found.exclusiveCanonicalization);
    EXPECT_EQ(text.find("xmlns=\"" + std::string(ns::kMPay)) == std::string::npos, prefixes != Prefixes::Few);
    EXPECT_EQ(text.find("PrefixList") != std::string::npos, prefixes == Prefixes::Listed);
    const auto payload = found.body->children().front();
    EXPECT_TRUE(payload.is(ns::kMPay, kConfirmOrderPayment));
    const auto inside = payload.child(ns::kMPay, "confirmation");
    ASSERT_TRUE(inside);
    EXPECT_EQ(inside->child(ns::kMPay, "InvoiceID")->text(), "00069002233014");
    how.tampered = getOrderDetails({.orderKey = "1", .serviceId = "1"});
    EXPECT_EQ(reasons(verified(seal(confirmOrderPayment(confirmation()), keys().signer, how).value())),
              "DigestMismatch");
  }
}

TEST(Sealing, RefusesWhatIsNoRequest) {
  for (const auto& id : std::vector<std::string>{"", "a b", "a\"", "a:b", std::string(65, 'a')}) {
    auto how = signing();
    how.id = id;
    const auto sealed = seal(order(), keys().signer, how);
    EXPECT_FALSE(sealed) << id;
    EXPECT_EQ(sealed ? "" : sealed.error().reason, "InvalidField") << id;
  }
  auto nothing = signing();
  nothing.signsBody = false;
  nothing.validity.reset();
  EXPECT_EQ(seal(order(), keys().signer, nothing).error().reason, "InvalidField");
}

TEST(Sealing, SignersAreAnRsaKeyWithItsCertificate) {
  const auto& ours = keys().ours;
  EXPECT_EQ(Signer::parse(ours.certificate, keys().theirs.key).error().reason, "KeyMismatch");
  EXPECT_EQ(Signer::parse(ours.certificate, "none").error().reason, "MalformedKey");
  EXPECT_EQ(Signer::parse("none", ours.key).error().reason, "MalformedCertificate");
  const auto curve = keys().authority.issue();
  EXPECT_EQ(Signer::parse(curve.certificate, curve.key).error().reason, "UnsupportedKey");
}

TEST(Verifying, SaysEverythingOfASoundAnswer) {
  for (const auto algorithm : {Algorithm::RsaSha1, Algorithm::RsaSha256}) {
    const auto envelope = Envelope::parse(signedOrder(algorithm)).value();
    const auto found = verify(envelope, keys().signer.certificate());
    EXPECT_EQ(reasons(found), "");
    ASSERT_TRUE(found.body);
    EXPECT_EQ(*found.body, *envelope.body());
    EXPECT_TRUE(found.present);
    EXPECT_EQ(found.algorithm, algorithm);
    EXPECT_TRUE(found.exclusiveCanonicalization);
    EXPECT_EQ(found.keyInfo, KeyInfoForm::BinarySecurityToken);
    EXPECT_TRUE(found.keyInfoNamesRegistered);
    EXPECT_EQ(found.signatureByRegistered, Holds::Yes);
    EXPECT_EQ(found.signatureByEmbedded, Holds::Yes);
    EXPECT_EQ(found.references.size(), 2u);
    EXPECT_EQ(found.digests(), Holds::Yes);
    EXPECT_EQ(found.digests(Covered::Body), Holds::Yes);
    EXPECT_EQ(found.digests(Covered::Token), Holds::Unchecked);
    EXPECT_TRUE(found.covers(Covered::Timestamp));
    EXPECT_FALSE(found.covers(Covered::Other));
    EXPECT_EQ(found.timestamp->createdAt, kValidity.created);
    EXPECT_EQ(found.timestamp->expiresAt, kValidity.expires);
    EXPECT_TRUE(found.timestamp->utc);
    EXPECT_FALSE(found.signatureValue.empty());
    // Nothing of the first verification stays.
    EXPECT_EQ(reasons(verify(envelope, keys().signer.certificate())), "");
    EXPECT_EQ(reasons(verify(envelope, keys().other.certificate())), "SignatureMismatch");
  }
}

struct Attack {
  const char* name;
  std::function<std::string(std::string)> change;
  std::string reasons;  // all of them
};

// Attacks on one signed answer. `evil` is the content that the attacker wants to be read.
TEST(Verifying, UsesNothingButWhatWasSignedInItsPlace) {
  const std::string sound = signedOrder();
  const std::string body = cut(sound, "s:Body");
  const std::string timestamp = cut(sound, "u:Timestamp");
  const std::string signature = cut(sound, "Signature");
  const std::string security = cut(sound, "o:Security");
  const std::string id = signing().id;
  const std::string evil = "<s:Body><GetOrderDetailsResponse xmlns=\"https://mpay.gov.md\"/></s:Body>";
  const auto evilWith = [&](const std::string& attributes) {
    return with(evil, "<s:Body>", "<s:Body " + attributes + ">");
  };
  const auto moved = [&](const std::string& from, const std::string& before, const std::string& newBody) {
    // The signed Body goes into a wrapper before `before`, and newBody takes its place.
    return with(with(from, body, newBody), before, "<w>" + body + "</w>" + before);
  };
  const auto transform = [](std::string text, const std::string& algorithm, const std::string& content = "") {
    return with(text, "<Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>",
                "<Transform Algorithm=\"" + algorithm + "\">" + content + "</Transform>");
  };
  const auto reference = [&](std::string text, const std::string& uri) {
    return with(text, "URI=\"#BD-" + id + "\"", "URI=\"" + uri + "\"");
  };
  const std::string lost = "ReferenceNotAllowed BodyNotSigned SignatureMismatch";
  const std::vector<Attack> table{
      {"Body wrapped in the Header, the new one without an Id", [&](auto t) { return moved(t, "</s:Header>", evil); },
       "SignatureWrapping BodyNotSigned"},
      {"Body wrapped in the Header, the new one with another Id",
       [&](auto t) { return moved(t, "</s:Header>", evilWith("u:Id=\"BD-2\"")); }, "SignatureWrapping BodyNotSigned"},
      {"Body wrapped in the Header, the new one with the same Id",
       [&](auto t) { return moved(t, "</s:Header>", evilWith("u:Id=\"BD-" + id + "\"")); },
       "DuplicateId ReferenceNotAllowed BodyNotSigned"},
      {"Body wrapped in the Header, the new one with the same Id without namespace",
       [&](auto t) { return moved(t, "</s:Header>", evilWith("Id=\"BD-" + id + "\"")); },
       "DuplicateId ReferenceNotAllowed BodyNotSigned"},
      {"Body wrapped in the Header, the new one with the same xml:id",
       [&](auto t) { return moved(t, "</s:Header>", evilWith("xml:id=\"BD-" + id + "\"")); },
       "DuplicateId ReferenceNotAllowed BodyNotSigned"},
      {"Body directly in the Header",
       [&](auto t) { return with(with(t, body, evil), "</s:Header>", body + "</s:Header>"); },
       "SignatureWrapping BodyNotSigned"},
      {"Body wrapped in the Security header", [&](auto t) { return moved(t, "</o:Security>", evil); },
       "SignatureWrapping BodyNotSigned"},
      {"Body wrapped in an Object of the Signature",
       [&](auto t) { return with(with(t, body, evil), "</Signature>", "<Object>" + body + "</Object></Signature>"); },
       "SignatureWrapping BodyNotSigned"},
      {"Body wrapped behind the new one", [&](auto t) { return with(t, body, evil + "<w>" + body + "</w>"); },
       "SignatureWrapping SignatureWrapping BodyNotSigned"},
      {"Body inside the new one", [&](auto t) { return with(t, body, with(evil, "</s:Body>", body + "</s:Body>")); },
       "SignatureWrapping BodyNotSigned"},
      {"two Bodies, the new one first", [&](auto t) { return with(t, body, evil + body); },
       "SignatureWrapping SignatureWrapping BodyNotSigned"},
      {"two Bodies, the new one last", [&](auto t) { return with(t, body, body + evil); },
       "SignatureWrapping SignatureWrapping BodyNotSigned"},
      {"two Headers", [&](auto t) { return with(t, "<s:Header>", "<s:Header/><s:Header>"); },
       "SignatureWrapping MissingSignature"},
      {"an old Timestamp aside, a new one in place",
       [&](auto t) {
         return with(with(t, timestamp, with(timestamp, "u:Id=\"TS-" + id + "\"", "u:Id=\"TS-2\"")), "</s:Header>",
                     timestamp + "</s:Header>");
       },
       "SignatureWrapping TimestampNotSigned"},
      {"two Timestamps",
       [&](auto t) { return with(t, timestamp, timestamp + "<u:Timestamp><u:Created/></u:Timestamp>"); },
       "MalformedSecurity"},
      {"two Security headers", [&](auto t) { return with(t, "</s:Header>", security + "</s:Header>"); },
       "DuplicateId MalformedSecurity"},
      {"the Security header in the Body",
       [&](auto t) { return with(with(t, security, ""), "</s:Body>", security + "</s:Body>"); }, "MissingSignature"},
      {"a Body beside it under the same id, as wsu:Id and as Id",
       [&](auto t) {
         return with(t, body, with(evil, "<s:Body", "<s:Body Id=\"BD-" + id + "\"") + "<w>" + body + "</w>");
       },
       "DuplicateId SignatureWrapping ReferenceNotAllowed BodyNotSigned"},
      {"two Signatures", [&](auto t) { return with(t, "</o:Security>", signature + "</o:Security>"); },
       "SignatureWrapping"},
      {"two SignedInfos",
       [&](auto t) { return with(t, "<SignatureValue>", cut(t, "SignedInfo") + "<SignatureValue>"); },
       "MalformedSecurity"},
      {"an attribute that xmlsec could take for another",
       [&](auto t) { return with(t, "<Reference URI", "<Reference xmlns:x=\"u:x\" x:URI=\"#ST-" + id + "\" URI"); },
       "MalformedSecurity"},
      {"no references",
       [&](auto t) {
         const auto info = cut(t, "SignedInfo");
         return with(t, info, info.substr(0, info.find("<Reference ")) + "</SignedInfo>");
       },
       "MalformedSecurity"},
      {"very many references",
       [&](auto t) {
         std::string many;
         for (int i = 0; i < 50; ++i) many += cut(t, "Reference");
         return with(t, "<Reference ", many + "<Reference ");
       },
       "SignatureTooLarge"},
      {"another Body under the signature", [&](auto t) { return with(t, "9267.00", "1.00"); }, "DigestMismatch"},
      {"an attribute more on the Body", [&](auto t) { return with(t, "<s:Body ", "<s:Body a=\"b\" "); },
       "DigestMismatch"},
      {"another namespace for a member",
       [&](auto t) { return with(t, "<Currency>", "<Currency xmlns=\"https://mpay.gov.md/\">"); }, "DigestMismatch"},
      {"a later Expires", [&](auto t) { return with(t, "<u:Expires>2025", "<u:Expires>2035"); }, "DigestMismatch"},
      {"another digest in SignedInfo", [&](auto t) { return with(t, "<DigestValue>", "<DigestValue>AAAA"); },
       "DigestMismatch SignatureMismatch"},
      {"no digest", [&](auto t) { return with(t, cut(t, "DigestValue"), "<DigestValue/>"); },
       "DigestMismatch SignatureMismatch"},
      {"no value", [&](auto t) { return with(t, cut(t, "SignatureValue"), "<SignatureValue/>"); }, "SignatureMismatch"},
      {"another value", [&](auto t) { return with(t, "<SignatureValue>", "<SignatureValue>AAAA"); },
       "SignatureMismatch"},
      {"the whole document", [&](auto t) { return reference(t, ""); }, lost},
      {"a reference without URI", [&](auto t) { return with(t, "URI=\"#BD-" + id + "\"", ""); }, lost},
      {"an XPointer", [&](auto t) { return reference(t, "#xpointer(/)"); }, lost},
      {"an XPointer by id", [&](auto t) { return reference(t, "#xpointer(id('BD-" + id + "'))"); }, lost},
      {"a broken-out id", [&](auto t) { return reference(t, "#x')|//*|id('y"); }, lost},
      {"a file", [&](auto t) { return reference(t, "file:///etc/hostname"); }, lost},
      {"a remote document", [&](auto t) { return reference(t, "http://127.0.0.1:1/#BD-" + id); }, lost},
      {"an id that nothing has", [&](auto t) { return reference(t, "#BD-2"); }, lost},
      {"a reference to a header", [&](auto t) { return reference(t, "#TS-" + id); },
       "BodyNotSigned DigestMismatch SignatureMismatch"},
      {"XSLT",
       [&](auto t) {
         return transform(t, "http://www.w3.org/TR/1999/REC-xslt-19991116",
                          "<xsl:stylesheet xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\" version=\"1.0\">"
                          "<xsl:template match=\"/\"><xsl:apply-templates select=\"/\"/></xsl:template>"
                          "</xsl:stylesheet>");
       },
       "AlgorithmNotAllowed SignatureMismatch"},
      {"XPath",
       [&](auto t) { return transform(t, "http://www.w3.org/TR/1999/REC-xpath-19991116", "<XPath>1</XPath>"); },
       "AlgorithmNotAllowed SignatureMismatch"},
      {"enveloped signature",
       [&](auto t) { return transform(t, "http://www.w3.org/2000/09/xmldsig#enveloped-signature"); },
       "AlgorithmNotAllowed SignatureMismatch"},
      {"base64", [&](auto t) { return transform(t, "http://www.w3.org/2000/09/xmldsig#base64"); },
       "AlgorithmNotAllowed SignatureMismatch"},
      {"something in the transform",
       [&](auto t) { return transform(t, "http://www.w3.org/2001/10/xml-exc-c14n#", "<XPath>1</XPath>"); },
       "MalformedSecurity SignatureMismatch"},
      {"a long PrefixList",
       [&](auto t) {
         std::string prefixes;
         for (int i = 0; i < 1000; ++i) prefixes += "a" + std::to_string(i) + " ";
         return transform(t, "http://www.w3.org/2001/10/xml-exc-c14n#",
                          "<InclusiveNamespaces xmlns=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"" +
                              prefixes + "\"/>");
       },
       "MalformedSecurity SignatureMismatch"},
      {"MD5",
       [&](auto t) {
         return with(t, "http://www.w3.org/2000/09/xmldsig#sha1", "http://www.w3.org/2001/04/xmldsig-more#md5");
       },
       "AlgorithmNotAllowed SignatureMismatch"},
      {"no algorithm", [&](auto t) { return with(t, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", ""); },
       "AlgorithmNotAllowed"},
      {"no Security header", [&](auto t) { return with(t, security, ""); }, "MissingSignature"},
      {"WSS of a damaged namespace",
       [&](auto t) { return with(t, "xmlns:o=\"http://docs.oasis-open.org", "xmlns:o=\"http://docs.oasisopen.org"); },
       "MissingSignature"},
      {"XML-DSig of a damaged namespace",
       [&](auto t) { return with(t, "<Signature xmlns=\"http:", "<Signature xmlns=\"https:"); }, "MissingSignature"},
  };
  for (const auto& row : table) {
    const auto found = verified(row.change(sound));
    EXPECT_EQ(reasons(found), row.reasons) << row.name;
    EXPECT_FALSE(found.body) << row.name;
  }
}

TEST(Verifying, ATokenStandsInTheSecurityHeader) {
  const auto sound = signedOrder();
  const auto token = cut(sound, "o:BinarySecurityToken");
  const auto aside = verified(with(with(sound, token, ""), "</s:Header>",
                                   "<w xmlns:o=\"" + std::string(ns::kWsse) + "\">" + token + "</w></s:Header>"));
  EXPECT_EQ(aside.keyInfo, KeyInfoForm::Other);
  EXPECT_FALSE(aside.embedded);
  EXPECT_TRUE(aside.body);  // KeyInfo is not trusted
  const auto unread = verified(with(sound, "#X509v3\" u:Id", "#PKCS7\" u:Id"));
  EXPECT_EQ(unread.keyInfo, KeyInfoForm::Other);
  const auto damaged = verified(with(sound, token.substr(token.find('>'), 40), ">AAAA"));
  EXPECT_EQ(damaged.keyInfo, KeyInfoForm::BinarySecurityToken);
  EXPECT_FALSE(damaged.embedded);
  EXPECT_FALSE(damaged.keyInfoNamesRegistered);
}

TEST(Verifying, IdsOfXmlDsigElementsHaveNoNamespace) {
  const auto reference = with(signedOrder(), "#BD-" + signing().id, "#SI-1");
  EXPECT_TRUE(verified(with(reference, "<SignedInfo>", "<SignedInfo Id=\"SI-1\">")).unqualifiedIds.empty());
  EXPECT_EQ(verified(with(reference, "<u:Created>", "<u:Created Id=\"SI-1\">")).unqualifiedIds,
            std::vector<std::string>{"Envelope/Header/Security/Timestamp/Created"});
}

TEST(Verifying, TextIsReadAsItWasSigned) {
  // Comments are not signed, so anybody can insert them. The content that is read stays the same.
  const auto envelope = Envelope::parse(with(signedOrder(), "<ServiceID>MDS02", "<ServiceID>MDS<!-- -->02")).value();
  const auto found = verify(envelope, keys().signer.certificate());
  ASSERT_TRUE(found.body);
  EXPECT_EQ(decodeOrders(found.body->children().front())->orders.at(0).serviceId, "MDS02");
}

TEST(Verifying, AlgorithmsAreThoseThatAreAllowed) {
  const std::vector only256{Algorithm::RsaSha256};
  const std::vector only1{Algorithm::RsaSha1};
  EXPECT_EQ(reasons(verified(signedOrder(Algorithm::RsaSha256), only256)), "");
  EXPECT_EQ(reasons(verified(signedOrder(Algorithm::RsaSha1), only1)), "");
  const auto found = verified(signedOrder(Algorithm::RsaSha1), only256);
  EXPECT_EQ(reasons(found), "AlgorithmNotAllowed AlgorithmNotAllowed AlgorithmNotAllowed");
  EXPECT_FALSE(found.body);
  // Only the algorithm is wrong, and the finding says so.
  EXPECT_EQ(found.algorithm, Algorithm::RsaSha1);
  EXPECT_EQ(found.digests(), Holds::Yes);
  EXPECT_EQ(found.signatureByRegistered, Holds::Yes);
  EXPECT_FALSE(verified(signedOrder(), {}).body);
}

TEST(Verifying, NothingHoldsWithAKeyThatIsNotKnown) {
  // P-256's identifier with another last byte.
  auto der = mpay::test::selfSigned({}).der;
  const std::string curve = "\x2a\x86\x48\xce\x3d\x03\x01\x07";
  der.at(der.find(curve) + curve.size() - 1) = 0x6f;
  const auto registered = crypto::Certificate::parse(der).value();
  EXPECT_FALSE(registered.hasUsableKey());
  EXPECT_TRUE(keys().signer.certificate().hasUsableKey());
  const auto found = verify(Envelope::parse(signedOrder()).value(), registered);
  EXPECT_EQ(found.signatureByRegistered, Holds::Unchecked);
  EXPECT_EQ(found.signatureByEmbedded, Holds::Yes);
  EXPECT_FALSE(found.problems.empty());
}

TEST(Verifying, BlankTextThatCameLaterIsItsOwnDiagnosis) {
  auto text = signedOrder();
  for (const std::string tag : {"<Currency>", "<u:Created>", "</OrderDetails>"}) text = with(text, tag, "\n    " + tag);
  const auto found = verified(text);
  EXPECT_EQ(reasons(found), "DigestMismatch");
  EXPECT_NE(found.problems.at(0).message.find("reformatted"), std::string::npos);
  EXPECT_EQ(found.digests(), Holds::WithoutBlanks);
  EXPECT_EQ(found.digests(Covered::Body), Holds::WithoutBlanks);
  EXPECT_EQ(found.signatureByRegistered, Holds::Yes);
  EXPECT_FALSE(found.body);

  const auto inside = verified(with(signedOrder(), "<Reference ", "\n<Reference "));
  EXPECT_EQ(inside.digests(), Holds::Yes);
  EXPECT_EQ(inside.signatureByRegistered, Holds::WithoutBlanks);

  const auto also = verified(with(text, "9267.00", "1.00"));
  EXPECT_EQ(also.digests(Covered::Body), Holds::No);
  EXPECT_EQ(also.digests(Covered::Timestamp), Holds::WithoutBlanks);
  EXPECT_EQ(also.digests(), Holds::No);
}

TEST(Verifying, TimesAreReadAsTheyAreWritten) {
  const auto read = [](const std::string& created) {
    const auto how = signing();
    return verified(with(seal(order(), keys().signer, how).value(), formatInstant(kValidity.created), created))
        .timestamp.value();
  };
  EXPECT_EQ(read("2025-07-10T07:51:25Z").createdAt, Instant(kNow));
  EXPECT_EQ(read(" 2025-07-10T07:51:25.5Z\n").createdAt, Instant(kNow) + Duration(500));
  EXPECT_EQ(read("2025-07-10T07:51:25.1234567Z").createdAt, Instant(kNow) + Duration(123));
  EXPECT_EQ(read("2025-07-10T10:51:25+03:00").createdAt, Instant(kNow));
  EXPECT_FALSE(read("2025-07-10T10:51:25+03:00").utc);
  EXPECT_FALSE(read("2025-07-10T07:51:25").utc);
  for (const std::string bad : {"", "now", "2025-07-10", "2025-07-10T07:51:25.Z", "2025-07-10T07:51:25z",
                                "2025-13-10T07:51:25Z", "2025-07-10T07:51:25+3:00"}) {
    EXPECT_FALSE(read(bad).createdAt) << bad;
  }
}

TEST(Verifying, TimesAreJudged) {
  const auto judged = [](std::chrono::seconds age, std::chrono::seconds lifetime, bool utc = true) {
    const ReceivedTimestamp timestamp{
        .createdAt = Instant(kNow) - age, .expiresAt = Instant(kNow) - age + lifetime, .utc = utc};
    const auto result = judge(timestamp, kNow, std::chrono::minutes(1));
    return result ? "" : result.error().reason;
  };
  using namespace std::chrono_literals;
  EXPECT_EQ(judged(0s, 5min), "");
  EXPECT_EQ(judged(-60s, 5min), "");
  EXPECT_EQ(judged(-61s, 5min), "TimestampInFuture");
  EXPECT_EQ(judged(6min, 5min), "");
  EXPECT_EQ(judged(361s, 5min), "TimestampExpired");
  EXPECT_EQ(judged(0s, 0s), "ImplausibleLifetime");
  EXPECT_EQ(judged(0s, 24h), "");
  EXPECT_EQ(judged(0s, 24h + 1s), "ImplausibleLifetime");
  EXPECT_EQ(judged(0s, 5min, false), "TimestampNotUtc");
  EXPECT_EQ(judge({}, kNow, 1min).error().reason, "MalformedTimestamp");
}

// Documents within the bounds that cost as much as possible to verify.
TEST(Verifying, CostsLittleWhateverComesIn) {
  const auto repeated = [](const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  };
  std::string namespaces;
  for (int i = 0; i < 120; ++i) namespaces += " xmlns:a" + std::to_string(i) + "='u:" + std::to_string(i) + "'";
  const std::vector<std::pair<std::string, std::string>> table{
      {"namespaces", "<r" + namespaces + ">" + repeated("<x/>", 45'000) + "</r>"},
      {"members", "<GetOrderDetailsResponse xmlns='https://mpay.gov.md'>" + repeated("<x/>", 45'000) +
                      "</GetOrderDetailsResponse>"},
      {"the same id", "<r>" + repeated("<x Id='a'/>", 19'000) + "</r>"},
  };
  for (const auto& [name, payload] : table) {
    auto how = signing();
    how.tampered = Document::parse(payload).value();
    const auto bytes = seal(order(), keys().signer, how).value();
    const auto begin = std::chrono::steady_clock::now();
    const auto envelope = Envelope::parse(bytes).value();
    EXPECT_TRUE(verify(envelope, keys().signer.certificate()).has("DigestMismatch")) << name;
    (void)decodeOrders(*envelope.payload());
    const auto took = std::chrono::steady_clock::now() - begin;
    if (!mpay::test::kSanitized) {
      EXPECT_LT(took, std::chrono::seconds(2)) << name;
    }
  }
}

TEST(Verifying, PrintsNothingAndLeavesNoError) {
  testing::internal::CaptureStderr();
  testing::internal::CaptureStdout();
  (void)Document::parse("<a><b></a>");
  (void)verified(with(signedOrder(), "<SignatureValue>", "<SignatureValue>AAAA"));
  (void)verified(with(signedOrder(), "https://mpay.gov.md", "relative"));  // has no canonical form
  (void)Signer::parse(keys().ours.certificate, keys().theirs.key);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Verifying, ManyThreadsDoAtOnce) {
  const auto sound = signedOrder();
  const auto tampered = with(sound, "9267.00", "1.00");
  const auto& certificate = keys().signer.certificate();
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10; ++n) {
        if (!verify(Envelope::parse(sound).value(), certificate).body) ++wrong;
        if (verify(Envelope::parse(tampered).value(), certificate).body) ++wrong;
        if (seal(order(), keys().signer, signing()).value() != sound) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Verifying, AlgorithmsHaveTheirNames) {
  for (const auto algorithm : {Algorithm::RsaSha1, Algorithm::RsaSha256}) {
    EXPECT_EQ(parseAlgorithm(toString(algorithm)), algorithm);
  }
  EXPECT_FALSE(parseAlgorithm("rsa-sha1"));
}

}  // namespace
}  // namespace mpay::soap::test
