#include "conformance/translations.h"

#include <algorithm>
#include <array>

namespace mpay::conformance {
namespace {

struct Translation {
  std::string_view id;
  Wording romanian, russian;
};

constexpr std::array kTranslations{
    Translation{
        "T1",
        {"Punctul de acces (endpoint) acceptă conexiuni de la MPay.",
         "Deschideți portul pentru adresele MPay, verificați numele în DNS și indicați un URL accesibil din exterior."},
        {"Точка доступа (endpoint) принимает соединения от MPay.",
         "Откройте порт для адресов MPay, проверьте имя в DNS и укажите URL, доступный извне."}},
    Translation{
        "T2",
        {"Punctul de acces comunică prin HTTPS cu TLS 1.2 sau mai nou, cu un certificat emis pentru numele gazdei sale "
         "și cu lanțul complet.",
         "Instalați un certificat emis pentru gazda din URL, trimiteți împreună cu el certificatele intermediare și "
         "permiteți TLS 1.2 și 1.3."},
        {"Точка доступа работает по HTTPS с TLS 1.2 или новее, с сертификатом на имя своего хоста и полной цепочкой.",
         "Установите сертификат, выданный на имя хоста из URL, отправляйте вместе с ним промежуточные сертификаты и "
         "разрешите TLS 1.2 и 1.3."}},
    Translation{
        "T3",
        {"Punctul de acces primește text/xml cu SOAPAction de la MPay și răspunde în text/xml, complet, în cel mult 5 "
         "s, "
         "fără redirecționare.",
         "Deserviți prin SOAP 1.1 chiar URL-ul punctului de acces (basicHttpBinding, nu wsHttpBinding), fără "
         "comprimare, cu un răspuns de cel mult un megaoctet, în 5 s."},
        {"Точка доступа принимает text/xml с SOAPAction от MPay и отвечает в text/xml, полностью, не дольше чем за 5 "
         "s, "
         "без перенаправления.",
         "Обслуживайте по SOAP 1.1 сам URL точки доступа (basicHttpBinding, а не wsHttpBinding), без сжатия, с ответом "
         "не больше мегабайта за 5 s."}},
    Translation{
        "T4",
        {"Răspunsul este un singur plic (envelope) SOAP 1.1, cu Header înainte de Body.",
         "Lăsați biblioteca SOAP să construiască plicul și nu trimiteți nici DTD, nici altceva pe lângă Header și "
         "Body."},
        {"Ответ — это один конверт (envelope) SOAP 1.1, в котором Header стоит перед Body.",
         "Пусть конверт создаёт библиотека SOAP; не отправляйте ни DTD, ни чего-либо ещё рядом с Header и Body."}},
    Translation{"T5",
                {"Un fault SOAP vine cu statutul HTTP 500.",
                 "Aruncați fault-ul ca excepție prin biblioteca SOAP, în loc să-l returnați ca răspuns obișnuit."},
                {"Ошибка SOAP (fault) приходит с HTTP-статусом 500.",
                 "Выбрасывайте fault как исключение через библиотеку SOAP, а не возвращайте его как обычный ответ."}},
    Translation{
        "T6",
        {"Body are un singur element copil: GetOrderDetailsResponse din spațiul de nume https://mpay.gov.md.",
         "Generați serviciul din WSDL-ul MPay și nu modificați spațiul de nume țintă (target namespace)."},
        {"В Body один дочерний элемент: GetOrderDetailsResponse из пространства имён https://mpay.gov.md.",
         "Сгенерируйте сервис из WSDL системы MPay и не меняйте его целевое пространство имён (target namespace)."}},

    Translation{
        "S1",
        {"Răspunsul este semnat: o singură semnătură XML, în singurul său antet WS-Security.",
         "Activați semnarea mesajelor și pentru răspunsuri, cu exact spațiile de nume din WSS 1.0 și XML-DSig."},
        {"Ответ подписан: одна подпись XML в единственном заголовке WS-Security.",
         "Включите подписание сообщений и для ответов, в точности с пространствами имён WSS 1.0 и XML-DSig."}},
    Translation{"S2",
                {"Semnătura acoperă Body și Timestamp, chiar acolo unde sunt citite.",
                 "Semnați exact Body al plicului și Timestamp din antetul Security, fiecare printr-o referință la "
                 "atributul său "
                 "wsu:Id."},
                {"Подпись охватывает Body и Timestamp именно там, где их читают.",
                 "Подписывайте именно Body конверта и Timestamp заголовка Security, каждый по ссылке на его wsu:Id."}},
    Translation{
        "S3",
        {"Valorile digest corespund octeților primiți.",
         "Semnați la urmă: după aceea nimic nu mai poate atinge mesajul, nici un handler, nici un proxy, nici o "
         "conversie a setului de caractere."},
        {"Дайджесты соответствуют полученным байтам.",
         "Подписывайте в последнюю очередь: после этого сообщение не должно меняться ни обработчиком, ни прокси, ни "
         "перекодировкой символов."}},
    Translation{
        "S4",
        {"După semnare nimic nu a fost reformatat, nici măcar spațiile albe.",
         "Dezactivați indentarea și formatarea (pretty printing) la scrierea răspunsului și păstrați spațiile albe la "
         "citirea lui înainte de semnare."},
        {"После подписания ничего не переформатировано, даже пробельные символы.",
         "Отключите отступы и форматирование (pretty printing) при записи ответа и сохраняйте пробельные символы при "
         "его чтении перед подписанием."}},
    Translation{
        "S5",
        {"SignatureValue se verifică cu certificatul înregistrat, nu doar cu cel venit împreună cu mesajul.",
         "Semnați cu cheia certificatului pe care l-ați transmis operatorului MPay sau transmiteți certificatul nou."},
        {"SignatureValue проходит проверку по зарегистрированному сертификату, а не только по присланному в сообщении.",
         "Подписывайте ключом того сертификата, который вы передали оператору MPay, или передайте новый сертификат."}},
    Translation{"S6",
                {"KeyInfo este o referință la un BinarySecurityToken, un SubjectKeyIdentifier sau un X509Certificate.",
                 "Alegeți BinarySecurityToken (X509v3) ca mod în care biblioteca SOAP își indică cheia."},
                {"KeyInfo — это ссылка на BinarySecurityToken, SubjectKeyIdentifier или X509Certificate.",
                 "Выберите BinarySecurityToken (X509v3) как способ, которым библиотека SOAP указывает ключ."}},
    Translation{"S7",
                {"Algoritmul este rsa-sha1 sau rsa-sha256, așa cum a fost declarat.",
                 "Configurați setul de algoritmi al bibliotecii SOAP pentru semnătura declarată, cu funcția digest "
                 "corespunzătoare."},
                {"Алгоритм — rsa-sha1 или rsa-sha256, как заявлено.",
                 "Настройте набор алгоритмов библиотеки SOAP на заявленную подпись и соответствующий ей дайджест."}},
    Translation{
        "S8",
        {"SignedInfo și tot ce este semnat sunt în forma canonică exclusivă și nu li se aplică nicio altă "
         "transformare.",
         "Setați http://www.w3.org/2001/10/xml-exc-c14n# ca metodă de canonicalizare și ca unică transformare."},
        {"SignedInfo и всё подписанное приведены к исключающей (exclusive) канонической форме, и других преобразований "
         "нет.",
         "Задайте http://www.w3.org/2001/10/xml-exc-c14n# как метод канонизации и как единственное преобразование."}},
    Translation{
        "S9",
        {"Timestamp este de acum, în UTC, cu o durată plauzibilă, și niciun răspuns nu este dat de două ori.",
         "Sincronizați ceasul serverului prin NTP, scrieți Created și Expires în UTC cu Z, la câteva minute distanță, "
         "și semnați fiecare răspuns din nou."},
        {"Timestamp соответствует текущему времени, указан в UTC, с правдоподобным сроком, и ни один ответ не выдаётся "
         "дважды.",
         "Синхронизируйте часы сервера по NTP, пишите Created и Expires в UTC с Z, с разницей в несколько минут, и "
         "подписывайте каждый ответ заново."}},
    Translation{"S10",
                {"Identificatorii sunt unici și sunt atribute wsu:Id.",
                 "Lăsați biblioteca SOAP să aloce identificatorii; nu copiați în răspuns anteturile cererii."},
                {"Идентификаторы уникальны и заданы атрибутами wsu:Id.",
                 "Пусть идентификаторы назначает библиотека SOAP; не копируйте заголовки запроса в ответ."}},

    Translation{"R1",
                {"O cerere fără semnătură este respinsă.",
                 "Cereți WS-Security la fiecare operațiune și răspundeți cu un fault la o cerere fără ea."},
                {"Запрос без подписи отклоняется.",
                 "Требуйте WS-Security для каждой операции и отвечайте ошибкой (fault) на запрос без неё."}},
    Translation{"R2",
                {"O cerere al cărei Body a fost modificat după semnare este respinsă.",
                 "Verificați fiecare valoare digest a semnăturii, nu doar prezența semnăturii."},
                {"Запрос, в котором Body изменён после подписания, отклоняется.",
                 "Проверяйте каждый дайджест подписи, а не только её наличие."}},
    Translation{"R3",
                {"O cerere semnată cu altă cheie decât cea a MPay este respinsă, indiferent ce certificat aduce.",
                 "Verificați cu certificatul MPay, așa cum v-a fost transmis, și cu niciun altul."},
                {"Запрос, подписанный не ключом MPay, отклоняется, какой бы сертификат в нём ни был.",
                 "Проверяйте по сертификату MPay, который вам передали, и ни по какому другому."}},
    Translation{"R4",
                {"O cerere a cărei semnătură acoperă numai Timestamp este respinsă.",
                 "Cereți ca semnătura să acopere Body și Timestamp."},
                {"Запрос, подпись которого охватывает только Timestamp, отклоняется.",
                 "Требуйте, чтобы подпись охватывала Body и Timestamp."}},
    Translation{"R5",
                {"O cerere expirată este respinsă.",
                 "Comparați Expires din Timestamp cu ceasul; cinci minute de diferență sunt de ajuns."},
                {"Запрос с истёкшим сроком отклоняется.",
                 "Сравнивайте Expires из Timestamp с часами; пяти минут расхождения вполне достаточно."}},
    Translation{"R6",
                {"O cerere din viitor este respinsă.",
                 "Comparați Created din Timestamp cu ceasul; cinci minute de diferență sunt de ajuns."},
                {"Запрос из будущего отклоняется.",
                 "Сравнивайте Created из Timestamp с часами; пяти минут расхождения вполне достаточно."}},
    Translation{"R7",
                {"O cerere fără Timestamp este respinsă.", "Cereți un Timestamp și ca semnătura să-l acopere."},
                {"Запрос без Timestamp отклоняется.", "Требуйте, чтобы Timestamp был и чтобы подпись его охватывала."}},
    Translation{
        "R8",
        {"O cerere autentică, rsa-sha1 cu BinarySecurityToken, este acceptată, cu prefixe sau fără, cu un "
         "PrefixList în InclusiveNamespaces, pentru un minut sau cinci.",
         "Folosiți certificatul MPay care ține de acest mediu, permiteți rsa-sha1, comparați ceasurile și lăsați "
         "XML în seama unui parser și a unei biblioteci de semnături."},
        {"Подлинный запрос, rsa-sha1 с BinarySecurityToken, принимается: с префиксами и без них, с PrefixList в "
         "InclusiveNamespaces, на одну минуту или на пять.",
         "Возьмите сертификат MPay, относящийся к этой среде, разрешите rsa-sha1, сверьте часы, а XML доверьте "
         "парсеру и библиотеке подписей."}},

    Translation{
        "G1",
        {"Pentru comanda cunoscută se întoarce cel puțin un OrderDetails.",
         "Căutați comanda după OrderKey exact așa cum este trimis și păstrați comanda de test în sistemul de test."},
        {"Для известного заказа возвращается хотя бы один OrderDetails.",
         "Ищите заказ по OrderKey точно в том виде, в каком он пришёл, и храните тестовый заказ в тестовой системе."}},
    Translation{"G2",
                {"OrderDetails repetă ServiceID și OrderKey din interogare.",
                 "Copiați-le pe ambele din interogare așa cum sunt, cu majusculele și minusculele lor."},
                {"OrderDetails повторяет ServiceID и OrderKey из запроса.",
                 "Копируйте оба значения из запроса как есть, сохраняя регистр букв."}},
    Translation{"G3",
                {"Elementele sunt cele din contract, în ordine alfabetică, în spațiul de nume MPay.",
                 "Generați tipurile din WSDL-ul MPay sau ordonați manual elementele alfabetic."},
                {"Элементы — те, что в контракте, в алфавитном порядке, в пространстве имён MPay.",
                 "Сгенерируйте типы из WSDL системы MPay или вручную расположите элементы по алфавиту."}},
    Translation{"G4",
                {"Elementele obligatorii sunt prezente, iar fiecare valoare are forma și lungimea cerute.",
                 "Completați întotdeauna Currency, Reason, LineID, Status și datele clientului, scrieți sumele ca "
                 "1234.50 și scurtați "
                 "textele la lungimile din ghid."},
                {"Обязательные элементы присутствуют, и каждое значение имеет нужную форму и длину.",
                 "Всегда заполняйте Currency, Reason, LineID, Status и данные клиента, пишите суммы как 1234.50 и "
                 "сокращайте тексты "
                 "до длины из руководства."}},
    Translation{"G5",
                {"Status, CustomerType și Currency sunt valori din listele lor, literă cu literă.",
                 "Folosiți enumerările din WSDL-ul MPay și codurile ISO 4217 în locul unor texte proprii."},
                {"Status, CustomerType и Currency — значения из своих списков, буква в букву.",
                 "Используйте перечисления из WSDL системы MPay и коды ISO 4217 вместо собственных текстов."}},
    Translation{"G6",
                {"Există cel puțin o linie, suma liniilor este totalul, iar totalul este cel convenit.",
                 "Calculați TotalAmountDue din linii, în numere zecimale, nu în virgulă mobilă."},
                {"Есть хотя бы одна строка, сумма строк равна итогу, а итог — согласованный.",
                 "Вычисляйте TotalAmountDue из строк, в десятичных числах, а не в числах с плавающей запятой."}},
    Translation{
        "G7",
        {"Contul indicat într-o linie este complet, iar codul său IBAN este valid.",
         "Indicați pentru fiecare linie un DestinationAccount cu BankAccount, BankCode, BankFiscalCode și "
         "BeneficiaryName."},
        {"Счёт, указанный в строке, заполнен полностью, а его IBAN действителен.",
         "Укажите для каждой строки DestinationAccount с BankAccount, BankCode, BankFiscalCode и BeneficiaryName."}},
    Translation{
        "G8",
        {"Fără total, comanda permite plăți parțiale sau în avans.",
         "Indicați TotalAmountDue sau setați AllowPartialPayments ori AllowAdvancePayments acolo unde plătitorul alege "
         "suma."},
        {"Без итога заказ допускает частичные платежи или авансы.",
         "Укажите TotalAmountDue или задайте AllowPartialPayments либо AllowAdvancePayments там, где сумму выбирает "
         "плательщик."}},
    Translation{"G9",
                {"Language este acceptat când este RO, cum îl scrie MPay, ro, ru, en sau lipsește.",
                 "Treceți la română acolo unde nu există text în limba cerută."},
                {"Language принимается, если равен RO, как его пишет MPay, ro, ru, en или отсутствует.",
                 "Переходите на румынский там, где нет текста на запрошенном языке."}},
    Translation{"G10",
                {"Aceeași cerere dă aceeași comandă.", "Nu modificați nimic la citirea unei comenzi."},
                {"Тот же запрос даёт тот же заказ.", "Ничего не меняйте при чтении заказа."}},
    Translation{"G11",
                {"Un ServiceID necunoscut dă fault-ul UnknownService.",
                 "Comparați ServiceID cu al dumneavoastră înainte de orice altceva."},
                {"Неизвестный ServiceID даёт ошибку (fault) UnknownService.",
                 "Прежде всего остального сравнивайте ServiceID со своим."}},
    Translation{
        "G12",
        {"Un OrderKey necunoscut nu dă nicio comandă: rezultat gol, UnknownOrder sau InvalidParameter.",
         "Răspundeți UnknownOrder când comanda nu este găsită și păstrați InternalError pentru defecțiunile proprii."},
        {"Неизвестный OrderKey не даёт заказа: пустой результат, UnknownOrder или InvalidParameter.",
         "Отвечайте UnknownOrder, если заказ не найден, а InternalError оставьте для собственных сбоев."}},
    Translation{"G13",
                {"O cheie de 37 de caractere nu dă nicio comandă.",
                 "Respingeți cheile de peste 36 de caractere cu InvalidParameter, în loc să le trunchiați."},
                {"Ключ из 37 символов не даёт заказа.",
                 "Отклоняйте ключи длиннее 36 символов с InvalidParameter, а не обрезайте их."}},

    Translation{"C1",
                {"O plată confirmată dă un răspuns gol, semnat.",
                 "Returnați ConfirmOrderPaymentResponse fără conținut, semnat ca orice răspuns."},
                {"На подтверждённый платёж приходит пустой подписанный ответ.",
                 "Возвращайте ConfirmOrderPaymentResponse без содержимого, подписанный, как и любой ответ."}},
    Translation{
        "C2",
        {"Un PaymentID este o singură plată, oricât de des ar fi confirmat, chiar și cu altul între timp.",
         "Păstrați fiecare PaymentID împreună cu comanda sa, iar la unul cunoscut răspundeți cu succes, fără a face "
         "nimic."},
        {"Один PaymentID — это один платёж, сколько бы раз его ни подтверждали, в том числе с другим между ними.",
         "Храните каждый PaymentID вместе с его заказом, а на уже известный отвечайте успехом, ничего не делая."}},
    Translation{"C3",
                {"Confirmarea pentru o comandă sau un serviciu necunoscut dă fault-ul documentat.",
                 "Răspundeți UnknownService când ServiceID nu este al dumneavoastră, altfel UnknownOrder, înainte de a "
                 "înregistra ceva în evidență."},
                {"Подтверждение для неизвестного заказа или неизвестной услуги даёт документированную ошибку (fault).",
                 "Отвечайте UnknownService, если ServiceID не ваш, иначе UnknownOrder, до того, как что-либо будет "
                 "проведено по учёту."}},
    Translation{
        "C4",
        {"Un DestinationAccount gol, un InvoiceID și Properties necunoscute, ale plății și ale liniilor ei, sunt "
         "acceptate.",
         "Citiți ce vă trebuie și treceți cu vederea restul."},
        {"Пустой DestinationAccount, InvoiceID и неизвестные Properties, платежа и его строк, принимаются.",
         "Читайте то, что вам нужно, а остальное пропускайте."}},
    Translation{"C5",
                {"După plată, GetOrderDetails arată Paid sau Completed ori ce a rămas de plătit.",
                 "Înregistrați plata înainte de a răspunde și citiți starea comenzii din același loc."},
                {"После платежа GetOrderDetails показывает Paid или Completed либо остаток к оплате.",
                 "Проводите платёж до ответа и читайте состояние заказа из того же места."}},
};

}  // namespace

Wording wordingOf(const Check& check, Language language) {
  const auto* const found = std::find_if(kTranslations.begin(), kTranslations.end(),
                                         [&](const auto& translation) { return translation.id == check.id; });
  if (found != kTranslations.end()) {
    switch (language) {
      case Language::ro: return found->romanian;
      case Language::ru: return found->russian;
      case Language::en: break;
    }
  }
  return {check.sentence, check.advice};
}

}  // namespace mpay::conformance
