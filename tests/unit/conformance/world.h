// A run of the checks against the sample beneficiary.
#pragma once

#include <gtest/gtest.h>

#include "conformance/suite.h"
#include "support/beneficiary.h"

namespace mpay::test {

using namespace std::chrono_literals;

class Conformance : public ::testing::Test {
 protected:
  static conformance::Subject subjectOf(const Beneficiary& beneficiary) {
    return {"MODEL-01",
            crypto::Certificate::parse(beneficiary.signing().certificate).value(),
            soap::Signer::parse(beneficiary.mpay().certificate, beneficiary.mpay().key).value(),
            soap::Algorithm::RsaSha1,
            {"KNOWN-1", soap::Amount{234'500'000}, "MDL"},
            "NONE-1",
            conformance::PayableOrder{"PAYABLE-1", std::nullopt},
            "a seed"};
  }

  static std::unique_ptr<conformance::HttpsEndpoint> endpointOf(const Beneficiary& beneficiary,
                                                                const std::string& names) {
    return conformance::HttpsEndpoint::of(
               {beneficiary.url(names), beneficiary.authority(), {*net::parsePrefix("127.0.0.0/8")}})
        .value();
  }

  conformance::Report run(conformance::Endpoint& endpoint, const conformance::Subject& subject,
                          const std::stop_token& stop = {}) {
    const auto newId = [this] { return "id-" + std::to_string(++ids); };
    return conformance::run(subject, plan, {endpoint, systemClock(), newId, record}, stop);
  }

  conformance::Report run(const Beneficiary& beneficiary, const std::string& names,
                          const conformance::Subject& subject) {
    return run(*endpointOf(beneficiary, names), subject);
  }

  // "T3 S4(warn)": the checks that failed or warned, in the order of reports.
  static std::string wrongIn(const conformance::Report& report) {
    std::string text;
    for (const auto& finding : report.findings) {
      if (finding.outcome != conformance::Outcome::fail && finding.outcome != conformance::Outcome::warn) continue;
      text += (text.empty() ? "" : " ") + std::string(finding.check->id) +
              (finding.outcome == conformance::Outcome::warn ? "(warn)" : "");
    }
    return text;
  }

  static const conformance::Finding& find(const conformance::Report& report, std::string_view id) {
    for (const auto& finding : report.findings) {
      if (finding.check->id == id) return finding;
    }
    throw std::runtime_error("no finding of " + std::string(id));
  }

  static std::string all(const conformance::Report& report) { return toText(report, Language::en); }

  conformance::Plan plan;
  std::function<Result<void>(soap::Amount, bool)> record;
  int ids = 0;
};

}  // namespace mpay::test
