// mpay-operator: run (the default), crds, policies; --version.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "api/crd.h"
#include "app/operator.h"
#include "base/log.h"
#include "base/stop.h"

namespace {

// Writes the CustomResourceDefinitions into a folder, a file each, or to standard output.
int writeCrds(const std::string& folder) {
  for (const auto& file : mpay::api::crdFiles()) {
    if (folder.empty()) {
      std::cout << "---\n" << file.yaml();
      continue;
    }
    std::ofstream out(std::filesystem::path(folder) / file.name, std::ios::trunc);
    out << file.yaml();
    if (!out.flush()) {
      std::cerr << "cannot write " << folder << "/" << file.name << "\n";
      return 1;
    }
  }
  return 0;
}

int runUntilSignal(const mpay::app::Options& options) {
  const mpay::StopOnSignal stop;
  const auto result = mpay::app::runOperator(options, stop.token());
  if (result) return 0;
  spdlog::error("{}", result.error().message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"The operator that connects services to MPay."};
  app.set_version_flag("--version", std::string(mpay::version()));
  mpay::app::Options options;
  std::string logLevel = "info";
  std::string kubeconfig;
  std::int64_t resync = options.resync.count();
  const auto addRunFlags = [&](CLI::App* to) {
    to->add_option("--kubeconfig", kubeconfig, "kubeconfig file; without it: in-cluster, KUBECONFIG, ~/.kube/config");
    to->add_option("--resource-namespace", options.resourceNamespace, "where references of environments resolve")
        ->capture_default_str();
    to->add_option("--workers", options.workers, "integrations reconciled at once")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    to->add_option("--test-workers", options.testWorkers, "web services tested at once")
        ->check(CLI::Range(1, 64))
        ->capture_default_str();
    to->add_option("--resync", resync, "seconds between looking at everything again")
        ->check(CLI::Range(1, 864000))
        ->capture_default_str();
    to->add_flag("--leader-election,!--no-leader-election", options.leaderElection,
                 "one operator at a time, by a Lease");
    to->add_option("--log-level", logLevel, "debug, info, warn, error")
        ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
        ->capture_default_str();
  };
  addRunFlags(&app);
  auto* run = app.add_subcommand("run", "run the operator (the default)");
  addRunFlags(run);
  std::string folder;
  auto* crds = app.add_subcommand("crds", "print the CustomResourceDefinitions");
  crds->add_option("folder", folder, "write them there instead, a file each");
  auto* policies = app.add_subcommand("policies", "print the admission policies that must be in force");
  CLI11_PARSE(app, argc, argv);

  if (crds->parsed()) return writeCrds(folder);
  if (policies->parsed()) {
    std::cout << mpay::api::shippedPolicies().substr(1);
    return 0;
  }
  mpay::setUpLog(logLevel);
  if (!kubeconfig.empty()) options.kubeconfig = kubeconfig;
  options.resync = std::chrono::seconds(resync);
  return runUntilSignal(options);
}
