// kubectl mpay test NAME: the printed report.
#include "cli/retest.h"

#include <gtest/gtest.h>

#include <sstream>

#include "api/wire.h"
#include "json/codec.h"
#include "unit/net/scripted_server.h"

namespace mpay::test {
namespace {

// An API server with one integration, whose request for tests has been answered.
TEST(Retest, PrintsNothingThatATerminalWouldObey) {
  api::MPayIntegration integration;
  integration.metadata.name = "x";
  integration.metadata.namespace_ = "n";
  integration.metadata.uid = "uid-1";
  integration.metadata.resourceVersion = "1";
  api::ConfigMap report;
  report.metadata.name = "x-report";
  report.metadata.namespace_ = "n";
  report.metadata.resourceVersion = "1";
  report.data["report.txt"] =
      "T1 \x1b[2Jpass\n\tC\xc2\x9b"
      "1\xe2\x80\xaeț\n";
  bool isAsked = false;
  const ScriptedServer server([&](const auto& request, auto, const auto& peer) {
    if (request.line.starts_with("POST")) {
      isAsked = true;
      return peer.answer(201, R"({"metadata": {"name": "x-1", "namespace": "n", "uid": "uid-2"}, )"
                              R"("spec": {"integration": {"name": "x"}}})");
    }
    if (request.line.find("/mpaytestrequests/") != std::string::npos)
      return peer.answer(404, R"({"kind": "Status", "reason": "NotFound", "code": 404, "message": "gone"})");
    if (request.line.find("/configmaps/") != std::string::npos)
      return peer.answer(200, json::canonical(json::encode(report)));
    auto shown = integration;
    if (isAsked) {
      shown.status.emplace();
      shown.status->functionalTests.emplace();
      shown.status->functionalTests->runID = "run-1";
      shown.status->functionalTests->outcome = api::TestOutcome::Passed;
      shown.status->functionalTests->report = "x-report";
    }
    peer.answer(200, json::canonical(json::encode(shown)));
  });
  kube::Config config;
  config.server = server.url();
  kube::Client client(config);
  std::ostringstream out, err;
  EXPECT_EQ(cli::retest(client, {"x", "n"}, {out, err}, {}), 0) << err.str();
  EXPECT_EQ(out.str(), "T1  [2Jpass\n\tC 1 ț\n");
}

}  // namespace
}  // namespace mpay::test
