// Compares with python3-xmlsec and python3-zeep, which verify our signatures and sign answers for us to verify.
#include <boost/json.hpp>
#include <functional>

#include "support/process.h"
#include "unit/mpay/samples.h"

namespace mpay::soap::test {
namespace {

using mpay::test::TempDir;
namespace json = boost::json;

// The keys as files, and jobs for tests/support/wssecurity.py.
class Interoperability : public testing::Test {
 protected:
  Interoperability() {
    mpay::test::writeFile(folder_ / "ours.pem", keys().ours.certificate);
    mpay::test::writeFile(folder_ / "ours.key", keys().ours.key);
    mpay::test::writeFile(folder_ / "theirs.pem", keys().theirs.certificate);
  }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }

  json::value signJob(json::object options) const {
    return {{"do", "sign"},
            {"key", file("ours.key")},
            {"certificate", file("ours.pem")},
            {"payload", orderXml()},
            {"options", std::move(options)}};
  }

  json::value verifyJob(const std::string& envelope, const std::string& certificate = "ours.pem") const {
    return {{"do", "verify"},
            {"certificate", file(certificate)},
            {"envelope", envelope},
            {"now", formatTime(kNow + std::chrono::minutes(1))}};
  }

  static json::array run(const json::array& jobs) {
    const auto done =
        mpay::test::run({"/usr/bin/python3", MPAY_SOURCE_DIR "/tests/support/wssecurity.py"}, json::serialize(jobs));
    EXPECT_EQ(done.code, 0) << done.output;
    auto results = done.code == 0 ? json::parse(done.output).as_array() : json::array{};
    results.resize(jobs.size());
    return results;
  }

  static std::string answerOf(const json::value& result) {
    const auto* object = result.if_object();
    const auto* text = object == nullptr ? nullptr : object->if_contains("ok");
    if (text == nullptr) ADD_FAILURE() << json::serialize(result);
    return text == nullptr ? "" : std::string(text->as_string());
  }

  // "ok", or the reason of the refusal.
  static std::string verdictOf(const json::value& result) {
    const auto* object = result.if_object();
    if (object == nullptr) return "nothing";
    const auto* refused = object->if_contains("refused");
    return refused == nullptr ? "ok" : std::string(refused->as_string());
  }

 private:
  TempDir folder_;
};

TEST_F(Interoperability, RequestsAreAcceptedAndDefectiveOnesRefused) {
  struct Row {
    std::string name;
    std::string envelope;
    std::string verdict;
    std::string zeep;
    std::string certificate = "ours.pem";
  };
  const auto payload = getOrderDetails({.language = "ro", .orderKey = "MDS02250710092629689", .serviceId = "MDS02"});
  const auto paid = confirmOrderPayment({.lines = {{.amount = Amount{1}, .lineId = "1"}},
                                         .orderKey = "ș & <1>",
                                         .paidAt = "2025-07-10T10:51:23",
                                         .paymentId = "79042133",
                                         .serviceId = "MDS02",
                                         .totalAmount = Amount{1}});
  const auto sealed = [&](const std::function<void(Signing&)>& change = {}) {
    auto how = signing();
    if (change) change(how);
    return seal(payload, keys().signer, how).value();
  };
  const auto stranger = Signer::stranger("MPay", kNow).value();
  const std::vector<Row> table{
      {"rsa-sha1", sealed(), "ok", "ok"},
      {"rsa-sha256", sealed([](auto& how) { how.algorithm = Algorithm::RsaSha256; }), "ok", "ok"},
      {"a confirmation", seal(paid, keys().signer, signing()).value(), "ok", "ok"},
      {"prefixes", sealed([](auto& how) { how.prefixes = Prefixes::All; }), "ok", "ok"},
      {"a PrefixList", sealed([](auto& how) { how.prefixes = Prefixes::Listed; }), "ok", "ok"},
      {"another registered certificate", sealed(), "SignatureMismatch", "SignatureMismatch", "theirs.pem"},
      {"unsigned", sealed([](auto& how) { how.signature = false; }), "MissingSignature", "SignatureMismatch"},
      {"tampered", sealed([&](auto& how) { how.tampered = paid; }), "SignatureMismatch", "SignatureMismatch"},
      {"another key", seal(payload, stranger, signing()).value(), "SignatureMismatch", "SignatureMismatch"},
      {"another key, our certificate",
       seal(payload, stranger.presenting(keys().signer.certificate()), signing()).value(), "SignatureMismatch",
       "SignatureMismatch"},
      {"Timestamp alone", sealed([](auto& how) { how.signsBody = false; }), "BodyNotSigned", "ok"},
      {"expired", sealed([](auto& how) {
         how.validity = Validity{kValidity.created - std::chrono::hours(1), kValidity.expires - std::chrono::hours(1)};
       }),
       "TimestampExpired", "ok"},
      {"in the future", sealed([](auto& how) {
         how.validity = Validity{kValidity.created + std::chrono::hours(1), kValidity.expires + std::chrono::hours(1)};
       }),
       "TimestampInFuture", "ok"},
      {"without Timestamp", sealed([](auto& how) { how.validity.reset(); }), "TimestampMissing", "ok"},
  };
  json::array jobs;
  for (const auto& row : table) {
    jobs.push_back(verifyJob(row.envelope, row.certificate));
    jobs.push_back({{"do", "zeep-verify"}, {"certificate", file(row.certificate)}, {"envelope", row.envelope}});
  }
  const auto results = run(jobs);
  for (std::size_t i = 0; i < table.size(); ++i) {
    EXPECT_EQ(verdictOf(results[2 * i]), table[i].verdict) << table[i].name;
    EXPECT_EQ(verdictOf(results[2 * i + 1]), table[i].zeep) << table[i].name << ", by zeep";
  }
}

TEST_F(Interoperability, AnswersHoldInEveryFormAndAlgorithm) {
  const std::vector<std::pair<std::string, KeyInfoForm>> forms{
      {"token", KeyInfoForm::BinarySecurityToken}, {"subject-key-identifier", KeyInfoForm::SubjectKeyIdentifier},
      {"x509", KeyInfoForm::X509Certificate},      {"issuer-serial", KeyInfoForm::IssuerSerial},
      {"thumbprint", KeyInfoForm::Other},          {"none", KeyInfoForm::None},
  };
  const std::vector<std::pair<std::string, Algorithm>> algorithms{{"rsa-sha1", Algorithm::RsaSha1},
                                                                  {"rsa-sha256", Algorithm::RsaSha256}};
  json::array jobs;
  for (const auto& [algorithm, _] : algorithms) {
    for (const auto& [form, __] : forms) jobs.push_back(signJob({{"algorithm", algorithm}, {"key_info", form}}));
  }
  const auto results = run(jobs);
  std::size_t at = 0;
  for (const auto& [name, algorithm] : algorithms) {
    for (const auto& [formName, form] : forms) {
      const auto found = verified(answerOf(results[at++]));
      EXPECT_EQ(reasons(found), "") << name << " " << formName;
      EXPECT_TRUE(found.body) << name << " " << formName;
      EXPECT_EQ(found.algorithm, algorithm) << name << " " << formName;
      EXPECT_EQ(found.keyInfo, form) << name << " " << formName;
      EXPECT_EQ(found.keyInfoNamesRegistered, form != KeyInfoForm::None && form != KeyInfoForm::Other) << formName;
      EXPECT_TRUE(found.timestamp && judge(*found.timestamp, found.timestamp->createdAt.value(), {})) << formName;
    }
  }
}

TEST_F(Interoperability, AnswersOfZeepHold) {
  json::array jobs;
  for (const std::string algorithm : {"rsa-sha1", "rsa-sha256"}) {
    for (const bool token : {true, false}) {
      jobs.push_back({{"do", "zeep-sign"},
                      {"key", file("ours.key")},
                      {"certificate", file("ours.pem")},
                      {"payload", orderXml()},
                      {"algorithm", algorithm},
                      {"token", token}});
    }
  }
  const auto results = run(jobs);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto found = verified(answerOf(results[i]));
    EXPECT_EQ(reasons(found), "") << i;
    EXPECT_TRUE(found.body) << i;
    EXPECT_EQ(found.keyInfo, i % 2 == 0 ? KeyInfoForm::BinarySecurityToken : KeyInfoForm::IssuerSerial) << i;
    EXPECT_TRUE(found.keyInfoNamesRegistered) << i;
  }
}

TEST_F(Interoperability, EveryMistakeOfAnAnswerIsToldByItself) {
  struct Row {
    json::object options;
    std::string reasons;
    std::function<bool(const Verification&)> holds;
  };
  const auto others = [](const Verification& found) {
    return found.digests() == Holds::Yes && found.signatureByRegistered == Holds::Yes;
  };
  const std::vector<Row> table{
      {{{"inclusive_prefixes", "s u"}}, "", others},
      {{{"signs", {"Body", "Timestamp", "Token"}}},
       "",
       [](const auto& found) { return found.digests(Covered::Token) == Holds::Yes; }},
      {{{"c14n", "inclusive"}},
       "AlgorithmNotAllowed",
       [&](const auto& found) { return others(found) && !found.exclusiveCanonicalization; }},
      {{{"c14n", "exclusive-comments"}}, "AlgorithmNotAllowed", others},
      {{{"algorithm", "rsa-sha512"}},
       "AlgorithmNotAllowed AlgorithmNotAllowed AlgorithmNotAllowed",
       [&](const auto& found) { return others(found) && !found.algorithm; }},
      // The certificate is public, so anybody could make this signature.
      {{{"algorithm", "hmac-sha1"}},
       "AlgorithmNotAllowed",
       [](const auto& found) {
         return found.digests() == Holds::Yes && found.signatureByRegistered == Holds::Unchecked &&
                found.signatureByEmbedded == Holds::Unchecked;
       }},
      {{{"algorithm", "rsa-sha256"}, {"digest", "rsa-sha1"}}, "", others},
      {{{"wsu_ids", false}},
       "UnqualifiedId UnqualifiedId",
       [&](const auto& found) { return others(found) && found.unqualifiedIds.size() == 3; }},
      {{{"repeat_id", true}},
       "DuplicateId ReferenceNotAllowed TimestampNotSigned",
       [](const auto& found) {
         return found.duplicateIds.size() == 1 && found.digests(Covered::Body) == Holds::Yes &&
                found.signatureByRegistered == Holds::Yes;
       }},
      {{{"reformat", true}},
       "DigestMismatch SignatureMismatch",
       [](const auto& found) {
         return found.digests() == Holds::WithoutBlanks && found.signatureByRegistered == Holds::WithoutBlanks;
       }},
      {{{"tamper", "x"}},
       "DigestMismatch",
       [](const auto& found) {
         return found.digests(Covered::Body) == Holds::No && found.digests(Covered::Timestamp) == Holds::Yes &&
                found.signatureByRegistered == Holds::Yes;
       }},
      {{{"signs", {"Timestamp"}}}, "BodyNotSigned", others},
      {{{"signs", {"Body"}}}, "TimestampNotSigned", others},
      {{{"signs", {"Body"}}, {"timestamp", false}},
       "TimestampNotSigned",
       [&](const auto& found) { return others(found) && !found.timestamp; }},
      {{{"signs", json::array{}}}, "MissingSignature", [](const auto& found) { return !found.present; }},
      {{{"body_first", true}}, "", others},
      {{{"created_text", "2025-07-10T10:51:25+03:00"}},
       "",
       [&](const auto& found) { return others(found) && !found.timestamp->utc; }},
  };
  json::array jobs;
  for (const auto& row : table) jobs.push_back(signJob(row.options));
  const auto results = run(jobs);
  for (std::size_t i = 0; i < table.size(); ++i) {
    const auto found = verified(answerOf(results[i]));
    EXPECT_EQ(reasons(found), table[i].reasons) << json::serialize(table[i].options);
    EXPECT_TRUE(table[i].holds(found)) << json::serialize(table[i].options);
    EXPECT_EQ(found.body.has_value(), table[i].reasons.empty()) << json::serialize(table[i].options);
  }
}

TEST_F(Interoperability, AForeignKeyIsNotTrustedWhateverKeyInfoSays) {
  json::array jobs;
  const std::vector<std::string> forms{"token", "subject-key-identifier", "x509", "issuer-serial", "none"};
  for (const auto& form : forms) jobs.push_back(signJob({{"key_info", form}}));
  const auto results = run(jobs);
  for (std::size_t i = 0; i < forms.size(); ++i) {
    const auto envelope = Envelope::parse(answerOf(results[i]));
    ASSERT_TRUE(envelope);
    const auto found = verify(*envelope, keys().other.certificate());
    EXPECT_EQ(reasons(found), "SignatureMismatch") << forms[i];
    EXPECT_FALSE(found.body);
    EXPECT_FALSE(found.keyInfoNamesRegistered) << forms[i];
    EXPECT_EQ(found.signatureByRegistered, Holds::No);
    EXPECT_EQ(found.signatureByEmbedded, found.embedded ? Holds::Yes : Holds::Unchecked) << forms[i];
  }
}

}  // namespace
}  // namespace mpay::soap::test
