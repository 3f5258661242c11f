#include "crypto/request.h"

#include <gtest/gtest.h>

#include "crypto/x509.h"
#include "support/pki.h"
#include "support/process.h"

namespace mpay::crypto {
namespace {

const RequestSubject kSubject{"SIA Stare Civilă", "Agenția Model", "1006601000255", ""};

// The output of the openssl command, which must succeed.
std::string openssl(std::vector<std::string> words, const std::string& input) {
  words.insert(words.begin(), "openssl");
  const auto done = test::run(words, input);
  EXPECT_EQ(done.code, 0) << done.output;
  return done.output;
}

TEST(Requests, AreOnesThatOpensslTakes) {
  const std::map<std::string_view, std::string> shown{{"RSA-2048", "(2048 bit)"},
                                                      {"RSA-3072", "(3072 bit)"},
                                                      {"RSA-4096", "(4096 bit)"},
                                                      {"P-256", "P-256"},
                                                      {"P-384", "P-384"}};
  for (const auto type : kKeyTypes) {
    const auto key = PrivateKey::make(type).value();
    const auto request = key.request(kSubject).value();
    const auto text = openssl({"req", "-noout", "-verify", "-text", "-nameopt", "RFC2253,utf8,-esc_msb"}, request);
    for (const auto& part :
         {shown.at(type), std::string("CN=SIA Stare Civilă"), std::string("O=Agenția Model"),
          std::string("organizationIdentifier=NTRMD-1006601000255"), std::string("serialNumber=1006601000255"),
          std::string("C=MD"), std::string("Digital Signature"), std::string("TLS Web Client Authentication"),
          std::string("verify OK")}) {
      EXPECT_NE(text.find(part), std::string::npos) << type << ": " << part << " in\n" << text;
    }
    const auto parsed = parseRequest(request);
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->publicKeySha256, key.publicKeySha256());
    EXPECT_EQ(parsed->subject, textOf(kSubject).value());
    // The written key is the same key.
    const auto again = PrivateKey::parse(key.pem().view());
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(again->publicKeySha256(), key.publicKeySha256());
    EXPECT_EQ(openssl({"pkey", "-pubout"}, std::string(key.pem().view())),
              openssl({"req", "-noout", "-pubkey"}, request));
    const auto certificate = Certificate::parse(test::Authority().certify(request).certificate);
    EXPECT_EQ(certificate->publicKeySha256(), key.publicKeySha256());
  }
}

TEST(Requests, AreOfAKindOfKeyThatIsKnown) {
  for (const auto* type : {"", "RSA-1024", "RSA", "rsa-2048", "P-521", "secp256k1", "Ed25519"}) {
    const auto key = PrivateKey::make(type);
    ASSERT_FALSE(key) << type;
    EXPECT_EQ(key.error().reason, "InvalidField") << type;
  }
}

TEST(Requests, HoldTheSubjectToItsBounds) {
  const auto reasonOf = [](RequestSubject subject) {
    const auto text = textOf(subject);
    return text ? "" : text.error().reason;
  };
  std::string wide;
  for (int i = 0; i < 65; ++i) wide += "ă";
  EXPECT_EQ(reasonOf(kSubject), "");
  EXPECT_EQ(reasonOf({wide.substr(2), "Model", "", ""}), "") << "characters are counted, not bytes";
  EXPECT_EQ(reasonOf({wide, "Model", "", ""}), "InvalidSubject");
  EXPECT_EQ(reasonOf({"a", "b", "", wide}), "InvalidSubject");
  EXPECT_EQ(reasonOf({"", "Model", "", ""}), "InvalidSubject");
  EXPECT_EQ(reasonOf({"a", "", "", ""}), "InvalidSubject");
  EXPECT_EQ(reasonOf({"a", "\xff\xfe", "", ""}), "InvalidSubject") << "no UTF-8";
  // A legal name may be longer than X.520 allows for an organization. It is cut between two characters.
  EXPECT_EQ(textOf({"a", wide, "", ""}).value(), textOf({"a", wide.substr(2), "", ""}).value());
  EXPECT_NE(textOf({"a", wide, "", ""}).value(), textOf({"a", wide.substr(4), "", ""}).value());
}

TEST(Requests, AreReadOnlyWhereTheirSignatureHolds) {
  const auto request = PrivateKey::make("P-256")->request(kSubject).value();
  const auto reasonOf = [](const std::string& pem) {
    const auto parsed = parseRequest(pem);
    return parsed ? "" : parsed.error().reason;
  };
  EXPECT_EQ(reasonOf("\n" + request + "\n"), "");
  EXPECT_EQ(reasonOf(""), "MalformedRequest");
  EXPECT_EQ(reasonOf("nothing"), "MalformedRequest");
  EXPECT_EQ(reasonOf(request + request), "MalformedRequest");
  EXPECT_EQ(reasonOf(request + "more"), "MalformedRequest");
  EXPECT_EQ(reasonOf(test::Authority().certificate()), "MalformedRequest");
  int refused = 0;
  for (std::size_t i = request.find('\n') + 1; i < request.size() - 40; i += 7) {
    std::string damaged = request;
    if (damaged[i] == '\n') continue;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    if (damaged != request) refused += reasonOf(damaged) == "MalformedRequest";
  }
  EXPECT_GT(refused, 40);
}

TEST(PrivateKeys, AreNotRepeatedWhereTheyCannotBeRead) {
  const auto identity = test::Authority().issue({});
  const std::string half = identity.key.substr(0, identity.key.size() / 2);
  for (const auto& bytes : {std::string(), std::string("nothing"), half, identity.certificate}) {
    const auto key = PrivateKey::parse(bytes);
    ASSERT_FALSE(key);
    EXPECT_EQ(key.error().reason, "MalformedKey");
    EXPECT_EQ(key.error().message.find(half.substr(40, 16)), std::string::npos);
  }
  EXPECT_TRUE(PrivateKey::parse(identity.key));
  // An encrypted key is refused without asking for its password.
  const auto locked = openssl({"pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:word"}, identity.key);
  EXPECT_EQ(PrivateKey::parse(locked).error().reason, "MalformedKey");
}

TEST(SecretText, LeavesNothingBehind) {
  std::string text(64, 'k');
  const char* where = text.data();
  cleanse(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(std::string(where, 64).find('k'), std::string::npos);
  SecretText one(std::string(64, 'k'));
  const char* held = one.view().data();
  const SecretText two(std::move(one));
  EXPECT_EQ(std::string(held, 64).find('k'), std::string::npos);
  EXPECT_EQ(two.view(), std::string(64, 'k'));
}

}  // namespace
}  // namespace mpay::crypto
