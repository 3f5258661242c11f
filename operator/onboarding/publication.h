// The content that an environment publishes of an integration, with earlier certificates in their overlap and without
// barred items. Testing and production share these rules.
#pragma once

#include <optional>
#include <string>

#include "onboarding/admissible.h"
#include "onboarding/snapshot.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// One environment, as its publication needs it.
struct PublicationQuestion {
  const EnvironmentSnapshot& environment;
  const Barred& barred;
  // The Secret of a request presents an earlier certificate than the declared one: no overlap begins.
  bool presentsEarlier = false;
  WallTime now{};
};

struct Issue {
  Fragment fragment{};             // to be published from now on
  bool isWritten = false;          // it differs, or may differ, from the existing one
  std::optional<WallTime> ends{};  // the next end of an earlier certificate
};

// Publishes `next`. The environment must be usable.
Issue publish(const PublicationQuestion& question, Fragment next);

// If nothing new can be published: the existing fragment, without ended and barred items. Nothing where there is no
// fragment.
std::optional<Issue> dropEnded(const PublicationQuestion& question);

// The reason why the gateway's objects do not hold this yet; nothing where they do.
std::optional<Verdict> whatIsMissing(const EnvironmentSnapshot& environment, const Fragment& fragment,
                                     const api::ConfigMap& service);

// The fragment under the integration's name, even an earlier integration's.
const std::optional<Fragment>& publishedIn(const EnvironmentSnapshot& environment);

// The earlier certificates that a fragment still admits, for the status.
std::vector<api::EarlierCertificate> earlierIn(const EnvironmentSnapshot& environment, const Fragment& fragment);

// The addition about them to a condition.
std::string tellEarlier(const Fragment& fragment);

// Content in base64; absent where there is none, or it cannot be read.
std::optional<std::string> encoded(const Content& content);

// Another's object is where the operator's should be. `what` is its kind, with an article.
Verdict nameTaken(std::string_view what, const std::string& name);

}  // namespace mpay::onboarding
