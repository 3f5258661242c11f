#include "cli/command_line.h"

#include <gmock/gmock.h>

#include <sstream>

namespace mpay::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Answer {
  std::optional<CommandLine> line{};
  int code = 0;
  std::string out{}, err{};
};

Answer typed(std::vector<const char*> words) {
  words.insert(words.begin(), "kubectl-mpay");
  std::ostringstream out, err;
  const auto read = readCommandLine(static_cast<int>(words.size()), words.data(), out, err);
  if (const auto* exit = std::get_if<Exit>(&read)) return {std::nullopt, exit->code, out.str(), err.str()};
  return {std::get<CommandLine>(read), 0, out.str(), err.str()};
}

TEST(CommandLine, ReadsEachWord) {
  const auto answer =
      typed({"validate", "certificates", "-n", "ns", "--kubeconfig", "file", "--milestone", "FunctionalTesting",
             "--role", "MPayRepresentative", "--reject", "--comment", "late", "--digest", "sha256:1"});
  ASSERT_TRUE(answer.line) << answer.err;
  EXPECT_EQ(answer.line->command, CommandLine::Command::Validate);
  EXPECT_EQ(answer.line->kubeconfig, "file");
  const auto& options = answer.line->options;
  EXPECT_EQ(options.name, "certificates");
  EXPECT_EQ(options.namespace_, "ns");
  EXPECT_EQ(options.milestone, api::Milestone::FunctionalTesting);
  EXPECT_EQ(options.role, api::Role::MPayRepresentative);
  EXPECT_EQ(options.decision, api::Decision::Rejected);
  EXPECT_EQ(options.comment, "late");
  EXPECT_EQ(options.digest, "sha256:1");
}

TEST(CommandLine, TakesNamesInAnyCase) {
  const auto answer =
      typed({"statement", "x", "--milestone", "finalvalidation", "--role", "mpayrepresentative", "--accept"});
  ASSERT_TRUE(answer.line) << answer.err;
  EXPECT_EQ(answer.line->command, CommandLine::Command::Statement);
  EXPECT_EQ(answer.line->options.milestone, api::Milestone::FinalValidation);
  EXPECT_EQ(answer.line->options.role, api::Role::MPayRepresentative);
  EXPECT_EQ(answer.line->options.decision, api::Decision::Accepted);
  EXPECT_FALSE(answer.line->options.digest);
  EXPECT_FALSE(answer.line->kubeconfig);
}

TEST(CommandLine, RefusesWhatIsNoMilestoneOrRole) {
  for (const auto* milestone : {"Final", "2", "7", ""}) {
    const auto answer = typed({"validate", "x", "--milestone", milestone, "--role", "Beneficiary", "--accept"});
    EXPECT_NE(answer.code, 0) << milestone;
    EXPECT_THAT(answer.err, HasSubstr("--milestone: ")) << milestone;
    EXPECT_THAT(answer.err, HasSubstr("FinalValidation")) << milestone;
  }
  for (const auto* role : {"Auditor", "0", "1", "-1"}) {
    const auto answer = typed({"validate", "x", "--milestone", "FinalValidation", "--role", role, "--accept"});
    EXPECT_NE(answer.code, 0) << role;
    EXPECT_THAT(answer.err, HasSubstr("--role")) << role;
  }
}

TEST(CommandLine, NeedsOneDecision) {
  const auto answer = [](std::vector<const char*> decision) {
    decision.insert(decision.begin(), {"validate", "x", "--milestone", "FinalValidation", "--role", "Beneficiary"});
    return typed(decision);
  };
  EXPECT_TRUE(answer({"--accept"}).line);
  EXPECT_TRUE(answer({"--reject"}).line);
  EXPECT_NE(answer({}).code, 0);
  EXPECT_THAT(answer({}).err, HasSubstr("one of --accept and --reject is needed"));
  EXPECT_NE(answer({"--accept", "--reject"}).code, 0);
  EXPECT_THAT(answer({"--accept", "--reject"}).err, HasSubstr("excludes"));
}

TEST(CommandLine, ReadsARequest) {
  const auto answer = typed({"csr", "--key-file", "a.key", "--out", "a.csr", "--key-type", "p-384", "--common-name",
                             "A", "--organization", "B", "--organizational-unit", "C", "--idno", "1006601000255"});
  ASSERT_TRUE(answer.line) << answer.err;
  EXPECT_EQ(answer.line->command, CommandLine::Command::Csr);
  const auto& csr = answer.line->csr;
  EXPECT_EQ(csr.name, "");
  EXPECT_EQ(csr.keyFile, "a.key");
  EXPECT_EQ(csr.requestFile, "a.csr");
  EXPECT_EQ(csr.keyType, "P-384");
  EXPECT_EQ(csr.commonName + csr.organization + csr.organizationalUnit + csr.idno, "ABC1006601000255");
  const auto named = typed({"csr", "certificates", "-n", "ns", "--key-file", "a.key"});
  ASSERT_TRUE(named.line) << named.err;
  EXPECT_EQ(named.line->csr.name, "certificates");
  EXPECT_EQ(named.line->csr.namespace_, "ns");
  EXPECT_EQ(named.line->csr.keyType, "RSA-3072");
  EXPECT_NE(typed({"csr", "certificates"}).code, 0) << "without a file for the key";
  EXPECT_NE(typed({"csr", "--key-file", "a", "--key-type", "RSA-1024"}).code, 0);
}

TEST(CommandLine, HelpsInWords) {
  const auto answer = typed({"validate", "--help"});
  EXPECT_EQ(answer.code, 0);
  EXPECT_THAT(answer.out, HasSubstr("kubectl mpay validate"));
  EXPECT_THAT(answer.out, HasSubstr("FunctionalTesting or FinalValidation"));
  EXPECT_THAT(answer.out, HasSubstr("one of --accept, --reject is needed"));
  EXPECT_THAT(answer.out, Not(HasSubstr("->")));
  EXPECT_THAT(answer.out, Not(HasSubstr("{")));
  EXPECT_EQ(typed({"--help"}).code, 0);
  EXPECT_NE(typed({}).code, 0);
  EXPECT_EQ(typed({"version"}).line.value().command, CommandLine::Command::Version);
}

TEST(CommandLine, ReadsWhatIsReassigned) {
  const auto assign = typed({"reassign", "--environment", "production", "--certificate", "ab", "--to", "ns/x",
                             "--reason", "moved", "--yes", "--kubeconfig", "file"});
  ASSERT_TRUE(assign.line) << assign.err;
  EXPECT_EQ(assign.line->command, CommandLine::Command::Reassign);
  EXPECT_EQ(assign.line->kubeconfig, "file");
  const auto& options = assign.line->reassign;
  EXPECT_EQ(options.action, ReassignOptions::Action::Assign);
  EXPECT_EQ(options.environment, "production");
  EXPECT_EQ(options.kind, ledger::AssignmentKind::Certificate);
  EXPECT_EQ(options.value, "ab");
  EXPECT_EQ(options.to, "ns/x");
  EXPECT_EQ(options.reason, "moved");
  EXPECT_TRUE(options.yes);
  EXPECT_EQ(typed({"reassign", "--environment", "e", "--list"}).line->reassign.action, ReassignOptions::Action::List);
  const auto revoke = typed({"reassign", "--environment", "e", "--address", "8.8.8.8", "--revoke"});
  EXPECT_EQ(revoke.line->reassign.action, ReassignOptions::Action::Revoke);
  EXPECT_EQ(revoke.line->reassign.kind, ledger::AssignmentKind::Address);
  EXPECT_FALSE(revoke.line->reassign.yes);
  const auto service = typed({"reassign", "--environment", "e", "--service-id", "S", "--to", "n/x", "--reason", "r"});
  EXPECT_EQ(service.line->reassign.kind, ledger::AssignmentKind::ServiceID);
}

TEST(CommandLine, RefusesAReassignmentThatIsNotWhole) {
  const std::vector<const char*> rows[] = {
      {"--service-id", "S", "--to", "n/x", "--reason", "r"},  // no environment
      {"--environment", "e"},
      {"--environment", "e", "--to", "n/x", "--reason", "r"},
      {"--environment", "e", "--service-id", "S", "--reason", "r"},
      {"--environment", "e", "--service-id", "S", "--to", "n/x"},
      {"--environment", "e", "--service-id", "S", "--address", "8.8.8.8", "--to", "n/x", "--reason", "r"},
      {"--environment", "e", "--list", "--revoke", "--service-id", "S"},
      {"--environment", "e", "--list", "--service-id", "S"},
      {"--environment", "e", "--revoke"},
      {"--environment", "e", "--revoke", "--service-id", "S", "--to", "n/x"}};
  for (auto words : rows) {
    words.insert(words.begin(), "reassign");
    const auto answer = typed(words);
    EXPECT_FALSE(answer.line) << answer.out;
    EXPECT_NE(answer.code, 0);
    EXPECT_FALSE(answer.err.empty());
  }
}

}  // namespace
}  // namespace mpay::cli
