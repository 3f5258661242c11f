// Exponential backoff with jitter over the upper half.
#pragma once

#include "base/clock.h"

namespace mpay {

struct Backoff {
  Duration first{200};
  Duration most{std::chrono::seconds(60)};

  // The wait before attempt `failures` + 1: a random point in the upper half of
  // min(most, first * 2^(failures-1)), so that many waiters do not come back at once and none
  // comes back at once.
  Duration after(unsigned failures) const;
};

}  // namespace mpay
