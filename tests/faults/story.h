// widget-operator behind a fault proxy, and the story that it must bring to the same end whatever happens.
//
// The story: three Widgets are created; one is edited; its ConfigMap is tampered with; another's is deleted; the
// third is deleted and created again under its name. Each step is awaited. The end is compared field by field with
// what an undisturbed run leaves, times and identifiers aside.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "faults/proxy.h"
#include "kube/client.h"
#include "support/control_plane.h"

namespace mpay::test {

// What goes wrong in one run. Everything is forwarded unless a function says otherwise.
struct Fault {
  std::string name;
  // For the n-th write of the run, from 0.
  std::function<Verdict(std::size_t n)> onWrite = {};
  // Whether to end the operator without warning when the n-th write came (before) or was answered (after).
  std::optional<std::size_t> killBefore = {}, killAfter = {};
  // For a list or the start of a watch; n counts those of that path.
  std::function<Verdict(const ProxiedRequest&, std::size_t n)> onRead = {};
  std::function<void(const ProxiedRequest&, std::size_t n, ProxiedResponse&)> onList = {};
  // For a line of a watch; n counts those of that path.
  std::function<FaultScript::Lines(const std::string& line, std::size_t n)> onEvent = {};
};

// Made once: a control plane with the Widget definition and the operator's account. Each run has a namespace, a
// proxy and an operator of its own; earlier runs' Widgets stay, settled.
class StoryWorld {
 public:
  StoryWorld();
  ControlPlane plane;
  kube::Client admin;
  std::string token;  // the operator's

  // kubectl as administrator; throws when it fails.
  std::string kubectl(std::vector<std::string> arguments, const std::string& input = "");
};

// One run. Violations are sentences: an empty list is what is wanted.
class StoryRun final : private FaultScript {
 public:
  // Without a request: longer than a key waits that meets conflicts without end, and than one that fails does.
  static constexpr std::chrono::milliseconds kSilence{1'500}, kLongSilence{22'000};

  StoryRun(StoryWorld& world, Fault fault);
  ~StoryRun() override;

  // The steps in order; each ends within 30 s of its beginning or of the last fault.
  bool create();
  bool edit();
  bool tamper();
  bool removeOutput();
  bool recreate();
  // Steps of other stories: one more Widget, or an edit of one; then until every one's output is as it should be.
  void put(const std::string& name, const std::string& spec) { apply(name, spec); }
  bool converges(const std::string& step);
  // All of them, then that nothing more is sent.
  void tell(std::chrono::milliseconds silence = kSilence);

  // Whether it is converged, and stays so without a request for that long.
  bool settles(std::chrono::milliseconds silence = kSilence);

  // For stories with turns of their own.
  void kill();                              // the operator; it is started again when something is awaited
  void useToken(const std::string& token);  // the operator's from now on, in its file
  // A new kubeconfig with the token in it, in the old one's place.
  void useKubeconfigWith(const std::string& token);
  void cutConnections() { proxy_.cutConnections(); }
  void fault(Fault fault);  // from now on
  void violation(const std::string& what) { violations_.push_back(fault_.name + ": " + what); }

  const std::string& space() const { return namespace_; }
  const std::vector<std::string>& violations() const { return violations_; }
  std::size_t writes() const { return writes_; }
  std::string log() const;

 private:
  Verdict onRequest(const ProxiedRequest& request) override;
  void onResponse(const ProxiedRequest& request, ProxiedResponse& response) override;
  Lines onEvent(const ProxiedRequest& request, const std::string& line) override;

  void writeKubeconfig(const std::string& user);
  void start();
  void killLocked();
  std::size_t count(const std::string& what);
  void faulty();
  void apply(const std::string& name, const std::string& spec);
  std::string unlike();

  StoryWorld& world_;
  const std::string namespace_;
  const std::filesystem::path kubeconfig_, tokenFile_, log_;
  std::map<std::string, std::string> wanted_;  // a Widget's name to its spec
  std::vector<std::string> violations_;

  std::mutex mutex_;  // protects the operator, the fault and the counts
  Process operator_;
  bool killed_ = false;
  Fault fault_;
  std::map<std::string, std::size_t> counts_;
  std::chrono::steady_clock::time_point lastFault_{};
  std::map<std::size_t, std::size_t> writeNumbers_;  // of a request
  std::atomic<std::size_t> writes_{0};
  std::atomic<std::size_t> others_{0};  // requests but lists and watches

  FaultProxy proxy_;  // last: its threads use the above
};

}  // namespace mpay::test
