#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "base/log.h"

namespace mpay::cli {
namespace {

// An option that takes the name of an enumerator, in any case, and nothing else. CLI11's own transformers accept
// numbers too.
template <class T>
void addNamed(CLI::App& command, const std::string& flag, T& into, const std::string& words) {
  std::vector<std::string> names;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>(
      [&](auto enumerator) { names.emplace_back(json::jsonName(enumerator.name)); });
  const auto assign = [&into](const std::string& name) {
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto enumerator) {
      if (name == json::jsonName(enumerator.name)) into = enumerator.value;
    });
  };
  command.add_option_function<std::string>(flag, assign, words)
      ->required()
      ->type_name("")
      ->transform(CLI::IsMember(names, CLI::ignore_case).description(""));
}

void addKubeconfig(CLI::App& command, std::string& kubeconfig, const std::string& when = "") {
  command.add_option("--kubeconfig", kubeconfig,
                     when +
                         "kubeconfig file; by default that of KUBECONFIG, else a pod's ServiceAccount, else "
                         "~/.kube/config");
}

void addTest(CLI::App& command, TestOptions& test) {
  const auto oneOf = [](std::vector<std::string> words) {
    return CLI::IsMember(std::move(words), CLI::ignore_case).description("");
  };
  command.add_flag("--list", test.lists, "say which checks there are, what they ask for and why, and end");
  command.add_option("--url", test.url, "the web service's, https");
  command.add_option("--service-id", test.serviceId, "the ServiceID that MPay assigned");
  command.add_option("--certificate", test.certificateFile,
                     "file: the beneficiary's certificate, as it was sent to the MPay operator");
  command.add_option("--signing-key", test.signingKeyFile,
                     "file: the key that the service takes for MPay's, for tests");
  command.add_option("--signing-certificate", test.signingCertificateFile, "file: the certificate of that key");
  command.add_option("--client-certificate", test.clientCertificateFile,
                     "file: PEM, shown to a service that asks for a client certificate; by default the signing one");
  command.add_option("--client-key", test.clientKeyFile, "file: the key of that certificate");
  command.add_option("--authorities", test.authoritiesFile,
                     "file: PEM, whom TLS trusts; by default the system's authorities");
  command.add_option("--known", test.known, "an order that there is: KEY:AMOUNT:CURRENCY");
  command.add_option("--unknown", test.unknown, "the key of an order that there is not");
  command.add_option("--payable", test.payable, "the key of an order of the sandbox, which is paid");
  command.add_option("--payable-amount", test.payableAmount,
                     "its full amount, needed to test again an order that was paid; by default it is read");
  command.add_option("--signature-algorithm", test.algorithm, "RSA-SHA1 (the default) or RSA-SHA256")
      ->transform(oneOf({"RSA-SHA1", "RSA-SHA256"}));
  command.add_option("--permit", test.permitted,
                     "a range of addresses that may be called though it is not public, such as 127.0.0.0/8; again for "
                     "each");
  command.add_option("--check", test.checks, "only this check, such as S5; again for each");
  command.add_option("-o,--output", test.output, "text (the default), json or junit")
      ->transform(oneOf({"text", "json", "junit"}));
  command
      .add_option_function<std::string>(
          "--language",
          [&test](const std::string& word) {
            test.language = word == "ro" ? api::Language::ro : word == "ru" ? api::Language::ru : api::Language::en;
          },
          "of -o text: ro, ru or en (the default): the summary, what the guide asks for, and what to do; what a check "
          "found is English, as are --list, json and junit")
      ->transform(oneOf({"ro", "ru", "en"}));
  command.add_flag("--evidence", test.showsEvidence, "print also what was sent and received, without personal data");
}

// The options of a run by the operator, for `test NAME`.
void addRetest(CLI::App& command, RetestOptions& retest, std::int64_t& timeout, std::string& kubeconfig) {
  command.add_option("name", retest.name,
                     "an MPayIntegration: the operator tests its web service, and the report is printed");
  command.add_option("-n,--namespace", retest.namespace_, "with a name: its namespace; by default the kubeconfig's");
  addKubeconfig(command, kubeconfig, "with a name: ");
  command.add_option("--timeout", timeout, "with a name: for how many seconds to wait for the report; 300 by default")
      ->check(CLI::Range(1, 86400).description(""));
}

// The names of the options that a test lacks; empty: none.
std::string missingOf(const TestOptions& test) {
  if (test.lists) return {};
  const std::pair<const char*, const std::string*> needed[] = {{"--url", &test.url},
                                                               {"--service-id", &test.serviceId},
                                                               {"--certificate", &test.certificateFile},
                                                               {"--signing-key", &test.signingKeyFile},
                                                               {"--signing-certificate", &test.signingCertificateFile},
                                                               {"--known", &test.known},
                                                               {"--unknown", &test.unknown}};
  std::string missing;
  for (const auto& [option, value] : needed) {
    if (value->empty()) missing += (missing.empty() ? "" : ", ") + std::string(option);
  }
  return missing;
}

}  // namespace

std::variant<CommandLine, Exit> readCommandLine(int argc, const char* const* argv, std::ostream& out,
                                                std::ostream& err) {
  CLI::App app{"Integrations with MPay, from a terminal.", "kubectl mpay"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string(version()));
  app.add_subcommand("version", "print the version");

  CommandLine line;
  std::string kubeconfig, digest;
  bool accept = false, reject = false;
  const auto addCommon = [&](CLI::App& command) {
    command.add_option("name", line.options.name, "the MPayIntegration")->required();
    command.add_option("-n,--namespace", line.options.namespace_, "its namespace; by default the kubeconfig's");
    addKubeconfig(command, kubeconfig);
    addNamed(command, "--milestone", line.options.milestone,
             "FunctionalTesting or FinalValidation (not supported by this version: TestEnvironmentConfigured, "
             "ProductionActivated)");
    addNamed(command, "--role", line.options.role, "Beneficiary or MPayRepresentative");
    auto* yes = command.add_flag("--accept", accept, "the milestone is accepted (one of --accept, --reject is needed)");
    auto* no = command.add_flag("--reject", reject, "the milestone is rejected");
    yes->excludes(no);
    no->excludes(yes);
  };
  auto* statement = app.add_subcommand("statement", "print the statement that a record stands for");
  addCommon(*statement);
  auto* validate = app.add_subcommand("validate", "record a decision");
  addCommon(*validate);
  validate->add_option("--comment", line.options.comment, "in your own words");
  validate->add_option("--digest", digest, "the digest you looked at; then no question is asked");
  auto* csr = app.add_subcommand(
      "csr",
      "make a key and the request for its certificate, on this machine; with the name of an MPayIntegration the "
      "subject is taken from there, else no cluster is asked");
  auto& request = line.csr;
  csr->add_option("name", request.name, "the MPayIntegration");
  csr->add_option("-n,--namespace", request.namespace_, "its namespace; by default the kubeconfig's");
  addKubeconfig(*csr, kubeconfig);
  csr->add_option("--key-file", request.keyFile, "a new file for the private key, readable by you alone")->required();
  csr->add_option("--out", request.requestFile, "a new file for the request; by default it is printed");
  csr->add_option("--key-type", request.keyType,
                  "RSA-2048, RSA-3072 (the default), RSA-4096, P-256 or P-384; what signs answers to MPay must be RSA")
      ->transform(
          CLI::IsMember(std::vector<std::string>(crypto::kKeyTypes.begin(), crypto::kKeyTypes.end()), CLI::ignore_case)
              .description(""));
  csr->add_option("--common-name", request.commonName, "the information system's name");
  csr->add_option("--organization", request.organization, "the beneficiary's legal name");
  csr->add_option("--organizational-unit", request.organizationalUnit, "a part of it");
  csr->add_option("--idno", request.idno, "its IDNO");
  auto* reassign = app.add_subcommand(
      "reassign",
      "give a ServiceID, a certificate or addresses of an environment to another integration, whoever claimed it "
      "first; for the platform");
  auto& assignment = line.reassign;
  std::string serviceID, certificate, address;
  bool list = false, revoke = false;
  reassign->add_option("--environment", assignment.environment, "the MPayEnvironment")->required();
  addKubeconfig(*reassign, kubeconfig);
  auto* what = reassign->add_option_group("what", "one of these, but for --list");
  what->add_option("--service-id", serviceID, "a ServiceID");
  what->add_option("--certificate", certificate, "a certificate, by its SHA-256");
  what->add_option("--address", address, "an address or prefix");
  what->require_option(0, 1);
  reassign->add_option("--to", assignment.to, "who gets it: NAMESPACE/NAME of an MPayIntegration");
  reassign->add_option("--reason", assignment.reason, "why, for whoever looks at it later");
  auto* listing = reassign->add_flag("--list", list, "print what is assigned");
  reassign->add_flag("--revoke", revoke, "take an assignment away")->excludes(listing);
  reassign->add_flag("--yes", assignment.yes, "ask no question");
  auto* test = app.add_subcommand(
      "test",
      "test a web service as MPay would call it: that of an MPayIntegration by the operator, or with --url one by this "
      "program, with no cluster; exits with 0 where all that is required passed, 1 where not, 2 where nothing could be "
      "run");
  std::int64_t timeout = line.retest.timeout.count();
  addRetest(*test, line.retest, timeout, kubeconfig);
  addTest(*test, line.test);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error, out, err);
    return Exit{code != 0 && argc > 1 && std::string_view(argv[1]) == "test" ? 2 : code};
  }
  if (test->parsed() && !line.retest.name.empty()) {
    for (const auto* option : test->get_options()) {
      const auto name = option->get_name();
      const bool goesWithName = name == "name" || name == "--namespace" || name == "--kubeconfig" ||
                                name == "--timeout" || name == "--output";
      if (goesWithName || option->count() == 0) continue;
      err << name << " does not go with the name of an MPayIntegration, whose form says that\n"
          << "Run with --help for more information.\n";
      return Exit{2};
    }
    line.command = CommandLine::Command::Retest;
    line.retest.output = line.test.output;
    line.retest.timeout = std::chrono::seconds(timeout);
  } else if (test->parsed()) {
    if (const auto missing = missingOf(line.test); !missing.empty()) {
      err << "needed: the name of an MPayIntegration, or " << missing << "\nRun with --help for more information.\n";
      return Exit{2};
    }
    line.command = CommandLine::Command::Test;
    return line;
  }

  const bool records = statement->parsed() || validate->parsed();
  if (records && !accept && !reject) {
    err << "one of --accept and --reject is needed\nRun with --help for more information.\n";
    return Exit{2};
  }
  if (records) line.command = validate->parsed() ? CommandLine::Command::Validate : CommandLine::Command::Statement;
  if (csr->parsed()) line.command = CommandLine::Command::Csr;
  if (reassign->parsed()) {
    using ledger::AssignmentKind;
    line.command = CommandLine::Command::Reassign;
    for (const auto& [kind, value] :
         {std::pair(AssignmentKind::ServiceID, &serviceID), std::pair(AssignmentKind::Certificate, &certificate),
          std::pair(AssignmentKind::Address, &address)}) {
      if (value->empty()) continue;
      assignment.kind = kind;
      assignment.value = *value;
    }
    assignment.action = list     ? ReassignOptions::Action::List
                        : revoke ? ReassignOptions::Action::Revoke
                                 : ReassignOptions::Action::Assign;
    const bool toAssign = !list && !revoke;
    const bool hasWhat = !assignment.value.empty();
    const bool hasWhom = !assignment.to.empty() || !assignment.reason.empty();
    std::string_view wrong;
    if (list && (hasWhat || hasWhom)) wrong = "--list takes --environment alone";
    if (!list && !hasWhat) wrong = "one of --service-id, --certificate and --address is needed";
    if (toAssign && (assignment.to.empty() || assignment.reason.empty())) wrong = "--to and --reason are needed";
    if (revoke && hasWhom) wrong = "--revoke takes neither --to nor --reason";
    if (!wrong.empty()) {
      err << wrong << "\nRun with --help for more information.\n";
      return Exit{2};
    }
  }
  line.options.decision = accept ? api::Decision::Accepted : api::Decision::Rejected;
  // KUBECONFIG counts also in a Pod, where the ServiceAccount would count otherwise. CLI11 does not read it, because
  // CLI11 would prefer it to --kubeconfig.
  if (const char* named = std::getenv("KUBECONFIG"); kubeconfig.empty() && named) kubeconfig = named;
  if (!kubeconfig.empty()) line.kubeconfig = kubeconfig;
  if (!digest.empty()) line.options.digest = digest;
  return line;
}

}  // namespace mpay::cli
