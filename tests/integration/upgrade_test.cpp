// A new version of the operator over the output namespaces of the version before: whole, and damaged in every record.
#include "crypto/digest.h"
#include "integration/world.h"
#include "ledger/claim.h"
#include "ledger/fragment.h"
#include "ledger/memory.h"
#include "ledger/notifications.h"
#include "ledger/revision.h"
#include "ledger/withdrawal.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;
using ledger::memoryName;

class Upgrade : public World {
 protected:
  const api::ObjectKey key_{tenant, "certificates"};

  // The published objects: what a gateway sees, with the version of each.
  std::map<std::string, std::string> files() {
    std::map<std::string, std::string> all;
    for (const auto& namespace_ : {testingOut, productionOut}) {
      const auto aggregates = configMaps().list({namespace_, "mpay.gov.md/component=aggregate", ""}).value();
      for (const auto& object : aggregates)
        all[object.metadata.key().text()] =
            object.metadata.resourceVersion.value_or("") + json::canonical(json::encode(object.data));
      const auto services = configMaps().list({namespace_, "mpay.gov.md/component=service", ""}).value();
      for (const auto& object : services)
        all[object.metadata.key().text()] = json::canonical(json::encode(object.data));
    }
    return all;
  }

  // The text of a record; empty where there is none.
  std::string text(const std::string& namespace_, std::string_view component) {
    const auto object = configMaps().get({namespace_, memoryName(component, key_)});
    return object ? object->data.at("content.json") : "";
  }

  // The object as the version before wrote it, in place of the one that is there.
  void put(const std::string& namespace_, std::string_view component, const std::string& text) {
    const api::ObjectKey place{namespace_, memoryName(component, key_)};
    if (configMaps().get(place)) {
      if (!configMaps().remove(place, {})) throw std::runtime_error("cannot remove " + place.text());
    }
    api::ConfigMap object;
    object.metadata.name = place.name;
    object.metadata.namespace_ = namespace_;
    object.metadata.labels = {{"app.kubernetes.io/managed-by", "mpay-operator"},
                              {"mpay.gov.md/component", std::string(component)}};
    object.metadata.annotations = {{"mpay.gov.md/environment", namespace_ == testingOut ? testing : production},
                                   {"mpay.gov.md/integration", key_.text()}};
    object.data["content.json"] = text;
    if (const auto made = configMaps().create(object); !made) throw std::runtime_error(made.error().message);
  }

  // The text with the values of this run.
  std::string filled(std::string text) {
    const auto integration = current();
    const auto leaf = crypto::Certificate::parse(certificate.certificate).value();
    const auto& status = integration.status.value();
    const std::pair<std::string, std::string> values[] = {{"${uid}", integration.metadata.uid.value()},
                                                          {"${tenant}", tenant},
                                                          {"${idno}", integration.spec.beneficiary.idno},
                                                          {"${serviceID}", integration.spec.service.id.value()},
                                                          {"${sha1}", leaf.sha1()},
                                                          {"${sha256}", leaf.sha256()},
                                                          {"${notAfter}", formatTime(leaf.notAfter())},
                                                          {"${der}", crypto::base64(leaf.der())},
                                                          {"${digest}", status.digest.value()},
                                                          {"${testingDigest}", status.testingDigest.value()}};
    for (const auto& [name, value] : values) text = replaced(text, name, value);
    return text;
  }
};

// As the version before wrote them, byte for byte; sets of addresses are those of the form.
constexpr std::string_view kHolder =
    R"({"idno":"${idno}","name":"certificates","namespace":"${tenant}","uid":"${uid}"})";
constexpr std::string_view kClaim =
    R"({"addresses":[ADDRESSES],"certificates":["${sha256}"],"holder":HOLDER,"serviceID":"${serviceID}"})";
constexpr std::string_view kFragment =
    R"({"addresses":[ADDRESSES],"certificates":[{"der":"${der}","notAfter":"${notAfter}","sha1":"${sha1}",)"
    R"("sha256":"${sha256}"}],"digest":"DIGEST","holder":HOLDER,"revision":REVISION,)"
    R"("serviceID":"${serviceID}"})";

std::string recordText(std::string_view form, const std::string& addresses, bool isProduction) {
  std::string text(form);
  text = replaced(text, "HOLDER", std::string(kHolder));
  text = replaced(text, "ADDRESSES", addresses);
  text = replaced(text, "DIGEST", isProduction ? "${digest}" : "${testingDigest}");
  return replaced(text, "REVISION", isProduction ? "1" : "0");
}

TEST_F(Upgrade, ChangesNothingThatAGatewaySees) {
  startOperator();
  create(form());
  promote();
  await("Notified", ConditionStatus::True);
  awaitRest();
  killOperator();
  const auto before = files();
  ASSERT_EQ(mail.messages().size(), 1u);
  const auto addressesOf = [&](const std::string& namespace_) {
    const auto claim =
        ledger::remembered<ledger::Claim>(configMaps().get({namespace_, memoryName(ledger::kClaim, key_)}).value());
    return fmt::format("\"{}\"", fmt::join(claim->addresses, "\",\""));
  };
  for (const bool isProduction : {false, true}) {
    const auto& namespace_ = isProduction ? productionOut : testingOut;
    const auto addresses = addressesOf(namespace_);
    for (const auto& [component, form] : {std::pair(ledger::kClaim, kClaim), std::pair(ledger::kFragment, kFragment)}) {
      const auto written = filled(recordText(form, addresses, isProduction));
      // So an upgrade writes nothing at all.
      EXPECT_EQ(text(namespace_, component), written) << component;
      put(namespace_, component, written);
    }
  }
  startOperator();
  awaitRest();
  EXPECT_EQ(files(), before);
  await("Ready", ConditionStatus::True, "Production");

  // The oldest form of the notifications, which held the activation alone: nobody is told again.
  killOperator();
  const auto told = ledger::remembered<ledger::Notifications>(
      configMaps().get({productionOut, memoryName(ledger::kNotifications, key_)}).value());
  auto single = json::encode(told->notifications.at(0));
  single.as_object().erase("kind");
  single.as_object().erase("days");
  put(productionOut, ledger::kNotifications, json::canonical(single));
  startOperator();
  awaitRest();
  EXPECT_EQ(files(), before);
  EXPECT_EQ(mail.messages().size(), 1u);
}

TEST_F(Upgrade, KeepsTheFilesWhateverRecordIsDamaged) {
  startOperator();
  create(form());
  // Another integration whose record of withdrawal is to be damaged.
  auto kept = form("kept", "K-" + suffix);
  kept.spec.endpoints.testing->addresses.clear();
  kept.spec.endpoints.production->addresses.clear();
  kept.spec.certificate = api::ContentSource{authority.issue({}).certificate, std::nullopt, std::nullopt};
  kept.spec.deletionPolicy = api::DeletionPolicy::Retain;
  create(kept);
  promote();
  promote("kept");
  await("Notified", ConditionStatus::True);
  await("Notified", ConditionStatus::True, "", "kept");
  ASSERT_TRUE(integrations().remove({tenant, "kept"}, {}));
  ASSERT_TRUE(waitFor(20s, [&] { return !integrations().get({tenant, "kept"}); }));
  awaitRest();
  const auto whole = files();
  const auto withoutVersions = [](std::map<std::string, std::string> all) {
    for (auto& [name, text] : all) text = text.substr(text.find('{'));
    return all;
  };
  const std::string damage = R"({"data":{"content.json":"{"}})";
  for (const auto& namespace_ : {testingOut, productionOut}) {
    for (const auto component : {ledger::kClaim, ledger::kFragment, ledger::kNotifications, ledger::kWithdrawal}) {
      SCOPED_TRACE(fmt::format("{} in {}", component, namespace_));
      killOperator();
      bool isThere = false;
      for (const auto& name : {key_, api::ObjectKey{tenant, "kept"}}) {
        const api::ObjectKey place{namespace_, memoryName(component, name)};
        if (!configMaps().get(place)) continue;
        isThere = true;
        ASSERT_TRUE(configMaps().patch(place, json::parse(damage).value()));
      }
      if (!isThere) continue;
      startOperator();
      awaitRest();
      EXPECT_EQ(withoutVersions(files()), withoutVersions(whole));
      await("Ready", ConditionStatus::True, "Production");
      EXPECT_TRUE(component == ledger::kWithdrawal || text(namespace_, component).starts_with("{\"")) << "it is mended";
    }
  }
  // The withdrawal of production that is retained: nothing ends by a record that nobody can read.
  const api::ObjectKey withdrawal{productionOut, memoryName(ledger::kWithdrawal, {tenant, "kept"})};
  EXPECT_EQ(configMaps().get(withdrawal)->data.at("content.json"), "{");
  EXPECT_TRUE(waitFor(10s, [&] {
    const auto all = events("default", production);
    return std::any_of(all.begin(), all.end(), [](const auto& event) { return event.reason == "MalformedWithdrawal"; });
  }));
  // A revision that somebody edited: production stays as it is, and says so.
  killOperator();
  const kube::Api<api::ControllerRevision> revisions(cluster.admin);
  auto revision = revisions.get({productionOut, ledger::revisionName(key_, 1)}).value();
  ASSERT_TRUE(revisions.remove(revision.metadata.key(), {}));
  revision.metadata.uid.reset();
  revision.metadata.resourceVersion.reset();
  revision.data.as_object()["digest"] = "sha256:0";
  ASSERT_TRUE(revisions.create(revision));
  startOperator();
  await("Promoted", ConditionStatus::False, "RevisionCorrupt");
  awaitRest();
  EXPECT_EQ(withoutVersions(files()), withoutVersions(whole));
}

}  // namespace
}  // namespace mpay::test
