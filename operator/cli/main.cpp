// kubectl-mpay: what people do with integrations from a terminal.
#include <CLI/CLI.hpp>
#include <iostream>

#include "base/log.h"
#include "cli/validate.h"

namespace {

using namespace mpay;

template <class T>
std::map<std::string, T> byName() {
  std::map<std::string, T> names;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>(
      [&](auto enumerator) { names[std::string(json::jsonName(enumerator.name))] = enumerator.value; });
  return names;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"kubectl mpay: integrations with MPay."};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string(version()));
  auto* versionCommand = app.add_subcommand("version", "print the version");

  std::string kubeconfig, namespace_, digest;
  cli::ValidateOptions options;
  bool accept = false, reject = false;
  const auto addCommon = [&](CLI::App* command) {
    command->add_option("name", options.name, "the MPayIntegration")->required();
    command->add_option("-n,--namespace", namespace_, "its namespace; by default the kubeconfig's");
    command->add_option("--kubeconfig", kubeconfig, "kubeconfig file");
    command
        ->add_option("--milestone", options.milestone,
                     "TestEnvironmentConfigured, FunctionalTesting, FinalValidation, ProductionActivated")
        ->required()
        ->transform(CLI::Transformer(byName<api::Milestone>()));
    command->add_option("--role", options.role, "Beneficiary or MPayRepresentative")
        ->required()
        ->transform(CLI::Transformer(byName<api::Role>()));
    auto* yes = command->add_flag("--accept", accept, "the milestone is accepted");
    auto* no = command->add_flag("--reject", reject, "the milestone is rejected");
    yes->excludes(no);
    no->excludes(yes);
  };
  auto* statement = app.add_subcommand("statement", "print the statement that a record stands for");
  addCommon(statement);
  auto* validate = app.add_subcommand("validate", "record a decision");
  addCommon(validate);
  validate->add_option("--comment", options.comment, "in your own words");
  validate->add_option("--digest", digest, "the digest you looked at; then no question is asked");
  CLI11_PARSE(app, argc, argv);

  if (versionCommand->parsed()) {
    std::cout << "kubectl-mpay " << version() << "\n";
    return 0;
  }
  if (accept == reject) {
    std::cerr << "error: say --accept or --reject\n";
    return 2;
  }
  options.decision = accept ? api::Decision::Accepted : api::Decision::Rejected;
  if (!digest.empty()) options.digest = digest;
  auto config = kube::Config::find(kubeconfig.empty() ? std::nullopt : std::optional(kubeconfig));
  if (!config) {
    std::cerr << "error: " << config.error().message << "\n";
    return 1;
  }
  options.namespace_ = namespace_.empty() ? config->namespace_ : namespace_;
  kube::Client client(std::move(*config));
  const auto result = statement->parsed() ? cli::statement(client, options, std::cout)
                                          : cli::validate(client, options, std::cin, std::cout);
  if (!result) {
    std::cerr << "error: " << result.error().message << "\n";
    return 1;
  }
  return 0;
}
