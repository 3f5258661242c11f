#include "effects/test_report.h"

#include <algorithm>

#include "onboarding/functional_testing.h"

namespace mpay::effects {
namespace {

constexpr std::string_view kRun = "mpay.gov.md/run";  // annotation

// The API server takes one mebibyte for an object.
constexpr std::size_t kMaximumBytes = std::size_t{800} << 10;

std::map<std::string, std::string> filesOf(const conformance::Report& report, const std::string& name,
                                           api::Language language) {
  return {{"report.json", conformance::toJson(report)},
          {"junit.xml", conformance::toJunit(report, name)},
          {"report.txt", conformance::toText(report, language)}};
}

std::size_t sizeOf(const std::map<std::string, std::string>& files) {
  std::size_t size = 0;
  for (const auto& [name, text] : files) size += text.size();
  return size;
}

bool isReportOf(const api::ConfigMap& there, const api::ConfigMap& report) {
  const auto label = there.metadata.labels.find(std::string(ledger::kManagedBy));
  const auto& owners = there.metadata.ownerReferences;
  return label != there.metadata.labels.end() && label->second == ledger::kOperator &&
         std::any_of(owners.begin(), owners.end(),
                     [&](const auto& owner) { return owner.uid == report.metadata.ownerReferences.front().uid; });
}

std::string mayNotWrite(const api::ObjectKey& key) {
  return fmt::format(
      "the operator may not write ConfigMap {}; give its ServiceAccount a Role in {} with resources [configmaps], "
      "resourceNames [{}], verbs [get, update], and with resources [configmaps], verbs [create]",
      key.text(), key.namespace_, key.name);
}

}  // namespace

api::ConfigMap renderReport(const api::MPayIntegration& integration, const conformance::Report& report,
                            api::Language language, const std::string& runId) {
  const auto name = integration.metadata.name.value_or("");
  api::ConfigMap object;
  object.metadata.namespace_ = integration.metadata.namespace_;
  object.metadata.name = onboarding::reportName(name);
  object.metadata.labels = {{std::string(ledger::kManagedBy), std::string(ledger::kOperator)}};
  object.metadata.annotations = {{std::string(kRun), runId}};
  object.metadata.ownerReferences = {onboarding::ownerReferenceTo(integration)};
  object.data = filesOf(report, name, language);
  // If almost everything fails, the excerpts may be too large: then fewer are kept, then none.
  for (const std::size_t kept : {1U, 0U}) {
    if (sizeOf(object.data) <= kMaximumBytes) break;
    auto shorter = report;
    for (auto& finding : shorter.findings) finding.evidence.resize(std::min(finding.evidence.size(), kept));
    object.data = filesOf(shorter, name, language);
  }
  return object;
}

Result<std::optional<std::string>> writeReport(kube::Client& client, const api::ConfigMap& report,
                                               const std::function<bool()>& mayWrite, const std::stop_token& stop) {
  const kube::Api<api::ConfigMap> configMaps(client);
  const auto key = report.metadata.key();
  const auto there = configMaps.get(key, stop);
  if (!there && there.error().isForbidden()) return mayNotWrite(key) + " (" + there.error().message + ")";
  if (!there && !there.error().isNotFound()) return fail(there.error());
  if (there && !isReportOf(*there, report)) {
    return fmt::format("ConfigMap {} is there and is not the operator's; rename or delete it, then ask for another run",
                       key.text());
  }
  if (!mayWrite()) return fail(ErrorKind::Cancelled, "not the leader");
  auto desired = report;
  if (there) desired.metadata.resourceVersion = there->metadata.resourceVersion;
  const auto written = there ? configMaps.replace(desired, stop) : configMaps.create(desired, stop);
  if (written) return std::nullopt;
  const auto& error = written.error();
  if (error.isForbidden()) return mayNotWrite(key) + " (" + error.message + ")";
  const int code = error.status ? error.status->code : 0;
  // Refusals that may pass by themselves are tried again.
  if (code >= 400 && code < 500 && code != 404 && code != 409 && code != 429)
    return fmt::format("the API server refuses it: {}", error.message);
  return fail(error);
}

}  // namespace mpay::effects
