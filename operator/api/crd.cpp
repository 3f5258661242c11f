#include "api/crd.h"

#include "api/integration_schema.h"
#include "api/test_request_schema.h"
#include "api/validation_schema.h"
#include "json/yaml.h"

namespace mpay::api {
namespace {

struct Column {
  std::string name;
  std::string type;
  std::string jsonPath;
  std::optional<std::int64_t> priority = std::nullopt;
};

constexpr std::string_view kReady = R"(.status.conditions[?(@.type=="Ready")].)";

Column readyColumn(std::string name, std::string_view member) {
  return {std::move(name), "string", std::string(kReady) + std::string(member)};
}
Column age() { return {"Age", "date", ".metadata.creationTimestamp"}; }

template <class K, class Spec, class Status>
CrdFile crdFor(std::string_view singular, std::string_view shortName, std::vector<Column> columns,
               const std::vector<json::Rule>& rules = {}) {
  json::object schema{{"type", "object"},
                      {"required", json::array{"spec"}},
                      {"properties", json::object{{"apiVersion", json::object{{"type", "string"}}},
                                                  {"kind", json::object{{"type", "string"}}},
                                                  {"metadata", json::object{{"type", "object"}}},
                                                  {"spec", json::schemaOf<Spec>()}}}};
  if constexpr (!std::is_void_v<Status>) schema["properties"].as_object()["status"] = json::schemaOf<Status>();
  json::Node root(schema);
  for (const auto& rule : rules) root.rule(rule);
  json::array printed;
  for (const auto& column : columns) {
    json::object entry{{"name", column.name}, {"type", column.type}, {"jsonPath", column.jsonPath}};
    if (column.priority) entry["priority"] = *column.priority;
    printed.push_back(std::move(entry));
  }
  const std::string plural(K::kResource.plural);
  json::object version{{"name", std::string(kVersion)},
                       {"served", true},
                       {"storage", true},
                       {"additionalPrinterColumns", std::move(printed)},
                       {"schema", json::object{{"openAPIV3Schema", std::move(schema)}}}};
  if constexpr (!std::is_void_v<Status>) version["subresources"] = json::object{{"status", json::object{}}};
  json::object names{{"kind", std::string(K::kResource.kind)},
                     {"listKind", std::string(K::kResource.kind) + "List"},
                     {"plural", plural},
                     {"singular", std::string(singular)},
                     {"shortNames", json::array{std::string(shortName)}},
                     {"categories", json::array{"mpay"}}};
  return {fmt::format("{}_{}.yaml", kGroup, plural),
          json::object{{"apiVersion", "apiextensions.k8s.io/v1"},
                       {"kind", "CustomResourceDefinition"},
                       {"metadata", json::object{{"name", plural + "." + std::string(kGroup)}}},
                       {"spec", json::object{{"group", std::string(kGroup)},
                                             {"names", std::move(names)},
                                             {"scope", K::kResource.namespaced ? "Namespaced" : "Cluster"},
                                             {"versions", json::array{std::move(version)}}}}}};
}

}  // namespace

std::string CrdFile::yaml() const { return json::toYaml(definition); }

std::vector<CrdFile> crdFiles() {
  return {
      crdFor<MPayEnvironment, MPayEnvironmentSpec, MPayEnvironmentStatus>(
          "mpayenvironment", "mpe",
          {{"Stage", "string", ".spec.stage"},
           readyColumn("Ready", "status"),
           readyColumn("Reason", "reason"),
           {"Integrations", "integer", ".status.integrations"},
           age(),
           {"Namespace", "string", ".spec.outputNamespace", 1}}),
      crdFor<MPayIntegration, MPayIntegrationSpec, MPayIntegrationStatus>(
          "mpayintegration", "mpi",
          {{"Stage", "string", ".status.stage"},
           readyColumn("Ready", "status"),
           {"Phase", "string", ".status.phase"},
           readyColumn("Reason", "reason"),
           age(),
           {"ServiceID", "string", ".spec.service.id", 1},
           {"Digest", "string", ".status.digest", 1}},
          {{"!has(oldSelf.status) || !has(oldSelf.status.production) || self.spec.environments == "
            "oldSelf.spec.environments",
            "environments are immutable once promoted", "FieldValueForbidden", ".spec.environments"}}),
      crdFor<MPayValidation, MPayValidationSpec, MPayValidationStatus>(
          "mpayvalidation", "mpv",
          {{"Integration", "string", ".spec.integration.name"},
           {"Milestone", "string", ".spec.milestone"},
           {"Role", "string", ".spec.role"},
           {"Decision", "string", ".spec.decision"},
           {"RecordedBy", "string", ".spec.recordedBy"},
           age(),
           {"Digest", "string", ".spec.digest", 1}}),
      crdFor<MPayTestRequest, MPayTestRequestSpec, void>("mpaytestrequest", "mpt",
                                                         {{"Integration", "string", ".spec.integration.name"}, age()}),
  };
}

}  // namespace mpay::api
