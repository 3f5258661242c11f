// TestEnvironmentReady.
#include "onboarding/decision.h"

#include "onboarding/digest.h"
#include "onboarding/rendering.h"

namespace mpay::onboarding {

void Decision::judgeTesting() {
  if (!submitted.holds()) {
    testing =
        working("AwaitingSubmission", !in.testing.fragment ? "Submitted comes first"
                                      : form.leaf && withheld(in.testing, testingChecks).contains(form.leaf->sha256())
                                          ? "Submitted comes first; testing admits nobody with this certificate"
                                          : "Submitted comes first; testing goes on as it was published");
  } else if (!form.testingAddresses.holds()) {
    testing = form.testingAddresses;
  } else if (!testingConflicts.addresses.empty()) {
    testing =
        fix("AddressConflict",
            fmt::format(
                "{} was declared by another integration first, or assigned to it; declare this system's own addresses",
                fmt::join(testingConflicts.addresses, ", ")));
  } else {
    const Settings& settings = *in.testing.settings;
    api::ConfigMap service =
        renderService(settings, key(), testingEffect(integration(), form.hashes), encoded(in.logo));
    const auto fragment = publish(in.testing, form.testingFragment, testingChecks, plan.testing);
    if (isPublished(in.testing, fragment, service, testing)) {
      testing = good("Provisioned",
                     fmt::format("{} admits {} from {}{}", settings.spec.apiURL, form.testingFragment.serviceID,
                                 form.testingFragment.addresses.empty()
                                     ? "nowhere: no address is declared"
                                     : fmt::format("{}", fmt::join(form.testingFragment.addresses, ", ")),
                                 tellEarlier(fragment)));
    }
    plan.testing.push_back(std::move(service));
    return;
  }
  end(in.testing, testingChecks, plan.testing);
}

}  // namespace mpay::onboarding
