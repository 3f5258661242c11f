// kubectl mpay against a real API server: the question, the digest, and the server's refusals.
#include "cli/validate.h"

#include <sstream>

#include "integration/world.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;

class Cli : public World {
 protected:
  Cli() {
    startOperator();
    create(form());
    await("TestEnvironmentReady", ConditionStatus::True);
    options.name = "certificates";
    options.namespace_ = tenant;
    cluster.awaitPolicies();
  }

  // The result of validate() for a user who types `typed`; the printed text is in `out`.
  Result<void> validate(const std::string& user, const std::string& typed = "") {
    std::istringstream in(typed);
    out.str("");
    return cli::validate(cluster.as(user), options, in, out);
  }

  std::vector<api::MPayValidation> records() {
    return kube::Api<api::MPayValidation>(cluster.admin).list({tenant, "", ""}).value();
  }

  cli::ValidateOptions options;
  std::ostringstream out;
};

TEST_F(Cli, RecordsOnlyWhatWasConfirmed) {
  for (const auto typed : {"n\n", "\n", "", "no\n", "yes please\n"}) {
    const auto refused = validate(beneficiary, typed);
    ASSERT_FALSE(refused) << typed;
    EXPECT_EQ(refused.error().reason, "NotConfirmed") << refused.error().message;
    EXPECT_TRUE(records().empty()) << typed;
  }
  const auto done = validate(beneficiary, "y\n");
  ASSERT_TRUE(done) << done.error().message;
  const auto made = records();
  ASSERT_EQ(made.size(), 1u);
  EXPECT_EQ(made[0].spec.recordedBy, beneficiary);
  EXPECT_EQ(made[0].spec.digest, current().status->digest);
  EXPECT_NE(out.str().find("Record this as " + beneficiary + "? [y/N]"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("mpayvalidation/" + *made[0].metadata.name + " recorded"), std::string::npos) << out.str();
  // `statement` prints the same statement that was shown here.
  std::ostringstream statement;
  ASSERT_TRUE(cli::statement(cluster.as(beneficiary), options, statement));
  EXPECT_NE(out.str().find(statement.str()), std::string::npos) << statement.str();
}

TEST_F(Cli, AsksNothingWhereTheDigestIsGiven) {
  options.digest = "sha256:" + std::string(64, 'a');
  const auto other = validate(beneficiary);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().reason, "DigestMismatch");
  EXPECT_TRUE(records().empty());
  options.digest = current().status->digest;
  const auto done = validate(beneficiary, "");
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(out.str().find("[y/N]"), std::string::npos) << out.str();
  EXPECT_EQ(records().size(), 1u);
}

TEST_F(Cli, ShowsWhyTheServerRefuses) {
  options.role = api::Role::MPayRepresentative;
  const auto forbidden = validate(beneficiary, "y\n");
  ASSERT_FALSE(forbidden);
  EXPECT_NE(forbidden.error().message.find("you may not validate as MPayRepresentative"), std::string::npos)
      << forbidden.error().message;
  const auto stranger = validate("stranger@mpay.example", "y\n");
  ASSERT_FALSE(stranger);
  EXPECT_TRUE(stranger.error().isForbidden()) << stranger.error().message;
  options.name = "absent";
  const auto absent = validate(beneficiary, "y\n");
  ASSERT_FALSE(absent);
  EXPECT_TRUE(absent.error().isNotFound()) << absent.error().message;
  EXPECT_TRUE(records().empty());
}

TEST_F(Cli, RecordsNothingOfWhatTheOperatorHasNotSeen) {
  options.digest = current().status->digest;
  killOperator();
  edit([](auto& spec) { spec.contract.number = "46/2026"; });
  const auto outdated = validate(beneficiary);
  ASSERT_FALSE(outdated);
  EXPECT_EQ(outdated.error().reason, "Outdated") << outdated.error().message;
  std::ostringstream statement;
  EXPECT_FALSE(cli::statement(cluster.as(beneficiary), options, statement));
  EXPECT_EQ(statement.str(), "");
  EXPECT_TRUE(records().empty());
  // Once the operator has seen it, the digest is another than the one that was looked at.
  startOperator();
  await("TestEnvironmentReady", ConditionStatus::True);
  EXPECT_EQ(validate(beneficiary).error().reason, "DigestMismatch");
}

// In a Pod the operator would use its ServiceAccount; a person uses the kubeconfig.
TEST_F(Cli, UsesTheKubeconfigAlsoInAPod) {
  const auto shell = [&](std::vector<std::string> more, const std::map<std::string, std::string>& environment) {
    std::vector<std::string> words{MPAY_BIN_DIR "/kubectl-mpay",
                                   "statement",
                                   "certificates",
                                   "--namespace",
                                   tenant,
                                   "--milestone",
                                   "FinalValidation",
                                   "--role",
                                   "Beneficiary",
                                   "--accept"};
    words.insert(words.end(), more.begin(), more.end());
    std::map<std::string, std::string> all{{"KUBERNETES_SERVICE_HOST", "127.0.0.1"}, {"KUBERNETES_SERVICE_PORT", "1"}};
    all.insert(environment.begin(), environment.end());
    return run(words, "", all);
  };
  const std::string kubeconfig = cluster.plane.kubeconfigFor(beneficiary).string();
  for (const auto& done :
       {shell({}, {{"KUBECONFIG", kubeconfig}}), shell({"--kubeconfig", kubeconfig}, {{"KUBECONFIG", "/absent"}})}) {
    EXPECT_EQ(done.code, 0) << done.output;
    EXPECT_NE(done.output.find(*current().status->digest), std::string::npos) << done.output;
    EXPECT_NE(done.output.find(beneficiary), std::string::npos) << done.output;
  }
  const auto absent = shell({}, {{"KUBECONFIG", "/absent"}});
  EXPECT_EQ(absent.code, 1) << absent.output;
  EXPECT_NE(absent.output.find("error: cannot read /absent"), std::string::npos) << absent.output;
}

}  // namespace
}  // namespace mpay::test
