// Words, bounds and rules of the types in test_request.h.
#pragma once

#include "api/meta_schema.h"
#include "api/test_request.h"

namespace mpay::api {

inline void describe(json::SchemaOf<TestedIntegration>& s) {
  s["name"].doc("Name of the MPayIntegration, in this namespace.").length(1, 253).pattern(kObjectName);
}
inline void describe(json::SchemaOf<MPayTestRequestSpec>& s) {
  s.doc("Whose web service is to be tested again; immutable.");
  s["integration"].doc("Whose.");
  s.rule({"self == oldSelf", "a request is immutable; make another", "FieldValueForbidden"});
}

}  // namespace mpay::api
