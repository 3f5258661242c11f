// Bad input: the exact reason, the last good state kept, others unaffected. A row a case; docs/domain.md.
#include <algorithm>

#include "crypto/digest.h"
#include "crypto/x509.h"
#include "integration/world.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;
using api::Decision;
using api::Milestone;
using api::Role;

class Input : public World {
 protected:
  struct Row {
    std::string name;
    std::function<void()> spoil;
    std::string condition;
    std::string reason;
    std::string says;  // part of the message
    Row(std::string n, std::function<void()> s, std::string c, std::string r, std::string m = "")
        : name(std::move(n)), spoil(std::move(s)), condition(std::move(c)), reason(std::move(r)), says(std::move(m)) {}
  };

  auto allOutputs() { return std::pair(outputs(testingOut), outputs(productionOut)); }
  // The number of Events with that reason about the integration.
  long told(const std::string& reason) {
    const auto all = events(tenant, "certificates");
    return std::count_if(all.begin(), all.end(), [&](const auto& event) { return event.reason == reason; });
  }

  // For each row: spoils the input, waits for the reason, checks that the published state stays and that the reason is
  // told once, and mends the input again.
  void eachRow(const std::vector<Row>& rows, const std::function<void()>& mend,
               const std::string& mended = "TestEnvironmentReady") {
    const auto good = allOutputs();
    std::map<std::string, long> expected;
    for (const auto& row : rows) {
      SCOPED_TRACE(row.name);
      row.spoil();
      await(row.condition, ConditionStatus::False, row.reason);
      if (row.condition != "Notified") await("Stalled", ConditionStatus::True, row.reason);
      EXPECT_EQ(allOutputs(), good) << "last known good";
      const auto seen = current();
      const auto* condition = api::findCondition(seen.status->conditions, row.condition);
      EXPECT_NE(condition->message.find(row.says), std::string::npos) << condition->message;
      ++expected[row.reason];
      EXPECT_TRUE(waitFor(10s, [&] { return told(row.reason) == expected[row.reason]; }))
          << told(row.reason) << " Events instead of " << expected[row.reason];
      if (HasFatalFailure() || HasFailure()) return;
      mend();
      await(mended, ConditionStatus::True);
      EXPECT_EQ(allOutputs(), good);
    }
    for (const auto& [reason, times] : expected) EXPECT_EQ(told(reason), times) << "Events of " << reason;
  }

  // Sets the tenant's ConfigMap "logo".
  void setLogo(const std::string& bytes) {
    api::ConfigMap logo;
    logo.metadata.name = "logo";
    logo.metadata.namespace_ = tenant;
    logo.binaryData["logo.png"] = crypto::base64(bytes);
    const auto existing = configMaps().get(logo.metadata.key());
    if (existing) logo.metadata.resourceVersion = existing->metadata.resourceVersion;
    const auto written = existing ? configMaps().replace(logo) : configMaps().create(logo);
    ASSERT_TRUE(written) << written.error().message;
  }

  // Another tenant's form that has nothing in common with the first one's.
  api::MPayIntegration formOfNeighbour(const std::string& name) {
    auto integration = form(name, "ID-" + name + suffix);
    integration.metadata.namespace_ = neighbour();
    integration.spec.beneficiary.idno = "1010600034203";
    integration.spec.certificate = api::ContentSource{authority.issue({}).certificate, std::nullopt, std::nullopt};
    integration.spec.endpoints.testing->addresses = {"198.51.100.1"};
    integration.spec.endpoints.production->addresses = {"198.51.100.2"};
    return integration;
  }
  const std::string& neighbour() {
    if (neighbour_.empty()) neighbour_ = anotherTenant("1010600034203");
    return neighbour_;
  }

 private:
  std::string neighbour_;
};

TEST_F(Input, RefusesCertificatesWithTheirReason) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  const auto issued = [&](const std::function<void(CertificateOptions&)>& change) {
    CertificateOptions options;
    change(options);
    return authority.issue(options);
  };
  const auto put = [&](std::string content) {
    return [this, content] { setFile("certificate", "certificate.cer", content); };
  };
  const Authority other("Another CA");
  const std::vector<Row> rows{
      {"too large", put(std::string(70000, 'x')), "CertificateTrusted", "CertificateTooLarge"},
      {"a private key beside it", put(certificate.certificate + certificate.key), "CertificateTrusted",
       "PrivateKeyInPublicField"},
      {"a private key alone", put(certificate.key), "CertificateTrusted", "PrivateKeyInPublicField"},
      {"cut short", put(certificate.certificate.substr(0, 300)), "CertificateTrusted", "MalformedCertificate"},
      {"no certificate", put("hello"), "CertificateTrusted", "MalformedCertificate"},
      {"two certificates", put(certificate.certificate + authority.certificate()), "CertificateTrusted",
       "MalformedCertificate"},
      {"an authority", put(authority.certificate()), "CertificateTrusted", "WrongUsage"},
      {"for servers only", put(issued([](auto& o) { o.extendedKeyUsage = "serverAuth"; }).certificate),
       "CertificateTrusted", "WrongUsage"},
      {"not for signatures", put(issued([](auto& o) { o.keyUsage = "critical,keyAgreement"; }).certificate),
       "CertificateTrusted", "WrongUsage"},
      {"RSA of 1024 bits", put(issued([](auto& o) { o.key = KeyKind::Rsa1024; }).certificate), "CertificateTrusted",
       "WeakCertificate"},
      {"a curve not accepted", put(issued([](auto& o) { o.key = KeyKind::Secp256k1; }).certificate),
       "CertificateTrusted", "WeakCertificate"},
      {"signed with SHA-1", put(issued([](auto& o) { o.sha1 = true; }).certificate), "CertificateTrusted",
       "WeakCertificate"},
      {"not yet valid", put(issued([](auto& o) { o.validFrom = 3600; }).certificate), "CertificateTrusted",
       "CertificateNotYetValid"},
      {"expired", put(issued([](auto& o) { o.validFor = -60; }).certificate), "CertificateTrusted",
       "CertificateExpired"},
      {"of another authority", put(other.issue({}).certificate), "CertificateTrusted", "UntrustedIssuer"},
      {"signed by itself", put(selfSigned({}).certificate), "CertificateTrusted", "UntrustedIssuer"},
  };
  eachRow(rows, put(certificate.certificate));
}

TEST_F(Input, RefusesAddressesWithTheirReason) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  const auto declare = [&](std::vector<std::string> addresses) {
    return [this, addresses] { edit([&](auto& spec) { spec.endpoints.testing->addresses = addresses; }); };
  };
  const std::string type = "TestEnvironmentReady";
  const std::vector<Row> rows{
      {"everything", declare({"0.0.0.0/0"}), type, "RangeTooWide"},
      {"everything in IPv6", declare({"::/0"}), type, "RangeTooWide"},
      {"a union over the maximum", declare({"8.8.8.0/24", "8.8.9.0/24"}), type, "RangeTooWide"},
      {"private", declare({"10.1.2.3"}), type, "NonPublicAddress"},
      {"loopback", declare({"127.0.0.1"}), type, "NonPublicAddress"},
      {"carrier-grade NAT", declare({"100.64.0.1"}), type, "NonPublicAddress"},
      {"multicast", declare({"224.0.0.1"}), type, "NonPublicAddress"},
      {"documentation that is not permitted", declare({"192.0.2.1"}), type, "NonPublicAddress"},
      {"octal", declare({"010.8.8.8"}), type, "MalformedAddress"},
      {"hexadecimal", declare({"0x7f.1"}), type, "MalformedAddress"},
      {"an integer", declare({"134744072"}), type, "MalformedAddress"},
      {"mapped", declare({"::ffff:8.8.8.8"}), type, "EmbeddedIPv4"},
      {"6to4", declare({"2002:808:808::1"}), type, "EmbeddedIPv4"},
      {"NAT64", declare({"64:ff9b::808:808"}), type, "EmbeddedIPv4"},
      {"host bits", declare({"8.8.8.8/24"}), type, "HostBitsSet"},
  };
  eachRow(rows, declare({"203.0.113.10", "203.0.113.16/29"}));
  // The same set in another order and spelling is equal, and nothing is written.
  const auto before = configMaps().get({testingOut, "mpay-allowlist"})->metadata.resourceVersion;
  declare({"203.0.113.20/30", "203.0.113.16/30", "203.0.113.10/32", "203.0.113.10"})();
  await("TestEnvironmentReady", ConditionStatus::True);
  EXPECT_EQ(configMaps().get({testingOut, "mpay-allowlist"})->metadata.resourceVersion, before);
}

TEST_F(Input, RefusesReferencesTenancyAndLogos) {
  startOperator();
  auto integration = form();
  integration.spec.service.logo = api::ContentReference{api::KeyReference{"logo", "logo.png"}, std::nullopt};
  const auto png = samplePng(16, 16);
  setLogo(png);
  create(integration);
  await("TestEnvironmentReady", ConditionStatus::True);
  const auto label = [&](const std::string& what) {
    return [this, what] {
      ASSERT_EQ(cluster.plane.kubectl({"label", "namespace", tenant, "--overwrite", what}).code, 0);
    };
  };
  const auto badCrc = [&] {
    std::string bytes = png;
    bytes[bytes.size() - 5] = static_cast<char>(bytes[bytes.size() - 5] ^ 1);
    return bytes;
  };
  const std::vector<Row> rows{
      {"no such ConfigMap",
       [&] {
         ASSERT_TRUE(configMaps().remove({tenant, "certificate"}, {}));
       },
       "CertificateTrusted", "ReferenceNotFound"},
      {"no such key", [&] { setFile("certificate", "other", "x"); }, "CertificateTrusted", "ReferenceNotFound"},
      {"a ConfigMap that may not be read",
       [&] { edit([](auto& s) { s.certificate->configMapRef->name = "kube-root-ca.crt"; }); }, "CertificateTrusted",
       "ReferenceForbidden",
       fmt::format("a Role in {} with resources [configmaps], resourceNames [kube-root-ca.crt], verbs [get, list, "
                   "watch]",
                   tenant)},
      {"a Secret that may not be read",
       [&] {
         edit([](auto& s) {
           s.certificate = api::ContentSource{std::nullopt, std::nullopt, api::KeyReference{"secret", "tls.crt"}};
         });
       },
       "CertificateTrusted", "ReferenceForbidden",
       fmt::format("a Role in {} with resources [secrets], resourceNames [secret], verbs [get, list, watch]", tenant)},
      {"another beneficiary's namespace", label("mpay.gov.md/idno=1010600034203"), "Submitted", "IdentityMismatch"},
      {"a logo that is no PNG", [&] { setLogo("GIF89a"); }, "Submitted", "InvalidImage"},
      {"a damaged logo", [&] { setLogo(badCrc()); }, "Submitted", "InvalidImage"},
      {"a logo with something behind it", [&] { setLogo(png + "x"); }, "Submitted", "InvalidImage"},
      {"a logo of too many pixels", [&] { setLogo(samplePng(1025, 1)); }, "Submitted", "LogoTooLarge"},
      {"a logo of too many bytes", [&] { setLogo(png + std::string(300000, 'x')); }, "Submitted", "LogoTooLarge"},
      {"a contract of tomorrow", [&] { edit([](auto& s) { s.contract.signedOn = "2999-01-01"; }); }, "PrerequisitesMet",
       "ContractNotSigned"},
      {"a user's certificate that expired",
       [&] {
         CertificateOptions expired;
         expired.validFor = -60;
         edit([&](auto& s) {
           s.backOfficeUsers = {{"Maria Rusu", "maria.rusu@agentia.example",
                                 api::ContentSource{authority.issue(expired).certificate, std::nullopt, std::nullopt}}};
         });
       },
       "PrerequisitesMet", "CertificateExpired"},
  };
  eachRow(rows, [&] {
    setFile("certificate", "certificate.cer", certificate.certificate);
    setLogo(png);
    label("mpay.gov.md/idno=1006601000255")();
    label("mpay.gov.md/tenant=true")();
    edit([&](auto& s) { s = integration.spec; });
  });
}

TEST_F(Input, FailsClosedWhereSomethingIsNotBuiltYet) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  const auto good = outputs(testingOut);
  editEnvironment(testing, [](auto& spec) { spec.validation.signature = api::SignaturePolicy::Required; });
  await("CertificateTrusted", ConditionStatus::False, "NotSupported");
  await("Stalled", ConditionStatus::True, "NotSupported");
  EXPECT_EQ(outputs(testingOut), good);
}

TEST_F(Input, KeepsProductionAsPromotedAndLeavesOthersAlone) {
  startOperator();
  auto integration = form();
  integration.spec.service.logo = api::ContentReference{api::KeyReference{"logo", "logo.png"}, std::nullopt};
  const auto png = samplePng(16, 16);
  setLogo(png);
  create(integration);
  create(formOfNeighbour("other"));
  const std::string other = neighbour() + "/other";
  await("TestEnvironmentReady", ConditionStatus::True, "", other);
  promote();
  await("Notified", ConditionStatus::True);
  await("FunctionalTestsPassed", ConditionStatus::False, "AwaitingFunctionalTesting", other);
  const auto version = current(other).metadata.resourceVersion;
  const auto promoted = json::canonical(json::encode(*current().status->production));
  const auto declare = [&](const std::string& address) {
    return [this, address] { edit([&](auto& spec) { spec.endpoints.production->addresses = {address}; }); };
  };
  CertificateOptions expired;
  expired.validFor = -60;
  const std::vector<Row> rows{
      {"a certificate that expired",
       [&] { setFile("certificate", "certificate.cer", authority.issue(expired).certificate); }, "CertificateTrusted",
       "CertificateExpired"},
      {"no certificate at all", [&] { setFile("certificate", "certificate.cer", "hello"); }, "CertificateTrusted",
       "MalformedCertificate"},
      {"a logo that is none", [&] { setLogo("GIF89a"); }, "Submitted", "InvalidImage"},
      {"a reference to nothing",
       [&] {
         ASSERT_TRUE(configMaps().remove({tenant, "certificate"}, {}));
       },
       "CertificateTrusted", "ReferenceNotFound"},
      {"an address that is not public", declare("10.1.2.3"), "Submitted", "NonPublicAddress"},
      {"an address of another", declare("198.51.100.2"), "Submitted", "AddressConflict"},
      {"a namespace that is none of its beneficiary's",
       [&] {
         ASSERT_EQ(
             cluster.plane.kubectl({"label", "namespace", tenant, "--overwrite", "mpay.gov.md/idno=1010600034203"})
                 .code,
             0);
       },
       "Submitted", "IdentityMismatch"},
  };
  const auto mend = [&] {
    setFile("certificate", "certificate.cer", certificate.certificate);
    setLogo(png);
    edit([&](auto& spec) { spec = integration.spec; });
    ASSERT_EQ(
        cluster.plane.kubectl({"label", "namespace", tenant, "--overwrite", "mpay.gov.md/idno=1006601000255"}).code, 0);
  };
  eachRow(rows, mend, "Promoted");
  await("Ready", ConditionStatus::True, "Production");
  EXPECT_EQ(json::canonical(json::encode(*current().status->production)), promoted);
  EXPECT_EQ(current(other).metadata.resourceVersion, version) << "another tenant's integration was touched";
  EXPECT_EQ(mail.messages().size(), 1u);
}

TEST_F(Input, TellsThePlatformAloneWhoHoldsAClaim) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  auto service = formOfNeighbour("same-service");
  service.spec.service.id = "AM-" + suffix;
  auto certified = formOfNeighbour("same-certificate");
  certified.spec.certificate = api::ContentSource{certificate.certificate, std::nullopt, std::nullopt};
  auto addressed = formOfNeighbour("same-address");
  addressed.spec.endpoints.testing->addresses = {"203.0.113.18"};
  const std::tuple<api::MPayIntegration, std::string, std::string> rivals[] = {
      {service, "Submitted", "ServiceIDConflict"},
      {certified, "CertificateTrusted", "CertificateConflict"},
      {addressed, "TestEnvironmentReady", "AddressConflict"}};
  for (const auto& [rival, condition, reason] : rivals) {
    const std::string name = rival.metadata.name.value();
    SCOPED_TRACE(name);
    create(rival);
    await(condition, ConditionStatus::False, reason, neighbour() + "/" + name);
    const auto ofClaims = [&, name = name] {
      auto all = events("default", testing);
      std::erase_if(all, [&](const auto& event) {
        return event.reason != "ClaimConflict" || event.note.find(neighbour() + "/" + name + " ") == std::string::npos;
      });
      return all;
    };
    ASSERT_TRUE(waitFor(10s, [&] { return !ofClaims().empty(); })) << "the platform is told";
    EXPECT_EQ(ofClaims().size(), 1u);
    EXPECT_NE(ofClaims()[0].note.find(tenant + "/certificates"), std::string::npos) << ofClaims()[0].note;
    const auto status = json::canonical(json::encode(current(neighbour() + "/" + name).status.value()));
    EXPECT_EQ(status.find(tenant), std::string::npos) << status;
  }
  const auto told = kube::Api<api::Event>(cluster.admin).list({neighbour(), "", ""}).value();
  for (const auto& [rival, condition, reason] : rivals) {
    EXPECT_EQ(std::count_if(told.begin(), told.end(), [&, why = reason](const auto& e) { return e.reason == why; }), 1)
        << reason;
  }
  for (const auto& event : told) EXPECT_EQ(event.note.find(tenant), std::string::npos) << event.note;
  const auto toTheFirst = kube::Api<api::Event>(cluster.admin).list({tenant, "", ""}).value();
  for (const auto& event : toTheFirst) EXPECT_EQ(event.note.find(neighbour()), std::string::npos) << event.note;
}

TEST_F(Input, GivesAClaimToTheFirstAndNamesNobody) {
  // All have the same IDNO, which nothing proves.
  for (const auto& name : {testing, production})
    editEnvironment(name, [](auto& spec) { spec.tenants.idnoLabel.reset(); });
  startOperator();
  create(form("certificates"));
  await("TestEnvironmentReady", ConditionStatus::True);
  const auto mine = authority.issue({});
  const auto second = [&](const std::string& name) {
    auto integration = form(name, "ID-" + name + suffix);
    integration.spec.certificate = api::ContentSource{authority.issue({}).certificate, std::nullopt, std::nullopt};
    integration.spec.endpoints.testing->addresses = {"198.51.100.1"};
    integration.spec.endpoints.production->addresses = {"198.51.100.2"};
    return integration;
  };
  auto sameService = second("same-service");
  sameService.spec.service.id = "AM-" + suffix;
  sameService.spec.endpoints.production->addresses = {"198.51.100.3"};
  create(sameService);
  await("Submitted", ConditionStatus::False, "ServiceIDConflict", "same-service");
  auto sameCertificate = second("same-certificate");
  sameCertificate.spec.certificate = form().spec.certificate;
  // Own addresses: otherwise it would compete for the other's when the first one is gone.
  sameCertificate.spec.endpoints.testing->addresses = {"198.51.100.5"};
  sameCertificate.spec.endpoints.production->addresses = {"198.51.100.6"};
  create(sameCertificate);
  await("TestEnvironmentReady", ConditionStatus::True, "", "same-certificate");
  auto sameAddress = second("same-address");
  sameAddress.spec.endpoints.testing->addresses = {"203.0.113.18"};
  create(sameAddress);
  await("TestEnvironmentReady", ConditionStatus::False, "AddressConflict", "same-address");
  for (const auto name : {"same-service", "same-certificate", "same-address"}) {
    const auto seen = current(name);
    for (const auto& condition : seen.status->conditions) {
      EXPECT_EQ(condition.message.find("/certificates"), std::string::npos) << condition.message;
    }
  }
  // The order of arrival after a restart does not matter.
  for (int i = 0; i < 3; ++i) {
    killOperator();
    startOperator({"--no-leader-election", "--resync", "1"});
    await("TestEnvironmentReady", ConditionStatus::True);
    await("Submitted", ConditionStatus::False, "ServiceIDConflict", "same-service");
    await("TestEnvironmentReady", ConditionStatus::False, "AddressConflict", "same-address");
  }
  for (const auto* refused : {"same-service", "same-address"}) {
    EXPECT_EQ(published(testingOut, "mpay-allowlist", "allowlist.conf").find(refused), std::string::npos) << refused;
  }
  const auto sha256 = crypto::Certificate::parse(certificate.certificate).value().sha256();
  EXPECT_NE(published(testingOut, "mpay-clients", "clients.map")
                .find(fmt::format("{} AM-{},ID-same-certificate{}\n", sha256, suffix, suffix)),
            std::string::npos)
      << "services of one namespace and IDNO share their certificate";
  // A waiting integration takes the address that becomes free.
  edit([](auto& spec) { spec.endpoints.testing->addresses = {"203.0.113.10"}; });
  await("TestEnvironmentReady", ConditionStatus::True, "", "same-address");
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  await("TestEnvironmentReady", ConditionStatus::True, "", "same-service");
}

TEST_F(Input, LetsServicesOfOneProvenIdnoShareAnAddressAndNobodyElse) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  auto second = form("second", "SECOND-" + suffix);
  second.spec.certificate = api::ContentSource{authority.issue({}).certificate, std::nullopt, std::nullopt};
  create(second);
  await("TestEnvironmentReady", ConditionStatus::True, "", "second");
  auto stranger = formOfNeighbour("stranger");
  stranger.spec.endpoints.testing->addresses = form().spec.endpoints.testing->addresses;
  create(stranger);
  await("TestEnvironmentReady", ConditionStatus::False, "AddressConflict", neighbour() + "/stranger");
  const auto list = [&] { return published(testingOut, "mpay-allowlist", "allowlist.conf"); };
  EXPECT_NE(list().find("\"AM-" + suffix + ",SECOND-" + suffix + "\""), std::string::npos) << list();
  // An integration that leaves takes nothing of the other's with it.
  ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
  const auto clients = [&] { return published(testingOut, "mpay-clients", "clients.conf"); };
  ASSERT_TRUE(waitFor(10s,
                      [&] {
                        return list().find("AM-" + suffix) == std::string::npos &&
                               clients().find("AM-" + suffix) == std::string::npos;
                      }))
      << list() << clients();
  EXPECT_NE(list().find("\"SECOND-" + suffix + "\""), std::string::npos) << list();
  EXPECT_NE(clients().find("SECOND-"), std::string::npos);
  await("TestEnvironmentReady", ConditionStatus::False, "AddressConflict", neighbour() + "/stranger");
}

TEST_F(Input, NeverAdoptsAForeignObject) {
  setFile("certificate", "certificate.cer", certificate.certificate);
  api::ConfigMap foreign;
  foreign.metadata.name = "mpay-clients";
  foreign.metadata.namespace_ = testingOut;
  foreign.data["clients.conf"] = "somebody's";
  ASSERT_TRUE(configMaps().create(foreign));
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::False, "NameConflict");
  EXPECT_EQ(published(testingOut, "mpay-clients", "clients.conf"), "somebody's");
  ASSERT_TRUE(configMaps().remove({testingOut, "mpay-clients"}, {}));
  await("TestEnvironmentReady", ConditionStatus::True);
}

TEST_F(Input, CountsOnlyRecordsThatMayCount) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  ASSERT_TRUE(record("both@mpay.example", Milestone::FunctionalTesting, Role::MPayRepresentative));
  await("FunctionalTestsPassed", ConditionStatus::True);
  ASSERT_TRUE(record("both@mpay.example", Milestone::FinalValidation, Role::Beneficiary));
  ASSERT_TRUE(record("both@mpay.example", Milestone::FinalValidation, Role::MPayRepresentative));
  await("Validated", ConditionStatus::False, "SelfApproval");
  ASSERT_TRUE(record(representative, Milestone::FinalValidation, Role::MPayRepresentative, Decision::Rejected));
  await("Validated", ConditionStatus::False, "Rejected");
  await("Stalled", ConditionStatus::True, "Rejected");
  EXPECT_FALSE(record(beneficiary, Milestone::FinalValidation, Role::MPayRepresentative)) << "not a representative";
  edit([](auto& spec) { spec.contract.number = "46/2026"; });
  await("FunctionalTestsPassed", ConditionStatus::False, "EvidenceStale");
  EXPECT_EQ(published(productionOut, "mpay-clients", "clients.conf").find("AM-"), std::string::npos);
}

TEST_F(Input, PromotesNothingWhileAPolicyIsMissing) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  ASSERT_TRUE(record(representative, Milestone::FunctionalTesting, Role::MPayRepresentative));
  ASSERT_TRUE(record(beneficiary, Milestone::FinalValidation, Role::Beneficiary));
  await("FunctionalTestsPassed", ConditionStatus::True);
  for (const auto name :
       {"mpay-validation-records", "mpay-validation-deletion", "mpay-status-writers", "mpay-operator-metadata"}) {
    ASSERT_EQ(cluster.plane.kubectl({"delete", "validatingadmissionpolicybinding", name}).code, 0);
    await("Validated", ConditionStatus::Unknown, "AdmissionPolicyMissing");
    const auto restored = cluster.plane.kubectl({"apply", "-f", MPAY_SOURCE_DIR "/manifests/policies.yaml"});
    ASSERT_EQ(restored.code, 0) << restored.output;
  }
  // The records are older than the present bindings, so they do not count.
  await("FunctionalTestsPassed", ConditionStatus::False, "EvidenceStale");
  // A binding that only warns does not deny.
  ASSERT_EQ(cluster.plane
                .kubectl({"patch", "validatingadmissionpolicybinding", "mpay-status-writers", "--type=merge", "-p",
                          R"({"spec":{"validationActions":["Warn"]}})"})
                .code,
            0);
  await("FunctionalTestsPassed", ConditionStatus::Unknown, "AdmissionPolicyMissing");
  ASSERT_EQ(cluster.plane.kubectl({"apply", "-f", MPAY_SOURCE_DIR "/manifests/policies.yaml"}).code, 0);
  await("FunctionalTestsPassed", ConditionStatus::False, "EvidenceStale");
  promote();
}

// The operator still starts, because deleted integrations must leave.
TEST_F(Input, PublishesAlsoWhereItMayNotReadThePolicies) {
  ASSERT_EQ(cluster.plane
                .kubectl({"patch", "clusterrole", "mpay-operator", "--type=json", "-p",
                          R"([{"op": "test", "path": "/rules/6/apiGroups/0", "value": "admissionregistration.k8s.io"},
                              {"op": "remove", "path": "/rules/6"}])"})
                .code,
            0);
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  await("FunctionalTestsPassed", ConditionStatus::Unknown, "AdmissionPolicyMissing");
  const auto restored = cluster.plane.kubectl({"apply", "-f", MPAY_SOURCE_DIR "/manifests/rbac.yaml"});
  ASSERT_EQ(restored.code, 0) << restored.output;
  await("FunctionalTestsPassed", ConditionStatus::False, "AwaitingFunctionalTesting");
}

TEST_F(Input, LeavesEverythingAsItIsWhileSuspended) {
  startOperator();
  create(form());
  await("TestEnvironmentReady", ConditionStatus::True);
  const auto good = outputs(testingOut);
  edit([](auto& spec) {
    spec.suspend = true;
    spec.endpoints.testing->addresses = {"203.0.113.99"};
  });
  await("Ready", ConditionStatus::False, "Suspended");
  EXPECT_EQ(outputs(testingOut), good);
  edit([](auto& spec) { spec.suspend = false; });
  await("TestEnvironmentReady", ConditionStatus::True);
  EXPECT_NE(outputs(testingOut), good);
}

TEST_F(Input, ConnectsAGenericServiceWithoutACertificate) {
  startOperator();
  auto integration = form("generic");
  integration.spec.informationSystem.reset();
  integration.spec.certificate.reset();
  integration.spec.endpoints = {};
  integration.spec.service.modes = {api::Mode::GenericService};
  api::GenericService service;
  service.title.ro = service.introduction.ro = "Taxa";
  service.amount.fixed = "120.00";
  integration.spec.genericService = service;
  create(integration);
  await("CertificateTrusted", ConditionStatus::True, "NotRequired", "generic");
  promote("generic");
  EXPECT_NE(published(productionOut, "mpay-allowlist", "allowlist.conf"), "");
}

}  // namespace
}  // namespace mpay::test
