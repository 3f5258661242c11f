// The gateway's objects of one environment, kept up to date with the fragments of its integrations.
//
// What was decoded and rendered is kept, so that a fragment that changes is decoded alone and one that does not change
// costs nothing. Changes are written at most once a second: the first after a quiet second at once, what comes during
// the next one together at its end. What somebody edits or deletes by hand is put back at once, unless that goes on.
#pragma once

#include <chrono>
#include <map>
#include <memory>

#include "cluster/outputs.h"
#include "gateway/rendering.h"
#include "onboarding/environment.h"

namespace mpay::cluster {

inline constexpr std::chrono::seconds kPublishInterval{1};
// Then what undoes them again and again waits for the end of the second, too.
inline constexpr int kRepairsAtOnce = 50;

// A fragment that everything published holds, by the name of its ConfigMap.
struct AggregatedFragment {
  std::string hash;                                // ledger::currentHash of it
  ObjectKey integration;                           // empty where it does not say
  std::shared_ptr<const api::ConfigMap> object{};  // that said it
};
using AggregatedFragments = std::map<std::string, AggregatedFragment>;

// By the rendered object that it holds: how an object was when that was seen. It is not compared again.
using SeenObjects = std::map<const void*, std::shared_ptr<const void>>;

// Used by one thread at a time.
class Publisher {
 public:
  // `settings` null: while they are unusable ConfigMaps with a bundle of authorities stay as they are.
  struct Wanted {
    const api::MPayEnvironment& environment;
    std::shared_ptr<const onboarding::Settings> settings;
  };
  struct Outcome {
    // No fragment was looked at: the last write was less than a second ago. The rest says nothing then.
    std::optional<Duration> wait{};
    std::string conflict{};             // another's object is where ours should be
    std::optional<Error> unrestored{};  // of a damaged fragment: it is to be tried again
    // What the objects hold now, all parts and indexes of them. Null where they do not: see the others.
    std::shared_ptr<const AggregatedFragments> aggregated{};
  };

  // Writes what differs, and then removes what is published no more. `outputs` must have been read. Errors: those of
  // the API, to be tried again.
  Result<Outcome> publish(const Wanted& wanted, Outputs& outputs, MonoTime now, const std::stop_token& stop);

  // What that was of.
  const ledger::Fragments& fragments() const { return fragments_; }

 private:
  struct Known {
    std::shared_ptr<const api::ConfigMap> object;  // as last looked at
    std::string hash;                              // of what was decoded: the last that could be
    std::string current;                           // ledger::currentHash of it
    ObjectKey integration;
  };
  // Decodes what changed, which then is to be rendered. What is damaged is restored as it was last seen. Errors:
  // Decode, where a fragment is damaged that was never seen whole. Its integration restores it, or what its revision
  // says where it has ended, and until then nothing changes.
  Result<void> readFragments(const std::string& environment, Outputs& outputs, const std::stop_token& stop);
  Result<void> restore(const std::string& environment, const std::string& name, const api::ConfigMap& damaged,
                       Outputs& outputs, const std::stop_token& stop) const;

  // Of all that was read of the fragments.
  void render(const Wanted& wanted);

  const Outputs* outputs_ = nullptr;  // whose fragments these are
  std::map<std::string, Known> known_;
  ledger::Fragments fragments_;
  // What the rendering is of.
  std::string uid_;
  std::int64_t generation_ = 0;
  std::shared_ptr<const onboarding::Settings> settings_;
  bool rendered_ = false;
  bool changed_ = false;  // the fragments, since then
  int repairs_ = 0;       // within seconds in which something was written, since one in which nothing was
  gateway::Aggregates aggregates_;
  SeenObjects seen_;
  std::shared_ptr<const AggregatedFragments> aggregated_;
  std::optional<MonoTime> written_;
  std::optional<Error> unrestored_;
};

}  // namespace mpay::cluster
