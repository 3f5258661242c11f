// What every Kubernetes object has: metadata, conditions, and where its kind lives.
#pragma once

#include <boost/describe.hpp>
#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "json/codec.h"

namespace mpay::api {

// Where a kind is served: /apis/<group>/<version>/.../<plural>, /api/v1 where the group is empty.
struct ResourceType {
  std::string_view group;
  std::string_view version;
  std::string_view plural;
  std::string_view kind;
  bool namespaced = true;

  // "mpay.gov.md/v1alpha1", or "v1" for the core group.
  std::string apiVersion() const {
    return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
  }
};

struct ObjectKey {
  std::string namespace_;  // empty for cluster-scoped kinds
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
  std::string text() const { return namespace_.empty() ? name : namespace_ + "/" + name; }
};

struct OwnerReference {
  std::string apiVersion;
  std::string kind;
  std::string name;
  std::string uid;
  std::optional<bool> controller;
  std::optional<bool> blockOwnerDeletion;
  auto operator<=>(const OwnerReference&) const = default;
};
BOOST_DESCRIBE_STRUCT(OwnerReference, (), (apiVersion, kind, name, uid, controller, blockOwnerDeletion))

// managedFields is left out on purpose: it is most of an object's bytes and decides nothing.
struct ObjectMeta {
  std::optional<std::string> name;
  std::optional<std::string> generateName;
  std::optional<std::string> namespace_;
  std::optional<std::string> uid;
  std::optional<std::string> resourceVersion;
  std::optional<std::int64_t> generation;
  std::optional<std::string> creationTimestamp;
  std::optional<std::string> deletionTimestamp;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<OwnerReference> ownerReferences;
  std::vector<std::string> finalizers;

  ObjectKey key() const { return {namespace_.value_or(""), name.value_or("")}; }
};
BOOST_DESCRIBE_STRUCT(ObjectMeta, (),
                      (name, generateName, namespace_, uid, resourceVersion, generation, creationTimestamp,
                       deletionTimestamp, labels, annotations, ownerReferences, finalizers))

inline std::string_view uidOf(const ObjectMeta& meta) { return meta.uid ? std::string_view(*meta.uid) : ""; }
inline std::string_view versionOf(const ObjectMeta& meta) {
  return meta.resourceVersion ? std::string_view(*meta.resourceVersion) : "";
}

// What a controller needs to know of an object that it only looks at: a third of the memory.
struct LeanMeta {
  std::string namespace_;
  std::string name;
  std::string uid;
  std::string resourceVersion;
  std::int64_t generation = 0;
  std::optional<std::string> deletionTimestamp;
  std::vector<std::string> finalizers;

  ObjectKey key() const { return {namespace_, name}; }
};
BOOST_DESCRIBE_STRUCT(LeanMeta, (), (namespace_, name, uid, resourceVersion, generation, deletionTimestamp, finalizers))

inline LeanMeta leanOf(ObjectMeta meta) {
  return {std::move(meta.namespace_).value_or(""),
          std::move(meta.name).value_or(""),
          std::move(meta.uid).value_or(""),
          std::move(meta.resourceVersion).value_or(""),
          meta.generation.value_or(0),
          std::move(meta.deletionTimestamp),
          std::move(meta.finalizers)};
}
inline std::string_view uidOf(const LeanMeta& meta) { return meta.uid; }
inline std::string_view versionOf(const LeanMeta& meta) { return meta.resourceVersion; }

enum class ConditionStatus { True, False, Unknown };
BOOST_DESCRIBE_ENUM(ConditionStatus, True, False, Unknown)

// metav1.Condition.
struct Condition {
  std::string type;
  ConditionStatus status = ConditionStatus::Unknown;
  std::int64_t observedGeneration = 0;
  std::string lastTransitionTime;
  std::string reason;
  std::string message;
};
BOOST_DESCRIBE_STRUCT(Condition, (), (type, status, observedGeneration, lastTransitionTime, reason, message))

// The condition of a type, or null.
inline const Condition* findCondition(const std::vector<Condition>& conditions, std::string_view type) {
  for (const auto& condition : conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

struct LabelSelector {
  std::map<std::string, std::string> matchLabels;
};
BOOST_DESCRIBE_STRUCT(LabelSelector, (), (matchLabels))

// A key of a ConfigMap or Secret. In an MPayIntegration it is of the same namespace, in an
// MPayEnvironment of the operator's own.
struct KeyReference {
  std::string name;
  std::string key;
  auto operator<=>(const KeyReference&) const = default;
};
BOOST_DESCRIBE_STRUCT(KeyReference, (), (name, key))

struct NameReference {
  std::string name;
};
BOOST_DESCRIBE_STRUCT(NameReference, (), (name))

// Public bytes: given here, or in a ConfigMap or Secret. Exactly one of the three.
struct ContentSource {
  std::optional<std::string> inline_;
  std::optional<KeyReference> configMapRef;
  std::optional<KeyReference> secretRef;
};
BOOST_DESCRIBE_STRUCT(ContentSource, (), (inline_, configMapRef, secretRef))

// Content that is never written inline (an image).
struct ContentReference {
  std::optional<KeyReference> configMapRef;
  std::optional<KeyReference> secretRef;
};
BOOST_DESCRIBE_STRUCT(ContentReference, (), (configMapRef, secretRef))

inline constexpr std::string_view kGroup = "mpay.gov.md";
inline constexpr std::string_view kVersion = "v1alpha1";

}  // namespace mpay::api
