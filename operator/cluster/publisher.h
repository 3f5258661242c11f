// The gateway's objects of one environment, kept up to date with the fragments of its integrations.
//
// Decoded and rendered content is kept, so that only changed fragments are decoded and unchanged ones cost nothing.
// Changes are written at most once a second: the first after a quiet second at once, later ones together at the end of
// the second. An object that somebody edits or deletes by hand is restored at once, unless that goes on.
#pragma once

#include <chrono>
#include <map>
#include <memory>

#include "cluster/outputs.h"
#include "gateway/rendering.h"
#include "onboarding/environment.h"

namespace mpay::cluster {

inline constexpr std::chrono::seconds kPublishInterval{1};
// After so many repairs, objects that are changed again and again wait for the end of the second, too.
inline constexpr int kRepairsAtOnce = 50;

// A fragment that the published objects hold, by the name of its ConfigMap.
struct AggregatedFragment {
  std::string hash;                                // ledger::currentHash of it
  ObjectKey integration;                           // empty where the object names none
  std::shared_ptr<const api::ConfigMap> object{};  // the ConfigMap with this fragment
};
using AggregatedFragments = std::map<std::string, AggregatedFragment>;

// By the rendered object: the version of an object that was seen to hold it. That version is not compared again.
using SeenObjects = std::map<const void*, std::shared_ptr<const void>>;

// Used by one thread at a time.
class Publisher {
 public:
  // `settings` null: they are unusable, and ConfigMaps with a bundle of authorities stay as they are.
  struct Wanted {
    const api::MPayEnvironment& environment;
    std::shared_ptr<const onboarding::Settings> settings;
  };
  struct Outcome {
    // Set: no fragment was looked at, because the last write was less than a second ago. The other members then say
    // nothing.
    std::optional<Duration> wait{};
    std::string conflict{};             // another's object is where ours should be
    std::optional<Error> unrestored{};  // of a damaged fragment: to be tried again
    // The fragments that the objects, all parts and indexes, hold now. Null where the objects are not complete: see the
    // others.
    std::shared_ptr<const AggregatedFragments> aggregated{};
  };

  // Writes the objects that differ, and then removes those that are no longer published. `outputs` must have been read.
  // Errors: those of the API, to be tried again.
  Result<Outcome> publish(const Wanted& wanted, Outputs& outputs, MonoTime now, const std::stop_token& stop);

  // The fragments that were published.
  const ledger::Fragments& fragments() const { return fragments_; }

 private:
  struct Known {
    std::shared_ptr<const api::ConfigMap> object;  // as last looked at
    std::string hash;                              // of the last version that could be decoded
    std::string current;                           // ledger::currentHash of it
    ObjectKey integration;
  };
  // Decodes the changed fragments, which are then to be rendered. A damaged fragment is restored as it was last seen.
  // Errors: Decode, where a fragment is damaged that was never seen whole. Then nothing changes until its integration
  // restores it; where the integration has ended, the fragment of its revision is restored.
  Result<void> readFragments(Outputs& outputs, const std::stop_token& stop);
  Result<void> restore(const std::string& name, const api::ConfigMap& damaged, Outputs& outputs,
                       const std::stop_token& stop) const;

  // Renders all fragments that were read.
  void render(const Wanted& wanted);

  const Outputs* outputs_ = nullptr;  // the source of these fragments
  std::map<std::string, Known> known_;
  ledger::Fragments fragments_;
  // The input of the rendering.
  std::string uid_;
  std::int64_t generation_ = 0;
  std::shared_ptr<const onboarding::Settings> settings_;
  bool rendered_ = false;
  bool changed_ = false;  // the fragments, since the rendering
  int repairs_ = 0;       // within seconds in which something was written; reset by a second without a write
  gateway::Aggregates aggregates_;
  SeenObjects seen_;
  std::shared_ptr<const AggregatedFragments> aggregated_;
  std::optional<MonoTime> written_;
  std::optional<Error> unrestored_;
};

}  // namespace mpay::cluster
