#include "onboarding/effect.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "domain/digest.h"
#include "ledger/revision.h"
#include "support/pki.h"

namespace mpay::onboarding {
namespace {

TEST(Revision, IsRehashedFromItsEffect) {
  const test::Authority authority;
  const auto certificate = authority.issue({}).certificate;
  api::MPayIntegration integration;
  integration.spec.service.id = "A-1";
  integration.spec.endpoints.production = api::Endpoint{"https://p.example", {"8.8.8.9", "8.8.8.8"}};
  Revision revision;
  revision.effect = productionEffect(integration, {crypto::digestText(certificate), std::nullopt, {}});
  revision.digest = digestOf(revision.effect.as_object());
  revision.certificate = crypto::base64(certificate);
  ASSERT_TRUE(verifyRevision(revision));
  const auto fragment = fragmentOf({1, "", "", revision});
  ASSERT_TRUE(fragment);
  EXPECT_EQ(fragment->addresses, std::vector<std::string>{"8.8.8.8/31"});
  EXPECT_EQ(fragment->certificates.size(), 1u);
  const std::function<void(Revision&)> damages[] = {
      [](Revision& r) { r.digest.back() = r.digest.back() == '0' ? '1' : '0'; },
      [](Revision& r) { r.effect.as_object()["name"] = "other"; },
      [&](Revision& r) { r.certificate = crypto::base64(authority.issue({}).certificate); },
      [](Revision& r) { r.certificate.reset(); },
      [](Revision& r) { r.logo = crypto::base64("logo"); },
  };
  for (const auto& damage : damages) {
    Revision damaged = revision;
    damage(damaged);
    const auto verified = verifyRevision(damaged);
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().reason, "RevisionCorrupt");
  }
}

}  // namespace
}  // namespace mpay::onboarding
