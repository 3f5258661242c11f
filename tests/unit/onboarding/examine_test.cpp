#include <gtest/gtest.h>

#include "unit/onboarding/form.h"

namespace mpay::onboarding {
namespace {

using Texts = std::vector<std::string>;

TEST(Examine, ClaimsWhatACompleteFormDeclares) {
  const auto out = Form().examine();
  ASSERT_TRUE(out.form.holds()) << out.form.reason << ": " << out.form.message;
  EXPECT_EQ(out.testingClaim->addresses, (Texts{"8.8.8.8/32", "9.9.9.9/32"}));
  EXPECT_EQ(out.productionClaim->addresses, (Texts{"8.8.4.4/32", "9.9.9.9/32"}));
  EXPECT_EQ(out.testingClaim->certificates.size(), 1u);
  EXPECT_EQ(out.testingFragment.addresses, Texts{"8.8.8.8/32"});
  EXPECT_EQ(out.testingFragment.posAddresses, Texts{"9.9.9.9/32"});
}

TEST(Examine, HoldsTerminalsToProductionsRulesToo) {
  Form form;
  form.edit([](auto& i) { i.spec.service.posTerminals[0].address = "10.1.2.3"; });
  Form::editSettings(form.snapshot.testing, [](auto& s) { s.addresses.permitted = {*net::parsePrefix("10.0.0.0/8")}; });
  const auto out = form.examine();
  EXPECT_EQ(out.form.reason, "NonPublicAddress");
  EXPECT_NE(out.form.message.find("service.posTerminals[0].address (10.1.2.3/32)"), std::string::npos)
      << out.form.message;
  EXPECT_FALSE(out.productionClaim) << "nothing is claimed in part";
  form.edit([](auto& i) { i.spec.targetStage = api::Stage::Testing; });
  EXPECT_TRUE(form.examine().form.holds());
}

TEST(Examine, CountsEndpointsAndTerminalsTogether) {
  struct Row {
    std::string name;
    Texts endpoint;
    std::string terminal;
    bool fits;
  };
  const Row rows[] = {
      {"the union is as large as is allowed", {"8.8.8.0/30"}, "9.9.9.0/30", true},
      {"the union is larger", {"8.8.8.0/30"}, "9.9.9.0/29", false},
      {"one more", {"8.8.8.0/30", "8.8.4.4"}, "9.9.9.0/30", false},
      {"what both declare counts once", {"8.8.8.0/29"}, "8.8.8.0/29", true},
  };
  for (const auto& row : rows) {
    for (const auto stage : {api::Stage::Testing, api::Stage::Production}) {
      Form form;
      const bool isTesting = stage == api::Stage::Testing;
      form.edit([&](auto& i) {
        i.spec.service.posTerminals[0].address = row.terminal;
        (isTesting ? i.spec.endpoints.testing : i.spec.endpoints.production)->addresses = row.endpoint;
      });
      Form::editSettings(isTesting ? form.snapshot.testing : form.snapshot.production,
                         [](auto& s) { s.addresses.maximum = 8; });
      const auto out = form.examine();
      const auto& verdict = isTesting ? out.testingAddresses : out.form;
      EXPECT_EQ(verdict.holds(), row.fits) << row.name << ": " << verdict.message;
      if (!row.fits) {
        EXPECT_EQ(verdict.reason, "RangeTooWide") << row.name;
      }
    }
  }
}

TEST(Examine, TakesTheIntermediatesThatAreGiven) {
  const auto given = [](const std::string& bytes) { return Content(Result<std::string>(bytes)); };
  Form form;
  const auto digest = form.examine().digest;
  const auto issuing =
      form.authority.subordinate(test::CertificateOptions{.commonName = "Issuing CA", .validFor = 7200});
  const auto leaf = issuing.issue({}).certificate;
  form.snapshot.certificate = given(leaf);
  EXPECT_EQ(form.examine().certificate.reason, "UntrustedIssuer");
  form.edit([](auto& i) { i.spec.certificate->intermediates = api::ContentSource{"given", {}, {}}; });
  EXPECT_EQ(form.examine().certificate.reason, "Pending");
  form.snapshot.intermediates = given(issuing.certificate());
  const auto out = form.examine();
  EXPECT_TRUE(out.form.holds()) << out.certificate.message;
  EXPECT_EQ(out.nextInstant, crypto::Certificate::parse(issuing.certificate())->notAfter() + std::chrono::seconds(1))
      << "the verdict changes when an authority on the way expires";
  const std::pair<std::string, Content> rows[] = {
      {"MalformedCertificate", given("nothing")},
      {"WrongUsage", given(leaf)},
      {"PrivateKeyInPublicField", given(issuing.certificate() + issuing.key())},
      {"CertificateTooLarge", given(std::string(crypto::kMaximumCertificateBytes + 1, 'x'))},
      {"ReferenceForbidden", Result<std::string>(refuse("ReferenceForbidden", "no"))}};
  for (const auto& [reason, content] : rows) {
    form.snapshot.intermediates = content;
    const auto refused = form.examine();
    EXPECT_EQ(refused.certificate.reason, reason) << refused.certificate.message;
    EXPECT_EQ(refused.certificate.attention, Attention::Fix) << reason;
    EXPECT_NE(refused.certificate.message.find(reason == "ReferenceForbidden" ? "" : "certificate.intermediates"),
              std::string::npos);
  }
  // With the certificate unchanged, the intermediates change no digest.
  form.snapshot.certificate = given(form.certificate);
  form.snapshot.intermediates = given(issuing.certificate());
  EXPECT_EQ(form.examine().digest, digest);
}

TEST(Examine, HoldsTheSubjectToTheEnvironmentsRule) {
  Form form;
  const auto issued = [&](const std::string& idno) {
    form.snapshot.certificate =
        Content(Result<std::string>(form.authority.issue({.organizationIdentifiers = {"NTRMD-" + idno}}).certificate));
    return form.examine().certificate;
  };
  EXPECT_EQ(issued("1006601000255").message.find("note that"), std::string::npos);
  EXPECT_TRUE(issued("1010600034203").holds());
  EXPECT_NE(issued("1010600034203").message.find("note that"), std::string::npos);
  Form::editSettings(form.snapshot.production, [](auto& s) { s.certificates.subjectMustMatch = true; });
  EXPECT_TRUE(issued("1006601000255").holds());
  EXPECT_EQ(issued("1010600034203").reason, "SubjectMismatch");
  form.edit([](auto& i) { i.spec.targetStage = api::Stage::Testing; });
  EXPECT_TRUE(issued("1010600034203").holds()) << "production's rule does not concern it";
}

TEST(Examine, NamesTheFieldThatIsWrong) {
  const std::pair<std::string, std::string> rows[] = {
      {"nonsense", "service.posTerminals[0].address is not"},
      {"8.0.0.0/8", "service.posTerminals covers"},
      {"9.9.9.0/24", "endpoints.production.addresses with service.posTerminals covers"},
  };
  for (const auto& [address, says] : rows) {
    Form form;
    form.edit([&address = address](auto& i) { i.spec.service.posTerminals[0].address = address; });
    EXPECT_TRUE(form.examine().form.message.starts_with(says)) << form.examine().form.message;
  }
}

TEST(Examine, NamesTheUrlThatNobodyCanCall) {
  for (const std::string field : {"endpoints.testing.url", "endpoints.production.url"}) {
    Form form;
    form.edit([&](auto& i) {
      (field == "endpoints.testing.url" ? i.spec.endpoints.testing : i.spec.endpoints.production)->url =
          "https://a.example:99999/";
    });
    EXPECT_TRUE(form.examine().form.message.starts_with(field)) << form.examine().form.message;
  }
}

TEST(Examine, LooksAgainWhenTimeAloneChangesAVerdict) {
  Form form;
  const auto issued = [&](long from, long length) {
    test::CertificateOptions options;
    options.validFrom = from;
    options.validFor = length;
    return form.authority.issue(options).certificate;
  };
  const auto parsed = [](const std::string& text) { return crypto::Certificate::parse(text).value(); };
  const auto later = issued(3600, 86400), current = issued(-3600, 7200);

  EXPECT_EQ(form.examine().nextInstant, parsed(form.certificate).notAfter() + std::chrono::seconds(1));
  form.snapshot.certificate = Result<std::string>(later);
  EXPECT_EQ(form.examine().certificate.reason, "CertificateNotYetValid");
  EXPECT_EQ(form.examine().nextInstant, parsed(later).notBefore());
  form.snapshot.certificate = Result<std::string>(current);
  EXPECT_EQ(form.examine().nextInstant, parsed(current).notAfter() + std::chrono::seconds(1));

  form.snapshot.certificate = Result<std::string>(form.certificate);
  form.edit([](auto& i) {
    i.spec.backOfficeUsers.push_back({"Ana", "ana@agentia.example", api::ContentSource{"given", {}, {}}});
  });
  form.snapshot.users = {Result<std::string>(later)};
  EXPECT_EQ(form.examine().prerequisites.reason, "CertificateNotYetValid");
  EXPECT_EQ(form.examine().nextInstant, parsed(later).notBefore());
  form.snapshot.users = {Result<std::string>(current)};
  EXPECT_EQ(form.examine().nextInstant, parsed(current).notAfter() + std::chrono::seconds(1));

  const auto inAWeek = std::chrono::floor<std::chrono::days>(form.now) + std::chrono::days(7);
  form.edit([&](auto& i) {
    i.spec.backOfficeUsers.clear();
    i.spec.contract.signedOn = formatTime(inAWeek).substr(0, 10);
  });
  EXPECT_EQ(form.examine().prerequisites.reason, "ContractNotSigned");
  EXPECT_EQ(form.examine().nextInstant, inAWeek - std::chrono::hours(14)) << "the day begins in the east";
}

TEST(Examine, RefusesTheFormWithItsReason) {
  using Spec = api::MPayIntegrationSpec;
  struct Row {
    std::string reason;
    Verdict Examination::*where;
    std::function<void(Form&)> change;
  };
  const auto spec = [](std::function<void(Spec&)> change) {
    return [change](Form& f) { f.edit([&](auto& i) { change(i.spec); }); };
  };
  const auto gone = Error{ErrorKind::Invalid, "gone", "ReferenceNotFound"};
  const auto met = &Examination::prerequisites, trusted = &Examination::certificate, submitted = &Examination::form;
  const Row rows[] = {
      {"Met", met, [](Form&) {}},
      {"InvalidField", met, spec([](Spec& s) { s.applicant.name = "a\n"; })},
      {"InvalidField", met, spec([](Spec& s) { s.beneficiary.idno.back() = '0'; })},
      {"InvalidField", met, spec([](Spec& s) { s.service.accounts[0].iban.back() = '1'; })},
      {"RegisterNumberMissing", met, spec([](Spec& s) { s.beneficiary.registerNumber.reset(); })},
      {"ContractNotSigned", met, spec([](Spec& s) { s.contract.signedOn = "2999-01-01"; })},
      {"ContractNotSigned", met, spec([](Spec& s) { s.contract.signedOn = "today"; })},
      {"PaidServiceRequired", met, spec([](Spec& s) { s.beneficiary.type = api::BeneficiaryType::Private; })},
      {"PaidServiceRequired", met, spec([](Spec& s) { s.service.accounts[0].kind = api::AccountKind::Commercial; })},
      {"Trusted", trusted, [](Form&) {}},
      {"NotRequired", trusted, spec([](Spec& s) {
         s.certificate.reset();
         s.informationSystem.reset();
         s.genericService = api::GenericService{};
       })},
      {"CertificateMissing", trusted, spec([](Spec& s) { s.certificate.reset(); })},
      {"Pending", trusted, [](Form& f) { f.snapshot.certificate.reset(); }},
      {"ReferenceNotFound", trusted, [&](Form& f) { f.snapshot.certificate = Result<std::string>(fail(gone)); }},
      {"MalformedCertificate", trusted, [](Form& f) { f.snapshot.certificate = Result<std::string>("nonsense"); }},
      {"UntrustedIssuer", trusted,
       [](Form& f) { f.snapshot.certificate = Result<std::string>(test::Authority("Other").issue({}).certificate); }},
      {"Pending", trusted, [](Form& f) { f.snapshot.testing.settings = nullptr; }},
      {"EnvironmentNotFound", trusted,
       [](Form& f) {
         f.snapshot.production.settings = nullptr;
         f.snapshot.production.problem = Error{ErrorKind::Invalid, "none", "EnvironmentNotFound"};
       }},
      {"Submitted", submitted, [](Form&) {}},
      {"AwaitingPrerequisites", submitted, spec([](Spec& s) { s.beneficiary.registerNumber.reset(); })},
      {"AwaitingCertificate", submitted, spec([](Spec& s) { s.certificate.reset(); })},
      {"AwaitingServiceID", submitted, spec([](Spec& s) { s.service.id.reset(); })},
      {"Pending", submitted, spec([](Spec& s) { s.service.logo.emplace(); })},
      {"InvalidRecipient", submitted, spec([](Spec& s) { s.notification.recipients = {"a@b\r\nBcc: c@d"}; })},
      {"InvalidField", submitted, spec([](Spec& s) { s.endpoints.testing->url = "https://a.example:99999/mpay"; })},
      {"InvalidField", submitted, spec([](Spec& s) { s.endpoints.production->url = "https://a.example/m pay"; })},
      {"InvalidRecipient", submitted, spec([](Spec& s) { s.applicant.email = "nobody"; })},
      {"Pending", submitted, [](Form& f) { f.snapshot.namespaceLabels.reset(); }},
      {"NamespaceNotPermitted", submitted, [](Form& f) { f.snapshot.namespaceLabels->clear(); }},
      {"IdentityMismatch", submitted,
       [](Form& f) {
         Form::editSettings(f.snapshot.testing, [](auto& s) { s.spec.tenants.idnoLabel = "mpay.gov.md/idno"; });
       }},
      {"EnvironmentMismatch", submitted,
       [](Form& f) { Form::editSettings(f.snapshot.production, [](auto& s) { s.spec.stage = api::Stage::Testing; }); }},
      {"NonPublicAddress", submitted, spec([](Spec& s) { s.endpoints.production->addresses = {"10.0.0.1"}; })},
  };
  for (const auto& row : rows) {
    Form form;
    row.change(form);
    const auto out = form.examine();
    EXPECT_EQ((out.*row.where).reason, row.reason) << (out.*row.where).message;
    for (const auto* verdict : {&out.prerequisites, &out.certificate, &out.form}) {
      EXPECT_FALSE(verdict->reason.empty() || verdict->message.empty()) << row.reason;
    }
    EXPECT_EQ(out.testingClaim.has_value(), out.form.holds()) << row.reason;
  }
}

TEST(Examine, ReadsNothingForANamespaceThatNoEnvironmentAdmits) {
  Form form;
  EXPECT_TRUE(isTenant(form.snapshot));
  form.snapshot.namespaceLabels->clear();
  EXPECT_FALSE(isTenant(form.snapshot));
  form.snapshot.certificate = std::nullopt;
  const auto out = form.examine();
  EXPECT_EQ(out.form.reason, "NamespaceNotPermitted");
  EXPECT_EQ(out.certificate.reason, "NamespaceNotPermitted");
  EXPECT_EQ(out.certificate.attention, Attention::Fix);
  EXPECT_FALSE(out.testingClaim);
  EXPECT_EQ(out.digest, "");
  form.snapshot.testing.declared = nullptr;
  form.snapshot.namespaceLabels->emplace("mpay.gov.md/tenant", "true");
  EXPECT_TRUE(isTenant(form.snapshot)) << "one of the two is enough";
}

TEST(Examine, HashesTheSameWhateverIsWrongWithTheForm) {
  const std::pair<std::string, std::function<void(Form&)>> rows[] = {
      {"the certificate has expired", [](Form& f) { f.now = f.examine().leaf->notAfter() + std::chrono::hours(1); }},
      {"an environment is unusable",
       [](Form& f) {
         f.snapshot.production.settings = nullptr;
         f.snapshot.production.problem = Error{ErrorKind::Invalid, "m", "MalformedAuthorities"};
       }},
      {"the namespace is not admitted any more", [](Form& f) { f.snapshot.namespaceLabels->clear(); }},
      {"a recipient is none", [](Form& f) { f.edit([](auto& i) { i.spec.notification.recipients = {"x"}; }); }},
  };
  for (const auto& [name, change] : rows) {
    Form form;
    const auto before = form.examine().digest;
    EXPECT_FALSE(before.empty());
    change(form);
    EXPECT_FALSE(form.examine().form.holds()) << name;
    EXPECT_EQ(form.examine().digest, before) << name;
  }
  Form form;
  form.snapshot.certificate = Result<std::string>("no certificate");
  EXPECT_EQ(form.examine().digest, "") << "what is not what it should be is not hashed: it may be a secret";
  EXPECT_FALSE(form.examine().hashes.certificate);
}

TEST(Examine, KeepsWhatIsPublishedClaimed) {
  Form form;
  form.promote();
  form.edit([](auto& i) {
    i.spec.endpoints.production->addresses = {"1.1.1.1"};
    i.spec.endpoints.testing->addresses = {"nonsense"};
  });
  const auto out = form.examine();
  EXPECT_EQ(out.productionClaim->addresses, (Texts{"1.1.1.1/32", "8.8.4.4/32", "9.9.9.9/32"}));
  EXPECT_EQ(out.testingAddresses.reason, "MalformedAddress");
  EXPECT_EQ(out.testingClaim->addresses, (Texts{"8.8.8.8/32", "9.9.9.9/32"})) << "last known good";
  form.edit([](auto& i) { i.spec.endpoints.testing->addresses = {"1.0.0.1"}; });
  EXPECT_EQ(form.examine().testingClaim->addresses, (Texts{"1.0.0.1/32", "8.8.8.8/32", "9.9.9.9/32"}))
      << "until the new one is published";
}

}  // namespace
}  // namespace mpay::onboarding
