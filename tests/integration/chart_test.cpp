// The chart and manifests/ give the same objects.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "json/yaml.h"
#include "support/process.h"

namespace mpay::test {
namespace {

const std::filesystem::path kRoot = MPAY_SOURCE_DIR;

std::string helm() {
  if (const char* given = std::getenv("HELM")) return given;
  const auto found = run({(kRoot / "tests/support/control-plane.sh").string(), "helm"});
  if (found.code != 0) throw std::runtime_error(found.output);
  // Messages about the build come first; the path is the last line.
  const auto text = found.output.substr(0, found.output.find_last_not_of('\n') + 1);
  return text.substr(text.find_last_of('\n') + 1);
}

using Objects = std::map<std::string, json::value>;

// Adds "Role mpay-system/mpay-operator" -> the object.
void addTo(Objects& objects, const std::string& yaml) {
  const auto documents = json::parseYaml(yaml);
  ASSERT_TRUE(documents) << documents.error().message;
  for (const auto& object : *documents) {
    const auto& metadata = object.at("metadata").as_object();
    const auto* space = metadata.if_contains("namespace");
    const std::string name =
        fmt::format("{} {}/{}", object.at("kind").as_string().c_str(), space ? space->as_string().c_str() : "",
                    metadata.at("name").as_string().c_str());
    EXPECT_TRUE(objects.emplace(name, object).second) << name << " is there twice";
  }
}

Objects rendered(const std::vector<std::string>& values = {}) {
  static const std::string binary = helm();
  TempDir folder;
  // helm renders into files, because run() mixes its remarks on standard error into the output.
  std::vector<std::string> command{binary,
                                   "template",
                                   "mpay-operator",
                                   (kRoot / "charts/mpay-operator").string(),
                                   "--include-crds",
                                   "--kube-version",
                                   "1.31.0",
                                   "--output-dir",
                                   folder.path().string()};
  for (const auto& value : values) command.insert(command.end(), {"--set", value});
  const auto done = run(command);
  EXPECT_EQ(done.code, 0) << done.output;
  Objects objects;
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder.path())) {
    if (file.is_regular_file()) addTo(objects, readFile(file.path()));
  }
  return objects;
}

TEST(Chart, RendersTheObjectsOfTheManifests) {
  Objects expected;
  for (const auto* folder : {"crds", "manifests"}) {
    for (const auto& file : std::filesystem::directory_iterator(kRoot / folder)) {
      addTo(expected, readFile(file.path()));
    }
  }
  const auto objects = rendered();
  for (const auto& [name, object] : objects) {
    const auto manifest = expected.find(name);
    if (manifest == expected.end()) {
      ADD_FAILURE() << name << " is in the chart only";
      continue;
    }
    EXPECT_EQ(json::canonical(object), json::canonical(manifest->second)) << name;
  }
  for (const auto& [name, object] : expected)
    EXPECT_TRUE(objects.contains(name)) << name << " is in the manifests only";
  EXPECT_GT(expected.size(), 20u);
}

// Deleting them would delete the gateway's files and the operator's records.
TEST(Chart, LeavesNamespacesWhenItIsUninstalled) {
  int namespaces = 0;
  for (const auto& [name, object] : rendered()) {
    if (!name.starts_with("Namespace ")) continue;
    ++namespaces;
    const auto* annotations = object.at("metadata").as_object().if_contains("annotations");
    ASSERT_TRUE(annotations) << name;
    EXPECT_EQ(annotations->at("helm.sh/resource-policy"), "keep") << name;
  }
  EXPECT_EQ(namespaces, 3);
}

TEST(Chart, TakesImageNamespaceReplicasAndResources) {
  const auto objects =
      rendered({"image=registry.example/mpay:1", "namespace=elsewhere", "replicas=2", "resources.limits.memory=1Gi"});
  for (const auto& [name, object] : objects) {
    if (name.starts_with("CustomResourceDefinition ")) continue;
    EXPECT_EQ(json::canonical(object).find("mpay-system"), std::string::npos) << name;
  }
  ASSERT_TRUE(objects.contains("Deployment elsewhere/mpay-operator"));
  const auto& deployment = objects.at("Deployment elsewhere/mpay-operator").at("spec");
  EXPECT_EQ(deployment.at("replicas"), 2);
  const auto& container = deployment.at("template").at("spec").at("containers").at(0);
  EXPECT_EQ(container.at("image"), "registry.example/mpay:1");
  EXPECT_EQ(container.at("resources").at("limits").at("memory"), "1Gi");
  EXPECT_EQ(container.at("resources").at("requests").at("cpu"), "50m");
  EXPECT_EQ(container.at("args").at(2), "elsewhere");
}

}  // namespace
}  // namespace mpay::test
