#include "effects/smtp.h"

#include <gtest/gtest.h>

#include <set>

#include "effects/templates.h"
#include "support/mail_sink.h"

namespace mpay::effects {
namespace {

Mail mail() {
  return {
      "suport.mpay@gov.md", {"ion.popescu@agentia.example"}, "Înștiințare", "Bună ziua\n", "<1@gov.md>", WallTime{}};
}

TEST(Mail, RefusesWhatWouldAddAHeaderOrARecipient) {
  const std::function<void(Mail&)> attacks[] = {
      [](Mail& m) { m.to = {"a@b\r\nBcc: c@d"}; },
      [](Mail& m) { m.to = {"a@b, c@d"}; },
      [](Mail& m) { m.to.clear(); },
      [](Mail& m) { m.from = "x\ny@z"; },
      [](Mail& m) { m.subject = "a\r\nBcc: b"; },
      [](Mail& m) { m.messageID = "<a>\n"; },
      [](Mail& m) {
        m.to = {"a@b", "no address"};
      },
  };
  for (const auto& attack : attacks) {
    Mail bad = mail();
    attack(bad);
    const auto composed = compose(bad);
    ASSERT_FALSE(composed);
    EXPECT_EQ(composed.error().reason, "InvalidRecipient");
  }
}

TEST(Mail, IsTakenByARealServer) {
  test::MailSink sink;
  const auto sent = sendMail({sink.url(), Encryption::Off, "", ""}, mail(), {});
  ASSERT_TRUE(sent) << sent.error().message;
  const auto messages = sink.messages();
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0].header("Message-ID"), "<1@gov.md>");
  EXPECT_EQ(messages[0].header("Subject"), "=?utf-8?B?w45uyJl0aWluyJthcmU=?=");
}

TEST(Mail, IsNotSentInTheClearWhereEncryptionIsRequired) {
  test::MailSink sink;
  EXPECT_FALSE(sendMail({sink.url(), Encryption::Required, "", ""}, mail(), {}));
  EXPECT_TRUE(sink.messages().empty());
}

TEST(Templates, FitEveryChannelInEveryLanguage) {
  const CertificateNotice notice{"AM-1",      "Service", api::Stage::Testing,  "https://testmpay.gov.md:8443",
                                 "CN=system", "0a1b",    std::string(64, 'f'), "2026-12-24T09:30:00Z"};
  std::set<std::string> told;
  for (const auto language : {api::Language::ro, api::Language::ru, api::Language::en}) {
    const auto expiring = certificateExpiring(notice, language);
    const auto revoked = certificateRevoked(notice, language);
    auto gone = notice;
    gone.withdrawn = true;
    const auto withdrawn = certificateRevoked(gone, language);
    for (const auto& text :
         {activated({"AM-1", "Service", "https://mpay.gov.md", "sha256:x"}, language), expiring, revoked, withdrawn}) {
      std::size_t characters = 0;
      for (const char c : text.subject) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
      EXPECT_LE(characters, 41u) << text.subject;
      EXPECT_NE(text.body.find("AM-1"), std::string::npos);
      told.insert(text.body);
    }
    EXPECT_NE(expiring.subject.find("2026-12-24"), std::string::npos);
    for (const auto& text : {expiring, revoked}) {
      for (const auto& part : {notice.apiURL, notice.subject, notice.serial, notice.sha256})
        EXPECT_NE(text.body.find(part), std::string::npos) << text.body << part;
    }
    auto production = notice;
    production.stage = api::Stage::Production;
    EXPECT_NE(certificateExpiring(production, language).body, expiring.body);
  }
  EXPECT_EQ(told.size(), 12u) << "each says something else";
}

}  // namespace
}  // namespace mpay::effects
