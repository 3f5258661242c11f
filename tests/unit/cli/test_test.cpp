// kubectl mpay test: its exit codes and its output.
#include "cli/test.h"

#include <gtest/gtest.h>

#include <sstream>

#include "cli/command_line.h"
#include "json/codec.h"
#include "support/beneficiary.h"
#include "support/pki.h"

namespace mpay::test {
namespace {

class Test : public ::testing::Test {
 protected:
  cli::TestOptions optionsFor(const std::string& names) {
    cli::TestOptions options;
    options.url = beneficiary.url(names);
    options.serviceId = "MODEL-01";
    options.certificateFile = beneficiary.file("signing.pem");
    options.signingKeyFile = beneficiary.file("mpay.key");
    options.signingCertificateFile = beneficiary.file("mpay.pem");
    options.authoritiesFile = beneficiary.file("authority.pem");
    options.known = "KNOWN-1:234.50:MDL";
    options.unknown = "NONE-1";
    options.payable = "PAYABLE-1";
    options.permitted = {"127.0.0.0/8"};
    return options;
  }

  int run(const cli::TestOptions& options, bool terminal = false) {
    out.str("");
    err.str("");
    return cli::test(options, {out, err, terminal, terminal}, {});
  }

  // The exit code for these words after `kubectl mpay` before anything runs; -1: it would run.
  int exitOf(std::vector<const char*> words) {
    words.insert(words.begin(), "kubectl-mpay");
    const auto read = cli::readCommandLine(static_cast<int>(words.size()), words.data(), out, err);
    const auto* exit = std::get_if<cli::Exit>(&read);
    return exit ? exit->code : -1;
  }

  Beneficiary beneficiary;
  std::ostringstream out, err;
};

TEST_F(Test, ExitsWithZeroWhereAllIsWell) {
  EXPECT_EQ(run(optionsFor("token")), 0) << out.str() << err.str();
  EXPECT_TRUE(out.str().starts_with("T1   pass     ")) << out.str();
  EXPECT_NE(out.str().find("\nFunctional testing passed.\nChecks: 42 passed"), std::string::npos) << out.str();
  EXPECT_EQ(err.str(), "");
}

TEST_F(Test, ExitsWithOneAndAdviceWhereARequiredCheckFails) {
  EXPECT_EQ(run(optionsFor("wrong-key")), 1);
  EXPECT_NE(out.str().find("\nS5   fail     it verifies with the certificate that came along"), std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("     To do: Sign with the key of the certificate that you sent"), std::string::npos);
  EXPECT_EQ(out.str().find("\x1b"), std::string::npos);
  EXPECT_EQ(out.str().find("<OrderKey>"), std::string::npos);
}

TEST_F(Test, SaysWhatToDoInTheLanguageAskedFor) {
  auto options = optionsFor("wrong-key");
  options.checks = {"S5"};
  options.language = api::Language::ro;
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(out.str().find("\n     Ghidul: SignatureValue se verifică cu certificatul înregistrat"), std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("\n     De făcut: Semnați cu cheia certificatului"), std::string::npos) << out.str();
  options.language = api::Language::ru;
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(out.str().find("\n     Руководство: SignatureValue проходит проверку"), std::string::npos) << out.str();
  EXPECT_NE(out.str().find("\n     Что сделать: Подписывайте ключом"), std::string::npos) << out.str();
}

TEST_F(Test, IsColouredOnATerminalAndShowsEvidenceWhereAsked) {
  auto options = optionsFor("wrong-key");
  options.showsEvidence = true;
  EXPECT_EQ(run(options, true), 1);
  EXPECT_NE(out.str().find("\x1b[31mfail"), std::string::npos);
  EXPECT_NE(out.str().find("<OrderKey>KNOWN-1</OrderKey>"), std::string::npos) << out.str();
}

TEST_F(Test, ExitsWithZeroWhereOnlyWarned) {
  EXPECT_EQ(run(optionsFor("reformatted")), 0) << out.str();
  EXPECT_NE(out.str().find("S4   warn"), std::string::npos);
}

// The published text lost its namespaces; they are added here.
TEST_F(Test, PassesMPaysPublishedAnswerWithItsWarnings) {
  const TempDir folder;
  writeFile(folder / "orders.json",
            R"([{"key": "MDS02250710092629689", "lines": [{"id": "Base:1|Nb-1", "amount": "9267.00"}]},)"
            R"( {"key": "PAYABLE-1", "lines": [{"id": "1", "amount": "150.00"}]}])");
  const Beneficiary published({{"--service-id", "MDS02", "--key-info", "x509", "--orders", folder / "orders.json",
                                "--defect", "published-sample"},
                               "DNS:localhost"});
  auto options = optionsFor("");
  options.url = published.url();
  options.serviceId = "MDS02";
  options.certificateFile = published.file("signing.pem");
  options.signingKeyFile = published.file("mpay.key");
  options.signingCertificateFile = published.file("mpay.pem");
  options.authoritiesFile = published.file("authority.pem");
  options.known = "MDS02250710092629689:9267.00:MDL";
  EXPECT_EQ(run(options), 0) << out.str() << err.str();
  EXPECT_NE(out.str().find("\nChecks: 41 passed, 1 with a warning, 0 failed, 0 skipped."), std::string::npos)
      << out.str();
  EXPECT_NE(out.str().find("/OrderDetails/Reason: Reason has 66 characters; 50 are allowed"), std::string::npos)
      << out.str();
}

TEST_F(Test, ExitsWithOneWhereNothingListens) {
  auto options = optionsFor("");
  options.url = "https://localhost:" + std::to_string(freePort()) + "/";
  EXPECT_EQ(run(options), 1);
  EXPECT_TRUE(out.str().starts_with("T1   fail     ")) << out.str();
}

TEST_F(Test, SaysOnceWhyChecksAreSkippedAndHowAPrivateAddressIsPermitted) {
  auto options = optionsFor("");
  options.permitted.clear();
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(out.str().find("may not be connected to; --permit with its range lets it be called"), std::string::npos)
      << out.str();
  const std::string cause = "no connection came about, see T1 and T2";
  const auto first = out.str().find(cause);
  ASSERT_NE(first, std::string::npos) << out.str();
  EXPECT_EQ(out.str().find(cause, first + 1), std::string::npos) << out.str();
  // A single check gives the cause itself.
  options.checks = {"G1"};
  EXPECT_EQ(run(options), 1);
  EXPECT_NE(out.str().find("is an address that may not be connected to; --permit"), std::string::npos) << out.str();
}

TEST_F(Test, ShowsTheSigningCertificateToAServiceThatAsksForOne) {
  const Beneficiary asking({{"--variants-by-path"}, "DNS:localhost", true});
  auto options = optionsFor("");
  options.url = asking.url();
  options.certificateFile = asking.file("signing.pem");
  options.signingKeyFile = asking.file("mpay.key");
  options.signingCertificateFile = asking.file("mpay.pem");
  options.authoritiesFile = asking.file("authority.pem");
  EXPECT_EQ(run(options), 0) << out.str() << err.str();
  // A pair of somebody whom the service does not know.
  options.clientCertificateFile = beneficiary.file("mpay.pem");
  options.clientKeyFile = beneficiary.file("mpay.key");
  EXPECT_EQ(run(options), 1) << out.str();
  EXPECT_NE(out.str().find("T2   fail"), std::string::npos) << out.str();
  options.clientKeyFile.clear();
  EXPECT_EQ(run(options), 2);
  EXPECT_EQ(err.str(), "error: --client-certificate and --client-key belong together\n");
}

TEST_F(Test, DoesNotCallAKeyOnOnesOwnMachineDisclosed) {
  auto options = optionsFor("");
  options.certificateFile = beneficiary.file("mpay.key");
  EXPECT_EQ(run(options), 2);
  EXPECT_NE(err.str().find("holds a private key; give the certificate alone"), std::string::npos) << err.str();
  EXPECT_EQ(err.str().find("disclosed"), std::string::npos) << err.str();
}

TEST_F(Test, PrintsJsonAloneToOut) {
  auto options = optionsFor("fault-200");
  options.output = "json";
  EXPECT_EQ(run(options), 1);
  const auto report = json::parse(out.str());
  ASSERT_TRUE(report) << out.str();
  EXPECT_EQ(report->at("passed"), false);
  EXPECT_EQ(report->at("profile"), "Default");
  ASSERT_EQ(report->at("checks").as_array().size(), 42u);
  EXPECT_EQ(report->at("checks").at(4).at("id"), "T5");
  EXPECT_EQ(report->at("checks").at(4).at("outcome"), "fail");
  EXPECT_EQ(err.str(), "");
  EXPECT_EQ(run(options, true), 1);
  EXPECT_NE(err.str().find("\x1b[31mfail"), std::string::npos) << "progress goes beside the report";
}

TEST_F(Test, PrintsJunit) {
  auto options = optionsFor("token");
  options.output = "junit";
  EXPECT_EQ(run(options), 0);
  EXPECT_TRUE(out.str().starts_with("<?xml")) << out.str();
  EXPECT_NE(out.str().find("tests=\"42\" failures=\"0\""), std::string::npos) << out.str();
}

TEST_F(Test, ExitsWithTwoAndTheReasonWhereNothingCanBeRun) {
  // An unknown curve: P-256's identifier with another last byte.
  auto der = selfSigned({}).der;
  const std::string curve = "\x2a\x86\x48\xce\x3d\x03\x01\x07";
  der.at(der.find(curve) + curve.size() - 1) = 0x6f;
  const auto strange = beneficiary.file("strange.der");
  writeFile(strange, der);
  const auto garbage = beneficiary.file("garbage");
  writeFile(garbage, "no certificate");
  const struct {
    std::string words;
    std::function<void(cli::TestOptions&)> change;
  } rows[] = {
      {"--certificate: cannot read /nowhere: No such file", [](auto& o) { o.certificateFile = "/nowhere"; }},
      {"--certificate: ", [&](auto& o) { o.certificateFile = garbage; }},
      {"--signing-key: cannot read /nowhere", [](auto& o) { o.signingKeyFile = "/nowhere"; }},
      {"--signing-certificate and --signing-key", [&](auto& o) { o.signingKeyFile = garbage; }},
      {"--signing-certificate and --signing-key",
       [&](auto& o) { o.signingCertificateFile = beneficiary.file("signing.pem"); }},
      {"--authorities: cannot read /nowhere", [](auto& o) { o.authoritiesFile = "/nowhere"; }},
      {"not https", [](auto& o) { o.url = "http://localhost/"; }},
      {"--known is not KEY:AMOUNT:CURRENCY", [](auto& o) { o.known = "KNOWN-1:234.50"; }},
      {"no amount such as", [](auto& o) { o.known = "KNOWN-1:much:MDL"; }},
      {"the currency is not like MDL", [](auto& o) { o.known = "KNOWN-1:234.50:mdl"; }},
      {"the currency is not like MDL",
       [](auto& o) {
         o.known =
             "KNOWN-1:234.50:\xc8\x9b"
             "a";
       }},
      {"--certificate: its key is of a kind that is not known", [&](auto& o) { o.certificateFile = strange; }},
      {"three different orders", [](auto& o) { o.unknown = "KNOWN-1"; }},
      {"--service-id has to have", [](auto& o) { o.serviceId = std::string(37, 'a'); }},
      {"--permit: 10.0.0.1/8", [](auto& o) { o.permitted = {"10.0.0.1/8"}; }},
      {"there is no check S99", [](auto& o) { o.checks = {"S99"}; }},
      {"--payable-amount needs --payable", [](auto& o) { o.payable.clear(), o.payableAmount = "1.00"; }},
      {"nothing could be run: no payable order",
       [](auto& o) {
         o.payable.clear(), o.checks = {"C1", "C2"};
       }},
  };
  for (const auto& row : rows) {
    auto options = optionsFor("token");
    row.change(options);
    EXPECT_EQ(run(options), 2) << row.words;
    EXPECT_NE(err.str().find(row.words), std::string::npos) << row.words << " is not in " << err.str();
    EXPECT_EQ(err.str().find("PRIVATE KEY"), std::string::npos);
  }
}

TEST_F(Test, CountsAKeysCharactersAsTheServiceDoes) {
  auto options = optionsFor("token");
  options.unknown.clear();
  for (int i = 0; i < 36; ++i) options.unknown += "ț";
  options.checks = {"T1"};
  EXPECT_EQ(run(options), 0) << err.str();
  options.unknown += "ț";
  EXPECT_EQ(run(options), 2);
}

TEST_F(Test, ReadsItsWords) {
  EXPECT_EQ(exitOf({"test", "--help"}), 0);
  EXPECT_EQ(exitOf({"test", "--list"}), -1);
  EXPECT_EQ(exitOf({"test"}), 2);
  EXPECT_NE(err.str().find("needed: the name of an MPayIntegration, or --url, --service-id, --certificate"),
            std::string::npos)
      << err.str();
  EXPECT_EQ(exitOf({"test", "--nonsense"}), 2);
  EXPECT_EQ(exitOf({"test", "certificates", "-n", "services", "-o", "json", "--timeout", "5"}), -1);
  for (const auto* option : {"--url", "--check", "--language"}) {
    const auto* value = std::string_view(option) == "--language" ? "ro" : "S1";
    EXPECT_EQ(exitOf({"test", "certificates", option, value}), 2) << option;
    EXPECT_NE(err.str().find(std::string(option) + " does not go with the name"), std::string::npos) << err.str();
  }
  EXPECT_EQ(exitOf({"test", "--list", "-o", "yaml"}), 2);
  const std::vector<const char*> words{"test",       "--url",
                                       "u",          "--service-id",
                                       "s",          "--certificate",
                                       "c",          "--signing-key",
                                       "k",          "--signing-certificate",
                                       "m",          "--known",
                                       "K:1:MDL",    "--unknown",
                                       "U",          "--permit",
                                       "10.0.0.0/8", "--permit",
                                       "fd00::/8",   "--check",
                                       "S5",         "--language",
                                       "RO",         "-o",
                                       "JSON"};
  std::vector<const char*> line{"kubectl-mpay"};
  line.insert(line.end(), words.begin(), words.end());
  const auto read = cli::readCommandLine(static_cast<int>(line.size()), line.data(), out, err);
  ASSERT_TRUE(std::holds_alternative<cli::CommandLine>(read)) << err.str();
  const auto& test = std::get<cli::CommandLine>(read).test;
  EXPECT_EQ(test.permitted, (std::vector<std::string>{"10.0.0.0/8", "fd00::/8"}));
  EXPECT_EQ(test.language, api::Language::ro);
  EXPECT_EQ(test.output, "json");
  EXPECT_EQ(test.checks, std::vector<std::string>{"S5"});
}

}  // namespace
}  // namespace mpay::test
