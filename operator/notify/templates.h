// What notifications say, in Romanian, Russian and English.
#pragma once

#include <string>

#include "api/integration.h"

namespace mpay::notify {

struct Text {
  std::string subject;  // at most 41 characters, so that it suits every channel
  std::string body;
};

struct Activation {
  std::string serviceID;
  std::string serviceName;
  std::string frontEndURL;
  std::string digest;
};

// The integration is complete: the service is active in production.
Text activated(const Activation& activation, api::Language language);

}  // namespace mpay::notify
