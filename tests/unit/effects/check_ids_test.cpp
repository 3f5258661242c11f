// A manifest may name the existing checks and no others.
#include <gtest/gtest.h>

#include <regex>

#include "api/crd.h"
#include "conformance/check.h"

namespace mpay::test {
namespace {

json::value patternOf(std::string_view list) {
  for (const auto& file : api::crdFiles()) {
    const auto path =
        "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/tester/properties/profile/properties/" +
        std::string(list) + "/items/pattern";
    boost::system::error_code none;
    if (const auto* found = file.definition.find_pointer(path, none)) return *found;
  }
  throw std::runtime_error("no definition has a tester's " + std::string(list));
}

TEST(CheckIds, AreInTheSchemaAsInTheTable) {
  for (const auto* list : {"required", "recommended"}) {
    const std::regex pattern(std::string(patternOf(list).as_string()));
    for (char letter = 'A'; letter <= 'Z'; ++letter) {
      for (int number = 0; number < 100; ++number) {
        const auto id = letter + std::to_string(number);
        EXPECT_EQ(std::regex_search(id, pattern), conformance::findCheck(id) != nullptr) << id;
      }
    }
    EXPECT_FALSE(std::regex_search("T01", pattern));
  }
}

}  // namespace
}  // namespace mpay::test
