// Exponential backoff with jitter over the upper half.
#pragma once

#include "base/clock.h"

namespace mpay {

struct Backoff {
  Duration first{200};
  Duration most{std::chrono::seconds(60)};

  // Returns the wait before attempt `failures` + 1: at random in the upper half of min(most, first * 2^(failures-1)).
  // Many waiters come back at different times, and none at once.
  Duration after(unsigned failures) const;
};

}  // namespace mpay
