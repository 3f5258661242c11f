#include "cluster/publisher.h"

#include <algorithm>
#include <unordered_set>

#include "base/log.h"
#include "crypto/digest.h"
#include "onboarding/rotation.h"

namespace mpay::cluster {
namespace {

using gateway::Published;

// Collects the units that a gateway looks for in a part: lines, or peers.
void collect(const api::ConfigMap& object, std::unordered_set<std::string>& into) {
  for (const auto& [name, text] : object.data) {
    for (std::size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
      into.insert(text.substr(begin, end - begin));
  }
}
void collect(const api::NetworkPolicy& object, std::unordered_set<std::string>& into) {
  boost::system::error_code missing;
  const auto* from = object.spec.find_pointer("/ingress/0/from", missing);
  if (!from || !from->is_array()) return;
  for (const auto& peer : from->get_array()) into.insert(json::canonical(peer));
}

// An entry that moves from one part to another must arrive before it leaves. The order: parts that only gain, then
// parts that gain and lose, then the others.
template <class K>
int turn(const K* observed, const K& desired) {
  if (!observed) return 0;
  std::unordered_set<std::string> before, after;
  collect(*observed, before);
  collect(desired, after);
  const auto lacks = [](const auto& in, const auto& of) {
    return std::any_of(of.begin(), of.end(), [&](const auto& entry) { return !in.contains(entry); });
  };
  if (!lacks(after, before)) return 0;
  return lacks(before, after) ? 1 : 2;
}

struct Written {
  bool any = false;
  std::string conflict{};
  std::optional<Error> failed{};

  bool isWhole() const { return !failed && conflict.empty(); }

  // True where the object is as it should be.
  bool note(const Result<bool>& result) {
    if (result) {
      any = any || *result;
    } else if (result.error().state == ErrorState::NameTaken) {
      conflict = result.error().message;
    } else {
      failed = result.error();
    }
    return result.has_value();
  }
};

template <class K>
bool holds(const Outputs& outputs, const K& rendered, SeenObjects& seen) {
  const auto observed = outputs.like(rendered);
  auto& known = seen[&rendered];
  if (observed && observed == known) return true;
  if (!outputs.holds(rendered)) return false;
  known = observed;
  return true;
}

// Parts before the index, which stays as it is where a part could not be written.
template <class K>
void write(const std::vector<Published<K>>& all, Outputs& outputs, SeenObjects& seen, Written& written,
           const std::stop_token& stop) {
  for (const auto& published : all) {
    std::vector<std::pair<int, const K*>> parts;
    for (const auto& part : published.parts) {
      if (!holds(outputs, part, seen)) parts.emplace_back(turn(outputs.like(part).get(), part), &part);
    }
    std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    bool whole = true;
    for (const auto& [order, part] : parts) whole = written.note(outputs.ensure(*part, stop)) && whole;
    if (whole && !holds(outputs, published.index, seen)) written.note(outputs.ensure(published.index, stop));
  }
}

template <class K>
void collectNames(const std::vector<Published<K>>& all, std::set<std::string>& into) {
  for (const auto& published : all) {
    into.insert(published.index.metadata.name.value_or(""));
    for (const auto& part : published.parts) into.insert(part.metadata.name.value_or(""));
  }
}

}  // namespace

Result<void> Publisher::restore(const std::string& name, const api::ConfigMap& damaged, Outputs& outputs,
                                const std::stop_token& stop) const {
  const auto& integration = known_.at(name).integration;
  if (ledger::memoryName(ledger::kFragment, integration) != name)
    return refuse("", fmt::format("{} is not of {}", name, integration.text()));
  auto written = outputs.put(integration, fragments_.at(name).fragment, damaged.metadata.resourceVersion, stop);
  // The fragment's integration wrote first.
  if (!written && written.error().isConflict()) return {};
  return written ? Result<void>{} : fail(std::move(written).error());
}

Result<void> Publisher::readFragments(Outputs& outputs, const std::stop_token& stop) {
  unrestored_.reset();
  std::set<std::string> present;
  for (auto& object : outputs.ofComponent(ledger::kFragment)) {
    const auto name = object->metadata.name.value_or("");
    present.insert(name);
    const auto known = known_.find(name);
    if (known != known_.end() && known->second.object == object) continue;
    auto decoded = ledger::remembered<ledger::Fragment>(*object);
    if (!decoded) {
      if (known == known_.end()) return fail(within(name, std::move(decoded).error()));
      spdlog::warn("{}: {}; what it said before stays published, and is restored", name, decoded.error().message);
      // Tried again where that fails: the object differs from the one that was looked at last.
      if (auto restored = restore(name, *object, outputs, stop); !restored)
        unrestored_ = within(name, std::move(restored).error());
      continue;
    }
    auto hash = crypto::sha256Hex(object->data.at("content.json"));
    if (known == known_.end() || known->second.hash != hash) {
      ObjectKey integration{decoded->holder.namespace_, decoded->holder.name};
      auto current = ledger::currentHash(*decoded, object->data.at("content.json"));
      fragments_[name] = std::move(*decoded);
      known_[name] = {std::move(object), std::move(hash), std::move(current), std::move(integration)};
      changed_ = true;
    } else {
      known->second.object = std::move(object);
    }
  }
  if (std::erase_if(known_, [&](const auto& known) { return !present.contains(known.first); }) > 0) changed_ = true;
  std::erase_if(fragments_, [&](const auto& fragment) { return !present.contains(fragment.first); });
  return {};
}

void Publisher::render(const Wanted& wanted) {
  const auto& [environment, settings] = wanted;
  seen_.clear();
  aggregates_ = gateway::renderAggregates(environment.spec, environment.metadata.name.value_or(""),
                                          settings ? &settings->authorities : nullptr, fragments_);
  auto aggregated = std::make_shared<AggregatedFragments>();
  for (const auto& [name, known] : known_)
    aggregated->emplace_hint(aggregated->end(), name,
                             AggregatedFragment{known.current, known.integration, known.object});
  aggregated_ = std::move(aggregated);
  uid_ = environment.metadata.uid.value_or("");
  generation_ = environment.metadata.generation.value_or(0);
  settings_ = settings;
  rendered_ = true;
  changed_ = false;
}

Result<Publisher::Outcome> Publisher::publish(const Wanted& wanted, Outputs& outputs, MonoTime now,
                                              const std::stop_token& stop) {
  Outcome outcome;
  if (written_ && now < *written_ + kPublishInterval)
    outcome.wait = std::chrono::ceil<Duration>(*written_ + kPublishInterval - now);
  if (std::exchange(outputs_, &outputs) != &outputs) {
    known_.clear();
    fragments_.clear();
    rendered_ = false;
  }
  const auto& [environment, settings] = wanted;
  rendered_ = rendered_ && environment.metadata.uid.value_or("") == uid_ &&
              environment.metadata.generation.value_or(0) == generation_ && settings == settings_;
  Result<void> read;
  if (!outcome.wait) read = readFragments(outputs, stop);
  if (!outcome.wait && read && (!rendered_ || changed_)) render(wanted);
  // If fragments cannot be read now, the objects published before are restored all the same.
  if (!rendered_) TRY(std::move(read));
  if (!rendered_ || (outcome.wait && repairs_ >= kRepairsAtOnce)) return outcome;

  Written policies, maps;
  write(aggregates_.networkPolicies, outputs, seen_, policies, stop);
  // Network policies add up: a policy that is no longer published still admits, so it is removed whatever happens to
  // the maps.
  std::set<std::string> networkPolicies;
  collectNames(aggregates_.networkPolicies, networkPolicies);
  Result<void> removed;
  if (policies.isWhole()) removed = outputs.removePoliciesBut(networkPolicies, stop);
  write(aggregates_.configMaps, outputs, seen_, maps, stop);
  const bool any = policies.any || maps.any;
  if (outcome.wait) {
    repairs_ += any ? 1 : 0;
  } else if (any) {
    written_ = now;
  } else {
    repairs_ = 0;
  }
  TRY(std::move(read));
  TRY(std::move(removed));
  for (auto* written : {&policies, &maps}) {
    if (written->failed) return fail(std::move(*written->failed));
    if (outcome.conflict.empty()) outcome.conflict = std::move(written->conflict);
  }
  if (outcome.wait || !outcome.conflict.empty()) return outcome;
  std::set<std::string> configMaps;
  collectNames(aggregates_.configMaps, configMaps);
  // If authorities cannot be read, the published bundle stays, with its parts.
  std::vector<std::string> kept;
  for (const auto& bundle : environment.spec.trust.bundles) {
    if (bundle.format == api::BundleFormat::PEM && !settings) kept.push_back(bundle.name);
  }
  const auto isKept = [&](const std::string& name) {
    return std::any_of(kept.begin(), kept.end(),
                       [&](const auto& bundle) { return name == bundle || gateway::isPartOf(name, bundle); });
  };
  for (const auto& object : outputs.ofComponent(ledger::kAggregate)) {
    if (const auto name = object->metadata.name.value_or(""); isKept(name)) configMaps.insert(name);
  }
  TRY(outputs.removeAggregatesBut(configMaps, stop));
  outcome.aggregated = aggregated_;
  outcome.unrestored = unrestored_;
  return outcome;
}

}  // namespace mpay::cluster
