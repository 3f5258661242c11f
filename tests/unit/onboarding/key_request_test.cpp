#include "onboarding/key_request.h"

#include <gtest/gtest.h>

#include "unit/onboarding/form.h"

namespace mpay::onboarding {
namespace {

// A form that requests its certificate, and the Secret, as the operator's writes leave it.
class KeyRequestTest : public ::testing::Test {
 protected:
  KeyRequestTest() {
    form.edit([](auto& i) {
      i.spec.certificate = api::SystemCertificate{};
      i.spec.certificate->request = api::CertificateRequest{"system", "P-256", {}, "720h"};
    });
    form.snapshot.certificate.reset();
    secret.type = kTlsType;
    secret.resourceVersion = "1";
    update();
  }

  // Makes a key of the operator in that place.
  crypto::PrivateKey make(KeySlot& slot, const std::string& name = "x") {
    auto key = crypto::PrivateKey::make("P-256").value();
    slot = {false, key.publicKeySha256(), key.request(subjectOf(form.snapshot.integration->spec)).value()};
    form.snapshot.madeKeys[key.publicKeySha256()] = {{"ns", name, "uid-1", "1006601000255"}, key.publicKeySha256(), ""};
    update();
    return key;
  }
  void update() { form.snapshot.keySecret = Result<KeySecret>(secret); }
  // Sets certificate.issued.
  std::string issue(const std::string& certificate) {
    form.edit([](auto& i) { i.spec.certificate->issued = api::ContentSource{"given", {}, {}}; });
    form.snapshot.certificate = Result<std::string>(certificate);
    return certificate;
  }
  std::string certify(const KeySlot& slot, long validFor = 365L * 86400) {
    return form.authority.certify(slot.request, {.validFor = validFor}).certificate;
  }
  // Changes the Secret as the step Complete does.
  void complete() {
    secret.certificate = crypto::Certificate::parse(**form.snapshot.certificate)->pem();
    secret.hasCertificate = true;
    update();
  }
  // The step that the plan contains.
  KeyStep step() const {
    const auto plan = form.decide();
    return plan.keys ? plan.keys->step : KeyStep::None;
  }
  Verdict verdict() const { return form.examine().certificate; }

  Form form;
  KeySecret secret;
};

TEST_F(KeyRequestTest, GoesFromAnEmptySecretToACompleteOne) {
  EXPECT_EQ(verdict().reason, "Requesting");
  EXPECT_EQ(step(), KeyStep::MakeKey);
  EXPECT_FALSE(form.decide().status.certificateRequest);

  make(secret.current);
  EXPECT_EQ(verdict().reason, "AwaitingCertificate");
  EXPECT_EQ(verdict().attention, Attention::Awaiting);
  EXPECT_EQ(step(), KeyStep::None) << "nothing is made anew while a request is open";
  const auto waiting = form.decide();
  EXPECT_EQ(waiting.status.certificateRequest->pem, secret.current.request);
  EXPECT_EQ(waiting.status.certificateRequest->publicKeySHA256, secret.current.publicKeySha256);
  EXPECT_EQ(waiting.status.phase, "Awaiting certificate");
  EXPECT_EQ(api::findCondition(waiting.status.conditions, "Ready")->reason, "AwaitingCertificate");
  EXPECT_FALSE(waiting.status.digest);

  const auto leaf = issue(certify(secret.current));
  EXPECT_TRUE(verdict().holds()) << verdict().message;
  EXPECT_EQ(step(), KeyStep::Complete);
  EXPECT_EQ(form.decide().keys->chain, leaf);
  EXPECT_EQ(form.decide().keys->resourceVersion, "1");
  complete();
  EXPECT_EQ(step(), KeyStep::None);
  EXPECT_FALSE(form.decide().status.certificateRequest);
  EXPECT_TRUE(form.decide().status.digest);
}

TEST_F(KeyRequestTest, LeavesTheSecretAloneWhileSuspended) {
  form.edit([](auto& i) { i.spec.suspend = true; });
  EXPECT_EQ(step(), KeyStep::None);
}

TEST_F(KeyRequestTest, IsNotLookedAtBeforeTheNamespaceIsAdmitted) {
  form.snapshot.namespaceLabels = std::map<std::string, std::string>{};
  form.snapshot.keySecret.reset();
  EXPECT_EQ(verdict().reason, "NamespaceNotPermitted");
  EXPECT_EQ(step(), KeyStep::None);
}

TEST_F(KeyRequestTest, NeverTouchesWhatItDidNotMake) {
  struct Row {
    std::string name;
    std::function<void()> spoil;
  };
  const auto foreign = [&](KeySlot& slot) {
    make(slot);
    form.snapshot.madeKeys.erase(slot.publicKeySha256);
  };
  const Row rows[] = {{"another type", [&] { secret.type = "Opaque"; }},
                      {"immutable", [&] { secret.immutable = true; }},
                      {"a certificate without a key", [&] { secret.hasCertificate = true; }},
                      {"a key that somebody put there", [&] { foreign(secret.current); }},
                      {"something that is no key",
                       [&] {
                         secret.current = {false, "", ""};
                       }},
                      {"a key that was made for another integration", [&] { make(secret.current, "y"); }},
                      {"a renewal without a key", [&] { make(secret.renewal); }},
                      {"a renewal that somebody put there",
                       [&] {
                         make(secret.current);
                         foreign(secret.renewal);
                       }},
                      {"a renewal that is no key", [&] {
                         make(secret.current);
                         secret.renewal = {false, "", ""};
                       }}};
  const auto empty = secret;
  for (const auto& row : rows) {
    secret = empty;
    form.snapshot.madeKeys.clear();
    row.spoil();
    update();
    EXPECT_EQ(verdict().reason, "SecretNotUsable") << row.name;
    EXPECT_EQ(verdict().attention, Attention::Fix) << row.name;
    EXPECT_EQ(step(), KeyStep::None) << row.name;
    EXPECT_FALSE(form.decide().status.certificateRequest) << row.name;
  }
}

TEST_F(KeyRequestTest, IsNobodysSignatureAlsoWhereItsNotesAreGone) {
  for (auto* slot : {&secret.current, &secret.renewal}) {
    make(secret.current);
    make(*slot);
    const api::ContentSource shown{certify(*slot), {}, {}};
    form.edit([&](auto& i) { i.spec.backOfficeUsers = {{"Ana", "ana@agentia.example", shown}}; });
    form.snapshot.users = {Result<std::string>(*shown.inline_)};
    EXPECT_EQ(form.examine().prerequisites.reason, "OperatorMadeKey");
    form.snapshot.madeKeys.clear();
    EXPECT_EQ(form.examine().prerequisites.reason, "OperatorMadeKey");
  }
}

TEST_F(KeyRequestTest, PassesToTheSameBeneficiarysNextIntegrationOfThatName) {
  make(secret.current);
  form.edit([](auto& i) { i.metadata.uid = "uid-2"; });
  EXPECT_EQ(verdict().reason, "AwaitingCertificate");
  form.edit([](auto& i) { i.spec.beneficiary.idno = "1010600034203"; });
  EXPECT_EQ(verdict().reason, "SecretNotUsable");
}

TEST_F(KeyRequestTest, WritesTheRequestAnewOfTheKeyThatIsThere) {
  make(secret.current);
  const auto whole = secret.current;
  const auto other = crypto::PrivateKey::make("P-256")->request(subjectOf(form.snapshot.integration->spec)).value();
  for (const auto& request : {std::string(), std::string("nothing"), other}) {
    secret.current.request = request;
    update();
    EXPECT_EQ(step(), KeyStep::WriteRequest);
    EXPECT_FALSE(form.decide().status.certificateRequest) << "what is wrong is not published";
  }
  // Another subject keeps the same key.
  secret.current = whole;
  update();
  form.edit([](auto& i) { i.spec.certificate->request->subject.organizationalUnit = "IT"; });
  EXPECT_EQ(step(), KeyStep::WriteRequest);
  EXPECT_EQ(form.decide().keys->subject.organizationalUnit, "IT");
  // Another kind of key is used from the next renewal on.
  form.edit([](auto& i) {
    i.spec.certificate->request->subject.organizationalUnit.reset();
    i.spec.certificate->request->keyType = "RSA-4096";
  });
  EXPECT_EQ(step(), KeyStep::None);
}

TEST_F(KeyRequestTest, ComparesTheCertificateWithTheKey) {
  make(secret.current);
  issue(form.authority.issue({}).certificate);
  EXPECT_EQ(verdict().reason, "KeyMismatch");
  EXPECT_EQ(verdict().attention, Attention::Fix);
  EXPECT_EQ(step(), KeyStep::None);
  EXPECT_TRUE(form.decide().status.certificateRequest) << "the request stays open";
  issue(test::Authority("Another").certify(secret.current.request).certificate);
  EXPECT_EQ(verdict().reason, "UntrustedIssuer");
  EXPECT_EQ(step(), KeyStep::None) << "a certificate that is not trusted completes nothing";
  issue("nothing");
  EXPECT_EQ(verdict().reason, "MalformedCertificate");
  EXPECT_TRUE(verdict().message.starts_with("certificate.issued")) << verdict().message;
  form.snapshot.certificate =
      Result<std::string>(refuse(ErrorState::Absent, "ReferenceNotFound", "configmaps ns/c does not exist"));
  EXPECT_EQ(verdict().reason, "AwaitingCertificate") << "it may be declared before it is there";
  form.snapshot.certificate = Result<std::string>(refuse("ReferenceForbidden", "no"));
  EXPECT_EQ(verdict().reason, "ReferenceForbidden");
}

TEST_F(KeyRequestTest, GivesTheClientItsIntermediates) {
  make(secret.current);
  const auto issuing = form.authority.subordinate("Issuing CA");
  const auto leaf = issue(issuing.certify(secret.current.request).certificate);
  form.edit([](auto& i) { i.spec.certificate->intermediates = api::ContentSource{"given", {}, {}}; });
  form.snapshot.intermediates = Result<std::string>(issuing.certificate());
  EXPECT_EQ(step(), KeyStep::Complete);
  EXPECT_EQ(form.decide().keys->chain, leaf + issuing.certificate());
  // A gateway takes the first that fits, so the client sends no other.
  const auto byStranger = test::Authority("Stranger").crossSign(issuing).certificate;
  form.snapshot.intermediates = Result<std::string>(byStranger + issuing.certificate());
  EXPECT_EQ(form.decide().keys->chain, leaf + issuing.certificate());
}

TEST_F(KeyRequestTest, RenewsWithoutTakingAnythingAway) {
  make(secret.current);
  const auto first = issue(certify(secret.current, 40L * 86400));
  complete();
  form.promote();
  EXPECT_EQ(step(), KeyStep::None);
  const auto due = crypto::Certificate::parse(first)->notAfter() - std::chrono::hours(720);
  EXPECT_EQ(form.examine().nextInstant, due);
  form.now = due - std::chrono::seconds(1);
  EXPECT_EQ(step(), KeyStep::None);
  form.now = due;
  EXPECT_EQ(step(), KeyStep::MakeRenewalKey);
  EXPECT_TRUE(verdict().holds());

  make(secret.renewal);
  EXPECT_EQ(step(), KeyStep::None) << "one key for a renewal";
  EXPECT_TRUE(verdict().holds()) << "the old one goes on";
  EXPECT_NE(verdict().message.find("status.certificateRequest"), std::string::npos);
  EXPECT_EQ(form.decide().status.certificateRequest->pem, secret.renewal.request);
  EXPECT_EQ(api::findCondition(form.decide().status.conditions, "Ready")->reason, "Production");

  // When the next certificate is issued, the Secret keeps the old pair until the gateway of each environment admits the
  // new one.
  const auto second = issue(certify(secret.renewal));
  EXPECT_TRUE(verdict().holds()) << verdict().message;
  EXPECT_FALSE(form.decide().status.certificateRequest);
  EXPECT_EQ(step(), KeyStep::None);
  form.carryOut();
  EXPECT_EQ(step(), KeyStep::None) << "production admits the old one alone";
  form.now += std::chrono::seconds(2);
  form.promote();
  EXPECT_EQ(step(), KeyStep::Renew);
  EXPECT_EQ(form.decide().keys->chain, second);
  secret.current = secret.renewal;
  secret.renewal = {};
  complete();
  EXPECT_EQ(step(), KeyStep::None);
}

TEST_F(KeyRequestTest, ReplacesACertificateOfTheSameKeyOnlyOnceItIsAdmitted) {
  make(secret.current);
  issue(certify(secret.current));
  complete();
  form.promote();
  ASSERT_EQ(step(), KeyStep::None);
  const auto second = issue(certify(secret.current));
  EXPECT_TRUE(verdict().holds()) << verdict().message;
  EXPECT_EQ(step(), KeyStep::None) << "whoever mounts the Secret would present what nobody admits";
  form.carryOut();
  EXPECT_EQ(step(), KeyStep::None) << "production admits the old one alone";
  form.now += std::chrono::seconds(2);
  form.promote();
  EXPECT_EQ(step(), KeyStep::Complete);
  EXPECT_EQ(form.decide().keys->chain, second);
}

TEST_F(KeyRequestTest, AdmitsTheEarlierCertificateAsLongAsTheSecretPresentsIt) {
  make(secret.current);
  issue(certify(secret.current));
  complete();
  form.promote();
  make(secret.renewal);
  issue(certify(secret.renewal));
  form.now += std::chrono::seconds(2);
  form.promote();
  // The Secret cannot be written for longer than the overlap.
  for (int i = 0; i < 3; ++i) {
    form.now += std::chrono::hours(24);
    while (form.carryOut()) {
    }
  }
  EXPECT_EQ(form.snapshot.production.fragment->certificates.size(), 2u);
  EXPECT_EQ(form.snapshot.testing.fragment->certificates.size(), 2u);
  ASSERT_EQ(step(), KeyStep::Renew);
  secret.current = secret.renewal;
  secret.renewal = {};
  complete();
  while (form.carryOut()) {
  }
  EXPECT_EQ(form.snapshot.production.fragment->certificates.size(), 2u) << "the overlap begins";
  form.now += std::chrono::hours(25);
  while (form.carryOut()) {
  }
  EXPECT_EQ(form.snapshot.production.fragment->certificates.size(), 1u);
}

TEST_F(KeyRequestTest, KeepsTheOldKeyWhileNobodyKnowsWhatProductionAdmits) {
  make(secret.current);
  issue(certify(secret.current));
  complete();
  form.promote();
  form.edit([&](auto& i) {
    i.spec.targetStage = api::Stage::Testing;
    i.status = form.decide().status;
  });
  make(secret.renewal);
  issue(certify(secret.renewal));
  while (form.carryOut()) {
  }
  EXPECT_EQ(step(), KeyStep::None) << "production admits the old one alone";
  form.snapshot.production.fragment.reset();
  EXPECT_EQ(step(), KeyStep::None) << "somebody deleted the fragment, and it will be back";
  form.snapshot.production.live.reset();
  form.snapshot.production.read = false;
  EXPECT_EQ(step(), KeyStep::None) << "it cannot be read";
  form.snapshot.production.settings = nullptr;
  form.snapshot.production.declared = nullptr;
  EXPECT_EQ(step(), KeyStep::None) << "the environment is not there, and was";
  form.edit([](auto& i) { i.status->production.reset(); });
  EXPECT_EQ(step(), KeyStep::Renew);
}

TEST_F(KeyRequestTest, RenewsInTestingAloneWhereProductionServesNothing) {
  form.edit([](auto& i) { i.spec.targetStage = api::Stage::Testing; });
  make(secret.current);
  issue(certify(secret.current, 10L * 86400));
  complete();
  EXPECT_EQ(step(), KeyStep::MakeRenewalKey);
  make(secret.renewal);
  issue(certify(secret.renewal));
  EXPECT_EQ(step(), KeyStep::None);
  form.carryOut();
  EXPECT_EQ(step(), KeyStep::Renew);
}

TEST_F(KeyRequestTest, AsksForADurationAndASubjectThatCanBe) {
  const std::pair<std::string, std::function<void(api::CertificateRequest&)>> rows[] = {
      {"InvalidField", [](auto& r) { r.renewBefore = "soon"; }},
      {"InvalidField", [](auto& r) { r.renewBefore = "9000h"; }},
      {"InvalidSubject", [](auto& r) { r.subject.commonName = std::string(65, 'x'); }}};
  for (const auto& [reason, spoil] : rows) {
    const auto whole = form.snapshot.integration;
    form.edit([&spoil = spoil](auto& i) { spoil(*i.spec.certificate->request); });
    EXPECT_EQ(verdict().reason, reason);
    EXPECT_EQ(step(), KeyStep::None);
    form.snapshot.integration = whole;
  }
}

TEST_F(KeyRequestTest, TakesTheSubjectFromTheForm) {
  const auto& spec = form.snapshot.integration->spec;
  EXPECT_EQ(subjectOf(spec).commonName, "SIA Stare Civila");
  EXPECT_EQ(subjectOf(spec).organization, "Agenția Model");
  EXPECT_EQ(subjectOf(spec).idno, "1006601000255");
  form.edit([](auto& i) { i.spec.certificate->request->subject = {"pay", "Model", "IT"}; });
  const auto declared = subjectOf(form.snapshot.integration->spec);
  EXPECT_EQ(declared.commonName + declared.organization + declared.organizationalUnit, "payModelIT");
  EXPECT_EQ(declared.idno, "1006601000255");
}

TEST_F(KeyRequestTest, LetsNoKeyOfTheOperatorsSpeakForAPerson) {
  make(secret.current);
  const auto certificate = issue(certify(secret.current));
  form.edit([](auto& i) {
    i.spec.backOfficeUsers.push_back({"Ana", "ana@agentia.example", api::ContentSource{"given", {}, {}}});
  });
  form.snapshot.users = {Result<std::string>(certificate)};
  EXPECT_EQ(form.examine().prerequisites.reason, "OperatorMadeKey");
  form.snapshot.users = {Result<std::string>(form.authority.issue({}).certificate)};
  EXPECT_TRUE(form.examine().prerequisites.holds());
}

}  // namespace
}  // namespace mpay::onboarding
