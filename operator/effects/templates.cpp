#include "effects/templates.h"

namespace mpay::effects {
namespace {

struct StageNames {
  std::string_view testing, production;
};
std::string placeOf(const CertificateNotice& n, const StageNames& names) {
  return fmt::format("{} ({})", n.stage == api::Stage::Testing ? names.testing : names.production, n.apiURL);
}
constexpr StageNames kRomanian{"mediul de testare", "mediul de producție"};
constexpr StageNames kRussian{"тестовой среде", "промышленной среде"};
constexpr StageNames kEnglish{"testing environment", "production environment"};

}  // namespace

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

Text certificateExpiring(const CertificateNotice& n, api::Language language) {
  const auto day = n.notAfter.substr(0, 10);
  switch (language) {
    case api::Language::ru:
      return {"MPay: сертификат истекает " + day,
              fmt::format("Здравствуйте!\n\nСертификат услуги «{}» (ServiceID {}) в {} MPay действителен до {}.\n"
                          "После этого он не принимается.\n\nСубъект: {}\nСерийный номер: {}\nSHA-256: {}\n\n"
                          "Запросите новый сертификат и укажите его в форме подключения заранее: новый сертификат "
                          "подлежит проверке, а прежний принимается, пока новый не заменит его.\n",
                          n.serviceName, n.serviceID, placeOf(n, kRussian), n.notAfter, n.subject, n.serial, n.sha256)};
    case api::Language::en:
      return {"MPay: certificate expires on " + day,
              fmt::format("Hello,\n\nThe certificate of the service \"{}\" (ServiceID {}) in MPay's {} is valid until "
                          "{}.\nIt is not accepted afterwards.\n\nSubject: {}\nSerial number: {}\nSHA-256: {}\n\n"
                          "Request a new certificate and give it in the connection form in good time: the new one has "
                          "to be validated, and the old one is accepted until the new one has taken its place.\n",
                          n.serviceName, n.serviceID, placeOf(n, kEnglish), n.notAfter, n.subject, n.serial, n.sha256)};
    case api::Language::ro: break;
  }
  return {"MPay: certificatul expiră la " + day,
          fmt::format("Bună ziua,\n\nCertificatul serviciului „{}” (ServiceID {}) în {} MPay este valabil până la {}.\n"
                      "După aceasta nu mai este acceptat.\n\nSubiect: {}\nNumăr de serie: {}\nSHA-256: {}\n\n"
                      "Solicitați din timp un certificat nou și indicați-l în formularul de conectare: certificatul "
                      "nou trebuie validat, iar cel vechi este acceptat până când cel nou îi ia locul.\n",
                      n.serviceName, n.serviceID, placeOf(n, kRomanian), n.notAfter, n.subject, n.serial, n.sha256)};
}

Text certificateRevoked(const CertificateNotice& n, api::Language language) {
  switch (language) {
    case api::Language::ru:
      return {"MPay: сертификат отозван",
              fmt::format("Здравствуйте!\n\nСертификат услуги «{}» (ServiceID {}) в {} MPay отозван издателем.\n{}\n\n"
                          "Субъект: {}\nСерийный номер: {}\nSHA-256: {}\n\nЗапросите новый сертификат и укажите его "
                          "в форме подключения.\n",
                          n.serviceName, n.serviceID, placeOf(n, kRussian),
                          n.withdrawn ? "Он больше не принимается." : "Он пока принимается.", n.subject, n.serial,
                          n.sha256)};
    case api::Language::en:
      return {"MPay: the certificate was revoked",
              fmt::format("Hello,\n\nThe certificate of the service \"{}\" (ServiceID {}) in MPay's {} was revoked by "
                          "its issuer.\n{}\n\nSubject: {}\nSerial number: {}\nSHA-256: {}\n\nRequest a new "
                          "certificate and give it in the connection form.\n",
                          n.serviceName, n.serviceID, placeOf(n, kEnglish),
                          n.withdrawn ? "It is accepted no more." : "It is still accepted.", n.subject, n.serial,
                          n.sha256)};
    case api::Language::ro: break;
  }
  return {
      "MPay: certificatul a fost revocat",
      fmt::format("Bună ziua,\n\nCertificatul serviciului „{}” (ServiceID {}) în {} MPay a fost revocat de emitent.\n"
                  "{}\n\nSubiect: {}\nNumăr de serie: {}\nSHA-256: {}\n\nSolicitați un certificat nou și "
                  "indicați-l în formularul de conectare.\n",
                  n.serviceName, n.serviceID, placeOf(n, kRomanian),
                  n.withdrawn ? "Nu mai este acceptat." : "Deocamdată este acceptat.", n.subject, n.serial, n.sha256)};
}

}  // namespace mpay::effects
