#include "cli/csr.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <sstream>

#include "support/process.h"

namespace mpay::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Csr : public ::testing::Test {
 protected:
  Csr() {
    options.keyFile = folder / "system.key";
    options.keyType = "P-256";
    options.commonName = "SIA Stare Civila";
    options.organization = "Agenția Model";
    options.idno = "1006601000255";
  }
  std::string reason() {
    out.str("");
    const auto made = csr(options, integration, out, err);
    return made ? "" : made.error().reason;
  }
  bool leftNothing() const { return std::filesystem::is_empty(folder.path()); }

  test::TempDir folder;
  CsrOptions options;
  std::optional<api::MPayIntegration> integration;
  std::ostringstream out, err;
};

TEST_F(Csr, MakesAKeyAndPrintsTheRequest) {
  EXPECT_EQ(reason(), "");
  const auto request = crypto::parseRequest(out.str());
  ASSERT_TRUE(request) << out.str();
  const auto key = crypto::PrivateKey::parse(test::readFile(options.keyFile));
  ASSERT_TRUE(key);
  EXPECT_EQ(key->publicKeySha256(), request->publicKeySha256);
  struct stat status {};
  ASSERT_EQ(stat(options.keyFile.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  const std::string line = test::readFile(options.keyFile).substr(40, 24);
  EXPECT_THAT(out.str() + err.str(), Not(HasSubstr(line))) << "of the key nothing is printed";
  EXPECT_THAT(err.str(), HasSubstr("CN=SIA Stare Civila"));
}

TEST_F(Csr, OverwritesNothing) {
  options.requestFile = folder / "system.csr";
  EXPECT_EQ(reason(), "");
  EXPECT_EQ(out.str(), "");
  EXPECT_TRUE(crypto::parseRequest(test::readFile(options.requestFile)));
  const auto key = test::readFile(options.keyFile), request = test::readFile(options.requestFile);
  options.requestFile = folder / "again.csr";
  EXPECT_EQ(reason(), "FileExists");
  EXPECT_FALSE(std::filesystem::exists(options.requestFile));
  EXPECT_EQ(test::readFile(options.keyFile), key);
  options.keyFile = folder / "again.key";
  options.requestFile = folder / "system.csr";
  EXPECT_EQ(reason(), "FileExists");
  EXPECT_FALSE(std::filesystem::exists(options.keyFile)) << "no key is left without its request";
  EXPECT_EQ(test::readFile(options.requestFile), request);
  // A link is not followed either.
  std::filesystem::create_symlink(folder / "elsewhere", folder / "link.key");
  options.keyFile = folder / "link.key";
  options.requestFile.clear();
  EXPECT_EQ(reason(), "FileExists");
  EXPECT_FALSE(std::filesystem::exists(folder / "elsewhere"));
}

TEST_F(Csr, LeavesNoKeyWithoutARequest) {
  out.setstate(std::ios::badbit);
  EXPECT_FALSE(csr(options, integration, out, err));
  EXPECT_TRUE(leftNothing());
  out.clear();
  options.keyFile = folder / "absent/system.key";
  EXPECT_FALSE(csr(options, integration, out, err));
  EXPECT_TRUE(leftNothing());
  options.keyFile = folder / "system.key";
  options.keyType = "DSA";
  EXPECT_EQ(reason(), "InvalidField");
  EXPECT_TRUE(leftNothing());
}

TEST_F(Csr, NeedsASubject) {
  const std::pair<std::string, std::function<void(CsrOptions&)>> rows[] = {
      {"--common-name is missing", [](auto& o) { o.commonName.clear(); }},
      {"--organization is missing", [](auto& o) { o.organization.clear(); }},
      {"--idno is missing", [](auto& o) { o.idno.clear(); }},
      {"--idno is not an IDNO", [](auto& o) { o.idno = "1006601000256"; }},
      {"--common-name holds control", [](auto& o) { o.commonName = "a\nb"; }},
      {"common name is too long", [](auto& o) { o.commonName = std::string(65, 'x'); }}};
  for (const auto& [says, spoil] : rows) {
    auto spoilt = options;
    spoil(spoilt);
    const auto made = csr(spoilt, integration, out, err);
    ASSERT_FALSE(made) << says;
    EXPECT_EQ(made.error().reason, "InvalidSubject");
    EXPECT_THAT(made.error().message, HasSubstr(says));
    EXPECT_TRUE(leftNothing()) << says;
  }
}

TEST_F(Csr, TakesFromTheFormWhatIsNotTyped) {
  integration.emplace();
  integration->spec.beneficiary.legalName = "Primăria Model";
  integration->spec.beneficiary.idno = "1010600034203";
  integration->spec.informationSystem = api::InformationSystem{"SIA Taxe"};
  options = CsrOptions();
  options.name = "taxes";
  const auto subject = subjectOf(options, integration).value();
  EXPECT_EQ(subject.commonName, "SIA Taxe");
  EXPECT_EQ(subject.organization, "Primăria Model");
  EXPECT_EQ(subject.idno, "1010600034203");
  options.commonName = "taxe.primaria.example";
  EXPECT_EQ(subjectOf(options, integration)->commonName, "taxe.primaria.example");
}

}  // namespace
}  // namespace mpay::cli
