// The project's CustomResourceDefinitions, made from the types.
#pragma once

#include <string>
#include <vector>

#include "json/codec.h"

namespace mpay::api {

struct CrdFile {
  std::string name;  // "mpay.gov.md_mpayintegrations.yaml"
  json::value definition;
  std::string yaml() const;
};

std::vector<CrdFile> crdFiles();

// manifests/policies.yaml at the time of the build. The admission policies in force must equal it.
std::string_view shippedPolicies();

}  // namespace mpay::api
