#include "faults/story.h"

#include <signal.h>

#include "crypto/digest.h"
#include "json/codec.h"

namespace mpay::test {
namespace {

using namespace std::chrono_literals;

constexpr api::ResourceType kWidgets{"bench.example.com", "v1alpha1", "widgets", "Widget", true};
constexpr api::ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};

constexpr std::string_view kAccount = R"(
apiVersion: v1
kind: ServiceAccount
metadata: {name: widget-operator, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: widget-operator}
rules:
  - {apiGroups: [bench.example.com], resources: [widgets], verbs: [list, watch]}
  - {apiGroups: [bench.example.com], resources: [widgets/status], verbs: [patch]}
  - {apiGroups: [""], resources: [configmaps], verbs: [list, watch, create, update]}
  - {apiGroups: [events.k8s.io], resources: [events], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: widget-operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: widget-operator}
subjects: [{kind: ServiceAccount, name: widget-operator, namespace: default}]
)";

std::string newNamespace() {
  static int count = 0;
  return "story-" + std::to_string(++count);
}

bool isWrite(const ProxiedRequest& request) { return request.method != "GET"; }

// "widgets" of "/apis/bench.example.com/v1alpha1/widgets?limit=500".
std::string kindOf(const ProxiedRequest& request) {
  const std::string path = request.target.substr(0, request.target.find('?'));
  return path.substr(path.rfind('/') + 1);
}

std::string field(const json::value& of, std::initializer_list<std::string_view> path) {
  const json::value* at = &of;
  for (const auto step : path) {
    const auto* object = at->if_object();
    at = object ? object->if_contains(step) : nullptr;
    if (!at) return "";
  }
  return at->is_string() ? std::string(at->get_string()) : json::canonical(*at);
}

}  // namespace

StoryWorld::StoryWorld() : admin(kube::Config::fromFile(plane.kubeconfig().string()).value()) {
  kubectl({"apply", "-f", MPAY_SOURCE_DIR "/tests/bench/widget-crd.yaml"});
  kubectl({"wait", "--for=condition=Established", "crd/widgets.bench.example.com", "--timeout=20s"});
  plane.learnKinds();
  kubectl({"apply", "-f", "-"}, std::string(kAccount));
  plane.kubeconfigForServiceAccount("default", "widget-operator");
  token = readFile(plane.folder() / "serviceaccount-default-widget-operator.token");
}

std::string StoryWorld::kubectl(std::vector<std::string> arguments, const std::string& input) {
  const auto done = plane.kubectl(std::move(arguments), input);
  if (done.code != 0) throw std::runtime_error(done.output);
  return done.output;
}

StoryRun::StoryRun(StoryWorld& world, Fault fault)
    : world_(world),
      namespace_(newNamespace()),
      kubeconfig_(world.plane.folder() / (namespace_ + ".kubeconfig")),
      tokenFile_(world.plane.folder() / (namespace_ + ".token")),
      log_(world.plane.folder() / (namespace_ + ".log")),
      fault_(std::move(fault)),
      proxy_({world.plane.url(), world.plane.caPem()}, *this) {
  world_.kubectl({"create", "namespace", namespace_});
  writeFile(world_.plane.folder() / (namespace_ + ".ca.pem"), proxy_.caPem());
  useToken(world_.token);
  writeKubeconfig("tokenFile: " + namespace_ + ".token");
  const std::lock_guard lock(mutex_);
  start();
}

StoryRun::~StoryRun() {
  const std::lock_guard lock(mutex_);
  operator_ = Process();
}

void StoryRun::start() {
  operator_ = Process({MPAY_BIN_DIR "/widget-operator"}, log_, {{"KUBECONFIG", kubeconfig_.string()}});
  killed_ = false;
}

void StoryRun::killLocked() {
  killed_ = true;
  operator_.signal(SIGKILL);
}

void StoryRun::kill() {
  const std::lock_guard lock(mutex_);
  killLocked();
}

void StoryRun::useToken(const std::string& token) { writeFile(tokenFile_, token); }

void StoryRun::writeKubeconfig(const std::string& user) {
  const std::filesystem::path fresh = kubeconfig_.string() + ".new";
  writeFile(fresh, R"(apiVersion: v1
kind: Config
current-context: test
clusters: [{name: test, cluster: {server: ")" +
                       proxy_.url() + R"(", certificate-authority: )" + namespace_ + R"(.ca.pem}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
users: [{name: test, user: {)" +
                       user + "}}]\n");
  std::filesystem::rename(fresh, kubeconfig_);
}

void StoryRun::useKubeconfigWith(const std::string& token) { writeKubeconfig("token: " + token); }

void StoryRun::fault(Fault fault) {
  const std::lock_guard lock(mutex_);
  fault_ = std::move(fault);
  counts_.clear();
}

std::size_t StoryRun::count(const std::string& what) { return counts_[what]++; }

void StoryRun::faulty() { lastFault_ = std::chrono::steady_clock::now(); }

Verdict StoryRun::onRequest(const ProxiedRequest& request) {
  const std::lock_guard lock(mutex_);
  Verdict verdict;
  if (isWrite(request)) {
    ++others_;
    const std::size_t number = writes_++;
    if (fault_.killBefore == number) {
      killLocked();
      verdict.kind = Verdict::Kind::Refuse;
    } else if (fault_.killAfter == number) {
      writeNumbers_[request.number] = number;
      verdict.kind = Verdict::Kind::LoseAnswer;
    } else if (fault_.onWrite) {
      verdict = fault_.onWrite(number);
    }
  } else {
    if (request.target.find("watch=1") == std::string::npos && request.target.find("limit=") == std::string::npos) {
      ++others_;
    }
    if (fault_.onRead)
      verdict = fault_.onRead(request, count((request.isWatch() ? "watch " : "list ") + kindOf(request)));
  }
  if (verdict.kind != Verdict::Kind::Forward) faulty();
  return verdict;
}

void StoryRun::onResponse(const ProxiedRequest& request, ProxiedResponse& response) {
  const std::lock_guard lock(mutex_);
  if (writeNumbers_.contains(request.number)) {
    killLocked();
    faulty();
  }
  if (!isWrite(request) && !request.isWatch() && fault_.onList) {
    fault_.onList(request, count("answer " + kindOf(request)), response);
  }
}

FaultScript::Lines StoryRun::onEvent(const ProxiedRequest& request, const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (!fault_.onEvent) return {{line}, false};
  auto lines = fault_.onEvent(line, count("event " + kindOf(request)));
  if (lines.cut || lines.send != std::vector{line}) faulty();
  return lines;
}

void StoryRun::apply(const std::string& name, const std::string& spec) {
  wanted_[name] = spec;
  world_.kubectl({"apply", "--server-side", "-f", "-"},
                 fmt::format(R"({{"apiVersion":"bench.example.com/v1alpha1","kind":"Widget","metadata":)"
                             R"({{"namespace":"{}","name":"{}"}},"spec":{}}})",
                             namespace_, name, spec));
}

bool StoryRun::create() {
  apply("a", R"({"addresses":["203.0.113.7"],"name":"first"})");
  apply("b", R"({"name":"Certificate de stare civilă"})");
  apply("c", R"({"name":"third"})");
  return converges("create");
}

bool StoryRun::edit() {
  apply("a", R"({"addresses":["203.0.113.8","203.0.113.9"],"name":"edited"})");
  return converges("edit");
}

bool StoryRun::tamper() {
  world_.kubectl({"patch", "configmap", "a", "-n", namespace_, "--type=merge", "-p",
                  R"({"data":{"spec":"admit all","extra":"key"}})"});
  return converges("tamper");
}

bool StoryRun::removeOutput() {
  world_.kubectl({"delete", "configmap", "b", "-n", namespace_});
  return converges("delete an output");
}

bool StoryRun::recreate() {
  world_.kubectl({"delete", "widget", "c", "-n", namespace_});
  apply("c", R"({"name":"another of that name"})");
  return converges("delete and create again");
}

void StoryRun::tell(std::chrono::milliseconds silence) {
  if (create() && edit() && tamper() && removeOutput() && recreate()) settles(silence);
}

bool StoryRun::converges(const std::string& step) {
  const auto began = std::chrono::steady_clock::now();
  while (true) {
    std::chrono::steady_clock::time_point last;
    {
      const std::lock_guard lock(mutex_);
      if (!operator_.running()) {
        if (!killed_) violation("the operator ended by itself");
        start();
      }
      last = std::max(began, lastFault_);
    }
    const std::string wrong = unlike();
    if (wrong.empty()) return true;
    if (std::chrono::steady_clock::now() - last > 30s) {
      violation(step + ": after 30 s " + wrong);
      return false;
    }
    waitFor(20ms, [] { return false; });
  }
}

bool StoryRun::settles(std::chrono::milliseconds silence) {
  if (!converges("settle")) return false;
  // Late answers and events of converged objects may still be under way.
  std::size_t before = others_;
  const bool calm = waitFor(
      15s + silence, [&] { return !waitFor(silence, [&] { return others_ != std::exchange(before, others_); }); });
  if (!calm) violation("it goes on writing");
  const std::string wrong = unlike();
  if (!wrong.empty()) violation("it did not stay converged: " + wrong);
  return calm && wrong.empty();
}

std::string StoryRun::unlike() {
  const auto list = [&](const api::ResourceType& type) {
    std::map<std::string, json::value> found;
    const auto body = world_.admin.request("GET", kube::pathOf(type, namespace_), nullptr, "", {});
    if (!body) throw std::runtime_error(body.error().message);
    const json::value answer = json::parse(*body).value();
    for (const auto& item : answer.at("items").as_array()) found[field(item, {"metadata", "name"})] = item;
    return found;
  };
  const auto widgets = list(kWidgets), outputs = list(kConfigMaps);
  if (widgets.size() != wanted_.size() || outputs.size() != wanted_.size()) {
    return fmt::format("there are {} widgets and {} config maps", widgets.size(), outputs.size());
  }
  for (const auto& entry : wanted_) {
    const auto& name = entry.first;
    const auto& spec = entry.second;
    const auto widget = widgets.find(name), output = outputs.find(name);
    if (widget == widgets.end() || output == outputs.end()) return name + " is missing";
    const std::string digest = crypto::sha256Hex(spec);
    const std::string generation = field(widget->second, {"metadata", "generation"});
    const auto expect = [&](const json::value& of, std::initializer_list<std::string_view> path,
                            const std::string& value) -> std::string {
      const std::string is = field(of, path);
      return is == value ? "" : fmt::format("{}: {} is {}, not {}; ", name, fmt::join(path, "."), is, value);
    };
    json::value condition;
    if (const auto* conditions = widget->second.as_object().if_contains("status");
        conditions && conditions->as_object().contains("conditions") &&
        conditions->at("conditions").as_array().size() == 1) {
      condition = conditions->at("conditions").as_array()[0];
      const auto* since = condition.as_object().if_contains("lastTransitionTime");
      if (!since || !parseTime(std::string(since->as_string()))) return name + ": no lastTransitionTime";
      condition.as_object().erase("lastTransitionTime");
    }
    const std::string wrong =
        expect(output->second, {"data"}, json::canonical(json::object{{"spec", spec}, {"digest", digest}})) +
        expect(output->second, {"metadata", "ownerReferences"},
               json::canonical(json::array{json::object{{"apiVersion", "bench.example.com/v1alpha1"},
                                                        {"kind", "Widget"},
                                                        {"name", name},
                                                        {"uid", field(widget->second, {"metadata", "uid"})},
                                                        {"controller", true}}})) +
        expect(widget->second, {"status", "digest"}, digest) +
        expect(widget->second, {"status", "observedGeneration"}, generation) +
        expect(
            json::object{{"condition", condition}}, {"condition"},
            fmt::format(
                R"({{"message":"provisioned","observedGeneration":{},"reason":"Done","status":"True","type":"Ready"}})",
                generation));
    if (!wrong.empty()) return wrong;
  }
  return "";
}

std::string StoryRun::log() const { return readFile(log_); }

}  // namespace mpay::test
