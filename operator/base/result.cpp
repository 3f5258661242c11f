#include "base/result.h"

namespace mpay {

std::string_view toString(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::Transport: return "Transport";
    case ErrorKind::Timeout: return "Timeout";
    case ErrorKind::Cancelled: return "Cancelled";
    case ErrorKind::Api: return "Api";
    case ErrorKind::Decode: return "Decode";
    case ErrorKind::Crypto: return "Crypto";
    case ErrorKind::Invalid: return "Invalid";
  }
  return "Unknown";
}

}  // namespace mpay
