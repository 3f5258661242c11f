// kubectl-mpay: what people do with integrations from a terminal.
#include <iostream>

#include "base/log.h"
#include "cli/command_line.h"

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
  auto config = kube::Config::find(line.kubeconfig);
  if (!config) {
    std::cerr << "error: " << config.error().message << "\n";
    return 1;
  }
  if (line.options.namespace_.empty()) line.options.namespace_ = config->namespace_;
  kube::Client client(std::move(*config));
  const auto result = line.command == Command::Statement ? cli::statement(client, line.options, std::cout)
                                                         : cli::validate(client, line.options, std::cin, std::cout);
  if (!result) {
    std::cerr << "error: " << result.error().message << "\n";
    return 1;
  }
  return 0;
}
