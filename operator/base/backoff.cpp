#include "base/backoff.h"

#include <algorithm>
#include <random>

namespace mpay {

Duration Backoff::after(unsigned failures) const {
  const unsigned doublings = failures > 0 ? std::min(failures - 1, 20u) : 0;
  const Duration ceiling = std::min(most, Duration(first.count() << doublings));
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<Duration::rep> spread(ceiling.count() / 2, ceiling.count());
  return Duration(spread(random));
}

}  // namespace mpay
