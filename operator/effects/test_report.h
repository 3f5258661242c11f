// The report of a run, in the integration's namespace.
#pragma once

#include <functional>

#include "api/integration.h"
#include "api/wire.h"
#include "conformance/report.h"
#include "kube/client.h"

namespace mpay::effects {

// The ConfigMap <name>-functional-tests, which belongs to the integration: report.json, junit.xml, report.txt.
api::ConfigMap renderReport(const api::MPayIntegration& integration, const conformance::Report& report,
                            api::Language language, const std::string& runId);

// Writes the report. An object of that name that is not the operator's report of this integration stays unchanged.
// Returns the reason why it cannot be written until somebody acts; nothing: it is written. Errors: those of the API
// that pass by themselves.
Result<std::optional<std::string>> writeReport(kube::Client& client, const api::ConfigMap& report,
                                               const std::function<bool()>& mayWrite, const std::stop_token& stop);

}  // namespace mpay::effects
