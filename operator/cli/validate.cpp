#include "cli/validate.h"

#include <iostream>

#include "domain/digest.h"
#include "onboarding/effect.h"

namespace mpay::cli {

Result<std::string> whoAmI(kube::Client& client) {
  const json::value review = json::object{{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}};
  const std::string body =
      TRY(client.request("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", &review, "application/json", {}));
  const json::value& answer = *TRY(kube::Client::read(body));
  boost::system::error_code missing;
  const auto* name = answer.find_pointer("/status/userInfo/username", missing);
  if (!name || !name->is_string()) return fail(ErrorKind::Decode, "the API server does not say who you are");
  return std::string(name->get_string());
}

namespace {

Result<api::MPayIntegration> fetch(kube::Client& client, const ValidateOptions& options) {
  return kube::Api<api::MPayIntegration>(client).get({options.namespace_, options.name});
}

}  // namespace

Result<api::MPayValidation> prepareRecord(const api::MPayIntegration& integration, const ValidateOptions& options,
                                          const std::string& user) {
  if (options.milestone != api::Milestone::FunctionalTesting && options.milestone != api::Milestone::FinalValidation) {
    return refuse(
        "NotSupported",
        fmt::format("nothing reads records of milestone {} in this version, so none is made; those that count "
                    "are FunctionalTesting and FinalValidation",
                    json::nameOf(options.milestone)));
  }
  const bool testing = options.milestone == api::Milestone::FunctionalTesting;
  if (!integration.status || !integration.status->digest || !integration.status->testingDigest ||
      !integration.status->contentHashes) {
    return refuse("NotReady", "the integration has no digest yet: see its conditions (kubectl describe mpi)");
  }
  const auto& status = *integration.status;
  if (status.observedGeneration != integration.metadata.generation.value_or(0)) {
    return refuse("Outdated", "the operator has not looked at the last change yet; try again in a moment");
  }
  const auto computed = domain::digestOf(testing ? onboarding::testingEffect(integration, *status.contentHashes)
                                                 : onboarding::productionEffect(integration, *status.contentHashes));
  if (computed != (testing ? *status.testingDigest : *status.digest)) {
    return refuse(
        "DigestMismatch",
        fmt::format("the spec hashes to {}, the status says otherwise; nothing is recorded. Tell the platform",
                    computed));
  }
  if (options.digest && *options.digest != computed) {
    return refuse("DigestMismatch",
                  fmt::format("--digest is not the current one, which is {}; look at what changed", computed));
  }
  api::MPayValidation record;
  record.metadata.generateName = options.name + "-";
  record.metadata.namespace_ = integration.metadata.namespace_;
  record.spec.integration = {options.name, integration.metadata.uid.value_or("")};
  record.spec.environment = testing ? integration.spec.environments.testing : integration.spec.environments.production;
  record.spec.milestone = options.milestone;
  record.spec.role = options.role;
  record.spec.decision = options.decision;
  record.spec.digest = computed;
  record.spec.recordedBy = user;
  if (!options.comment.empty()) record.spec.comment = options.comment;
  return record;
}

Result<void> statement(kube::Client& client, const ValidateOptions& options, std::ostream& out) {
  const auto user = TRY(whoAmI(client));
  const auto record = TRY(prepareRecord(TRY(fetch(client, options)), options, user));
  out << onboarding::statementOf(options.namespace_, record.spec) << "\n";
  return {};
}

Result<void> validate(kube::Client& client, const ValidateOptions& options, std::istream& in, std::ostream& out) {
  const auto user = TRY(whoAmI(client));
  const auto integration = TRY(fetch(client, options));
  const auto record = TRY(prepareRecord(integration, options, user));
  const auto& spec = integration.spec;
  out << fmt::format("{}/{} of {} (IDNO {}), service {}\n{} as {}: {}\n{}\n\n{}\n", options.namespace_, options.name,
                     spec.beneficiary.legalName, spec.beneficiary.idno, spec.service.id.value_or("?"),
                     json::nameOf(options.milestone), json::nameOf(options.role), json::nameOf(options.decision),
                     record.spec.digest, onboarding::statementOf(options.namespace_, record.spec));
  if (!options.digest) {
    out << "\nRecord this as " << user << "? [y/N] " << std::flush;
    std::string answer;
    std::getline(in, answer);
    if (answer != "y" && answer != "Y" && answer != "yes") return refuse("NotConfirmed", "nothing was recorded");
  }
  const auto written = TRY(kube::Api<api::MPayValidation>(client).create(record));
  out << "mpayvalidation/" << written.metadata.name.value_or("") << " recorded\n";
  return {};
}

}  // namespace mpay::cli
