// The Kubernetes kinds that the operator reads or writes, trimmed to the fields that it uses. Parts that are only
// compared are kept as JSON.
#pragma once

#include "api/meta.h"

namespace mpay::api {

struct Namespace {
  static constexpr ResourceType kResource{"", "v1", "namespaces", "Namespace", false};
  ObjectMeta metadata;
};
BOOST_DESCRIBE_STRUCT(Namespace, (), (metadata))

struct ConfigMap {
  static constexpr ResourceType kResource{"", "v1", "configmaps", "ConfigMap", true};
  ObjectMeta metadata;
  std::map<std::string, std::string> data;
  std::map<std::string, std::string> binaryData;  // base64
  std::optional<bool> immutable;
};
BOOST_DESCRIBE_STRUCT(ConfigMap, (), (metadata, data, binaryData, immutable))

// Values are base64 and secret: the operator keeps only the ones it needs, and logs none.
struct Secret {
  static constexpr ResourceType kResource{"", "v1", "secrets", "Secret", true};
  ObjectMeta metadata;
  std::map<std::string, std::string> data;
  std::optional<std::string> type;
  std::optional<bool> immutable;
};
BOOST_DESCRIBE_STRUCT(Secret, (), (metadata, data, type, immutable))

struct NetworkPolicy {
  static constexpr ResourceType kResource{"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true};
  ObjectMeta metadata;
  json::value spec;
};
BOOST_DESCRIBE_STRUCT(NetworkPolicy, (), (metadata, spec))

struct ControllerRevision {
  static constexpr ResourceType kResource{"apps", "v1", "controllerrevisions", "ControllerRevision", true};
  ObjectMeta metadata;
  json::value data;
  std::int64_t revision = 0;
};
BOOST_DESCRIBE_STRUCT(ControllerRevision, (), (metadata, data, revision))

// The managers' last times of writing, the only use of managedFields.
struct ManagedFieldsEntry {
  std::optional<std::string> time;
  std::optional<std::string> subresource;
};
BOOST_DESCRIBE_STRUCT(ManagedFieldsEntry, (), (time, subresource))

struct PolicyMeta : ObjectMeta {
  std::vector<ManagedFieldsEntry> managedFields;
};
BOOST_DESCRIBE_STRUCT(PolicyMeta, (ObjectMeta), (managedFields))

struct ValidatingAdmissionPolicy {
  static constexpr ResourceType kResource{"admissionregistration.k8s.io", "v1", "validatingadmissionpolicies",
                                          "ValidatingAdmissionPolicy", false};
  PolicyMeta metadata;
  json::value spec;
};
BOOST_DESCRIBE_STRUCT(ValidatingAdmissionPolicy, (), (metadata, spec))

struct ValidatingAdmissionPolicyBinding {
  static constexpr ResourceType kResource{"admissionregistration.k8s.io", "v1", "validatingadmissionpolicybindings",
                                          "ValidatingAdmissionPolicyBinding", false};
  PolicyMeta metadata;
  json::value spec;
};
BOOST_DESCRIBE_STRUCT(ValidatingAdmissionPolicyBinding, (), (metadata, spec))

struct LeaseSpec {
  std::optional<std::string> holderIdentity;
  std::optional<std::int32_t> leaseDurationSeconds;
  std::optional<std::string> acquireTime;  // MicroTime
  std::optional<std::string> renewTime;
  std::optional<std::int32_t> leaseTransitions;
};
BOOST_DESCRIBE_STRUCT(LeaseSpec, (), (holderIdentity, leaseDurationSeconds, acquireTime, renewTime, leaseTransitions))

struct Lease {
  static constexpr ResourceType kResource{"coordination.k8s.io", "v1", "leases", "Lease", true};
  ObjectMeta metadata;
  LeaseSpec spec;
};
BOOST_DESCRIBE_STRUCT(Lease, (), (metadata, spec))

struct ObjectReference {
  std::string apiVersion;
  std::string kind;
  std::optional<std::string> namespace_;
  std::string name;
  std::optional<std::string> uid;
};
BOOST_DESCRIBE_STRUCT(ObjectReference, (), (apiVersion, kind, namespace_, name, uid))

struct Event {
  static constexpr ResourceType kResource{"events.k8s.io", "v1", "events", "Event", true};
  ObjectMeta metadata;
  std::string eventTime;  // MicroTime
  std::string reportingController;
  std::string reportingInstance;
  std::string action;
  std::string reason;
  ObjectReference regarding;
  std::string note;  // at most 1024 bytes
  std::string type;  // Normal | Warning
};
BOOST_DESCRIBE_STRUCT(Event, (),
                      (metadata, eventTime, reportingController, reportingInstance, action, reason, regarding, note,
                       type))

}  // namespace mpay::api
