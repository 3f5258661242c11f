// Every interruption leads to the end of an undisturbed run; and the requests to the API server.
#include <algorithm>
#include <cctype>

#include "integration/world.h"

namespace mpay::test {
namespace {

using api::ConditionStatus;
using api::Milestone;
using api::Role;

// Replaces each part of that shape by `word`: # is a digit, % a hexadecimal digit, ? a digit or lower-case letter.
std::string masked(const std::string& text, std::string_view shape, std::string_view word) {
  const auto fits = [](char c, char kind) {
    const auto byte = static_cast<unsigned char>(c);
    return kind == '#'   ? std::isdigit(byte)
           : kind == '%' ? std::isxdigit(byte)
           : kind == '?' ? std::isalnum(byte)
                         : c == kind;
  };
  std::string result;
  for (auto at = text.begin(); at != text.end();) {
    if (static_cast<std::size_t>(text.end() - at) >= shape.size() &&
        std::equal(shape.begin(), shape.end(), at, [&](char kind, char c) { return fits(c, kind); })) {
      result += word;
      at += static_cast<std::ptrdiff_t>(shape.size());
    } else {
      result += *at++;
    }
  }
  return result;
}

// Replaces everything that differs from run to run: times, UIDs, the names of records.
std::string withoutIdentity(std::string text) {
  text = masked(text, "####-##-##T##:##:##Z", "TIME");
  text = masked(text, "%%%%%%%%-%%%%-%%%%-%%%%-%%%%%%%%%%%%", "UID");
  return masked(text, "certificates-?????", "RECORD");
}

class Interruption : public World {
 protected:
  // The result of a run, by name: the objects in both output namespaces, and the status.
  std::map<std::string, std::string> endState() {
    std::map<std::string, std::string> all;
    const auto add = [&]<class K>(const kube::Api<K>& objects) {
      for (const auto& namespace_ : {testingOut, productionOut}) {
        const auto listed = objects.list({namespace_, "app.kubernetes.io/managed-by=mpay-operator", ""}).value();
        for (auto object : listed) {
          const std::string name = fmt::format("{} {}", K::kResource.kind, object.metadata.key().text());
          api::ObjectMeta metadata;
          metadata.labels = object.metadata.labels;
          metadata.annotations = object.metadata.annotations;
          object.metadata = metadata;
          auto content = json::encode(object);
          // A promotion lists its records by name, and the names are random.
          if (auto* data = content.as_object().if_contains("data"); data && data->as_object().contains("records")) {
            std::vector<std::string> records;
            for (const auto& kept : data->at("records").as_array())
              records.push_back(withoutIdentity(json::canonical(kept)));
            std::sort(records.begin(), records.end());
            data->as_object()["records"] = json::encode(records);
          }
          all[name] = withoutIdentity(json::canonical(content));
        }
      }
    };
    add(kube::Api<api::ConfigMap>(cluster.admin));
    add(kube::Api<api::NetworkPolicy>(cluster.admin));
    add(kube::Api<api::ControllerRevision>(cluster.admin));
    auto status = json::encode(current().status.value());
    for (const auto& condition : status.at("conditions").as_array())
      all[fmt::format("condition {}", std::string_view(condition.at("type").as_string()))] =
          withoutIdentity(json::canonical(condition));
    status.as_object().erase("conditions");
    all["status"] = withoutIdentity(json::canonical(status));
    return all;
  }

  // Deletes the integration and waits until nothing of it remains.
  void remove() {
    ASSERT_TRUE(integrations().remove({tenant, "certificates"}, {}));
    ASSERT_TRUE(waitFor(20s, [&] {
      return !integrations().get({tenant, "certificates"}) && outputs(testingOut).size() == 3 &&
             outputs(productionOut).size() == 3;
    }));
    const auto records = cluster.plane.kubectl({"delete", "mpv", "--all", "-n", tenant});
    ASSERT_EQ(records.code, 0) << records.output;
  }
};

TEST_F(Interruption, EndsTheSameWhereverItIsKilled) {
  editEnvironment(production, [](auto& spec) { spec.withdrawal.delay = "1s"; });
  startOperator();
  create(form());
  promote();
  await("Notified", ConditionStatus::True);
  const auto undisturbed = endState();
  ASSERT_EQ(undisturbed.size(), 27u) << "seven objects in testing, seven in production, eleven conditions...";
  const auto mails = mail.messages().size();
  ASSERT_EQ(mails, 1u);
  remove();

  create(form());
  const auto again = [&] {
    killOperator();
    startOperator();
  };
  again();
  for (const auto type : {"PrerequisitesMet", "CertificateTrusted", "Submitted", "TestEnvironmentReady"}) {
    await(type, ConditionStatus::True);
    again();
  }
  ASSERT_TRUE(record(representative, Milestone::FunctionalTesting, Role::MPayRepresentative));
  again();
  await("FunctionalTestsPassed", ConditionStatus::True);
  ASSERT_TRUE(record(beneficiary, Milestone::FinalValidation, Role::Beneficiary));
  again();
  ASSERT_TRUE(record(representative, Milestone::FinalValidation, Role::MPayRepresentative));
  again();
  await("Promoted", ConditionStatus::True);
  again();
  await("Notified", ConditionStatus::True);
  EXPECT_EQ(endState(), undisturbed);
  const auto sent = mail.messages();
  ASSERT_GT(sent.size(), mails);
  ASSERT_LE(sent.size(), mails + 2);  // a crash between sending and recording causes one duplicate, with the same key
  for (const auto& message : sent) EXPECT_EQ(message.header("Message-ID"), sent[0].header("Message-ID"));
}

TEST_F(Interruption, AsksTheServerForNothingWhileItReconciles) {
  const auto from = readFile(cluster.plane.auditLog()).size();
  startOperator();
  create(form());
  promote();
  await("Notified", ConditionStatus::True);
  // A watcher lists once, at its start. A reconciler that lists would list again and again, or watch nothing.
  const auto collection = [](const std::string& request) {
    const std::string uri = request.substr(request.find(' ') + 1);
    const auto selector = uri.find("fieldSelector=");
    return uri.substr(0, uri.find('?')) +
           (selector == std::string::npos ? "" : " " + uri.substr(selector, uri.find('&', selector) - selector));
  };
  const auto requests = requestsOfOperator(cluster, from, true);
  std::map<std::string, int> lists;
  for (const auto& request : requests) {
    EXPECT_FALSE(request.starts_with("get ")) << request;
    if (request.starts_with("list ")) ++lists[collection(request)];
  }
  EXPECT_EQ(lists.size(), 15u) << "seven kinds, three in each output namespace, the certificate and the mail's login";
  for (const auto& listed : lists) {
    const auto& what = listed.first;
    EXPECT_EQ(listed.second, 1) << "listed: " << what;
    EXPECT_TRUE(
        std::any_of(requests.begin(), requests.end(),
                    [&](const auto& request) { return request.starts_with("watch ") && collection(request) == what; }))
        << "listed and not watched: " << what;
  }
}

}  // namespace
}  // namespace mpay::test
