#include "api/crd.h"

#include <gtest/gtest.h>

#include "support/process.h"

namespace mpay::api {
namespace {

TEST(Crds, AreWhatTheTypesSay) {
  for (const auto& file : crdFiles()) {
    EXPECT_EQ(test::readFile(std::string(MPAY_SOURCE_DIR) + "/crds/" + file.name), file.yaml())
        << "crds/ is generated: build/release/bin/mpay-operator crds crds";
  }
  EXPECT_EQ(crdFiles().size(), 3u);
}

}  // namespace
}  // namespace mpay::api
