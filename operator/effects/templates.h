// The texts of notifications, in Romanian, Russian and English.
#pragma once

#include <string>

#include "api/environment.h"
#include "api/integration.h"

namespace mpay::effects {

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

// A certificate that an environment admits.
struct CertificateNotice {
  std::string serviceID;
  std::string serviceName;
  api::Stage stage = api::Stage::Production;
  std::string apiURL;
  std::string subject;
  std::string serial;
  std::string sha256;
  std::string notAfter;
  bool withdrawn = false;  // it is no longer admitted; for a revoked certificate
};

// The certificate expires soon, and a new one should be requested.
Text certificateExpiring(const CertificateNotice& notice, api::Language language);

// The certificate's issuer revoked it.
Text certificateRevoked(const CertificateNotice& notice, api::Language language);

}  // namespace mpay::effects
