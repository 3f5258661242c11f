// Refusals by the schema alone: a row a rule, each one change to an example. api_test.cpp has the rules that compare
// with the old object.
#include "integration/world.h"
#include "json/yaml.h"

namespace mpay::test {
namespace {

struct Change {
  std::string path;  // JSON pointer; the last part may be new
  std::string yaml;  // empty: the member is removed
};

struct Row {
  std::string name;
  std::vector<Change> changes;
  std::string says;  // a part of the answer; empty: accepted
};

void apply(json::value& object, const Change& change) {
  const auto cut = change.path.rfind('/');
  auto& parent = object.at_pointer(change.path.substr(0, cut));
  const std::string last = change.path.substr(cut + 1);
  if (change.yaml.empty()) {
    parent.as_object().erase(last);
    return;
  }
  const auto value = json::parseYaml(change.yaml).value().at(0);
  if (parent.is_array()) {
    parent.as_array().at(static_cast<std::size_t>(std::stoi(last))) = value;
  } else {
    parent.as_object()[last] = value;
  }
}

// "[x, x, ...]" with `count` items.
std::string list(int count, const std::string& item) {
  std::string all;
  for (int i = 0; i < count; ++i) all += (i ? ", " : "") + fmt::format(fmt::runtime(item), i);
  return "[" + all + "]";
}

class Schema : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const auto* name : {"public-services", "model-town-hall", "model-parking"}) {
      Cluster::get().plane.kubectl({"create", "namespace", name});
    }
  }
  static void TearDownTestSuite() {
    Cluster::get().plane.kubectl(
        {"delete", "namespace", "public-services", "model-town-hall", "model-parking", "--wait=false"});
  }

  // The nth object of an example. Placeholders stay, because the schema takes any text.
  static json::value example(const std::string& file, std::size_t nth = 0) {
    return json::parseYaml(readFile(MPAY_SOURCE_DIR "/docs/examples/" + file)).value().at(nth);
  }

  static void tryEach(const json::value& base, const std::vector<Row>& rows) {
    for (const auto& row : rows) {
      auto object = base;
      for (const auto& change : row.changes) apply(object, change);
      const auto done = Cluster::get().plane.kubectl({"create", "--dry-run=server", "--validate=strict", "-f", "-"},
                                                     json::canonical(object));
      EXPECT_EQ(done.code == 0, row.says.empty()) << row.name << ": " << done.output;
      EXPECT_NE(done.output.find(row.says), std::string::npos) << row.name << ": " << done.output;
    }
  }
};

TEST_F(Schema, KeepsAFormToItsRules) {
  const std::string sources = "exactly one of inline, configMapRef and secretRef";
  tryEach(
      example("public-beneficiary.yaml"),
      {{"the example", {}, ""},
       {"no certificate", {{"/spec/certificate", ""}}, "spec.certificate: Required value"},
       {"neither an information system nor a generic service",
        {{"/spec/informationSystem", ""}},
        "exactly one of informationSystem and genericService"},
       {"no register number", {{"/spec/beneficiary/registerNumber", ""}}, "spec.beneficiary.registerNumber: Required"},
       {"unpaid and commercial",
        {{"/spec/service/accounts/0/kind", "Commercial"}},
        "spec.contract.paidService: Invalid value"},
       {"paid and commercial",
        {{"/spec/service/accounts/0/kind", "Commercial"}, {"/spec/contract/paidService", "true"}},
        ""},
       {"no endpoint for testing", {{"/spec/endpoints/testing", ""}}, "spec.endpoints: Required value"},
       {"no endpoint for production", {{"/spec/endpoints/production", ""}}, "spec.endpoints: Required value"},
       {"no endpoint for production, to go to Testing",
        {{"/spec/endpoints/production", ""}, {"/spec/targetStage", "Testing"}},
        ""},
       {"no endpoints at all", {{"/spec/endpoints", ""}}, "spec.endpoints: Required value"},
       {"no modes", {{"/spec/service/modes", ""}}, "spec.service.modes"},
       {"an empty list of modes", {{"/spec/service/modes", "[]"}}, "spec.service.modes"},
       {"a mode that is none", {{"/spec/service/modes", "[Cash]"}}, "spec.service.modes[0]: Unsupported value"},
       {"a mode twice", {{"/spec/service/modes", "[ExistingOrder, ExistingOrder]"}}, "Duplicate value"},
       {"the mode of a generic service",
        {{"/spec/service/modes", "[GenericService]"}},
        "mode GenericService goes with genericService"},
       {"no beneficiary", {{"/spec/beneficiary", ""}}, "spec.beneficiary: Required value"},
       {"no applicant", {{"/spec/applicant", ""}}, "spec.applicant: Required value"},
       {"no contract", {{"/spec/contract", ""}}, "spec.contract: Required value"},
       {"an IDNO with two digits exchanged", {{"/spec/beneficiary/idno", "'1006601000525'"}}, "must be an IDNO"},
       {"an IDNO of twelve digits", {{"/spec/beneficiary/idno", "'100660100025'"}}, "spec.beneficiary.idno"},
       {"an IDNO with a letter", {{"/spec/beneficiary/idno", "'100660100025A'"}}, "spec.beneficiary.idno"},
       {"an IBAN with two letters exchanged",
        {{"/spec/service/accounts/0/iban", "MD77TRAGAA14153401000000"}},
        "must be an IBAN"},
       {"an IBAN of another country", {{"/spec/service/accounts/0/iban", "RO77TRGAAA14153401000000"}}, "iban"},
       {"an IBAN too short", {{"/spec/service/accounts/0/iban", "MD77TRGAAA1415340100000"}}, "iban"},
       {"an IBAN in lower case", {{"/spec/service/accounts/0/iban", "md77trgaaa14153401000000"}}, "iban"},
       {"a user in the URL", {{"/spec/endpoints/testing/url", "https://u@a.example/x"}}, "must be an https URL"},
       {"a user with a password in the URL",
        {{"/spec/endpoints/testing/url", "https://u:p@a.example/x"}},
        "must be an https URL"},
       {"http", {{"/spec/endpoints/testing/url", "http://a.example/x"}}, "must be an https URL"},
       {"a scheme alone", {{"/spec/service/provider/website", "'https://'"}}, "must be an https URL"},
       {"a fragment in the URL", {{"/spec/endpoints/testing/url", "'https://a.example/x#y'"}}, "must be an https URL"},
       {"no host in the URL", {{"/spec/endpoints/testing/url", "https:///x"}}, "must be an https URL"},
       {"no authority in the URL", {{"/spec/endpoints/testing/url", "https:a.example"}}, "must be an https URL"},
       {"no scheme in the URL", {{"/spec/endpoints/testing/url", "a.example/x"}}, "must be an https URL"},
       {"an @ after the host", {{"/spec/endpoints/testing/url", "https://a.example/@x"}}, ""},
       {"a script", {{"/spec/service/provider/website", "'javascript:alert(1)'"}}, "must be an https URL"},
       {"a date that is none", {{"/spec/contract/signedOn", "2026-02-30"}}, "spec.contract.signedOn"},
       {"a date and time", {{"/spec/contract/signedOn", "'2026-02-03T00:00:00Z'"}}, "spec.contract.signedOn"},
       {"two sources of the certificate",
        {{"/spec/certificate/secretRef", "{name: a, key: b}"}},
        "exactly one of inline, configMapRef, secretRef and request"},
       {"no source of the certificate",
        {{"/spec/certificate", "{}"}},
        "exactly one of inline, configMapRef, secretRef and request"},
       {"a certificate, and a request for one",
        {{"/spec/certificate/request", "{secretName: system}"}},
        "exactly one of inline, configMapRef, secretRef and request"},
       {"issued without a request", {{"/spec/certificate/issued", "{inline: x}"}}, "issued goes with request"},
       {"a key that is not made", {{"/spec/certificate", "{request: {secretName: system, keyType: DSA}}"}}, "keyType"},
       {"a request", {{"/spec/certificate", "{request: {secretName: system}, issued: {inline: x}}"}}, ""},
       {"two sources of the intermediates",
        {{"/spec/certificate/intermediates", "{inline: x, secretRef: {name: a, key: b}}"}},
        sources},
       {"a path for a name", {{"/spec/certificate/configMapRef/name", "../a"}}, "spec.certificate.configMapRef.name"},
       {"a path for a key", {{"/spec/certificate/configMapRef/key", "a/b"}}, "spec.certificate.configMapRef.key"},
       {"two sources of the logo",
        {{"/spec/service/logo/secretRef", "{name: a, key: b}"}},
        "exactly one of configMapRef and secretRef"},
       {"no source of a user's certificate", {{"/spec/backOfficeUsers/0/signatureCertificate", "{}"}}, sources},
       {"a name in no language", {{"/spec/service/name", "{}"}}, "at least one language"},
       {"mail without a host", {{"/spec/applicant/email", "ion"}}, "spec.applicant.email"},
       {"mail with a second recipient", {{"/spec/applicant/email", "'a@b.example, c@d.example'"}}, "applicant.email"},
       {"mail with a line break", {{"/spec/applicant/email", "\"a@b\\r\\nBcc: c@d\""}}, "applicant.email"},
       {"too many recipients", {{"/spec/notification/recipients", list(11, "a{}@b.example")}}, "recipients"},
       {"too many addresses", {{"/spec/endpoints/testing/addresses", list(65, "8.8.8.{}")}}, "addresses"},
       {"a recipient twice",
        {{"/spec/notification/recipients", "[a@b.example, a@b.example]"}},
        "spec.notification.recipients[1]: Duplicate value"},
       {"a phone in words", {{"/spec/applicant/phone", "nine one one"}}, "spec.applicant.phone"},
       {"a language that is none", {{"/spec/notification/language", "fr"}}, "Unsupported value"},
       {"a stage that is none", {{"/spec/targetStage", "Staging"}}, "Unsupported value"},
       {"an empty name", {{"/spec/beneficiary/legalName", "''"}}, "spec.beneficiary.legalName"},
       {"a name too long", {{"/spec/beneficiary/legalName", std::string(251, 'x')}}, "spec.beneficiary.legalName"},
       {"a ServiceID that starts with a dash", {{"/spec/service/id", "-a"}}, "spec.service.id"},
       {"a ServiceID with a slash", {{"/spec/service/id", "a/b"}}, "spec.service.id"},
       {"a ServiceID with a blank", {{"/spec/service/id", "A B"}}, "spec.service.id"},
       {"a ServiceID too long", {{"/spec/service/id", std::string(37, 'A')}}, "spec.service.id"},
       {"too many users", {{"/spec/backOfficeUsers", list(21, "{{name: u, email: u{}@a.example}}")}}, "Too many"},
       {"too many accounts",
        {{"/spec/service/accounts", list(17,
                                         "{{bankCode: T, bankFiscalCode: '1', iban: MD77TRGAAA14153401000000, "
                                         "beneficiaryName: 'M{}', kind: Treasury}}")}},
        "Too many"},
       {"an inline certificate too long",
        {{"/spec/certificate", "{inline: " + std::string(262145, 'x') + "}"}},
        "Too long"},
       {"an unknown field", {{"/spec/service/acounts", "[]"}}, "unknown field \"spec.service.acounts\""}});
}

TEST_F(Schema, KeepsNamesToWhatPeopleCanRead) {
  std::vector<Row> rows{{"letters of three alphabets", {{"/spec/beneficiary/legalName", "Primăria Ținut Ёлка"}}, ""}};
  for (const auto* character : {"\\0", "\\x07", "\\n", "\\r", "\\x7F", "\\x85", "\\u061C", "\\u200E", "\\u200F",
                                "\\u202A", "\\u202E", "\\u2066", "\\u2069"}) {
    rows.push_back({character,
                    {{"/spec/beneficiary/legalName", fmt::format("\"a{}b\"", character)}},
                    "spec.beneficiary.legalName: Invalid value"});
  }
  for (const auto* field : {"beneficiary/registerNumber", "contract/number", "applicant/name", "informationSystem/name",
                            "service/name/ro", "service/provider/name", "service/accounts/0/beneficiaryName"}) {
    const std::string path = std::string("/spec/") + field;
    rows.push_back({path, {{path, "\"a\\u202Eb\""}}, path.substr(path.rfind('/') + 1) + ": Invalid value"});
  }
  tryEach(example("public-beneficiary.yaml"), rows);
}

TEST_F(Schema, KeepsTerminalsAndPrivateBeneficiariesToTheirRules) {
  tryEach(example("private-beneficiary.yaml"),
          {{"the example", {}, ""},
           {"unpaid", {{"/spec/contract/paidService", "false"}}, "spec.contract.paidService: Invalid value"},
           {"unpaid by default", {{"/spec/contract/paidService", ""}}, "spec.contract.paidService"},
           {"a terminal without the mode", {{"/spec/service/modes", "[ExistingOrder]"}}, "spec.service.posTerminals"},
           {"the mode without terminals", {{"/spec/service/posTerminals", ""}}, ""},
           {"a terminal's IDNO",
            {{"/spec/service/posTerminals/0/organizationIdno", "'1010600034204'"}},
            "spec.service.posTerminals[0].organizationIdno: Invalid value"},
           {"a terminal twice",
            {{"/spec/service/posTerminals", list(2,
                                                 "{{terminalId: T, organizationName: O, organizationIdno: "
                                                 "'1010600034203', officeAddress: A, vendorName: V, address: "
                                                 "'8.8.8.{}'}}")}},
            "Duplicate value"}});
}

TEST_F(Schema, KeepsAGenericServiceToItsRules) {
  tryEach(
      example("generic-service.yaml"),
      {{"the example", {}, ""},
       {"without its mode", {{"/spec/service/modes", "[ExistingOrder]"}}, "spec.service.modes: Invalid value"},
       {"beside an information system",
        {{"/spec/informationSystem", "{name: S}"}},
        "exactly one of informationSystem and genericService"},
       {"a fixed amount", {{"/spec/genericService/amount", "{fixed: '120.00'}"}}, ""},
       {"both amounts", {{"/spec/genericService/amount/fixed", "'120.00'"}}, "exactly one of payerEntered and fixed"},
       {"no amount", {{"/spec/genericService/amount/payerEntered", ""}}, "exactly one of payerEntered and fixed"},
       {"an amount without cents", {{"/spec/genericService/amount", "{fixed: '120'}"}}, "amount.fixed"},
       {"a negative amount", {{"/spec/genericService/amount", "{fixed: '-1.00'}"}}, "amount.fixed"},
       {"a currency that is none", {{"/spec/genericService/amount/currency", "lei"}}, "amount.currency"},
       {"a choice of nothing", {{"/spec/genericService/fields/2/choices", ""}}, "choices go with type Choice"},
       {"choices of a text", {{"/spec/genericService/fields/2/type", "Text"}}, "choices go with type Choice"},
       {"a field twice", {{"/spec/genericService/fields/1/name", "Idnp"}}, "Duplicate value"},
       {"a field's name with a blank", {{"/spec/genericService/fields/1/name", "a b"}}, "fields[1].name"}});
}

TEST_F(Schema, KeepsAnEnvironmentToItsRules) {
  auto testing = example("environments.yaml");
  testing.at("metadata").as_object()["name"] = "schema";
  tryEach(
      testing,
      {{"the example", {}, ""},
       {"a tester in Production",
        {{"/spec/stage", "Production"}},
        "spec.tester: Forbidden: the tester's key is for testing only"},
       {"a stage that is none", {{"/spec/stage", "Staging"}}, "Unsupported value"},
       {"no tenants", {{"/spec/tenants", ""}}, "spec.tenants: Required value"},
       {"no trust", {{"/spec/trust", ""}}, "spec.trust: Required value"},
       {"no output namespace", {{"/spec/outputNamespace", ""}}, "spec.outputNamespace: Required value"},
       {"an output namespace that is no name", {{"/spec/outputNamespace", "A_b"}}, "spec.outputNamespace"},
       {"http", {{"/spec/apiURL", "http://a.example"}}, "must be an https URL"},
       {"no registrar", {{"/spec/registrar", "{}"}}, "exactly one of configMap, http and mail"},
       {"two registrars", {{"/spec/registrar/mail", "{to: a@b.example}"}}, "exactly one of configMap, http and mail"},
       {"a registrar by http", {{"/spec/registrar", "{http: {url: 'http://a.example'}}"}}, "must be an https URL"},
       {"a target with both",
        {{"/spec/allowlist/targets/0/networkPolicy", "{podSelector: {}}"}},
        "exactly one of configMap and networkPolicy"},
       {"a target with neither",
        {{"/spec/allowlist/targets/0/configMap", ""}},
        "exactly one of configMap and networkPolicy"},
       {"a target twice", {{"/spec/allowlist/targets/1/name", "gateway"}}, "Duplicate value"},
       {"a format that is none", {{"/spec/allowlist/targets/0/configMap/format", "Apache"}}, "Unsupported value"},
       {"a port that is none", {{"/spec/allowlist/targets/1/networkPolicy/ports/0/port", "65536"}}, "ports[0].port"},
       {"no authorities", {{"/spec/trust/authorities", "{}"}}, "exactly one of inline"},
       {"a revocation that is none", {{"/spec/trust/revocation/mode", "Soft"}}, "Unsupported value"},
       {"short keys", {{"/spec/trust/certificates/minimumRSABits", "1024"}}, "minimumRSABits"},
       {"a curve that is none", {{"/spec/trust/certificates/curves", "[P-192]"}}, "Unsupported value"},
       {"a bundle twice", {{"/spec/trust/bundles/1/name", "mpay-authorities"}}, "Duplicate value"},
       {"no addresses", {{"/spec/addresses/maximum", "0"}}, "spec.addresses.maximum"},
       {"nobody validates", {{"/spec/validation/roles", "[]"}}, "spec.validation.roles"},
       {"one validates twice", {{"/spec/validation/roles", "[Beneficiary, Beneficiary]"}}, "Duplicate value"},
       {"an algorithm that is none", {{"/spec/tester/signatureAlgorithm", "RSA-MD5"}}, "Unsupported value"},
       {"a timeout without a unit", {{"/spec/tester/timeout", "'30'"}}, "spec.tester.timeout"},
       {"a negative delay", {{"/spec/withdrawal", "{delay: -5m}"}}, "spec.withdrawal.delay"},
       {"a delay in words", {{"/spec/withdrawal", "{delay: soon}"}}, "spec.withdrawal.delay"},
       {"a channel that is none", {{"/spec/notifications/channels", "[{name: a}]"}}, "a channel needs smtp"},
       {"a password in the URL", {{"/spec/notifications/channels/0/smtp/url", "smtp://u:p@a.example"}}, "smtp.url"},
       {"mail by http", {{"/spec/notifications/channels/0/smtp/url", "http://a.example"}}, "smtp.url"}});
}

TEST_F(Schema, KeepsARecordToItsRules) {
  auto record = example("validation.yaml");
  record.at_pointer("/spec/integration/uid") = std::string(36, 'a');
  record.at_pointer("/spec/digest") = "sha256:" + std::string(64, 'a');
  tryEach(record, {{"another algorithm", {{"/spec/digest", "md5:" + std::string(67, 'a')}}, "spec.digest"},
                   {"a short digest", {{"/spec/digest", "sha256:abc"}}, "spec.digest"},
                   {"a short UID", {{"/spec/integration/uid", "a"}}, "spec.integration.uid"},
                   {"no integration", {{"/spec/integration", ""}}, "spec.integration: Required value"},
                   {"a milestone that is none", {{"/spec/milestone", "Done"}}, "Unsupported value"},
                   {"a role that is none", {{"/spec/role", "Auditor"}}, "Unsupported value"},
                   {"a decision that is none", {{"/spec/decision", "Maybe"}}, "Unsupported value"},
                   {"no decision", {{"/spec/decision", ""}}, "spec.decision: Required value"},
                   {"nobody", {{"/spec/recordedBy", ""}}, "spec.recordedBy: Required value"},
                   {"a name that reads backwards", {{"/spec/recordedBy", "\"a\\u202Eb\""}}, "spec.recordedBy"},
                   {"a comment that reads backwards", {{"/spec/comment", "\"a\\u202Eb\""}}, "spec.comment"},
                   {"a comment too long", {{"/spec/comment", std::string(1025, 'x')}}, "spec.comment"},
                   {"the example, but of another user", {}, "ValidatingAdmissionPolicy 'mpay-validation-records'"},
                   {"the same with a comment of two lines",
                    {{"/spec/comment", "\"a\\nb\""}},
                    "ValidatingAdmissionPolicy 'mpay-validation-records'"}});
}

}  // namespace
}  // namespace mpay::test
