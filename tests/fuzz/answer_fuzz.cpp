#include "fuzz/pki.h"
#include "mpay/evidence.h"
#include "mpay/messages.h"

using namespace mpay;
using namespace mpay::soap;

namespace {

struct Decoded {
  std::size_t orders = 0;
  std::size_t findings = 0;
  bool confirmed = false;
  bool isFault = false;

  bool operator==(const Decoded&) const = default;
};

Decoded decode(const Envelope& envelope) {
  Decoded decoded;
  decoded.isFault = envelope.fault().has_value();
  const auto payload = envelope.payload();
  if (!payload) return decoded;
  if (const auto answer = decodeOrders(*payload)) {
    decoded.orders = answer->orders.size();
    decoded.findings = answer->findings.size();
    for (const auto& one : answer->findings) {
      fuzz::require(one.path.starts_with("GetOrderDetailsResponse") && one.message.size() < 400);
    }
  }
  decoded.confirmed = decodeConfirmed(*payload).has_value();
  return decoded;
}

}  // namespace

int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto envelope = Envelope::parse({reinterpret_cast<const char*>(data), size});
  if (!envelope) {
    fuzz::require(!envelope.error().reason.empty());
    return 0;
  }
  fuzz::require(excerpt(envelope->document()).size() <= kMaximumExcerpt + 3);
  for (const auto& child : envelope->document().root().children()) (void)child.path();
  // A parsed answer stays the same when it is written and read again, unless it is too large then.
  const auto again = Envelope::parse(envelope->document().xml());
  if (again) {
    fuzz::require(decode(*again) == decode(*envelope) && again->problems() == envelope->problems());
  } else {
    fuzz::require(again.error().reason == "ResponseTooLarge" || envelope->document().xml().size() > 20'000);
  }
  return 0;
}
