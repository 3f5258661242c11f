// The bytes of every record, as operators wrote them before this one: they are read, and written again as they were.
#include <gtest/gtest.h>

#include "ledger/assignment.h"
#include "ledger/claim.h"
#include "ledger/fragment.h"
#include "ledger/made_key.h"
#include "ledger/notifications.h"
#include "ledger/revision.h"
#include "ledger/revocation.h"
#include "ledger/test_record.h"
#include "ledger/withdrawal.h"

namespace mpay::ledger {
namespace {

api::ConfigMap holding(const std::string& text) {
  api::ConfigMap object;
  object.data["content.json"] = text;
  return object;
}

// Reads the record, and returns what is written of it now; the error's words where nobody can read it.
template <class T>
std::string rewritten(const std::string& text) {
  const auto record = remembered<T>(holding(text));
  return record ? remember({}, *record).data.at("content.json") : record.error().message;
}

constexpr std::string_view kHolder = R"({"idno":"1006601000255","name":"x","namespace":"ns","uid":"u"})";

std::string with(std::string text) {
  for (std::size_t at = 0; (at = text.find("HOLDER")) != std::string::npos;) text.replace(at, 6, kHolder);
  return text;
}

TEST(Records, AreWrittenAsTheyWere) {
  struct Row {
    std::string name, text;
    std::function<std::string(const std::string&)> rewritten;
  } const rows[] = {
      {"claim", R"({"addresses":["8.8.8.8/32"],"certificates":["aa"],"holder":HOLDER,"serviceID":"AM-1"})",
       rewritten<Claim>},
      {"fragment",
       R"({"addresses":["8.8.8.8/32"],"certificates":[{"der":"MII=","notAfter":"2027-01-01T00:00:00Z","sha1":"a1",)"
       R"("sha256":"a2"},{"der":"MIJ=","intermediates":["MIK="],"notAfter":"2027-01-01T00:00:00Z",)"
       R"("replacedAt":"2026-11-01T00:00:00Z","sha1":"b1","sha256":"b2","until":"2026-11-02T00:00:00Z"}],)"
       R"("digest":"sha256:d","holder":HOLDER,"posAddresses":["9.9.9.9/32"],"revision":2,"serviceID":"AM-1"})",
       rewritten<Fragment>},
      {"withdrawal",
       R"({"deletedAt":"2026-11-01T00:00:00Z","dueAt":"2026-11-01T00:15:00Z","holder":HOLDER,"serviceID":"AM-1"})",
       rewritten<WithdrawalRecord>},
      {"withdrawal of what is retained", R"({"deletedAt":"2026-11-01T00:00:00Z","holder":HOLDER,"serviceID":"AM-1"})",
       rewritten<WithdrawalRecord>},
      {"notifications",
       R"({"notifications":[{"days":0,"digest":"sha256:d","intendedAt":"2026-11-01T00:00:00Z","kind":"Activated",)"
       R"("language":"ro","messageID":"<m.1@x>","recipients":["a@b.md"],"revision":1,"sentAt":"2026-11-01T00:00:01Z",)"
       R"("serviceID":"AM-1","serviceName":"S"},{"certificate":{"notAfter":"2027-01-01T00:00:00Z","serial":"01",)"
       R"("sha256":"a2","subject":"CN=x","withdrawn":true},"days":7,"digest":"","failure":"no route",)"
       R"("intendedAt":"2026-11-01T00:00:00Z","kind":"CertificateExpiring","language":"ru","messageID":"<n.2@x>",)"
       R"("recipients":["a@b.md"],"revision":0,"serviceID":"AM-1","serviceName":"S"}]})",
       rewritten<Notifications>},
      {"revocation",
       R"({"certificates":[{"certificate":"MII=","evidence":"2026-11-01T00:00:00Z","issuer":"MIJ=",)"
       R"("reason":"keyCompromise","revokedAt":"2026-10-31T00:00:00Z","sha256":"a2","signers":["MIK="],)"
       R"("verdict":"Revoked"},{"certificate":"MII=","issuer":"MIJ=","problem":"no answer","sha256":"b2",)"
       R"("verdict":"Unknown"}]})",
       rewritten<RevocationRecord>},
      {"tests",
       R"({"amounts":[{"amount":"10.00","inParts":true,"orderKey":"k"}],"holder":HOLDER,"problem":"the Secret is gone"})",
       rewritten<TestRecord>},
      {"key", R"({"holder":HOLDER,"madeAt":"2026-11-01T00:00:00Z","publicKeySha256":"aa"})", rewritten<MadeKey>},
      {"assignment",
       R"({"assignedAt":"2026-11-01T00:00:00Z","assignedBy":"p@mpay.md","idno":"1006601000255","kind":"Address",)"
       R"("name":"x","namespace":"ns","reason":"moved","value":"8.8.8.8/32"})",
       rewritten<Assignment>},
  };
  for (const auto& row : rows) {
    const auto text = with(row.text);
    EXPECT_EQ(row.rewritten(text), text) << row.name;
    for (const auto& damaged : {std::string("{"), std::string("[]"), std::string(""), std::string("\"text\"")})
      EXPECT_EQ(row.rewritten(damaged).find("{\""), std::string::npos) << row.name << ": " << damaged;
  }
}

TEST(Records, AreReadInTheirOlderForms) {
  // The notification of an activation alone, before other kinds were told.
  const auto single = remembered<Notifications>(holding(
      R"({"digest":"sha256:d","intendedAt":"2026-11-01T00:00:00Z","language":"ro","messageID":"<m.1@x>",)"
      R"("recipients":["a@b.md"],"revision":3,"sentAt":"2026-11-01T00:00:01Z","serviceID":"AM-1","serviceName":"S"})"));
  ASSERT_TRUE(single);
  ASSERT_EQ(single->notifications.size(), 1u);
  EXPECT_EQ(single->notifications[0].kind, NotificationKind::Activated);
  EXPECT_EQ(single->notifications[0].revision, 3);
  EXPECT_TRUE(single->notifications[0].sentAt) << "it is not sent again";
  // A certificate before its bytes were kept, and a check before signers of lists were.
  const auto fragment = remembered<Fragment>(
      holding(with(R"({"addresses":[],"certificates":[{"notAfter":"2027-01-01T00:00:00Z","sha1":"a1","sha256":"a2"}],)"
                   R"("digest":"sha256:d","holder":HOLDER,"posAddresses":[],"revision":0,"serviceID":"AM-1"})")));
  ASSERT_TRUE(fragment && fragment->certificates.size() == 1);
  EXPECT_FALSE(certificateIn(fragment->certificates[0].der) || isEarlier(fragment->certificates[0]));
  const auto checks = remembered<RevocationRecord>(
      holding(R"({"certificates":[{"certificate":"MII=","issuer":"MIJ=","sha256":"a2","verdict":"Revoked"}]})"));
  ASSERT_TRUE(checks && checks->isRevoked("a2"));
  EXPECT_TRUE(checks->certificates[0].signers.empty());
}

TEST(Records, OfUnknownWordsAreDamaged) {
  EXPECT_FALSE(remembered<RevocationRecord>(
      holding(R"({"certificates":[{"certificate":"","issuer":"","sha256":"a2","verdict":"Forgiven"}]})")));
  EXPECT_FALSE(remembered<Claim>(holding(R"({"holder":"me"})")));
}

}  // namespace
}  // namespace mpay::ledger
