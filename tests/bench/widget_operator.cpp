// An operator of one kind: an example of the runtime (docs/runtime.md), and the program that its speed is measured
// with.
//
// A Widget is Ready when a ConfigMap of its name contains its spec and the spec's digest. Edited or deleted ConfigMaps
// are restored. Takes KUBECONFIG, watches all namespaces, ends on SIGTERM with 0.
#include <CLI/CLI.hpp>

#include "api/wire.h"
#include "base/log.h"
#include "base/stop.h"
#include "crypto/digest.h"
#include "runtime/controller.h"
#include "runtime/events.h"
#include "runtime/watcher.h"

namespace mpay::bench {
namespace {

using runtime::Outcome;

struct WidgetStatus {
  std::int64_t observedGeneration = 0;
  std::string digest;
  std::vector<api::Condition> conditions;
};
BOOST_DESCRIBE_STRUCT(WidgetStatus, (), (observedGeneration, digest, conditions))

// A Widget in the API's form.
struct WidgetWire {
  static constexpr api::ResourceType kResource{"bench.example.com", "v1alpha1", "widgets", "Widget", true};
  api::LeanMeta metadata;
  json::value spec;
  WidgetStatus status;
};
BOOST_DESCRIBE_STRUCT(WidgetWire, (), (metadata, spec, status))

// A Widget in the store's form.
struct Widget {
  using Wire = WidgetWire;
  static constexpr api::ResourceType kResource = Wire::kResource;
  api::PackedMeta metadata;
  std::string spec;  // canonical JSON
  crypto::Sha256 digest;
  std::optional<WallTime> readySince;  // absent: not Ready yet
  bool settled = false;                // its status is right

  WidgetStatus wantedStatus(WallTime since) const {
    const auto generation = metadata.generation();
    return {generation,
            crypto::hex(digest),
            {{"Ready", api::ConditionStatus::True, generation, formatTime(since), "Done", "provisioned"}}};
  }

  static Widget of(Wire wire) {
    Widget widget;
    widget.metadata = wire.metadata;
    widget.spec = json::canonical(wire.spec.is_null() ? json::value(json::object()) : wire.spec);
    widget.spec.shrink_to_fit();  // a quarter of it is spare capacity
    widget.digest = crypto::sha256(widget.spec);
    const auto* ready = api::findCondition(wire.status.conditions, "Ready");
    if (ready && ready->status == api::ConditionStatus::True) {
      widget.readySince = parseTime(ready->lastTransitionTime);
    }
    widget.settled = widget.readySince && json::equal(wire.status, widget.wantedStatus(*widget.readySince));
    return widget;
  }
};

// A ConfigMap in the store's form: its owner, and the digest of its content.
struct Output {
  using Wire = api::ConfigMap;
  static constexpr api::ResourceType kResource = Wire::kResource;
  api::PackedMeta metadata;
  std::string owner;                     // the UID of its controller
  std::optional<crypto::Sha256> digest;  // of the spec that it contains; absent if its data is not a spec with its
                                         // digest

  static Output of(Wire wire) {
    Output output;
    const auto& owners = wire.metadata.ownerReferences;
    if (!owners.empty() && owners.front().controller == true) output.owner = owners.front().uid;
    const auto spec = wire.data.find("spec"), digest = wire.data.find("digest");
    if (wire.data.size() == 2 && wire.binaryData.empty() && spec != wire.data.end() && digest != wire.data.end()) {
      const auto sum = crypto::sha256(spec->second);
      if (crypto::hex(sum) == digest->second) output.digest = sum;
    }
    output.metadata = api::leanOf(std::move(wire.metadata));
    return output;
  }
};

class WidgetReconciler final : public runtime::Reconciler {
 public:
  WidgetReconciler(kube::Client& client, runtime::Store<Widget>& widgets, runtime::Store<Output>& outputs)
      : widgetApi_(client), configMapApi_(client), widgets_(widgets), outputs_(outputs) {}

  Result<Outcome> reconcile(const api::ObjectKey& key, std::stop_token stop) override {
    const auto widget = widgets_.get(key);
    if (!widget || widget->metadata.isBeingDeleted()) return Outcome{};  // the garbage collector does the rest
    const auto output = outputs_.get(key);
    if (!output) {
      outputs_.remember(Output::of(TRY(configMapApi_.create(configMapOf(*widget), stop))));
    } else if (output->metadata.isBeingDeleted() || isOthers(*output, *widget)) {
      return Outcome{};  // when it goes, the watch brings the key back
    } else if (output->digest != widget->digest || output->owner != widget->metadata.uid()) {
      auto wanted = configMapOf(*widget);
      wanted.metadata.resourceVersion = output->metadata.resourceVersion();
      outputs_.remember(Output::of(TRY(configMapApi_.replace(wanted, stop))));
    }
    if (!widget->settled) {
      const auto status = widget->wantedStatus(widget->readySince.value_or(systemClock().now()));
      widgets_.remember(Widget::of(TRY(widgetApi_.patchStatus(key, widget->metadata.resourceVersion(), status, stop))));
    }
    return Outcome{};
  }

 private:
  // True also for an earlier Widget of the same name.
  static bool isOthers(const Output& output, const Widget& widget) {
    return !output.owner.empty() && output.owner != widget.metadata.uid();
  }

  static api::ConfigMap configMapOf(const Widget& widget) {
    api::ConfigMap wanted;
    const std::string name(widget.metadata.name()), uid(widget.metadata.uid());
    wanted.metadata.namespace_ = widget.metadata.namespaceName();
    wanted.metadata.name = name;
    wanted.metadata.ownerReferences = {
        {Widget::kResource.apiVersion(), std::string(Widget::kResource.kind), name, uid, true, std::nullopt}};
    wanted.data = {{"spec", widget.spec}, {"digest", crypto::hex(widget.digest)}};
    return wanted;
  }

  const kube::Api<WidgetWire> widgetApi_;
  const kube::Api<api::ConfigMap> configMapApi_;
  runtime::Store<Widget>& widgets_;
  runtime::Store<Output>& outputs_;
};

Result<void> run(unsigned workers, std::chrono::seconds resync, const std::stop_token& stop) {
  kube::Client client(TRY(kube::Config::find({})), "widget-operator");
  runtime::EventRecorder events(client, systemClock(), "widget-operator");
  runtime::Store<Widget> widgets;
  runtime::Store<Output> outputs;
  WidgetReconciler reconciler(client, widgets, outputs);
  runtime::Controller controller("widget", reconciler, workers);
  const auto look = [&](const auto& before, const auto& after) {
    controller.enqueue((after ? after : before)->metadata.key());
  };
  widgets.onChange(look);
  outputs.onChange(look);
  runtime::Watcher<Widget> widgetWatcher(client, {}, widgets, {.unread = events.ofUnread()});
  runtime::Watcher<Output> outputWatcher(client, {}, outputs);
  widgetWatcher.start();
  outputWatcher.start();
  if (widgets.waitUntilSynced(stop) && outputs.waitUntilSynced(stop)) {
    spdlog::info("{} widgets, {} config maps", widgets.size(), outputs.size());
    controller.start();
    while (sleepUnlessStopped(resync, stop)) controller.enqueueAll(widgets.keys());
  }
  controller.stop();
  widgetWatcher.stop();
  outputWatcher.stop();
  return {};
}

}  // namespace
}  // namespace mpay::bench

int main(int argc, char** argv) {
  CLI::App app{"Keeps a ConfigMap for each Widget."};
  unsigned workers = mpay::runtime::kDefaultWorkers;
  std::int64_t resync = 36000;
  app.add_option("--workers", workers, "Widgets reconciled at once")->check(CLI::Range(1, 1024))->capture_default_str();
  app.add_option("--resync", resync, "seconds between looking at everything again")
      ->check(CLI::Range(1, 864000))
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  mpay::setUpLog("info");
  const mpay::StopOnSignal stop;
  const auto result = mpay::bench::run(workers, std::chrono::seconds(resync), stop.token());
  if (result) return 0;
  spdlog::error("{}", result.error().message);
  return 1;
}
