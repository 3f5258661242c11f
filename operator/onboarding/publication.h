// What an environment publishes of an integration, with what it owes to earlier certificates and without what is
// barred. Testing and production share it.
#pragma once

#include <optional>
#include <string>

#include "onboarding/admissible.h"
#include "onboarding/snapshot.h"
#include "onboarding/vocabulary.h"

namespace mpay::onboarding {

// One environment as whoever publishes in it needs to know it.
struct PublicationQuestion {
  const EnvironmentSnapshot& environment;
  const Barred& barred;
  // The Secret of a request presents an earlier certificate than the declared one: no overlap begins.
  bool presentsEarlier = false;
  WallTime now{};
};

struct Issue {
  Fragment fragment{};             // that is published from now on
  bool isWritten = false;          // it differs, or may differ, from what is there
  std::optional<WallTime> ends{};  // when an earlier certificate ends next
};

// Publishes `next`. The environment must be usable.
Issue publish(const PublicationQuestion& question, Fragment next);

// Where nothing new can be published: what is there, without what is due to end and what is barred. Nothing where
// nothing is there.
std::optional<Issue> dropEnded(const PublicationQuestion& question);

// Why the gateway's objects do not hold this yet; nothing where they do.
std::optional<Verdict> whatIsMissing(const EnvironmentSnapshot& environment, const Fragment& fragment,
                                     const api::ConfigMap& service);

// The fragment under the integration's name, though it may be an earlier integration's.
const std::optional<Fragment>& publishedIn(const EnvironmentSnapshot& environment);

// The earlier certificates that a fragment still admits, for the status.
std::vector<api::EarlierCertificate> earlierIn(const EnvironmentSnapshot& environment, const Fragment& fragment);

// What a condition adds about them.
std::string tellEarlier(const Fragment& fragment);

// Content in base64; absent where there is none, or it cannot be read.
std::optional<std::string> encoded(const Content& content);

// Another's object is where the operator's should be. `what` is its kind, with an article.
Verdict nameTaken(std::string_view what, const std::string& name);

}  // namespace mpay::onboarding
