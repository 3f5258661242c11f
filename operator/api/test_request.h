// MPayTestRequest: a request to run the functional tests of an integration. The operator deletes it after the run.
#pragma once

#include "api/meta.h"

namespace mpay::api {

struct TestedIntegration {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(TestedIntegration, (), (name))

struct MPayTestRequestSpec {
  TestedIntegration integration;
};
BOOST_DESCRIBE_STRUCT(MPayTestRequestSpec, (), (integration))

struct MPayTestRequest {
  static constexpr ResourceType kResource{kGroup, kVersion, "mpaytestrequests", "MPayTestRequest", true};
  ObjectMeta metadata;
  MPayTestRequestSpec spec;
};
BOOST_DESCRIBE_STRUCT(MPayTestRequest, (), (metadata, spec))

}  // namespace mpay::api
