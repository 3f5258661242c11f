// JSON to and from plain structs described with Boost.Describe.
//
// The conventions are Kubernetes's rather than Boost's: unknown keys are ignored (a newer server may send more), absent
// keys keep the member's default, and empty optionals, lists and maps are not written. A member's JSON name is its C++
// name without a trailing underscore (`namespace_`).
//
// Known types: bool, integers, double, std::string, described enums (by name), optional, vector, map<string, T>,
// boost::json::value (kept as it is) and described structs of these.
#pragma once

#include <fmt/format.h>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace mpay::json {

using value = boost::json::value;
using object = boost::json::object;
using array = boost::json::array;

template <class T>
concept DescribedStruct = boost::describe::has_describe_members<T>::value;
template <class T>
concept DescribedEnum = boost::describe::has_describe_enumerators<T>::value;

// The JSON type's name, for messages.
inline std::string_view kindOf(const value& v) {
  switch (v.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return "boolean";
    case boost::json::kind::string: return "string";
    case boost::json::kind::array: return "array";
    case boost::json::kind::object: return "object";
    default: return "number";
  }
}

// parse() refuses deeper values: the functions that read them recurse, with a few hundred bytes of stack a level.
inline constexpr std::size_t kDeepest = 512;

inline boost::json::parse_options parseOptions() {
  boost::json::parse_options options;
  options.max_depth = kDeepest;
  return options;
}

// Errors: Decode with the byte offset; with reason TooDeep if a value is nested deeper than kDeepest. Messages repeat
// no part of the text, because it may be secret.
Result<value> parse(std::string_view text);
// The same, into the memory that `parser` was reset to.
Result<value> parse(std::string_view text, boost::json::stream_parser& parser);

// Sorted keys, no blanks, UTF-8 as it is, the escapes of RFC 8785 (JCS). All numbers that we hash are integers. Equal
// values give equal bytes.
std::string canonical(const value& v);

// "namespace_" -> "namespace".
constexpr std::string_view jsonName(std::string_view member) {
  if (member.ends_with('_')) member.remove_suffix(1);
  return member;
}

namespace detail {

template <class T>
inline constexpr bool isOptional = false;
template <class T>
inline constexpr bool isOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool isVector = false;
template <class T>
inline constexpr bool isVector<std::vector<T>> = true;
template <class T>
inline constexpr bool isMap = false;
template <class T>
inline constexpr bool isMap<std::map<std::string, T>> = true;

// The place where decoding failed, for messages. The path is built only after a failure.
struct Failure {
  std::string path;  // built from the innermost member outwards
  std::string problem;
};

inline Failure want(std::string_view expected, const value& got) {
  return {"", fmt::format("want {}, got {}", expected, kindOf(got))};
}

template <class T>
std::optional<Failure> read(const value& from, T& into);

template <std::integral T>
requires(!std::same_as<T, bool>) std::optional<Failure> readInteger(const value& from, T& into) {
  boost::system::error_code error;
  const auto number = from.to_number<T>(error);
  if (error) return want("integer", from);
  into = number;
  return std::nullopt;
}

template <DescribedEnum T>
std::optional<Failure> readEnum(const value& from, T& into) {
  const auto* text = from.if_string();
  if (!text) return want("string", from);
  bool found = false;
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto enumerator) {
    if (jsonName(enumerator.name) == std::string_view(*text)) {
      into = enumerator.value;
      found = true;
    }
  });
  if (!found) return Failure{"", "unknown value"};
  return std::nullopt;
}

template <DescribedStruct T>
std::optional<Failure> readStruct(const value& from, T& into) {
  const auto* members = from.if_object();
  if (!members) return want("object", from);
  std::optional<Failure> failure;
  boost::mp11::mp_for_each<
      boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>>(
      [&](auto member) {
        if (failure) return;
        const auto name = jsonName(member.name);
        const auto* found = members->if_contains(name);
        if (!found || found->is_null()) return;
        failure = read(*found, into.*member.pointer);
        if (failure) failure->path = fmt::format(".{}{}", name, failure->path);
      });
  return failure;
}

template <class T>
std::optional<Failure> read(const value& from, T& into) {
  if constexpr (std::same_as<T, value>) {
    into = value(from, boost::json::storage_ptr{});
    return std::nullopt;
  } else if constexpr (std::same_as<T, bool>) {
    if (!from.is_bool()) return want("boolean", from);
    into = from.get_bool();
    return std::nullopt;
  } else if constexpr (std::integral<T>) {
    return readInteger(from, into);
  } else if constexpr (std::floating_point<T>) {
    if (!from.is_number()) return want("number", from);
    into = from.to_number<T>();
    return std::nullopt;
  } else if constexpr (std::same_as<T, std::string>) {
    const auto* text = from.if_string();
    if (!text) return want("string", from);
    into.assign(text->data(), text->size());
    return std::nullopt;
  } else if constexpr (isOptional<T>) {
    return read(from, into.emplace());
  } else if constexpr (isVector<T>) {
    const auto* items = from.if_array();
    if (!items) return want("array", from);
    into.clear();
    into.reserve(items->size());
    for (std::size_t i = 0; i < items->size(); ++i) {
      if (auto failure = read((*items)[i], into.emplace_back())) {
        failure->path = fmt::format("[{}]{}", i, failure->path);
        return failure;
      }
    }
    return std::nullopt;
  } else if constexpr (isMap<T>) {
    const auto* members = from.if_object();
    if (!members) return want("object", from);
    into.clear();
    for (const auto& [key, item] : *members) {
      if (auto failure = read(item, into[std::string(key)])) {
        failure->path = fmt::format("[{}]{}", std::string_view(key), failure->path);
        return failure;
      }
    }
    return std::nullopt;
  } else if constexpr (DescribedEnum<T>) {
    return readEnum(from, into);
  } else {
    static_assert(DescribedStruct<T>, "describe the type with BOOST_DESCRIBE_STRUCT");
    return readStruct(from, into);
  }
}

template <class T>
bool isEmpty(const T& member) {
  if constexpr (isOptional<T>) {
    return !member.has_value();
  } else if constexpr (isVector<T> || isMap<T>) {
    return member.empty();
  } else if constexpr (std::same_as<T, value>) {
    return member.is_null();
  } else {
    return false;
  }
}

}  // namespace detail

// The name of an enumerator as JSON writes it.
template <DescribedEnum T>
std::string_view nameOf(T enumerator) {
  std::string_view name = "Unknown";
  boost::mp11::mp_for_each<boost::describe::describe_enumerators<T>>([&](auto known) {
    if (known.value == enumerator) name = jsonName(known.name);
  });
  return name;
}

// Fills a T. Errors: Decode, "$.spec.contract: want object, got string"; messages repeat no values.
template <class T>
Result<T> decode(const value& from) {
  T into{};
  if (auto failure = detail::read(from, into)) {
    return fail(ErrorKind::Decode, fmt::format("${}: {}", failure->path, failure->problem));
  }
  return into;
}

// The inverse of decode. Empty optionals, vectors, maps and null values are left out of objects.
template <class T>
value encode(const T& from) {
  if constexpr (std::same_as<T, value>) {
    return from;
  } else if constexpr (std::same_as<T, bool> || std::floating_point<T>) {
    return from;
  } else if constexpr (std::integral<T>) {
    return static_cast<std::int64_t>(from);
  } else if constexpr (std::same_as<T, std::string>) {
    return value(boost::json::string_view(from));
  } else if constexpr (detail::isOptional<T>) {
    return from ? encode(*from) : value(nullptr);
  } else if constexpr (detail::isVector<T>) {
    array items;
    items.reserve(from.size());
    for (const auto& item : from) items.push_back(encode(item));
    return items;
  } else if constexpr (detail::isMap<T>) {
    object members;
    for (const auto& [key, item] : from) members.emplace(key, encode(item));
    return members;
  } else if constexpr (DescribedEnum<T>) {
    return value(boost::json::string_view(nameOf(from)));
  } else {
    object members;
    boost::mp11::mp_for_each<
        boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>>(
        [&](auto member) {
          const auto& item = from.*member.pointer;
          if (!detail::isEmpty(item)) members.emplace(jsonName(member.name), encode(item));
        });
    return members;
  }
}

// Compares described structs member by member.
template <class T>
bool equal(const T& a, const T& b) {
  if constexpr (detail::isOptional<T>) {
    return a.has_value() == b.has_value() && (!a || equal(*a, *b));
  } else if constexpr (detail::isVector<T>) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
      if (!equal(a[i], b[i])) return false;
    }
    return true;
  } else if constexpr (DescribedStruct<T>) {
    bool same = true;
    boost::mp11::mp_for_each<
        boost::describe::describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>>(
        [&](auto member) { same = same && equal(a.*member.pointer, b.*member.pointer); });
    return same;
  } else {
    return a == b;
  }
}

}  // namespace mpay::json
