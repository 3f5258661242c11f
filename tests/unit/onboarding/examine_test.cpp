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

}  // namespace
}  // namespace mpay::onboarding
