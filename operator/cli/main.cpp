// kubectl-mpay: what people do with integrations from a terminal.
#include <unistd.h>

#include <iostream>

#include "base/log.h"
#include "base/stop.h"
#include "cli/command_line.h"

namespace {

// Prints a failure and returns the exit code.
int finish(const mpay::Result<void>& result) {
  if (result) return 0;
  std::cerr << "error: " << result.error().message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace mpay;
  using Command = cli::CommandLine::Command;
  auto read = cli::readCommandLine(argc, argv, std::cout, std::cerr);
  if (const auto* exit = std::get_if<cli::Exit>(&read)) return exit->code;
  auto& line = std::get<cli::CommandLine>(read);
  if (line.command == Command::Version) {
    std::cout << "kubectl-mpay " << version() << "\n";
    return 0;
  }
  const cli::Terminals terminals{std::cout, std::cerr, isatty(STDOUT_FILENO) == 1, isatty(STDERR_FILENO) == 1};
  if (line.command == Command::Test) {
    const StopOnSignal stop;
    return cli::test(line.test, terminals, stop.token());
  }
  if (line.command == Command::Csr && line.csr.name.empty())
    return finish(cli::csr(line.csr, {}, std::cout, std::cerr));
  auto config = kube::Config::find(line.kubeconfig);
  if (!config) {
    std::cerr << "error: " << config.error().message << "\n";
    return line.command == Command::Retest ? 2 : 1;
  }
  for (auto* namespace_ : {&line.options.namespace_, &line.csr.namespace_, &line.retest.namespace_}) {
    if (namespace_->empty()) *namespace_ = config->namespace_;
  }
  kube::Client client(std::move(*config));
  if (line.command == Command::Csr) {
    const auto integration = kube::Api<api::MPayIntegration>(client).get({line.csr.namespace_, line.csr.name});
    if (!integration) return finish(fail(integration.error()));
    return finish(cli::csr(line.csr, *integration, std::cout, std::cerr));
  }
  if (line.command == Command::Retest) {
    const StopOnSignal stop;
    return cli::retest(client, line.retest, terminals, stop.token());
  }
  if (line.command == Command::Reassign) return finish(cli::reassign(client, line.reassign, std::cin, std::cout));
  return finish(line.command == Command::Statement ? cli::statement(client, line.options, std::cout)
                                                   : cli::validate(client, line.options, std::cin, std::cout));
}
