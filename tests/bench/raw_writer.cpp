// The ceiling for an operator: the same writes, prebuilt, with no cache and no decision.
//
//   raw-writer create N            Widgets w-0 ... in the namespace bench, by 16 connections
//   raw-writer write --connections C   a ConfigMap and a status for each existing Widget; prints JSON
//   raw-writer latency N [--pair]  creates N Widgets one after another and waits for each to be Ready, by an
//                                  operator or, with --pair, by writing the two itself; prints JSON
//   raw-writer edit --rate R --seconds S [--round N]   R edits a second of existing Widgets, to a content that no
//                                  other round wrote; prints JSON
//
// Takes KUBECONFIG.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <condition_variable>
#include <iostream>
#include <thread>

#include "crypto/digest.h"
#include "kube/client.h"

namespace mpay::bench {
namespace {

constexpr api::ResourceType kWidgets{"bench.example.com", "v1alpha1", "widgets", "Widget", true};
constexpr api::ResourceType kConfigMaps{"", "v1", "configmaps", "ConfigMap", true};
constexpr std::string_view kNamespace = "bench";

double seconds(std::chrono::steady_clock::duration time) { return std::chrono::duration<double>(time).count(); }

// About 640 bytes, like a form with an address list and a certificate.
json::object specOf(std::size_t number, std::size_t edit) {
  std::string certificate;
  while (certificate.size() < 512) certificate += crypto::sha256Hex(fmt::format("{} {}", number, certificate.size()));
  json::array addresses;
  for (std::size_t i = 0; i < 4; ++i)
    addresses.push_back(boost::json::string(fmt::format("203.0.{}.{}/32", number % 256, i)));
  return {{"name", fmt::format("widget {} as of {}", number, edit)},
          {"addresses", std::move(addresses)},
          {"certificate", certificate}};
}

json::object widget(const std::string& name, std::size_t number, std::size_t edit = 0) {
  return {{"apiVersion", kWidgets.apiVersion()},
          {"kind", "Widget"},
          {"metadata", json::object{{"namespace", std::string(kNamespace)}, {"name", name}}},
          {"spec", specOf(number, edit)}};
}

// The two requests that can be prebuilt once a Widget is known.
struct Pair {
  net::Request configMap, status;
};

class Writer {
 public:
  explicit Writer(kube::Config config) : client_(std::move(config), "raw-writer") {}

  net::Request prepare(std::string method, const std::string& path, std::string_view type, const json::object& body) {
    net::Request request = client_.prepare(std::move(method), path);
    request.headers.push_back("Content-Type: " + std::string(type));
    request.body = boost::json::serialize(body);
    return request;
  }

  json::value send(net::Request request, bool parsed = true) {
    auto response = client_.transport().send(std::move(request));
    if (!response) throw std::runtime_error(response.error().message);
    if (response->status >= 300) throw std::runtime_error(response->body);
    return parsed ? json::parse(response->body).value() : json::value();
  }

  json::value create(const std::string& name, std::size_t number) {
    return send(prepare("POST", kube::pathOf(kWidgets, kNamespace), "application/json", widget(name, number)));
  }

  Pair pairOf(const json::value& of) {
    const std::string name(of.at("metadata").at("name").as_string());
    const std::string spec = json::canonical(of.at("spec"));
    const std::string digest = crypto::sha256Hex(spec);
    const json::object owner{{"apiVersion", kWidgets.apiVersion()},
                             {"kind", "Widget"},
                             {"name", name},
                             {"uid", of.at("metadata").at("uid")},
                             {"controller", true}};
    const json::value generation = of.at("metadata").at("generation");
    const json::object condition{{"type", "Ready"},
                                 {"status", "True"},
                                 {"reason", "Done"},
                                 {"message", "provisioned"},
                                 {"observedGeneration", generation},
                                 {"lastTransitionTime", formatTime(systemClock().now())}};
    return {prepare("POST", kube::pathOf(kConfigMaps, kNamespace), "application/json",
                    {{"apiVersion", "v1"},
                     {"kind", "ConfigMap"},
                     {"metadata", json::object{{"namespace", std::string(kNamespace)},
                                               {"name", name},
                                               {"ownerReferences", json::array{owner}}}},
                     {"data", json::object{{"spec", spec}, {"digest", digest}}}}),
            prepare("PATCH", kube::pathOf(kWidgets, kNamespace, name, "status"), "application/merge-patch+json",
                    {{"metadata", json::object{{"resourceVersion", of.at("metadata").at("resourceVersion")}}},
                     {"status", json::object{{"observedGeneration", generation},
                                             {"digest", digest},
                                             {"conditions", json::array{condition}}}}})};
  }

  void write(const Pair& pair) {
    send(pair.configMap, false);
    send(pair.status, false);
  }

  std::vector<json::value> widgets() {
    std::vector<json::value> all;
    std::string next;
    do {
      const auto page = send(client_.prepare("GET", kube::listPath(kWidgets, {std::string(kNamespace), "", ""}, next)));
      for (const auto& item : page.at("items").as_array()) all.push_back(item);
      const auto* more = page.at("metadata").as_object().if_contains("continue");
      next = more ? std::string(more->as_string()) : "";
    } while (!next.empty());
    return all;
  }

  kube::Client& client() { return client_; }

 private:
  kube::Client client_;
};

// Calls f(0) ... f(count - 1) on `threads` threads; the first exception ends the program.
template <class F>
void inParallel(unsigned threads, std::size_t count, const F& f) {
  std::atomic<std::size_t> next{0};
  std::vector<std::thread> running;
  for (unsigned i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      for (std::size_t at = next++; at < count; at = next++) f(at);
    });
  }
  for (auto& thread : running) thread.join();
}

void write(Writer& writer, unsigned connections) {
  std::vector<Pair> pairs;
  for (const auto& widget : writer.widgets()) pairs.push_back(writer.pairOf(widget));
  const auto began = std::chrono::steady_clock::now();
  inParallel(connections, pairs.size(), [&](std::size_t at) { writer.write(pairs[at]); });
  const double took = seconds(std::chrono::steady_clock::now() - began);
  std::cout << fmt::format(R"({{"objects": {}, "connections": {}, "seconds": {:.4f}}})", pairs.size(), connections,
                           took)
            << "\n";
}

// Notes by a watch when a Widget becomes Ready.
class ReadyWatch final : public net::StreamHandler {
 public:
  void onHead(const net::Response&) override {}
  Result<void> onData(std::string_view bytes) override {
    const auto now = std::chrono::steady_clock::now();
    std::lock_guard lock(mutex_);
    text_.append(bytes);
    for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      const auto event = json::parse(std::string_view(text_).substr(0, end)).value();
      text_.erase(0, end + 1);
      const auto& object = event.at("object").as_object();
      if (const auto* status = object.if_contains("status"); status && status->as_object().contains("digest")) {
        ready_[std::string(object.at("metadata").at("name").as_string())] = now;
        changed_.notify_all();
      }
    }
    return {};
  }
  void onEnd(Result<void>) override {}

  MonoTime wait(const std::string& name) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return ready_.contains(name); })) {
      throw std::runtime_error(name + " did not become Ready");
    }
    return ready_.at(name);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
  std::map<std::string, MonoTime> ready_;
};

void latency(Writer& writer, std::size_t count, bool pair) {
  net::Request request = writer.client().prepare("GET", kube::pathOf(kWidgets, kNamespace) + "?watch=1");
  request.timeout = Duration(0);
  request.maximumBytes = 0;
  const auto watch = std::make_shared<ReadyWatch>();
  const auto id = writer.client().transport().stream(std::move(request), watch);
  std::vector<double> took;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string name = fmt::format("late-{}", i);
    const auto created = writer.create(name, i);
    const auto began = std::chrono::steady_clock::now();
    if (pair) writer.write(writer.pairOf(created));
    took.push_back(seconds(watch->wait(name) - began) * 1000);
  }
  writer.client().transport().cancel(id);
  std::sort(took.begin(), took.end());
  std::cout << fmt::format(R"({{"count": {}, "p50": {:.3f}, "p90": {:.3f}}})", count, took[count / 2],
                           took[count * 9 / 10])
            << "\n";
}

void edit(Writer& writer, std::size_t rate, std::size_t duration, std::size_t round) {
  const auto widgets = writer.widgets();
  const auto began = std::chrono::steady_clock::now();
  std::size_t edits = 0;
  for (std::size_t second = 0; second < duration; ++second) {
    std::this_thread::sleep_until(began + std::chrono::seconds(second));
    inParallel(4, rate, [&](std::size_t at) {
      const std::size_t number = (second * rate + at) % widgets.size();
      const std::string name(widgets[number].at("metadata").at("name").as_string());
      writer.send(writer.prepare("PATCH", kube::pathOf(kWidgets, kNamespace, name), "application/merge-patch+json",
                                 {{"spec", specOf(number, round * 1'000'000 + second + 1)}}),
                  false);
    });
    edits += rate;
  }
  std::cout << fmt::format(R"({{"edits": {}, "seconds": {:.1f}}})", edits,
                           seconds(std::chrono::steady_clock::now() - began))
            << "\n";
}

}  // namespace
}  // namespace mpay::bench

int main(int argc, char** argv) {
  using namespace mpay::bench;
  CLI::App app{"Writes what an operator of Widgets writes, as fast as the API server takes it."};
  app.require_subcommand(1);
  std::size_t count = 0, rate = 100, duration = 60, round = 0;
  unsigned connections = 16;
  bool pair = false;
  auto* creating = app.add_subcommand("create", "create Widgets");
  creating->add_option("N", count)->required();
  auto* writing = app.add_subcommand("write", "write a ConfigMap and a status for each");
  writing->add_option("--connections", connections)->capture_default_str();
  auto* waiting = app.add_subcommand("latency", "from a Widget's creation to Ready");
  waiting->add_option("N", count)->required();
  waiting->add_flag("--pair", pair, "write the two itself");
  auto* editing = app.add_subcommand("edit", "edit Widgets");
  editing->add_option("--rate", rate)->capture_default_str();
  editing->add_option("--seconds", duration)->capture_default_str();
  editing->add_option("--round", round)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    auto config = mpay::kube::Config::find({});
    if (!config) throw std::runtime_error(config.error().message);
    Writer writer(std::move(*config));
    if (creating->parsed()) {
      inParallel(16, count, [&](std::size_t at) { writer.create(fmt::format("w-{}", at), at); });
    } else if (writing->parsed()) {
      write(writer, connections);
    } else if (waiting->parsed()) {
      latency(writer, count, pair);
    } else {
      edit(writer, rate, duration, round);
    }
  } catch (const std::exception& error) {
    std::cerr << "raw-writer: " << error.what() << "\n";
    return 1;
  }
  return 0;
}
