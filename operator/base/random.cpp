#include "base/random.h"

#include <fmt/format.h>

#include <random>

namespace mpay {

std::string randomId() {
  static thread_local std::random_device source;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", source(), source(), source(), source());
}

double jitter() {
  static thread_local std::random_device source;
  return static_cast<double>(source()) / static_cast<double>(std::random_device::max());
}

}  // namespace mpay
