// Shared by all Kubernetes objects: metadata, conditions, and the path of a kind.
#pragma once

#include <boost/describe.hpp>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/codec.h"

namespace mpay::api {

// A kind's place in the API: /apis/<group>/<version>/.../<plural>, or /api/v1 if the group is empty.
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

// managedFields is left out on purpose: it is most of an object's bytes and no decision uses it.
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

// The metadata that a controller needs of an object that it only reads: a third of the memory.
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

// A LeanMeta in one block of memory, for stores of many objects: some 110 bytes instead of 250.
class PackedMeta {
 public:
  PackedMeta() = default;
  PackedMeta(const LeanMeta& meta)
      : generation_(meta.generation), deleting_(meta.deletionTimestamp), finalized_(!meta.finalizers.empty()) {
    const std::string_view parts[] = {meta.namespace_, meta.name, meta.uid, meta.resourceVersion};
    std::size_t size = 0;
    for (const auto part : parts) size += part.size();
    text_ = std::make_unique<char[]>(size);
    std::uint32_t end = 0;
    for (std::size_t i = 0; i < std::size(parts); ++i) {
      parts[i].copy(text_.get() + end, parts[i].size());
      end += static_cast<std::uint32_t>(parts[i].size());
      ends_[i] = end;
    }
  }

  std::string_view namespaceName() const { return part(0); }
  std::string_view name() const { return part(1); }
  std::string_view uid() const { return part(2); }
  std::string_view resourceVersion() const { return part(3); }
  std::int64_t generation() const { return generation_; }
  bool isBeingDeleted() const { return deleting_; }
  bool hasFinalizers() const { return finalized_; }
  ObjectKey key() const { return {std::string(namespaceName()), std::string(name())}; }

 private:
  std::string_view part(std::size_t i) const {
    const std::uint32_t begin = i == 0 ? 0 : ends_[i - 1];
    return {text_.get() + begin, ends_[i] - begin};
  }

  std::unique_ptr<char[]> text_;  // namespace, name, uid and resourceVersion, one after another
  std::uint32_t ends_[4] = {};
  std::int64_t generation_ = 0;
  bool deleting_ = false;
  bool finalized_ = false;
};

// A store's key for an object, ordered like ObjectKey.
using KeyView = std::pair<std::string_view, std::string_view>;
inline KeyView viewOf(const ObjectKey& key) { return {key.namespace_, key.name}; }
inline std::size_t hashOf(const KeyView& key) {
  return std::hash<std::string_view>()(key.second) * 31 + std::hash<std::string_view>()(key.first);
}

// The accessors that a store uses, for each of the three kinds of metadata.
inline KeyView keyOf(const LeanMeta& meta) { return {meta.namespace_, meta.name}; }
inline KeyView keyOf(const PackedMeta& meta) { return {meta.namespaceName(), meta.name()}; }
inline KeyView keyOf(const ObjectMeta& meta) {
  return {meta.namespace_ ? std::string_view(*meta.namespace_) : "", meta.name ? std::string_view(*meta.name) : ""};
}
inline std::string_view uidOf(const ObjectMeta& meta) { return meta.uid ? std::string_view(*meta.uid) : ""; }
inline std::string_view uidOf(const LeanMeta& meta) { return meta.uid; }
inline std::string_view uidOf(const PackedMeta& meta) { return meta.uid(); }
inline std::string_view versionOf(const ObjectMeta& meta) {
  return meta.resourceVersion ? std::string_view(*meta.resourceVersion) : "";
}
inline std::string_view versionOf(const LeanMeta& meta) { return meta.resourceVersion; }
inline std::string_view versionOf(const PackedMeta& meta) { return meta.resourceVersion(); }
inline bool isBeingDeleted(const ObjectMeta& meta) { return meta.deletionTimestamp.has_value(); }
inline bool isBeingDeleted(const LeanMeta& meta) { return meta.deletionTimestamp.has_value(); }
inline bool isBeingDeleted(const PackedMeta& meta) { return meta.isBeingDeleted(); }
inline bool hasFinalizers(const ObjectMeta& meta) { return !meta.finalizers.empty(); }
inline bool hasFinalizers(const LeanMeta& meta) { return !meta.finalizers.empty(); }
inline bool hasFinalizers(const PackedMeta& meta) { return meta.hasFinalizers(); }

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

// The condition of that type, or null.
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

// A key of a ConfigMap or Secret. In an MPayIntegration it is in the same namespace, in an MPayEnvironment in the
// operator's.
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

// Public bytes: inline, or in a ConfigMap or Secret. Exactly one of the three.
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
