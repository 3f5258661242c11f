// widget-operator behind a fault proxy, and the story that it must bring to the same end through every fault.
//
// The story: three Widgets are created; one is edited; its ConfigMap is tampered with; another's is deleted; the third
// is deleted and created again under its name. Each step is awaited. The end is compared field by field with the end of
// an undisturbed run, except for times and identifiers.
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

// The faults of one run. Requests are forwarded unless a function says otherwise.
struct Fault {
  std::string name;
  // For the n-th write of the run, counted from 0.
  std::function<Verdict(std::size_t n)> onWrite = {};
  // Kills the operator when the n-th write arrives (before) or is answered (after).
  std::optional<std::size_t> killBefore = {}, killAfter = {};
  // For a list or the start of a watch; n counts those of the same path.
  std::function<Verdict(const ProxiedRequest&, std::size_t n)> onRead = {};
  std::function<void(const ProxiedRequest&, std::size_t n, ProxiedResponse&)> onList = {};
  // For a line of a watch; n counts the lines of the same path.
  std::function<FaultScript::Lines(const std::string& line, std::size_t n)> onEvent = {};
};

// Made once: a control plane with the Widget definition and the operator's account. Each run has its own namespace,
// proxy and operator. Widgets of earlier runs stay, settled.
class StoryWorld {
 public:
  StoryWorld();
  ControlPlane plane;
  kube::Client admin;
  std::string token;  // the operator's

  // kubectl as administrator; throws if it fails.
  std::string kubectl(std::vector<std::string> arguments, const std::string& input = "");
};

// One run. Violations are sentences; a correct run has none.
class StoryRun final : private FaultScript {
 public:
  // Time without a request: longer than the wait of a key with endless conflicts, and of a key with endless failures.
  static constexpr std::chrono::milliseconds kSilence{1'500}, kLongSilence{22'000};

  StoryRun(StoryWorld& world, Fault fault);
  ~StoryRun() override;

  // The steps in order. Each ends within 30 s of its beginning or of the last fault.
  bool create();
  bool edit();
  bool tamper();
  bool removeOutput();
  bool recreate();
  // Steps of other stories: put() creates or edits a Widget; converges() waits until every output is right.
  void put(const std::string& name, const std::string& spec) { apply(name, spec); }
  bool converges(const std::string& step);
  // Runs all steps, then checks that nothing more is sent.
  void tell(std::chrono::milliseconds silence = kSilence);

  // True if the run is converged and stays so without a request for that long.
  bool settles(std::chrono::milliseconds silence = kSilence);

  // For stories with steps of their own.
  void kill();                              // the operator; the next wait starts it again
  void useToken(const std::string& token);  // the operator's from now on, in its file
  // Replaces the kubeconfig by a new one that contains the token.
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
  std::map<std::size_t, std::size_t> writeNumbers_;  // by the number of the request
  std::atomic<std::size_t> writes_{0};
  std::atomic<std::size_t> others_{0};  // requests other than lists and watches

  FaultProxy proxy_;  // last: its threads use the members above
};

}  // namespace mpay::test
