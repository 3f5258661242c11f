#include "onboarding/records.h"

#include <gtest/gtest.h>

#include "domain/digest.h"
#include "onboarding/effect.h"

namespace mpay::onboarding {
namespace {

using api::Decision;
using api::Milestone;
using api::Role;

const std::string kDigest = "sha256:" + std::string(64, 'a');

struct RecordBuilder {
  api::MPayValidation record;
  RecordBuilder(const std::string& who, Role role, int second = 100) {
    static int count = 0;
    record.metadata.name = "r" + std::to_string(++count);
    record.metadata.uid = "record-" + *record.metadata.name;
    record.metadata.creationTimestamp = formatTime(WallTime(std::chrono::seconds(second)));
    record.spec.integration = {"x", "uid-1"};
    record.spec.environment = "production";
    record.spec.milestone = Milestone::FinalValidation;
    record.spec.role = role;
    record.spec.decision = Decision::Accepted;
    record.spec.digest = kDigest;
    record.spec.recordedBy = who;
  }
  RecordBuilder& with(const std::function<void(api::MPayValidationSpec&)>& change) {
    change(record.spec);
    return *this;
  }
  operator std::shared_ptr<const api::MPayValidation>() const {
    return std::make_shared<const api::MPayValidation>(record);
  }
};

Gate gate() {
  Gate gate;
  gate.integration = {"ns", "x"};
  gate.uid = "uid-1";
  gate.environment = "production";
  gate.roles = {Role::Beneficiary, Role::MPayRepresentative};
  gate.digest = kDigest;
  return gate;
}

Admission inForce() { return {WallTime(std::chrono::seconds(50)), ""}; }

std::string reason(const Records& records, const Gate& asked = gate(), const Admission& admission = inForce()) {
  return judgeRecords(asked, records, admission).reason;
}

TEST(Records, OpenTheGateWhenTwoDifferentPeopleAccepted) {
  const auto verdict = judgeRecords(
      gate(), {RecordBuilder("ion", Role::Beneficiary), RecordBuilder("ana", Role::MPayRepresentative)}, inForce());
  EXPECT_TRUE(verdict.open) << verdict.message;
  EXPECT_EQ(verdict.counted.size(), 2u);
}

TEST(Records, BelieveARejectionWhoeverMadeItAndSigned) {
  const RecordBuilder ion("ion", Role::Beneficiary), ana("ana", Role::MPayRepresentative);
  const auto rejection = [](auto change) {
    return RecordBuilder("ana", Role::MPayRepresentative, 101).with([&](auto& s) {
      s.decision = Decision::Rejected;
      change(s);
    });
  };
  EXPECT_EQ(reason({ion, ana, rejection([](auto& s) { s.signature = "MII="; })}), "Rejected");
  EXPECT_EQ(reason({ion, ana, rejection([](auto& s) { s.recordedBy = "system:serviceaccount:a:b"; })}), "Rejected");
}

TEST(Records, KeepTheGateShutWithTheReason) {
  const RecordBuilder ana("ana", Role::MPayRepresentative);
  const auto ion = [](auto change) { return RecordBuilder("ion", Role::Beneficiary).with(change); };
  EXPECT_EQ(reason({}), "AwaitingValidation");
  EXPECT_EQ(reason({ana}), "AwaitingValidation");
  EXPECT_EQ(reason({ana, RecordBuilder("ana", Role::Beneficiary)}), "SelfApproval");
  EXPECT_EQ(reason({ana, ion([](auto& s) { s.decision = Decision::Rejected; })}), "Rejected");
  EXPECT_EQ(reason({ana, ion([](auto& s) { s.digest = "sha256:" + std::string(64, 'b'); })}), "EvidenceStale");
  EXPECT_EQ(reason({ana, ion([](auto& s) { s.integration.uid = "uid-2"; })}), "EvidenceMismatch");
  EXPECT_EQ(reason({ana, ion([](auto& s) { s.environment = "testing"; })}), "EvidenceMismatch");
  EXPECT_EQ(reason({ana, ion([](auto& s) { s.milestone = Milestone::ProductionActivated; })}), "AwaitingValidation");
  EXPECT_EQ(reason({ana, ion([](auto& s) { s.signature = "signed"; })}), "NotSupported");
  EXPECT_EQ(reason({ana, ion([](auto& s) { s.recordedBy = "system:serviceaccount:a:b"; })}), "EvidenceMismatch");
  EXPECT_EQ(reason({ana, RecordBuilder("ion", Role::Beneficiary, 50)}), "EvidenceStale")
      << "of the policies' own second";
  EXPECT_EQ(reason({ana, RecordBuilder("ion", Role::Beneficiary)}, gate(), {std::nullopt, "gone"}),
            "AdmissionPolicyMissing");
}

TEST(Records, SayOfTheRoleThatIsAwaitedWhatIsWrong) {
  const auto other = [](auto& s) { s.digest = "sha256:" + std::string(64, 'b'); };
  const RecordBuilder ana("ana", Role::MPayRepresentative);
  auto early = RecordBuilder("ana", Role::MPayRepresentative, 99).with(other);
  EXPECT_EQ(reason({early, ana}), "AwaitingValidation") << "the beneficiary's record is missing, nothing is wrong";
  const auto stale = RecordBuilder("ion", Role::Beneficiary, 99).with(other);
  const auto misplaced = RecordBuilder("ion", Role::Beneficiary, 101).with([](auto& s) { s.environment = "testing"; });
  for (const Records& records : {Records{ana, stale, misplaced}, Records{ana, misplaced, stale}}) {
    const auto verdict = judgeRecords(gate(), records, inForce());
    EXPECT_EQ(verdict.reason, "EvidenceMismatch") << "the latest counts";
    EXPECT_NE(verdict.message.find(*misplaced.record.metadata.name), std::string::npos) << verdict.message;
  }
}

TEST(Records, NameTheCommandThatIsAwaited) {
  const auto verdict = judgeRecords(gate(), {RecordBuilder("ana", Role::MPayRepresentative)}, inForce());
  EXPECT_NE(verdict.message.find("kubectl mpay validate x -n ns --milestone FinalValidation --role Beneficiary "
                                 "--accept (or --reject)"),
            std::string::npos)
      << verdict.message;
}

TEST(Records, LetTheLastDecisionOfARoleCount) {
  const RecordBuilder ana("ana", Role::MPayRepresentative);
  const auto at = [](int second, Decision decision) {
    return RecordBuilder("ion", Role::Beneficiary, second).with([=](auto& s) { s.decision = decision; });
  };
  EXPECT_EQ(reason({ana, at(101, Decision::Rejected), at(102, Decision::Accepted)}), "Accepted");
  EXPECT_EQ(reason({ana, at(102, Decision::Rejected), at(101, Decision::Accepted)}), "Rejected");
  EXPECT_EQ(reason({ana, at(101, Decision::Accepted), at(101, Decision::Rejected)}), "Rejected");
  EXPECT_EQ(reason({ana, at(101, Decision::Rejected), at(101, Decision::Accepted)}), "Rejected");
}

TEST(Records, CountForTheFirstPromotionAfterThemOnly) {
  auto asked = gate();
  asked.live = NumberedRevision{1, "r", formatTime(WallTime(std::chrono::seconds(100))), {}};
  const RecordBuilder older("ion", Role::Beneficiary, 99), same("ion", Role::Beneficiary, 100),
      ana("ana", Role::MPayRepresentative, 101);
  EXPECT_EQ(reason({older, ana}, asked), "EvidenceStale");
  EXPECT_EQ(reason({same, ana}, asked), "Accepted");
  asked.live->revision.spent = {*same.record.metadata.uid};
  EXPECT_EQ(reason({same, ana}, asked), "EvidenceStale");
}

TEST(Records, OfServiceAccountsCountWhereTheEnvironmentAllowsThem) {
  auto asked = gate();
  asked.serviceAccounts = api::ServiceAccountPolicy::Allowed;
  EXPECT_EQ(reason({RecordBuilder("system:serviceaccount:a:b", Role::Beneficiary),
                    RecordBuilder("ana", Role::MPayRepresentative)},
                   asked),
            "Accepted");
}

TEST(Statement, IsCanonicalJson) {
  const RecordBuilder ion("ion", Role::Beneficiary);
  EXPECT_EQ(
      statementOf("ns", ion.record.spec),
      R"({"decision":"Accepted","digest":")" + kDigest +
          R"(","environment":"production","integration":{"name":"x","namespace":"ns","uid":"uid-1"},"milestone":"FinalValidation","recordedBy":"ion","role":"Beneficiary"})");
}

TEST(Digest, IsOfWhatTakesEffectInProductionAndOfNothingElse) {
  api::MPayIntegration base;
  base.metadata.namespace_ = "ns";
  base.metadata.name = "x";
  base.spec.endpoints.testing = api::Endpoint{"https://t.example", {"8.8.8.8"}};
  base.spec.endpoints.production = api::Endpoint{"https://p.example", {"8.8.4.4"}};
  const api::ContentHashes hashes;
  const auto digest = [&](const api::MPayIntegration& i) { return digestOf(productionEffect(i, hashes)); };
  const auto testingDigest = [&](const api::MPayIntegration& i) { return digestOf(testingEffect(i, hashes)); };
  struct Row {
    const char* name;
    std::function<void(api::MPayIntegration&)> change;
    bool production, testing;
  };
  const Row rows[] = {
      {"namespace", [](auto& i) { i.metadata.namespace_ = "other"; }, true, true},
      {"name", [](auto& i) { i.metadata.name = "y"; }, true, true},
      {"uid", [](auto& i) { i.metadata.uid = "u"; }, false, false},
      {"beneficiary", [](auto& i) { i.spec.beneficiary.legalName = "L"; }, true, true},
      {"contract", [](auto& i) { i.spec.contract.number = "1"; }, true, true},
      {"informationSystem", [](auto& i) { i.spec.informationSystem = api::InformationSystem{"S"}; }, true, true},
      {"service", [](auto& i) { i.spec.service.id = "S-1"; }, true, true},
      {"POS terminals", [](auto& i) { i.spec.service.posTerminals.emplace_back(); }, true, true},
      {"endpoints.production", [](auto& i) { i.spec.endpoints.production->url = "https://q.example"; }, true, true},
      {"endpoints.testing", [](auto& i) { i.spec.endpoints.testing->url = "https://q.example"; }, false, true},
      {"backOfficeUsers",
       [](auto& i) {
         i.spec.backOfficeUsers.push_back({"M", "m@x", std::nullopt});
       },
       true, true},
      {"environments", [](auto& i) { i.spec.environments.production = "other"; }, false, false},
      {"targetStage", [](auto& i) { i.spec.targetStage = api::Stage::Testing; }, false, false},
      {"suspend", [](auto& i) { i.spec.suspend = true; }, false, false},
      {"deletionPolicy", [](auto& i) { i.spec.deletionPolicy = api::DeletionPolicy::Retain; }, false, false},
      {"notification", [](auto& i) { i.spec.notification.recipients = {"a@b"}; }, false, false},
      {"applicant", [](auto& i) { i.spec.applicant.name = "A"; }, false, false},
      {"functionalTests", [](auto& i) { i.spec.functionalTests.emplace(); }, false, false},
      {"where the certificate is kept",
       [](auto& i) {
         i.spec.certificate = api::ContentSource{"x", std::nullopt, std::nullopt};
       },
       false, false},
  };
  for (const auto& row : rows) {
    auto changed = base;
    row.change(changed);
    EXPECT_EQ(digest(changed) != digest(base), row.production) << row.name;
    EXPECT_EQ(testingDigest(changed) != testingDigest(base), row.testing) << row.name;
  }
  const auto with = [&](api::ContentHashes h) { return digestOf(productionEffect(base, h)); };
  EXPECT_NE(with({"sha256:a", std::nullopt, {}}), digest(base)) << "the certificate's content";
  EXPECT_NE(with({std::nullopt, "sha256:a", {}}), digest(base)) << "the logo's content";
}

}  // namespace
}  // namespace mpay::onboarding
