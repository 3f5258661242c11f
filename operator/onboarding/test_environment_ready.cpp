#include "gateway/rendering.h"
#include "onboarding/conditions.h"
#include "onboarding/effect.h"

namespace mpay::onboarding {
namespace {

std::string describeTesting(const TestingQuestion& question) {
  const auto& leaf = question.form.leaf;
  if (!question.snapshot.testing.fragment) return "Submitted comes first";
  if (leaf && question.publication.barred.certificates.contains(leaf->sha256()))
    return "Submitted comes first; testing admits nobody with this certificate";
  return "Submitted comes first; testing goes on as it was published";
}

Verdict provisioned(const TestingQuestion& question, const Fragment& published) {
  const auto& wanted = question.form.testingFragment;
  return good("Provisioned",
              fmt::format("{} admits {} from {}{}", question.snapshot.testing.settings->spec.apiURL, wanted.serviceID,
                          wanted.addresses.empty() ? "nowhere: no address is declared"
                                                   : fmt::format("{}", fmt::join(wanted.addresses, ", ")),
                          tellEarlier(published)));
}

// Nothing new can be published.
TestingJudged stays(const TestingQuestion& question, Verdict verdict) {
  return {std::move(verdict), dropEnded(question.publication), {}};
}

}  // namespace

TestingJudged judgeTesting(const TestingQuestion& question) {
  const auto& [snapshot, form, submitted, conflicts, publication] = question;
  if (!submitted.holds()) return stays(question, working("AwaitingSubmission", describeTesting(question)));
  if (!form.testingAddresses.holds()) return stays(question, form.testingAddresses);
  if (!conflicts.addresses.empty()) {
    return stays(question, fix("AddressConflict",
                               fmt::format("{} was declared by another integration first, or assigned to it; declare "
                                           "this system's own addresses",
                                           fmt::join(conflicts.addresses, ", "))));
  }
  auto service = renderService(snapshot.testing.settings->spec, snapshot.testing.settings->name,
                               snapshot.integration->metadata.key(), testingEffect(*snapshot.integration, form.hashes),
                               encoded(snapshot.logo));
  auto issue = publish(publication, form.testingFragment);
  auto missing = whatIsMissing(snapshot.testing, issue.fragment, service);
  auto verdict = missing ? std::move(*missing) : provisioned(question, issue.fragment);
  return {std::move(verdict), std::move(issue), std::move(service)};
}

}  // namespace mpay::onboarding
