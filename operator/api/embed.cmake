# Puts manifests/policies.yaml into the binary, so that the operator can compare the policies in force with those of its
# build.
set(policies ${PROJECT_SOURCE_DIR}/manifests/policies.yaml)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${policies})
file(READ ${policies} text)
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/policies.cpp @ONLY CONTENT [[
#include "api/crd.h"

namespace mpay::api {

std::string_view shippedPolicies() {
  return R"policies(@text@)policies";
}

}  // namespace mpay::api
]])
target_sources(mpay_api PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/policies.cpp)
