// OpenAPI v3 schemas (as CustomResourceDefinitions take them) from described structs.
//
// The struct gives the types, the required members and the enumerations. A function beside the struct gives words,
// bounds, defaults and CEL rules; it is found by its argument's namespace:
//
//   void describe(json::SchemaOf<Contract>& s) {
//     s.doc("The contract on using MPay.");
//     s["number"].doc("Its number.").length(1, 60);
//   }
//
// A member is required if it is marked so, or if it has no default and is neither optional nor a list or map. Four bugs
// throw std::logic_error: a member without words, a string without a maximum, a list without a maximum, and a name that
// the struct does not have.
#pragma once

#include <algorithm>
#include <stdexcept>

#include "json/codec.h"

namespace mpay::json {

// x-kubernetes-validations.
struct Rule {
  std::string rule;
  std::string message;
  std::string reason = "FieldValueInvalid";
  std::optional<std::string> fieldPath = std::nullopt;
};
BOOST_DESCRIBE_STRUCT(Rule, (), (rule, message, reason, fieldPath))

// The two facts that decide if a member is required.
struct Presence {
  bool hasDefault = false;
  bool required = false;
};

// One schema node under construction.
class Node {
 public:
  explicit Node(object& node, Presence* presence = nullptr) : node_(&node), presence_(presence) {}

  Node& doc(std::string_view words) { return set("description", words); }
  Node& pattern(std::string_view regex) { return set("pattern", regex); }
  Node& format(std::string_view name) { return set("format", name); }
  Node& length(std::int64_t least, std::int64_t most) {
    if (least > 0) set("minLength", least);
    return set("maxLength", most);
  }
  Node& items(std::int64_t least, std::int64_t most) {
    if (least > 0) set("minItems", least);
    return set("maxItems", most);
  }
  Node& range(std::int64_t least, std::int64_t most) { return set("minimum", least).set("maximum", most); }
  Node& properties(std::int64_t most) { return set("maxProperties", most); }
  Node& oneOf(std::initializer_list<std::string_view> values) {
    array all;
    for (const auto& v : values) all.push_back(value(boost::json::string_view(v)));
    return set("enum", std::move(all));
  }
  Node& byDefault(value v) {
    if (presence_) presence_->hasDefault = true;
    return set("default", std::move(v));
  }
  Node& required() {
    if (presence_) presence_->required = true;
    return *this;
  }
  Node& mapKeys(std::initializer_list<std::string_view> keys) {
    array all;
    for (const auto& key : keys) all.push_back(value(boost::json::string_view(key)));
    return set("x-kubernetes-list-type", "map").set("x-kubernetes-list-map-keys", std::move(all));
  }
  Node& unique() { return set("x-kubernetes-list-type", "set"); }
  Node& atomic() { return set("x-kubernetes-list-type", "atomic"); }
  Node& rule(const Rule& rule) {
    auto& rules = (*node_)["x-kubernetes-validations"];
    if (!rules.is_array()) rules = array();
    rules.as_array().push_back(encode(rule));
    return *this;
  }
  // The schema of a list's or map's elements.
  Node each() { return Node(node_->at(node_->contains("items") ? "items" : "additionalProperties").as_object()); }

 private:
  template <class V>
  Node& set(std::string_view key, V&& v) {
    if constexpr (std::convertible_to<V, std::string_view>) {
      (*node_)[key] = value(boost::json::string_view(std::string_view(v)));
    } else {
      (*node_)[key] = std::forward<V>(v);
    }
    return *this;
  }

  object* node_;
  Presence* presence_;
};

template <class T>
object schemaOf();

template <DescribedStruct T>
class SchemaOf : public Node {
 public:
  SchemaOf(object& node, std::map<std::string, Presence>& presence) : Node(node), node_(node), presence_(presence) {}

  // The member with this JSON name.
  Node operator[](std::string_view name) {
    auto* found = node_.at("properties").as_object().if_contains(name);
    if (!found) throw std::logic_error("the schema describes an unknown member " + std::string(name));
    return Node(found->as_object(), &presence_[std::string(name)]);
  }

 private:
  object& node_;
  std::map<std::string, Presence>& presence_;
};

namespace detail {

template <class T>
object typeSchema() {
  if constexpr (std::same_as<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::integral<T>) {
    return {{"type", "integer"}, {"format", sizeof(T) == 8 ? "int64" : "int32"}};
  } else if constexpr (std::same_as<T, std::string>) {
    return {{"type", "string"}};
  } else if constexpr (isOptional<T>) {
    return typeSchema<typename T::value_type>();
  } else if constexpr (isVector<T>) {
    return {{"type", "array"}, {"items", typeSchema<typename T::value_type>()}};
  } else if constexpr (isMap<T>) {
    return {{"type", "object"}, {"additionalProperties", typeSchema<typename T::mapped_type>()}};
  } else if constexpr (DescribedEnum<T>) {
    array names;
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>(
        [&](auto enumerator) { names.push_back(value(boost::json::string_view(jsonName(enumerator.name)))); });
    return {{"type", "string"}, {"enum", std::move(names)}};
  } else {
    return schemaOf<T>();
  }
}

template <class T>
inline constexpr bool isRequired = !isOptional<T> && !isVector<T> && !isMap<T>;

// Throws if a bound is missing; see the head of the file.
void checkBounds(const std::string& path, const object& node);

}  // namespace detail

template <class T>
object schemaOf() {
  object properties;
  std::map<std::string, Presence> presence;
  std::vector<std::string> names;
  std::vector<std::string> required;
  boost::mp11::mp_for_each<
      boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>>(
      [&](auto member) {
        using Member = std::remove_cvref_t<decltype(std::declval<T>().*member.pointer)>;
        const std::string name(jsonName(member.name));
        properties.emplace(name, detail::typeSchema<Member>());
        names.push_back(name);
        if (detail::isRequired<Member>) required.push_back(name);
      });
  object node{{"type", "object"}, {"properties", std::move(properties)}};
  SchemaOf<T> description(node, presence);
  describe(description);
  array wanted;
  for (const auto& name : names) {
    const bool always = std::find(required.begin(), required.end(), name) != required.end();
    if (presence[name].required || (always && !presence[name].hasDefault)) {
      wanted.push_back(value(boost::json::string_view(name)));
    }
  }
  if (!wanted.empty()) node["required"] = std::move(wanted);
  for (const auto& [name, property] : node.at("properties").as_object()) {
    if (!property.as_object().contains("description")) {
      throw std::logic_error("the schema has no words for " + std::string(name));
    }
    detail::checkBounds(std::string(name), property.as_object());
  }
  return node;
}

}  // namespace mpay::json
