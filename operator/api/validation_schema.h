// Words, bounds and rules of the types in validation.h.
#pragma once

#include "api/meta_schema.h"
#include "api/validation.h"

namespace mpay::api {

inline void describe(json::SchemaOf<IntegrationReference>& s) {
  s["name"].doc("Name of the MPayIntegration, in this namespace.").length(1, 253).pattern(kObjectName);
  s["uid"].doc("Its UID: a record is not for another object of the same name.").length(36, 36);
}
inline void describe(json::SchemaOf<MPayValidationSpec>& s) {
  s.doc("One decision of one person; immutable.");
  s["integration"].doc("What was decided on.");
  s["environment"]
      .doc("The MPayEnvironment; by default testing for the first two milestones, production for the others.")
      .length(1, 253)
      .pattern(kObjectName);
  s["milestone"].doc(
      "Which milestone was decided on; nothing reads TestEnvironmentConfigured and ProductionActivated so far.");
  s["role"].doc("In which role.");
  s["decision"].doc("What was decided.");
  s["digest"]
      .doc("status.digest of the integration, or status.testingDigest for the first two milestones.")
      .length(71, 71)
      .pattern(kDigestPattern);
  s["recordedBy"].doc("The requesting user.").length(1, 256).pattern(kPlainText);
  s["comment"].doc("In the recorder's words.").length(0, 1024).pattern(kPlainLines);
  s["signature"]
      .doc(
          "Detached CMS signature over the statement, PEM; an acceptance that has one does not count so far "
          "(NotSupported).")
      .length(1, 32768);
  s.rule({"self == oldSelf", "a record is immutable; make another", "FieldValueForbidden"});
}
inline void describe(json::SchemaOf<MPayValidationStatus>& s) {
  s.doc("Reserved.");
  s["observedGeneration"].doc("The metadata.generation this status is about.");
  conditions(s["conditions"]);
}

}  // namespace mpay::api
