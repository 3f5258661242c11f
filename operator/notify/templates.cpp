#include "notify/templates.h"

namespace mpay::notify {

Text activated(const Activation& a, api::Language language) {
  switch (language) {
    case api::Language::ru:
      return {"MPay: услуга подключена",
              fmt::format("Здравствуйте!\n\nУслуга «{}» (ServiceID {}) активирована в промышленной среде MPay: {}\n"
                          "Подключение завершено.\n\nПодтверждённое содержание: {}\n",
                          a.serviceName, a.serviceID, a.frontEndURL, a.digest)};
    case api::Language::en:
      return {"MPay: the service is connected",
              fmt::format("Hello,\n\nThe service \"{}\" (ServiceID {}) is active in MPay's production environment: {}\n"
                          "The integration is complete.\n\nValidated content: {}\n",
                          a.serviceName, a.serviceID, a.frontEndURL, a.digest)};
    case api::Language::ro: break;
  }
  return {"MPay: serviciul este conectat",
          fmt::format("Bună ziua,\n\nServiciul „{}” (ServiceID {}) a fost activat în mediul de producție MPay: {}\n"
                      "Integrarea este încheiată.\n\nConținutul validat: {}\n",
                      a.serviceName, a.serviceID, a.frontEndURL, a.digest)};
}

}  // namespace mpay::notify
